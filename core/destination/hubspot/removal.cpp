#include "destination/hubspot/removal.hpp"

#include <algorithm>
#include <charconv>

#include "destination/hubspot/facts.hpp"
#include "wire/json_writer.hpp"

namespace tailrace::hubspot {
namespace {

enum Tag : int { kLookUp = 1, kArchive = 2 };

/// HubSpot's ids are numbers; anything else is not put where an id belongs.
[[nodiscard]] bool is_record_id(std::string_view text) {
  constexpr std::size_t kLongest = 20;
  return !text.empty() && text.size() <= kLongest &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// "5:123 7:456": rows of the batch that an archive request is about, and their ids.
[[nodiscard]] Memo to_memo(const std::vector<std::pair<RowIndex, std::string>>& ids) {
  Memo memo;
  for (const auto& [row, id] : ids) {
    if (!memo.empty()) memo += ' ';
    memo.append(std::to_string(row)).append(":").append(id);
  }
  return memo;
}

/// Ids by row of the batch, empty where the request was not about the row.
[[nodiscard]] std::vector<std::string> from_memo(std::string_view memo, std::size_t rows) {
  std::vector<std::string> ids(rows);
  while (!memo.empty()) {
    const std::string_view entry = memo.substr(0, memo.find(' '));
    memo.remove_prefix(std::min(memo.size(), entry.size() + 1));
    RowIndex row = 0;
    const auto read = std::from_chars(entry.data(), entry.data() + entry.size(), row);
    const auto length = static_cast<std::size_t>(read.ptr - entry.data());
    if (read.ec != std::errc{} || length >= entry.size() || entry[length] != ':') continue;
    if (row < rows) ids[row] = entry.substr(length + 1);
  }
  return ids;
}

[[nodiscard]] Reason already_gone() {
  return reason_of("already_gone", "there is no record with this match value");
}

}  // namespace

Step Removal::begin(const Batch& batch) const {
  Step step;
  std::vector<RowIndex> unknown;
  std::vector<std::pair<RowIndex, std::string>> ids;
  for (RowIndex i = 0; i < batch.rows.size(); ++i) {
    const BatchRow& row = batch.rows[i];
    if (is_record_id(row.destination_id)) {
      ids.emplace_back(i, row.destination_id);
    } else if (target_.identity(row.match)) {
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
  Call call;
  call.effect = Effect::none;
  call.tag = kLookUp;
  call.request.path = target_.path("read");
  call.request.content_type = "application/json";
  wire::JsonWriter json(call.request.body);
  json.begin_object();
  json.key("idProperty");
  json.string(target_.match);
  json.key("properties");
  json.begin_array();
  json.string(target_.match);
  json.end_array();
  json.key("inputs");
  json.begin_array();
  for (const RowIndex row : rows) {
    json.begin_object();
    json.key("id");
    json.string(target_.compared(batch.rows[row].match));
    json.end_object();
  }
  json.end_array();
  json.end_object();
  step.calls.push_back(std::move(call));
}

void Removal::archive(Step& step, const std::vector<std::pair<RowIndex, std::string>>& ids) const {
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
  step.memo = to_memo(ids);
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
    if (is_record_id(row.destination_id) || target_.identity(row.match)) rows.push_back(i);
  }
  Refusal refusal = judge(reply);
  std::optional<Outcomes> outcomes;
  if (refusal.judgement.means == AnswerClass::ok) {
    outcomes = read_outcomes(reply, target_.names(batch), batch.rows.size(), Outcome::skipped);
    refusal.reason = unreadable_answer();
  }
  if (!outcomes) {
    // A question changes nothing: without an answer nothing has happened.
    const AnswerClass means = refusal.judgement.means;
    const bool unanswered = means == AnswerClass::ok || means == AnswerClass::unknown;
    if (unanswered) refusal.judgement.means = AnswerClass::retry;
    return settle_refusal(refusal.judgement, rows, batch.operation, refusal.reason, refusal.advice);
  }
  Step step;
  std::vector<std::pair<RowIndex, std::string>> ids;
  std::vector<Verdict> found = std::move(outcomes->evidence).verdicts(not_in_answer());
  for (const RowIndex row : rows) {
    Verdict& verdict = found[row];
    if (is_record_id(batch.rows[row].destination_id)) {
      ids.emplace_back(row, batch.rows[row].destination_id);
    } else if (verdict.outcome == Outcome::accepted && is_record_id(verdict.destination_id)) {
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
  names.ids = from_memo(memo, batch.rows.size());
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
    return settle_refusal(refusal.judgement, rows, batch.operation, refusal.reason, refusal.advice);
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
