#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "destination/connection.hpp"
#include "destination/kinds.hpp"
#include "destination/postgres/answer.hpp"
#include "destination/postgres/facts.hpp"
#include "destination/postgres/questions.hpp"
#include "destination/postgres/script.hpp"

namespace tailrace::postgres {
namespace {

class PostgresTable final : public Destination {
 public:
  PostgresTable(const nlohmann::json& connection, const nlohmann::json& object,
                const Schema& schema)
      : table_(text_of(object, "name", "")),
        script_(table_, schema),
        fields_(schema.fields().begin(), schema.fields().end()) {
    can_.operations = {Operation::upsert, Operation::update, Operation::insert, Operation::delete_,
                       Operation::clear};
    can_.max_rows = kMaxRows;
    can_.max_bytes = kMaxBytes;
    can_.rates = limits_of(connection);
    can_.max_in_flight = max_in_flight_of(connection, kConnections);
    can_.reads = {ReadAsk::Kind::describe, ReadAsk::Kind::by_match, ReadAsk::Kind::all_ids};
    can_.read_rows = kMaxRows;
    can_.resumes = false;
  }

  [[nodiscard]] const Capabilities& capabilities() const override { return can_; }

  /// As it is: what the column's type takes for the same is found in the batch (kSameRecord).
  [[nodiscard]] bool identity_into(std::string_view match, std::string& out) const override {
    out.assign(match);
    return !match.empty();
  }

  [[nodiscard]] std::size_t row_bytes(const BatchRow& row) const override {
    return script_.row_bytes(row);
  }

  [[nodiscard]] Step begin(const Batch& batch) const override {
    Step step;
    Call call;
    call.effect =
        batch.operation == Operation::insert ? Effect::unkeyed_write : Effect::keyed_write;
    call.request = script_.write(batch);
    step.calls.push_back(std::move(call));
    return step;
  }

  [[nodiscard]] Step reply(const Batch& batch, const Memo& /*memo*/, const Call& /*call*/,
                           const wire::Reply& reply) const override {
    return read_written(batch, reply);
  }

  [[nodiscard]] ReadStep read(const ReadAsk& ask, const Call* call,
                              const wire::Reply* reply) const override {
    if (!can_.answers(ask.kind)) return Destination::read(ask, call, reply);
    return reply == nullptr ? first_questions(script_, ask)
                            : read_answer(script_, table_, fields_, ask, *call, *reply);
  }

  [[nodiscard]] bool equal_value(std::size_t column, std::string_view ours,
                                 const std::optional<std::string>& theirs) const override {
    const Column& field = fields_.at(column);
    if (field.type == Type::bytes) return theirs && *theirs == ours;
    return equal_text(kEquality, field, ours, theirs);
  }

 private:
  std::string table_;
  Script script_;
  std::vector<Column> fields_;
  Capabilities can_;
};

}  // namespace
}  // namespace tailrace::postgres

namespace tailrace {

std::unique_ptr<Destination> make_postgres(const nlohmann::json& connection,
                                           const nlohmann::json& object, const Schema& schema) {
  return std::make_unique<postgres::PostgresTable>(connection, object, schema);
}

}  // namespace tailrace
