#include "destination/salesforce/collections.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "destination/salesforce/answer.hpp"
#include "destination/salesforce/facts.hpp"
#include "destination/salesforce/lookup.hpp"
#include "destination/settle.hpp"
#include "row/ascii.hpp"
#include "wire/json_reader.hpp"

namespace tailrace::salesforce {
namespace {

// Steps of a batch. Requests that write without ids have the place of their rows for a tag: 0, 1 …
enum Tag : int { kLookUp = -1, kLookUpBare = -2, kWriteById = -3, kWhetherGone = -4 };

[[nodiscard]] bool goes_by_match(Operation operation) {
  return operation == Operation::upsert || operation == Operation::insert;
}

/// The rows of the request with this number.
[[nodiscard]] std::vector<RowIndex> rows_at(const Batch& batch, std::size_t number) {
  std::vector<RowIndex> rows;
  const std::size_t end = std::min(batch.rows.size(), (number + 1) * kMaxRows);
  for (std::size_t row = number * kMaxRows; row < end; ++row) {
    rows.push_back(static_cast<RowIndex>(row));
  }
  return rows;
}

[[nodiscard]] std::vector<RowIndex> indexes(const KnownRows& rows) {
  std::vector<RowIndex> all;
  for (const auto& [row, id] : rows) all.push_back(row);
  return all;
}

/// "5:001XXXXXXXXXXXX 7:…": rows with the 15 characters that make an id, so that 200 of them stay
/// below 4 KiB.
[[nodiscard]] Memo to_memo(const KnownRows& rows) {
  constexpr std::size_t kShortId = 15;
  Memo memo;
  for (const auto& [row, id] : rows) {
    if (!memo.empty()) memo += ' ';
    memo.append(std::to_string(row)).append(":").append(id, 0, kShortId);
  }
  return memo;
}

/// What to_memo made of rows and words; rows that the batch does not have are left out.
[[nodiscard]] std::vector<std::pair<RowIndex, std::string>> from_memo(std::string_view memo,
                                                                      std::size_t rows) {
  std::vector<std::pair<RowIndex, std::string>> found;
  while (!memo.empty()) {
    const std::string_view word = memo.substr(0, memo.find(' '));
    memo.remove_prefix(std::min(memo.size(), word.size() + 1));
    const std::size_t colon = word.find(':');
    RowIndex row = 0;
    const auto read = std::from_chars(word.data(), word.data() + std::min(colon, word.size()), row);
    if (read.ec != std::errc{} || colon == std::string_view::npos || row >= rows) continue;
    found.emplace_back(row, std::string(word.substr(colon + 1)));
  }
  return found;
}

[[nodiscard]] Reason missing() { return reason_of(kMissing, "there is no such record"); }

[[nodiscard]] Reason already_gone() {
  return reason_of("already_gone", "there is no record with this match value");
}

[[nodiscard]] Reason ambiguous() {
  return reason_of("ambiguous", "several records have this match value");
}

[[nodiscard]] Reason ambiguous_case() {
  return reason_of("ambiguous_case",
                   "a record has this match value in another spelling (capitals, for example): "
                   "whether it is the same cannot be told");
}

}  // namespace

/// What is known of a batch's rows before they are looked up. The same each time it is made.
struct Collections::Lookup {
  KnownRows known;
  std::vector<RowIndex> asked;
  std::vector<std::string> matches;  // of `asked`
  std::vector<RowIndex> nameless;
  std::vector<RowIndex> left;  // for which the address has no room

  [[nodiscard]] std::vector<RowIndex> open() const {
    std::vector<RowIndex> rows = indexes(known);
    rows.insert(rows.end(), asked.begin(), asked.end());
    std::sort(rows.begin(), rows.end());
    return rows;
  }
};

Step Collections::begin(const Batch& batch) const {
  Step step;
  if (!goes_by_match(batch.operation)) return look_up(batch);
  for (std::size_t at = 0; at * kMaxRows < batch.rows.size(); ++at) {
    Call call = writing_.by_match(batch, rows_at(batch, at));
    call.tag = static_cast<int>(at);
    step.calls.push_back(std::move(call));
  }
  return step;
}

bool Collections::needs_lines(const Call& call, const wire::Reply& reply) {
  const bool looked_up = call.tag == kLookUp || call.tag == kLookUpBare;
  return looked_up || reply.body.find(kLocked) != std::string::npos;
}

Step Collections::reply(const Batch& batch, const Memo& memo, const Call& call,
                        const wire::Reply& reply) const {
  switch (call.tag) {
    case kLookUp:
    case kLookUpBare: return read_lookup(batch, call, reply);
    case kWhetherGone: return read_gone(batch, memo, reply);
    case kWriteById: {
      KnownRows sent = from_memo(memo, batch.rows.size());
      for (auto& [row, id] : sent) id = whole_id(id).value_or(std::string());
      return read_written(batch, sent, reply);
    }
    default: break;
  }
  KnownRows sent;
  for (const RowIndex row : rows_at(batch, static_cast<std::size_t>(call.tag))) {
    sent.emplace_back(row, std::string());
  }
  return read_written(batch, sent, reply);
}

// --- looking up ------------------------------------------------------------------------------

/// Salesforce's id of a row, where nobody has to be asked for it.
std::string Collections::known_id(const Batch& batch, RowIndex index) const {
  const BatchRow& row = batch.rows[index];
  if (target_.by_id) return target_.compared(row.match);
  return removes(batch.operation) ? whole_id(row.destination_id).value_or(std::string())
                                  : std::string();
}

Collections::Lookup Collections::lookup_of(const Batch& batch) const {
  Lookup lookup;
  for (const RowIndex row : all_rows(batch)) {
    const std::string match = target_.compared(batch.rows[row].match);
    if (row >= kMaxRows) {
      lookup.left.push_back(row);
    } else if (std::string id = known_id(batch, row); !id.empty()) {
      lookup.known.emplace_back(row, std::move(id));
    } else if (match.empty()) {
      lookup.nameless.push_back(row);
    } else {
      lookup.asked.push_back(row);
      lookup.matches.push_back(match);
    }
  }
  const std::size_t fit = that_fit(target_, {}, lookup.matches);
  const auto cut = lookup.asked.begin() + static_cast<std::ptrdiff_t>(fit);
  lookup.left.insert(lookup.left.begin(), cut, lookup.asked.end());
  lookup.asked.erase(cut, lookup.asked.end());
  lookup.matches.resize(fit);
  return lookup;
}

Step Collections::look_up(const Batch& batch) const {
  Step step;
  const Lookup lookup = lookup_of(batch);
  give_all(step, lookup.nameless, Outcome::rejected,
           reason_of("no_match_value", "the match value names no record"));
  for (std::size_t at = 0; at < lookup.left.size(); at += kMaxRows) {
    const auto from = lookup.left.begin() + static_cast<std::ptrdiff_t>(at);
    const auto count = static_cast<std::ptrdiff_t>(std::min(kMaxRows, lookup.left.size() - at));
    step.regroup.push_back({{from, from + count}, batch.operation});
  }
  if (!lookup.asked.empty()) {
    step.calls.push_back(ask_by_match(target_, {}, lookup.matches, Literals::quoted));
    step.calls.back().tag = kLookUp;
  } else if (!lookup.known.empty()) {
    write_by_id(step, batch, lookup.known);
  }
  return step;
}

Step Collections::read_lookup(const Batch& batch, const Call& call,
                              const wire::Reply& reply) const {
  const Lookup lookup = lookup_of(batch);
  Step step;
  if (call.tag == kLookUp && wants_bare(reply, lookup.matches)) {
    step.calls.push_back(ask_by_match(target_, {}, lookup.matches, Literals::bare));
    step.calls.back().tag = kLookUpBare;
    return step;
  }
  Refusal refusal = judge(reply);
  std::optional<Found> found;
  if (refusal.judgement.means == AnswerClass::ok) {
    const auto body = wire::read_json(reply);
    if (body) found = Found::read(target_, *body, lookup.matches);
    refusal.reason = unreadable_answer();
  }
  if (!found) return settle_asked(std::move(refusal), lookup.open(), batch.operation);
  KnownRows known = lookup.known;
  std::vector<RowIndex> open;
  for (std::size_t i = 0; i < lookup.asked.size(); ++i) {
    const RowIndex row = lookup.asked[i];
    const Looked looked = found->of(lookup.matches[i]);
    switch (looked.sight) {
      case Looked::Sight::found: known.emplace_back(row, looked.id); break;
      case Looked::Sight::several: give_all(step, {row}, Outcome::rejected, ambiguous()); break;
      case Looked::Sight::other_case:
        give_all(step, {row}, Outcome::rejected, ambiguous_case());
        break;
      case Looked::Sight::open: open.push_back(row); break;
      case Looked::Sight::missing:
        if (batch.operation == Operation::update) {
          give_all(step, {row}, Outcome::skipped, missing());
        } else {
          give_all(step, {row}, Outcome::accepted, already_gone());
        }
        break;
    }
  }
  give_all(step, open, Outcome::retryable,
           reason_of("part_of_an_answer", "the answer has a part of the records alone"));
  if (!known.empty()) write_by_id(step, batch, known);
  return step;
}

// --- writing ---------------------------------------------------------------------------------

void Collections::write_by_id(Step& step, const Batch& batch, const KnownRows& rows) const {
  KnownRows sent = rows;
  std::sort(sent.begin(), sent.end());
  step.memo = to_memo(sent);
  step.calls.push_back(removes(batch.operation) ? writing_.remove(sent)
                                                : writing_.by_id(batch, sent));
  step.calls.back().tag = kWriteById;
}

/// Results are in the order in which the rows were sent.
Step Collections::read_written(const Batch& batch, const KnownRows& sent,
                               const wire::Reply& reply) const {
  const Refusal refusal = judge(reply);
  if (refusal.judgement.means != AnswerClass::ok) {
    return settle(refusal, indexes(sent), batch.operation);
  }
  Step step;
  const auto body = wire::read_json(reply);
  if (!body || !body->is_array() || body->size() != sent.size()) {
    give_all(step, indexes(sent), Outcome::unknown, unreadable_answer());
    return step;
  }
  std::vector<RowIndex> locked;
  std::vector<Verdict> gone;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    Verdict verdict = read_result((*body)[i], sent[i].first, batch.operation, sent[i].second);
    const bool refused = verdict.outcome == Outcome::rejected;
    if (sent.size() > kLockedRows && verdict.outcome == Outcome::retryable &&
        is_locked(verdict.reason)) {
      locked.push_back(verdict.row);
    } else if (refused && batch.operation == Operation::update && is_gone(verdict.reason)) {
      gone.push_back(std::move(verdict));
    } else {
      step.verdicts.push_back(std::move(verdict));
    }
  }
  regroup_locked(step, batch, locked);
  ask_whether_gone(step, batch, gone);
  return step;
}

/// Rows of one parent lock it for each other where they are in requests of their own: they go
/// together, and fewer at once, so that fewer others are in their way.
void Collections::regroup_locked(Step& step, const Batch& batch,
                                 const std::vector<RowIndex>& locked) const {
  if (locked.empty()) return;
  const std::vector<std::string> parents = writing_.parents(batch);
  std::map<std::string, std::vector<RowIndex>> families;
  for (const RowIndex row : locked) {
    families[parents.empty() ? std::string() : parents[row]].push_back(row);
  }
  std::vector<RowIndex> group;
  const auto close = [&] {
    if (!group.empty()) step.regroup.push_back({std::move(group), batch.operation});
    group.clear();
  };
  for (const auto& [parent, rows] : families) {
    if (group.size() + rows.size() > kLockedRows) close();
    for (const RowIndex row : rows) {
      group.push_back(row);
      if (group.size() == kLockedRows) close();
    }
  }
  close();
}

/// The record itself, or one that a field refers to: the error does not say which is gone.
void Collections::ask_whether_gone(Step& step, const Batch& batch,
                                   const std::vector<Verdict>& gone) const {
  if (gone.empty()) return;
  if (!target_.by_id) {
    // They were looked up a moment ago: another look tells.
    for (const Verdict& verdict : gone) {
      step.verdicts.push_back(verdict);
      step.verdicts.back().outcome = Outcome::retryable;
      step.verdicts.back().reason.transient = true;
    }
    return;
  }
  std::vector<std::string> ids;
  for (const Verdict& verdict : gone) {
    ids.push_back(target_.compared(batch.rows[verdict.row].match));
    if (!step.memo.empty()) step.memo += ' ';
    step.memo.append(std::to_string(verdict.row)).append(":");
    step.memo += verdict.reason.code == kGone.front() ? 'D' : 'X';
  }
  step.calls.push_back(ask_by_id(target_, ids));
  step.calls.back().tag = kWhetherGone;
}

Step Collections::read_gone(const Batch& batch, const Memo& memo, const wire::Reply& reply) const {
  const auto asked = from_memo(memo, batch.rows.size());
  Refusal refusal = judge(reply);
  const auto body =
      refusal.judgement.means == AnswerClass::ok ? wire::read_json(reply) : std::nullopt;
  if (!body || !is_whole(*body)) {
    if (refusal.judgement.means == AnswerClass::ok) refusal.reason = unreadable_answer();
    return settle_asked(std::move(refusal), indexes(asked), batch.operation);
  }
  std::unordered_set<std::string> there;
  for (const nlohmann::json& record : *records_in(*body)) {
    there.insert(whole_id(wire::text_at(record, kId)).value_or(std::string()));
  }
  Step step;
  for (const auto& [row, mark] : asked) {
    if (!there.contains(target_.compared(batch.rows[row].match))) {
      give_all(step, {row}, Outcome::skipped, missing());
      continue;
    }
    const std::string_view code = mark == "D" ? kGone.front() : kGone.back();
    give_all(step, {row}, Outcome::rejected,
             reason_of(code, "a record that a field of this row refers to is not there"));
  }
  return step;
}

}  // namespace tailrace::salesforce
