#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "destination/connection.hpp"
#include "destination/equality.hpp"
#include "destination/hubspot/answer.hpp"
#include "destination/hubspot/facts.hpp"
#include "destination/hubspot/questions.hpp"
#include "destination/hubspot/removal.hpp"
#include "destination/kinds.hpp"
#include "wire/json_row.hpp"
#include "wire/json_writer.hpp"
#include "wire/rate_headers.hpp"
#include "wire/utf8.hpp"

namespace tailrace::hubspot {
namespace {

constexpr std::size_t kTraceBytes = 128;  // of objectWriteTraceId; run id, number and row

[[nodiscard]] const Tier& tier_of(const nlohmann::json& connection) {
  const std::string name = text_of(connection, "tier", kTiers.front().name);
  const auto found =
      std::find_if(kTiers.begin(), kTiers.end(), [&](const Tier& t) { return t.name == name; });
  if (found == kTiers.end()) {
    throw std::invalid_argument("connection: HubSpot has no tier '" + name + "'");
  }
  return *found;
}

[[nodiscard]] std::vector<wire::RateRule> rates_of(const nlohmann::json& connection) {
  std::vector<wire::RateRule> rates = limits_of(connection);
  if (!rates.empty()) return rates;
  const Tier& tier = tier_of(connection);
  rates.push_back({0, tier.per_ten_seconds, 10s, "ten_secondly"});
  rates.push_back({0, tier.per_day, 86'400s, "daily"});
  return rates;
}

[[nodiscard]] wire::RowForm property_form() {
  wire::RowForm form;
  form.numbers = wire::NumberForm::string;
  form.clear = wire::RowForm::Clear::empty_text;
  form.text_values = true;
  form.nested = false;
  return form;
}

[[nodiscard]] std::string_view verb_of(Operation operation) {
  switch (operation) {
    case Operation::upsert: return "upsert";
    case Operation::insert: return "create";
    case Operation::update:
    case Operation::clear: return "update";
    case Operation::delete_:
    case Operation::archive: return "archive";
  }
  return "upsert";
}

[[nodiscard]] bool removes(Operation operation) {
  return operation == Operation::delete_ || operation == Operation::archive;
}

[[nodiscard]] Outcome not_found_of(Operation operation) {
  // A record that is gone has nothing left to clear; one that is to be updated is passed over.
  if (operation == Operation::clear) return Outcome::accepted;
  return operation == Operation::update ? Outcome::skipped : Outcome::rejected;
}

class HubSpot final : public Destination {
 public:
  HubSpot(const nlohmann::json& connection, const nlohmann::json& object, const Schema& schema)
      : target_(object_name(object), schema.columns[schema.match].name),
        rows_(schema, property_form()),
        removal_(target_) {
    fields_.assign(schema.columns.begin(),
                   schema.columns.begin() + static_cast<std::ptrdiff_t>(schema.field_count));
    match_ = schema.match;
    for (const Column& field : fields_) properties_.push_back(field.name);
    can_.operations = {Operation::upsert,  Operation::update,  Operation::insert,
                       Operation::delete_, Operation::archive, Operation::clear};
    can_.max_rows = kMaxRows;
    can_.max_bytes = kMaxBytes;
    can_.rates = rates_of(connection);
    can_.max_in_flight = max_in_flight_of(connection, can_.max_in_flight);
    can_.reads = {ReadAsk::Kind::describe, ReadAsk::Kind::account, ReadAsk::Kind::by_match,
                  ReadAsk::Kind::all_ids};
    can_.read_rows = kMaxRows;
    can_.resumes = false;
  }

  [[nodiscard]] const Capabilities& capabilities() const override { return can_; }

  [[nodiscard]] std::optional<std::string> identity(std::string_view match) const override {
    return target_.identity(match);
  }
  [[nodiscard]] bool identity_into(std::string_view match, std::string& out) const override {
    return target_.identity_into(match, out);
  }

  [[nodiscard]] std::size_t row_bytes(const BatchRow& row) const override {
    // Behind the row's own: {"idProperty":"","id":"","objectWriteTraceId":"","properties":},
    constexpr std::size_t kEnvelope = 72;
    const std::size_t match = 6 * (row.match.size() + target_.match.size());
    // A full batch of rows up to this size fits, so that a closer look would change nothing.
    constexpr std::size_t kEnough = kMaxBytes / kMaxRows / 2;
    return kEnvelope + kTraceBytes + match + row.destination_id.size() +
           rows_.bound(row.line, kEnough);
  }

  [[nodiscard]] Step begin(const Batch& batch) const override {
    if (removes(batch.operation)) return removal_.begin(batch);
    Step step;
    Call call;
    call.effect =
        batch.operation == Operation::insert ? Effect::unkeyed_write : Effect::keyed_write;
    call.request.path = target_.path(verb_of(batch.operation));
    call.request.content_type = "application/json";
    write_inputs(call.request.body, batch);
    step.calls.push_back(std::move(call));
    return step;
  }

  [[nodiscard]] Step reply(const Batch& batch, const Memo& memo, const Call& call,
                           const wire::Reply& reply) const override {
    Step step = removes(batch.operation) ? removal_.reply(batch, memo, call, reply)
                                         : read_written(batch, reply);
    step.hint = wire::read_rate_headers(reply);
    return step;
  }

  [[nodiscard]] ReadStep read(const ReadAsk& ask, const Call* call,
                              const wire::Reply* reply) const override {
    if (std::find(can_.reads.begin(), can_.reads.end(), ask.kind) == can_.reads.end()) {
      return Destination::read(ask, call, reply);
    }
    return reply == nullptr ? first_questions(target_, properties_, ask)
                            : read_answer(target_, ask, *call, *reply);
  }

  [[nodiscard]] bool equal_value(std::size_t column, std::string_view ours,
                                 const std::optional<std::string>& theirs) const override {
    if (equal_text(kEquality, fields_.at(column), ours, theirs)) return true;
    return column == match_ && theirs && target_.compared(ours) == target_.compared(*theirs);
  }

 private:
  [[nodiscard]] static std::string object_name(const nlohmann::json& object) {
    std::string name = text_of(object, "name", "");
    const auto plain = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '_' || c == '-';
    };
    if (name.empty() || !std::all_of(name.begin(), name.end(), plain)) {
      throw std::invalid_argument("object: '" + name + "' is not the name of a HubSpot object");
    }
    return name;
  }

  void write_inputs(std::string& body, const Batch& batch) const {
    std::size_t room = 32;
    for (const BatchRow& row : batch.rows) room += row.line.size() + 256;
    body.reserve(room + batch.rows.size() * 24 * properties_.size());
    wire::RowScratch scratch;
    wire::JsonWriter out(body);
    out.begin_object();
    out.key("inputs");
    out.begin_array();
    for (std::size_t i = 0; i < batch.rows.size(); ++i) {
      const BatchRow& row = batch.rows[i];
      out.begin_object();
      if (batch.operation != Operation::insert) {
        out.key("idProperty");
        out.string(target_.match);
        out.key("id");
        out.string(target_.compared(row.match));
      }
      out.key("objectWriteTraceId");
      out.string(trace_prefix(batch) + std::to_string(i));
      out.key("properties");
      out.raw({});
      if (batch.operation == Operation::clear) {
        rows_.write_cleared(body, row.match, scratch);
      } else {
        rows_.write(body, row.line, scratch, row.send);
      }
      out.end_object();
    }
    out.end_array();
    out.end_object();
  }

  [[nodiscard]] static std::string trace_prefix(const Batch& batch) { return batch.trace + "-"; }

  [[nodiscard]] Step read_written(const Batch& batch, const wire::Reply& reply) const {
    const Refusal refusal = judge(reply);
    if (refusal.judgement.means != AnswerClass::ok) {
      return settle_refusal(refusal.judgement, all_rows(batch), batch.operation, refusal.reason,
                            refusal.advice);
    }
    RowNames names = target_.names(batch);
    names.trace_prefix = trace_prefix(batch);
    std::optional<Outcomes> outcomes =
        read_outcomes(reply, names, batch.rows.size(), not_found_of(batch.operation));
    Step step;
    if (!outcomes) {
      give_all(step, all_rows(batch), Outcome::unknown, unreadable_answer());
      return step;
    }
    step.verdicts = std::move(outcomes->evidence).verdicts(not_in_answer());
    if (outcomes->schema_problem) step.stop = schema_stop(*outcomes->schema_problem);
    return step;
  }

  Target target_;
  wire::RowWriter rows_;
  Removal removal_;
  std::vector<Column> fields_;
  std::size_t match_ = 0;
  std::vector<std::string> properties_;
  Capabilities can_;
};

}  // namespace
}  // namespace tailrace::hubspot

namespace tailrace {

std::unique_ptr<Destination> make_hubspot(const nlohmann::json& connection,
                                          const nlohmann::json& object, const Schema& schema) {
  return std::make_unique<hubspot::HubSpot>(connection, object, schema);
}

}  // namespace tailrace
