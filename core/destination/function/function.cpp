// A function of the user's in this process: it is called with the rows of a batch, and says what
// became of each. The call is a request like any other, carried by a queue in place of a socket,
// so that whatever holds for answers of tools holds for it: what it does not speak for is unknown.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "destination/classify.hpp"
#include "destination/connection.hpp"
#include "destination/kinds.hpp"
#include "destination/settle.hpp"
#include "row/type_word.hpp"
#include "wire/body.hpp"
#include "wire/json_reader.hpp"
#include "wire/json_row.hpp"
#include "wire/json_writer.hpp"
#include "wire/utf8.hpp"

namespace tailrace::function {
namespace {

using nlohmann::json;

// A function works on one batch at a time where it does not say that it can do more.
constexpr std::size_t kDefaultInFlight = 1;

/// How whoever calls the function tells of its end, in the words of HTTP.
constexpr std::array kEnds{
    AnswerRule{200, 200, "", AnswerClass::ok},
    AnswerRule{400, 400, "", AnswerClass::terminal},  // it can never succeed as it is set up
    AnswerRule{409, 409, "", AnswerClass::record},    // no to some row of the batch, all undone
    AnswerRule{429, 429, "", AnswerClass::retry},     // nothing was done, another time
    AnswerRule{500, 500, "", AnswerClass::unknown},   // it broke off
};

constexpr std::array<std::pair<std::string_view, Outcome>, 5> kWords{{
    {"accepted", Outcome::accepted},
    {"rejected", Outcome::rejected},
    {"skipped", Outcome::skipped},
    {"unknown", Outcome::unknown},
    {"retry", Outcome::retryable},
}};

[[nodiscard]] std::vector<Operation> operations_of(const json& object) {
  std::vector<Operation> operations;
  const json* given = wire::member(object, "operations");
  for (const Operation operation : {Operation::upsert, Operation::update, Operation::insert,
                                    Operation::delete_, Operation::archive, Operation::clear}) {
    const std::string_view word = to_text(operation);
    const bool does =
        given != nullptr && std::find(given->begin(), given->end(), word) != given->end();
    if (does) operations.push_back(operation);
  }
  if (operations.empty()) {
    throw std::invalid_argument("object: 'operations' names nothing that a function could do");
  }
  return operations;
}

[[nodiscard]] wire::RowForm row_form() {
  wire::RowForm form;
  form.nested = false;
  return form;
}

class Function final : public Destination {
 public:
  Function(const json& connection, const json& object, const Schema& schema)
      : name_(text_of(object, "name", "")),
        rows_(schema, row_form()),
        fields_(schema.fields().begin(), schema.fields().end()) {
    can_.operations = operations_of(object);
    const json* rows = wire::member(object, "batch_rows");
    can_.max_rows = rows == nullptr ? 1 : rows->get<std::size_t>();
    can_.max_bytes = wire::kMostInMemory;
    can_.rates = limits_of(connection);
    can_.max_in_flight = max_in_flight_of(connection, kDefaultInFlight);
    const json* ttl = wire::member(object, "idempotency_ttl_s");
    if (ttl != nullptr && ttl->is_number()) {
      can_.idempotency_ttl =
          wire::Milliseconds(static_cast<std::int64_t>(ttl->get<double>() * 1000));
    }
  }

  [[nodiscard]] const Capabilities& capabilities() const override { return can_; }

  [[nodiscard]] bool identity_into(std::string_view match, std::string& out) const override {
    if (wire::trimmed(match).empty()) return false;
    out.assign(match);
    return true;
  }

  [[nodiscard]] std::size_t row_bytes(const BatchRow& row) const override {
    constexpr std::size_t kMarks = 16;
    return rows_.bound(row.line) + 6 * (row.key.size() + row.match.size()) + kMarks;
  }

  [[nodiscard]] Step begin(const Batch& batch) const override {
    Call call;
    call.effect = batch.operation == Operation::insert && batch.idempotency_key.empty()
                      ? Effect::unkeyed_write
                      : Effect::keyed_write;
    call.request.path = "/" + name_;
    call.request.content_type = "application/json";
    write_batch(call.request.body, batch);
    Step step;
    step.calls.push_back(std::move(call));
    return step;
  }

  [[nodiscard]] Step reply(const Batch& batch, const Memo& /*memo*/, const Call& /*call*/,
                           const wire::Reply& reply) const override {
    const Judgement judgement = classify(kEnds, reply, "");
    if (judgement.means != AnswerClass::ok) {
      return settle_refusal({judgement, reason_for(reply)}, all_rows(batch), batch.operation);
    }
    Step step;
    Evidence evidence(batch.rows.size());
    read_outcomes(evidence, reply);
    step.verdicts = std::move(evidence).verdicts(
        reason_of("no_outcome", "the function did not say what became of the row"));
    return step;
  }

 private:
  void write_batch(std::string& body, const Batch& batch) const {
    const json head = {{"operation", to_text(batch.operation)},
                       {"object", name_},
                       {"batch", batch.trace},
                       {"attempt", batch.attempt},
                       {"idempotency_key", batch.idempotency_key}};
    body = head.dump();
    body.pop_back();
    const auto add_texts = [&](std::string_view name, const auto& text_of_row) {
      body.append(",\"").append(name).append("\":[");
      for (const BatchRow& row : batch.rows) {
        if (body.back() != '[') body.push_back(',');
        wire::append_json_string(body, text_of_row(row));
      }
      body.push_back(']');
    };
    add_texts("keys", [](const BatchRow& row) { return row.key; });
    add_texts("matches", [](const BatchRow& row) { return row.match; });
    body.append(",\"fields\":[");
    for (const Column& field : fields_) {
      body.append(body.back() == '[' ? "" : ",");
      body.append(json::array({field.name, to_text(field.type)}).dump());
    }
    body.append("],\"rows\":[");
    write_rows(body, batch);
    body.append("]}");
  }

  /// Of a row that is taken away only keys are known.
  void write_rows(std::string& body, const Batch& batch) const {
    wire::RowScratch scratch;
    for (const BatchRow& row : batch.rows) {
      if (body.back() != '[') body.push_back(',');
      if (row.line.empty()) {
        body.append("null");
      } else {
        rows_.write(body, row.line, scratch, row.send);
      }
    }
  }

  static void read_outcomes(Evidence& evidence, const wire::Reply& reply) {
    const auto body = wire::read_json(reply);
    const json* outcomes = body ? wire::member(*body, "outcomes") : nullptr;
    if (outcomes == nullptr || !outcomes->is_array()) return;
    if (outcomes->size() != evidence.size()) return;
    for (RowIndex row = 0; row < outcomes->size(); ++row) {
      const json& told = (*outcomes)[row];
      const std::string word = wire::text_at(told, "outcome");
      const auto known = std::find_if(kWords.begin(), kWords.end(),
                                      [&](const auto& one) { return one.first == word; });
      if (known == kWords.end()) continue;
      Verdict verdict{row, known->second, {}, wire::text_at(told, "id")};
      if (verdict.outcome != Outcome::accepted) {
        verdict.reason = reason_of(wire::text_at(told, "code"), wire::text_at(told, "message"),
                                   wire::text_at(told, "field"));
        if (verdict.outcome == Outcome::skipped) verdict.reason.code = kMissing;
        verdict.reason.transient = verdict.outcome == Outcome::retryable;
      }
      evidence.add(std::move(verdict));
    }
  }

  [[nodiscard]] static Reason reason_for(const wire::Reply& reply) {
    const auto body = wire::read_json(reply);
    if (!body) return reason_of(reply);
    return reason_of(wire::text_at(*body, "code"), wire::text_at(*body, "message"));
  }

  std::string name_;
  wire::RowWriter rows_;
  std::vector<Column> fields_;
  Capabilities can_;
};

}  // namespace
}  // namespace tailrace::function

namespace tailrace {

std::unique_ptr<Destination> make_function(const nlohmann::json& connection,
                                           const nlohmann::json& object, const Schema& schema) {
  return std::make_unique<function::Function>(connection, object, schema);
}

}  // namespace tailrace
