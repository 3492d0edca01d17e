// Any HTTP API that takes JSON, from its declaration alone.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "destination/connection.hpp"
#include "destination/equality.hpp"
#include "destination/kinds.hpp"
#include "destination/rest/answers.hpp"
#include "destination/rest/body.hpp"
#include "destination/rest/by_id.hpp"
#include "destination/rest/declaration.hpp"
#include "destination/rest/questions.hpp"
#include "destination/rest/requests.hpp"
#include "destination/settle.hpp"
#include "row/type_word.hpp"
#include "wire/json_reader.hpp"
#include "wire/rate_headers.hpp"
#include "wire/utf8.hpp"

namespace tailrace::rest {
namespace {

// A bound: how many of them are used is found out.
constexpr std::size_t kDefaultInFlight = 64;

/// `$match_field` as the name of a member: that of the sync's match field.
[[nodiscard]] nlohmann::json with_match_field(const nlohmann::json& declared,
                                              const std::string& name) {
  if (declared.is_string() && declared == "$match_field") return name;
  if (!declared.is_structured()) return declared;
  nlohmann::json named = declared.is_array() ? nlohmann::json::array() : nlohmann::json::object();
  for (const auto& [key, value] : declared.items()) {
    nlohmann::json inner = with_match_field(value, name);
    if (declared.is_array()) {
      named.push_back(std::move(inner));
    } else {
      named[key == "$match_field" ? name : key] = std::move(inner);
    }
  }
  return named;
}

[[nodiscard]] bool may_gzip(const nlohmann::json& connection) {
  const nlohmann::json* gzip = wire::member(connection, "gzip");
  return gzip != nullptr && gzip->is_boolean() && gzip->get<bool>();
}

[[nodiscard]] std::optional<OwnerForm> owner_of(const nlohmann::json& connection) {
  const nlohmann::json* owner = wire::member(connection, "owner");
  if (owner == nullptr || owner->is_null()) return std::nullopt;
  return read_owner(*owner, "connection: owner");
}

class Rest final : public Destination {
 public:
  Rest(const nlohmann::json& connection, const nlohmann::json& object, const Schema& schema)
      : match_field_(schema.columns[schema.match].name),
        declared_(with_match_field(object, match_field_)),
        bodies_(schema, declared_),
        fields_(schema.fields().begin(), schema.fields().end()),
        requests_(declared_, bodies_, may_gzip(connection)),
        answers_(declared_),
        by_id_(declared_, requests_, answers_, match_field_),
        questions_(declared_, answers_, fields_, match_field_, owner_of(connection)) {
    equality_.empty_is_null = declared_.form.clear == wire::RowForm::Clear::empty_text;
    learn_operations();
    can_.max_bytes = declared_.batch_bytes;
    can_.rates = limits_of(connection);
    can_.max_in_flight = max_in_flight_of(connection, kDefaultInFlight);
    can_.partial_fields = declared_.partial;
    can_.reads = questions_.kinds();
    learn_reading();
    if (declared_.idempotency && declared_.find(Operation::insert) != nullptr) {
      can_.idempotency_ttl = declared_.idempotency->ttl;
    }
  }

  [[nodiscard]] const Capabilities& capabilities() const override { return can_; }

  /// Nothing is known of how the API compares: the value as it is, blank ones refused.
  [[nodiscard]] bool identity_into(std::string_view match, std::string& out) const override {
    if (wire::trimmed(match).empty()) return false;
    out.assign(match);
    return true;
  }

  [[nodiscard]] std::size_t row_bytes(const BatchRow& row) const override {
    const std::size_t key = row.key.size();
    const std::size_t match = row.match.size();
    std::size_t envelope = 0;
    for (const Operation operation : can_.operations) {
      const Endpoint& endpoint = declared_.at(operation);
      envelope =
          std::max(envelope, endpoint.body.bound(key, match) + endpoint.row.bound(key, match));
    }
    constexpr std::size_t kMarks = 4;  // brackets, a comma
    const std::size_t enough = declared_.batch_bytes / can_.max_rows / 2;
    return envelope + kMarks + bodies_.bound(row.line, enough) + 6 * match;
  }

  [[nodiscard]] std::uint64_t requests_for(Operation operation, std::uint64_t rows) const override {
    const Endpoint* endpoint = declared_.find(operation);
    const bool by_id = endpoint != nullptr && endpoint->path.has_id();
    return by_id ? by_id_.requests_for(rows) : Destination::requests_for(operation, rows);
  }

  /// A batch of more rows than the operation's request takes goes in several requests.
  [[nodiscard]] Step begin(const Batch& batch) const override {
    const Endpoint& endpoint = declared_.at(batch.operation);
    Step step;
    if (declared_.row_bytes && requests_.leave_out_large(step, batch, endpoint)) return step;
    if (endpoint.path.has_id()) return by_id_.begin(batch);
    for (RowIndex i = 0; i < batch.rows.size(); i += static_cast<RowIndex>(endpoint.batch_rows)) {
      requests_.add(step, batch, endpoint, i, Stage::plain, {});
    }
    return step;
  }

  [[nodiscard]] Step reply(const Batch& batch, const Memo& /*memo*/, const Call& call,
                           const wire::Reply& reply) const override {
    const bool plain = stage_of(call) == Stage::plain;
    Step step = plain ? answers_.read(batch, batch.operation, first_of(batch, call), reply)
                      : by_id_.reply(batch, call, reply);
    step.hint = wire::read_rate_headers(reply);
    return step;
  }

  [[nodiscard]] ReadStep read(const ReadAsk& ask, const Call* call,
                              const wire::Reply* reply) const override {
    if (!can_.answers(ask.kind)) return Destination::read(ask, call, reply);
    return reply == nullptr ? questions_.first(ask) : questions_.next(ask, *call, *reply);
  }

  /// Made by the first row that has it; the API finds the type itself.
  [[nodiscard]] std::optional<FieldFact> new_field(const Column& column) const override {
    if (!declared_.describe || !declared_.describe->makes) return std::nullopt;
    FieldFact made;
    made.name = column.name;
    made.type = to_text(column.type);
    return made;
  }

  [[nodiscard]] bool equal_value(std::size_t column, std::string_view ours,
                                 const std::optional<std::string>& theirs) const override {
    const Column& field = fields_.at(column);
    const bool hidden = declared_.read && is_one_of(field.name, declared_.read->hidden);
    return hidden || equal_text(equality_, field, ours, theirs);
  }

 private:
  /// Takes over what the operations' declarations say of them.
  void learn_operations() {
    for (const Operation operation : kAllOperations) {
      const Endpoint* endpoint = declared_.find(operation);
      if (endpoint == nullptr) continue;
      can_.operations.push_back(operation);
      can_.max_rows = std::max(can_.max_rows, batch_rows_of(*endpoint));
    }
    for (const Operation operation : can_.operations) {
      const std::size_t rows = batch_rows_of(declared_.at(operation));
      if (rows < can_.max_rows) can_.fewer_rows.emplace_back(operation, rows);
    }
  }

  void learn_reading() {
    if (!declared_.read) return;
    can_.read_rows = declared_.read->asking.batch_rows;
    can_.reads_late = declared_.read->lags;
    const auto& rates = declared_.read->rates;
    can_.rates.insert(can_.rates.end(), rates.begin(), rates.end());
  }

  /// Rows that are gathered for an operation: those of one request, or of one question for ids.
  [[nodiscard]] std::size_t batch_rows_of(const Endpoint& endpoint) const {
    return endpoint.path.has_id() ? declared_.find_form->asking.batch_rows : endpoint.batch_rows;
  }

  std::string match_field_;
  Declaration declared_;
  BodyWriter bodies_;
  std::vector<Column> fields_;
  Requests requests_;
  Answers answers_;
  ById by_id_;
  Questions questions_;
  Equality equality_;
  Capabilities can_;
};

}  // namespace
}  // namespace tailrace::rest

namespace tailrace {

std::unique_ptr<Destination> make_rest(const nlohmann::json& connection,
                                       const nlohmann::json& object, const Schema& schema) {
  return std::make_unique<rest::Rest>(connection, object, schema);
}

}  // namespace tailrace
