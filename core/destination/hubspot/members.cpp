#include "destination/hubspot/members.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

#include "destination/hubspot/facts.hpp"
#include "destination/hubspot/lookup.hpp"
#include "destination/settle.hpp"
#include "wire/json_reader.hpp"
#include "wire/json_writer.hpp"

namespace tailrace::hubspot {
namespace {

using Ids = std::unordered_set<std::string>;

// A look-up's tag is the first of the batch's rows that it asks for.
constexpr int kChange = -1;

[[nodiscard]] bool leaves(const Batch& batch) { return batch.operation == Operation::delete_; }

/// The texts of whichever list of an answer has one of these names.
[[nodiscard]] Ids ids_of_answer(const nlohmann::json& body,
                                std::initializer_list<const char*> names) {
  Ids ids;
  for (const char* name : names) {
    const nlohmann::json* list = wire::member(body, name);
    if (list == nullptr || !list->is_array()) continue;
    for (const nlohmann::json& one : *list) ids.insert(wire::scalar_text(one));
  }
  return ids;
}

[[nodiscard]] KnownRows known_in(const Call& call, const Batch& batch) {
  KnownRows known;
  std::vector<std::string> ids = ids_by_row(call.note, batch.rows.size());
  for (RowIndex row = 0; row < ids.size(); ++row) {
    if (!ids[row].empty()) known.emplace_back(row, std::move(ids[row]));
  }
  return known;
}

void append_rows(std::vector<RowIndex>& rows, const KnownRows& known) {
  for (const auto& [row, id] : known) rows.push_back(row);
}

}  // namespace

/// Rows that one look-up is about, with their match values, and the place behind them.
struct Members::Asked {
  std::vector<RowIndex> rows;
  std::vector<std::string> matches;
  std::size_t next = 0;
};

/// A member leaves by the id that it was put on by. Who comes is looked up always: that the list
/// passes over an id says "is a member" of a record that is known to be there, and nothing else.
bool Members::has_id(const Batch& batch, RowIndex row) const {
  return leaves(batch) && is_numeric_id(batch.rows[row].destination_id);
}

Members::Asked Members::asked_from(const Batch& batch, std::size_t from) const {
  Asked asked;
  asked.next = from;
  for (; asked.next < batch.rows.size() && asked.rows.size() < kMaxRows; ++asked.next) {
    const auto row = static_cast<RowIndex>(asked.next);
    std::string match = target_.compared(batch.rows[row].match);
    if (has_id(batch, row) || match.empty()) continue;
    asked.rows.push_back(row);
    asked.matches.push_back(std::move(match));
  }
  return asked;
}

Step Members::begin(const Batch& batch) const {
  Step step;
  KnownRows known;
  for (const RowIndex row : all_rows(batch)) {
    if (has_id(batch, row)) {
      known.emplace_back(row, batch.rows[row].destination_id);
    } else if (target_.compared(batch.rows[row].match).empty()) {
      give_all(step, {row}, Outcome::rejected,
               reason_of("blank_match", "no match value and no id"));
    }
  }
  go_on(step, batch, 0, std::move(known));
  return step;
}

/// Asks for the rows from `from` on, or changes the list once there are none to ask for.
void Members::go_on(Step& step, const Batch& batch, std::size_t from, KnownRows known) const {
  const Asked asked = asked_from(batch, from);
  if (asked.rows.empty()) {
    if (!known.empty()) change(step, batch, known);
    return;
  }
  Call& call = step.calls.emplace_back(ask_by_match(target_, {&target_.match, 1}, asked.matches));
  call.tag = static_cast<int>(from);
  call.note = to_note(known);
}

void Members::change(Step& step, const Batch& batch, const KnownRows& known) const {
  Call& call = step.calls.emplace_back();
  call.effect = Effect::keyed_write;
  call.tag = kChange;
  call.note = to_note(known);
  call.request.method = wire::Method::put;
  call.request.path = std::string(kLists) + list_ + "/memberships/add-and-remove";
  call.request.content_type = "application/json";
  wire::JsonWriter out(call.request.body);
  out.begin_object();
  for (const char* name : {"recordIdsToAdd", "recordIdsToRemove"}) {
    out.key(name);
    out.begin_array();
    Ids written;  // two rows may be one record
    const bool is_theirs = leaves(batch) == (name == std::string_view("recordIdsToRemove"));
    for (const auto& [row, id] : known) {
      if (is_theirs && written.insert(id).second) out.string(id);
    }
    out.end_array();
  }
  out.end_object();
}

Step Members::reply(const Batch& batch, const Call& call, const wire::Reply& reply) const {
  return call.tag == kChange ? read_changed(batch, call, reply) : read_lookup(batch, call, reply);
}

Step Members::read_lookup(const Batch& batch, const Call& call, const wire::Reply& reply) const {
  KnownRows known = known_in(call, batch);
  const Asked asked = asked_from(batch, static_cast<std::size_t>(call.tag));
  // Of these nothing is decided where there is no answer.
  std::vector<RowIndex> open = asked.rows;
  append_rows(open, known);
  for (Asked later = asked_from(batch, asked.next); !later.rows.empty();
       later = asked_from(batch, later.next)) {
    open.insert(open.end(), later.rows.begin(), later.rows.end());
  }
  Refusal refusal = judge(reply);
  std::optional<Outcomes> outcomes;
  if (refusal.judgement.means == AnswerClass::ok) {
    outcomes = read_outcomes(reply, target_.names(batch), batch.rows.size(), Outcome::skipped);
    refusal.reason = unreadable_answer();
  }
  if (!outcomes) return settle_unanswered(std::move(refusal), open, batch.operation);
  Step step;
  if (outcomes->schema_problem) {
    step.stop = schema_stop(*outcomes->schema_problem);
    give_all(step, open, Outcome::retryable, refusal.reason);
    return step;
  }
  std::vector<Verdict> verdicts = std::move(outcomes->evidence).verdicts(not_in_answer());
  for (const RowIndex row : asked.rows) take(step, batch, std::move(verdicts[row]), known);
  std::sort(known.begin(), known.end());
  go_on(step, batch, asked.next, std::move(known));
  return step;
}

/// A member has to be a record; who is to leave and is none has left.
void Members::take(Step& step, const Batch& batch, Verdict verdict, KnownRows& known) {
  if (verdict.outcome == Outcome::accepted && is_numeric_id(verdict.destination_id)) {
    known.emplace_back(verdict.row, std::move(verdict.destination_id));
  } else if (verdict.outcome == Outcome::skipped && leaves(batch)) {
    step.verdicts.push_back({verdict.row, Outcome::accepted, already_gone(), {}});
  } else if (verdict.outcome == Outcome::skipped || verdict.outcome == Outcome::rejected) {
    step.verdicts.push_back(std::move(verdict));
  } else {
    step.verdicts.push_back({verdict.row, Outcome::retryable, std::move(verdict.reason), {}});
  }
}

/// An id is in one list of the answer: put on (or taken off), or passed over.
Step Members::read_changed(const Batch& batch, const Call& call, const wire::Reply& reply) {
  const KnownRows known = known_in(call, batch);
  std::vector<RowIndex> rows;
  append_rows(rows, known);
  Refusal refusal = judge(reply);
  if (refusal.judgement.means != AnswerClass::ok) {
    return settle_refusal(refusal, rows, batch.operation);
  }
  Step step;
  const auto body = wire::read_json(reply);
  if (!body || !body->is_object()) {
    give_all(step, rows, Outcome::unknown, unreadable_answer());
    return step;
  }
  // HubSpot's own description spells the one of added ids in another way than the others.
  const Ids done = leaves(batch) ? ids_of_answer(*body, {"recordIdsRemoved", "recordsIdsRemoved"})
                                 : ids_of_answer(*body, {"recordsIdsAdded", "recordIdsAdded"});
  const Ids passed_over = ids_of_answer(*body, {"recordIdsMissing", "recordsIdsMissing"});
  for (const auto& [row, id] : known) {
    Verdict verdict{row, Outcome::accepted, {}, id};
    if (done.contains(id) == passed_over.contains(id)) {
      verdict.outcome = Outcome::unknown;
      verdict.reason = not_in_answer();
      verdict.destination_id.clear();
    } else if (passed_over.contains(id)) {
      verdict.reason = leaves(batch) ? reason_of("not_a_member", "the record was not on the list")
                                     : reason_of("already_member", "the record is on the list");
    }
    step.verdicts.push_back(std::move(verdict));
  }
  return step;
}

}  // namespace tailrace::hubspot
