#include "destination/marketo/leads.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "destination/marketo/answer.hpp"
#include "destination/marketo/facts.hpp"
#include "destination/settle.hpp"
#include "wire/json_reader.hpp"
#include "wire/json_writer.hpp"

namespace tailrace::marketo {
namespace {

using nlohmann::json;

[[nodiscard]] wire::RowForm row_form() {
  wire::RowForm form;
  form.numbers = wire::NumberForm::number;
  form.clear = wire::RowForm::Clear::json_null;
  form.nested = false;
  return form;
}

[[nodiscard]] std::string_view action_of(Operation operation) {
  switch (operation) {
    case Operation::upsert: return "createOrUpdate";
    case Operation::insert: return "createOnly";
    default: return "updateOnly";
  }
}

[[nodiscard]] bool is_kept(const Column& /*column*/) { return false; }

[[nodiscard]] Verdict unknown(RowIndex row, std::string_view code, std::string_view message) {
  return {row, Outcome::unknown, reason_of(code, message), {}};
}

/// What a reason other than yes comes to.
[[nodiscard]] Verdict refused(RowIndex row, Operation operation, Reason reason) {
  Verdict verdict{row, Outcome::rejected, std::move(reason), {}};
  const std::string& code = verdict.reason.code;
  if (code == kNoSuchLead && operation == Operation::update) {
    verdict.outcome = Outcome::skipped;
    verdict.reason.code = kMissing;
  } else if (code == kNoSuchLead && operation == Operation::clear) {
    verdict.outcome = Outcome::accepted;
  } else if (code == kUnknownField) {
    verdict.outcome = Outcome::retryable;  // the run stops for it
  } else if (is_one_of(code, kTransient)) {
    verdict.outcome = Outcome::retryable;
    verdict.reason.transient = true;
  }
  return verdict;
}

}  // namespace

Leads::Leads(const Target& target, const Schema& schema, std::string partition)
    : target_(target),
      partition_(std::move(partition)),
      records_(as_texts(schema), clearable(as_texts(schema), is_kept), row_form()) {}

Step Leads::begin(const Batch& batch) const {
  Step step;
  Call& call = step.calls.emplace_back();
  const bool makes = batch.operation == Operation::upsert || batch.operation == Operation::insert;
  call.effect = batch.operation == Operation::insert ? Effect::unkeyed_write : Effect::keyed_write;
  call.request.path = kLeads;
  call.request.content_type = "application/json";
  std::string& body = call.request.body;
  std::size_t room = 256;
  for (const BatchRow& row : batch.rows) room += row.line.size() + 256;
  body.reserve(room);
  body.append("{\"action\":\"").append(action_of(batch.operation));
  body.append("\",\"lookupField\":\"").append(target_.match).append("\",");
  if (makes && !partition_.empty()) {
    body += "\"partitionName\":";
    wire::JsonWriter(body).string(partition_);
    body += ',';
  }
  body += "\"input\":[";
  wire::RowScratch scratch;
  for (const RowIndex row : all_rows(batch)) {
    if (row > 0) body += ',';
    records_.write(body, batch, row, {}, scratch);
  }
  body += "]}";
  return step;
}

/// Results are in the order of the rows.
Step Leads::reply(const Batch& batch, const wire::Reply& reply) const {
  const Answer answer = read_answer(reply);
  const json* results = answer.results();
  if (results == nullptr) return settle(answer, reply, all_rows(batch), batch.operation);
  Step step;
  if (results->size() != batch.rows.size()) {
    give_all(step, all_rows(batch), Outcome::unknown, unreadable_answer());
    return step;
  }
  for (const RowIndex row : all_rows(batch)) {
    const json& result = (*results)[row];
    const std::string status = wire::text_at(result, "status");
    const std::string id = wire::text_at(result, kId);
    const bool another = target_.by_id && id != target_.compared(batch.rows[row].match);
    Reason reason = reason_in(result);
    if (status == kSkipped && !reason.code.empty()) {
      step.verdicts.push_back(refused(row, batch.operation, std::move(reason)));
    } else if (!is_one_of(status, kWritten)) {
      step.verdicts.push_back(
          unknown(row, "unreadable_result", "a result that says neither yes nor no"));
    } else if (!is_numeric_id(id) || another) {
      step.verdicts.push_back(
          unknown(row, "contradictory", "the result is of no lead, or of another one"));
    } else {
      step.verdicts.push_back({row, Outcome::accepted, {}, id});
    }
  }
  for (const Verdict& verdict : step.verdicts) {
    if (verdict.reason.code != kUnknownField || step.stop) continue;
    step.stop = stop_for(Stop::Kind::configuration, verdict.reason,
                         "Correct the sync's fields: names are those of the REST API, as in "
                         "firstName.");
  }
  return step;
}

std::size_t Leads::bound(std::string_view line) const {
  constexpr std::size_t kEnough = kMaxBytes / kMaxRows / 2;
  return records_.bound(line, kEnough) + 1;
}

}  // namespace tailrace::marketo
