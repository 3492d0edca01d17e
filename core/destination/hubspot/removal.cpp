#include "destination/hubspot/removal.hpp"

#include "destination/hubspot/lookup.hpp"
#include "wire/json_writer.hpp"

namespace tailrace::hubspot {
namespace {

enum Tag : int { kLookUp = 1, kArchive = 2 };

}  // namespace

Step Removal::begin(const Batch& batch) const {
  Step step;
  std::vector<RowIndex> unknown;
  KnownRows ids;
  for (RowIndex i = 0; i < batch.rows.size(); ++i) {
    const BatchRow& row = batch.rows[i];
    if (is_numeric_id(row.destination_id)) {
      ids.emplace_back(i, row.destination_id);
    } else if (!target_.compared(row.match).empty()) {
      unknown.push_back(i);
    } else {
      step.verdicts.push_back(
          {i, Outcome::rejected, reason_of("blank_match", "no match value and no id"), {}});
    }
  }
  if (!unknown.empty()) {
    look_up(step, batch, unknown);
  } else if (!ids.empty()) {
    archive(step, ids);
  }
  return step;
}

void Removal::look_up(Step& step, const Batch& batch, const std::vector<RowIndex>& rows) const {
  std::vector<std::string> matches;
  for (const RowIndex row : rows) matches.push_back(target_.compared(batch.rows[row].match));
  step.calls.push_back(ask_by_match(target_, {&target_.match, 1}, matches));
  step.calls.back().tag = kLookUp;
}

void Removal::archive(Step& step, const KnownRows& ids) const {
  Call call;
  call.effect = Effect::keyed_write;
  call.tag = kArchive;
  call.request.path = target_.path("archive");
  call.request.content_type = "application/json";
  wire::JsonWriter json(call.request.body);
  json.begin_object();
  json.key("inputs");
  json.begin_array();
  for (const auto& [row, id] : ids) {
    json.begin_object();
    json.key("id");
    json.string(id);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  step.memo = to_note(ids);
  step.calls.push_back(std::move(call));
}

Step Removal::reply(const Batch& batch, const Memo& memo, const Call& call,
                    const wire::Reply& reply) const {
  if (call.tag == kLookUp) return read_lookup(batch, reply);
  return read_archived(batch, memo, reply);
}

Step Removal::read_lookup(const Batch& batch, const wire::Reply& reply) const {
  std::vector<RowIndex> rows;  // without a verdict of begin()
  for (RowIndex i = 0; i < batch.rows.size(); ++i) {
    const BatchRow& row = batch.rows[i];
    if (is_numeric_id(row.destination_id) || !target_.compared(row.match).empty())
      rows.push_back(i);
  }
  Refusal refusal = judge(reply);
  std::optional<Outcomes> outcomes;
  if (refusal.judgement.means == AnswerClass::ok) {
    outcomes = read_outcomes(reply, target_.names(batch), batch.rows.size(), Outcome::skipped);
    refusal.reason = unreadable_answer();
  }
  if (!outcomes) {
    return settle_unanswered(std::move(refusal), rows, batch.operation);
  }
  Step step;
  KnownRows ids;
  std::vector<Verdict> found = std::move(outcomes->evidence).verdicts(not_in_answer());
  for (const RowIndex row : rows) {
    Verdict& verdict = found[row];
    if (is_numeric_id(batch.rows[row].destination_id)) {
      ids.emplace_back(row, batch.rows[row].destination_id);
    } else if (verdict.outcome == Outcome::accepted && is_numeric_id(verdict.destination_id)) {
      ids.emplace_back(row, verdict.destination_id);
    } else if (verdict.outcome == Outcome::skipped) {
      step.verdicts.push_back({row, Outcome::accepted, already_gone(), {}});
    } else if (verdict.outcome == Outcome::rejected) {
      step.verdicts.push_back(std::move(verdict));
    } else {
      step.verdicts.push_back({row, Outcome::retryable, std::move(verdict.reason), {}});
    }
  }
  if (outcomes->schema_problem) step.stop = schema_stop(*outcomes->schema_problem);
  if (!ids.empty() && !step.stop) archive(step, ids);
  return step;
}

Step Removal::read_archived(const Batch& batch, const Memo& memo, const wire::Reply& reply) const {
  RowNames names = target_.names(batch);
  names.ids = ids_by_row(memo, batch.rows.size());
  std::vector<RowIndex> rows;
  for (RowIndex i = 0; i < batch.rows.size(); ++i) {
    if (!names.ids[i].empty()) rows.push_back(i);
  }
  Step step;
  if (reply.failure == wire::Failure::none && reply.status == 204) {
    for (const RowIndex row : rows) {
      step.verdicts.push_back({row, Outcome::accepted, {}, names.ids[row]});
    }
    return step;
  }
  const Refusal refusal = judge(reply);
  if (refusal.judgement.means != AnswerClass::ok) {
    return settle_refusal(refusal, rows, batch.operation);
  }
  std::optional<Outcomes> outcomes =
      read_outcomes(reply, names, batch.rows.size(), Outcome::accepted);
  if (!outcomes) {
    give_all(step, rows, Outcome::unknown, unreadable_answer());
    return step;
  }
  std::vector<Verdict> verdicts = std::move(outcomes->evidence).verdicts(not_in_answer());
  for (const RowIndex row : rows) step.verdicts.push_back(std::move(verdicts[row]));
  return step;
}

}  // namespace tailrace::hubspot
