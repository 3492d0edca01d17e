#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "destination/connection.hpp"
#include "destination/equality.hpp"
#include "destination/hubspot/answer.hpp"
#include "destination/hubspot/associate.hpp"
#include "destination/hubspot/creating.hpp"
#include "destination/hubspot/facts.hpp"
#include "destination/hubspot/lists.hpp"
#include "destination/hubspot/questions.hpp"
#include "destination/hubspot/rates.hpp"
#include "destination/hubspot/removal.hpp"
#include "destination/kinds.hpp"
#include "row/ascii.hpp"
#include "wire/json_row.hpp"
#include "wire/json_writer.hpp"
#include "wire/rate_headers.hpp"
#include "wire/utf8.hpp"

namespace tailrace::hubspot {
namespace {

constexpr std::size_t kTraceBytes = 128;  // of objectWriteTraceId; run id, number and row

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
        removal_(target_),
        links_(target_, schema),
        fields_(schema.fields().begin(), schema.fields().end()) {
    match_ = schema.match;
    for (const Column& field : fields_) {
      if (!field.link) properties_.push_back(field.name);
    }
    can_.operations = {Operation::upsert,  Operation::update,  Operation::insert,
                       Operation::delete_, Operation::archive, Operation::clear};
    can_.max_rows = kMaxRows;
    can_.max_bytes = kMaxBytes;
    can_.rates = rates_of(connection);
    can_.max_in_flight = max_in_flight_of(connection, can_.max_in_flight);
    can_.reads = {ReadAsk::Kind::describe, ReadAsk::Kind::account, ReadAsk::Kind::by_match,
                  ReadAsk::Kind::all_ids};
    if (makes_properties(target_)) can_.reads.push_back(ReadAsk::Kind::make_fields);
    can_.read_rows = kMaxRows;
    can_.resumes = false;
  }

  [[nodiscard]] const Capabilities& capabilities() const override { return can_; }

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
    std::optional<Call> lookup;
    if (links_.concerns(batch.operation)) lookup = links_.look_up(batch);
    step.calls.push_back(lookup ? std::move(*lookup) : write(batch, all_rows(batch)));
    return step;
  }

  [[nodiscard]] std::uint64_t requests_for(Operation operation, std::uint64_t rows) const override {
    const std::uint64_t batches = Destination::requests_for(operation, rows);
    return links_.concerns(operation) ? batches + links_.requests_for(batches) : batches;
  }

  [[nodiscard]] Step reply(const Batch& batch, const Memo& memo, const Call& call,
                           const wire::Reply& reply) const override {
    Step step = removes(batch.operation) ? removal_.reply(batch, memo, call, reply)
                                         : read_reply(batch, call, reply);
    step.hint = wire::read_rate_headers(reply);
    return step;
  }

  [[nodiscard]] ReadStep read(const ReadAsk& ask, const Call* call,
                              const wire::Reply* reply) const override {
    if (!can_.answers(ask.kind)) return Destination::read(ask, call, reply);
    if (ask.kind == ReadAsk::Kind::make_fields) {
      return reply == nullptr ? make_properties(target_, ask) : read_made(*call, *reply);
    }
    return reply == nullptr ? first_questions(target_, properties_, ask)
                            : read_answer(target_, ask, *call, *reply);
  }

  [[nodiscard]] std::optional<FieldFact> new_field(const Column& column) const override {
    if (!makes_properties(target_)) return std::nullopt;
    return new_property(target_, column);
  }

  [[nodiscard]] bool equal_value(std::size_t column, std::string_view ours,
                                 const std::optional<std::string>& theirs) const override {
    const Column& field = fields_.at(column);
    if (equal_text(kEquality, field, ours, theirs)) return true;
    if (!theirs) return false;
    if (target_.is_email(field.name))
      return Target::address_of(ours) == Target::address_of(*theirs);
    return column == match_ && target_.compared(ours) == target_.compared(*theirs);
  }

 private:
  [[nodiscard]] static std::string object_name(const nlohmann::json& object) {
    std::string name = text_of(object, "name", "");
    const auto plain = [](char c) { return is_alphanumeric(c) || c == '_' || c == '-'; };
    if (name.empty() || !std::all_of(name.begin(), name.end(), plain)) {
      throw std::invalid_argument("object: '" + name + "' is not the name of a HubSpot object");
    }
    return name;
  }

  [[nodiscard]] Call write(const Batch& batch, const std::vector<RowIndex>& rows) const {
    Call call;
    call.effect =
        batch.operation == Operation::insert ? Effect::unkeyed_write : Effect::keyed_write;
    call.request.path = target_.path(verb_of(batch.operation));
    call.request.content_type = "application/json";
    if (rows.size() < batch.rows.size()) call.rows = rows;
    write_inputs(call.request.body, batch, rows);
    return call;
  }

  void write_inputs(std::string& body, const Batch& batch,
                    const std::vector<RowIndex>& rows) const {
    std::size_t room = 32;
    for (const BatchRow& row : batch.rows) room += row.line.size() + 256;
    body.reserve(room + batch.rows.size() * 24 * properties_.size());
    wire::RowScratch scratch;
    wire::JsonWriter out(body);
    out.begin_object();
    out.key("inputs");
    out.begin_array();
    for (const RowIndex i : rows) {
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

  [[nodiscard]] Step read_reply(const Batch& batch, const Call& call,
                                const wire::Reply& reply) const {
    if (Associating::is_association(call)) return links_.read_associated(batch, call, reply);
    if (Associating::is_lookup(call)) return read_parents(batch, reply);
    const std::vector<RowIndex> rows = call.rows.empty() ? all_rows(batch) : call.rows;
    Step step = read_written(batch, rows, reply);
    if (!call.note.empty()) links_.associate(step, known_rows(call.note, batch.rows.size()));
    return step;
  }

  /// Rows whose parents are there, and those that have none, are written.
  [[nodiscard]] Step read_parents(const Batch& batch, const wire::Reply& reply) const {
    Associating::Parents parents = links_.read_parents(batch, reply);
    if (parents.rows.empty()) return std::move(parents.step);
    Call call = write(batch, parents.rows);
    call.note = to_note(parents.ids);
    parents.step.calls.push_back(std::move(call));
    return std::move(parents.step);
  }

  [[nodiscard]] Step read_written(const Batch& batch, const std::vector<RowIndex>& rows,
                                  const wire::Reply& reply) const {
    const Refusal refusal = judge(reply);
    if (refusal.judgement.means != AnswerClass::ok) {
      return settle_refusal(refusal, rows, batch.operation);
    }
    RowNames names = target_.names(batch);
    names.trace_prefix = trace_prefix(batch);
    std::optional<Outcomes> outcomes =
        read_outcomes(reply, names, batch.rows.size(), not_found_of(batch.operation));
    Step step;
    if (!outcomes) {
      give_all(step, rows, Outcome::unknown, unreadable_answer());
      return step;
    }
    std::vector<Verdict> verdicts = std::move(outcomes->evidence).verdicts(not_in_answer());
    for (const RowIndex row : rows) step.verdicts.push_back(std::move(verdicts[row]));
    if (outcomes->schema_problem) step.stop = schema_stop(*outcomes->schema_problem);
    return step;
  }

  Target target_;
  wire::RowWriter rows_;
  Removal removal_;
  Associating links_;
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
  if (hubspot::is_list(object)) return hubspot::make_list(connection, object, schema);
  return std::make_unique<hubspot::HubSpot>(connection, object, with_trimmed_match(schema));
}

}  // namespace tailrace
