#include "destination/marketo/members.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "destination/marketo/facts.hpp"
#include "destination/marketo/lookup.hpp"
#include "destination/settle.hpp"
#include "wire/json_reader.hpp"

namespace tailrace::marketo {
namespace {

using nlohmann::json;

enum IdTag : int { kLookUp = 10, kWrite };

/// Rows of a batch as a text: a letter, from @ to O, for each four of them.
[[nodiscard]] Memo to_memo(const KnownRows& rows) {
  Memo memo;
  for (const auto& [row, id] : rows) {
    const std::size_t place = row / 4;
    if (memo.size() <= place) memo.resize(place + 1, '@');
    memo[place] = static_cast<char>(memo[place] | (1 << (row % 4)));
  }
  return memo;
}

[[nodiscard]] std::vector<RowIndex> from_memo(std::string_view memo, std::size_t rows) {
  std::vector<RowIndex> found;
  for (RowIndex row = 0; row < rows && row / 4 < memo.size(); ++row) {
    if ((memo[row / 4] & (1 << (row % 4))) != 0) found.push_back(row);
  }
  return found;
}

/// {"input":[{"id":1},…]}
[[nodiscard]] std::string input_of(const KnownRows& rows) {
  std::string body = "{\"input\":[";
  for (const auto& [row, id] : rows) {
    if (body.back() == '}') body += ',';
    body.append("{\"id\":").append(id).append("}");
  }
  return body + "]}";
}

/// The ids of a request, in the order in which they were sent.
[[nodiscard]] std::vector<std::string> ids_in(const Call& call) {
  std::vector<std::string> ids;
  const auto body = wire::read_json(call.request.body);
  const json* input = body ? wire::member(*body, "input") : nullptr;
  if (input == nullptr || !input->is_array()) return ids;
  for (const json& one : *input) ids.push_back(wire::text_at(one, kId));
  return ids;
}

}  // namespace

/// What is known of a batch's rows before they are looked up. The same each time it is made.
struct ById::Lookup {
  KnownRows known;
  std::vector<RowIndex> asked;
  std::vector<std::string> matches;  // of `asked`
  std::vector<RowIndex> nameless;

  [[nodiscard]] std::vector<RowIndex> open() const {
    std::vector<RowIndex> rows = asked;
    for (const auto& [row, id] : known) rows.push_back(row);
    std::sort(rows.begin(), rows.end());
    return rows;
  }
};

/// Marketo's id of a row, where nobody has to be asked for it.
std::string ById::known_id(const Batch& batch, RowIndex index) const {
  const BatchRow& row = batch.rows[index];
  if (target_.by_id) return target_.compared(row.match);
  return is_numeric_id(row.destination_id) ? std::string(row.destination_id) : std::string();
}

ById::Lookup ById::lookup_of(const Batch& batch) const {
  Lookup lookup;
  for (const RowIndex row : all_rows(batch)) {
    const std::string match = target_.compared(batch.rows[row].match);
    if (std::string id = known_id(batch, row); !id.empty()) {
      lookup.known.emplace_back(row, std::move(id));
    } else if (match.empty() || !Target::can_ask(match)) {
      lookup.nameless.push_back(row);
    } else {
      lookup.asked.push_back(row);
      lookup.matches.push_back(match);
    }
  }
  return lookup;
}

Step ById::begin(const Batch& batch) const {
  Step step;
  Lookup lookup = lookup_of(batch);
  give_all(step, lookup.nameless, Outcome::rejected,
           reason_of("match_has_comma",
                     "Marketo looks leads up by a list that is joined by commas, and this match "
                     "value has one"));
  if (!lookup.asked.empty()) {
    step.calls.push_back(ask_by_match(target_, {}, lookup.matches));
    step.calls.back().tag = kLookUp;
  } else if (!lookup.known.empty()) {
    write(step, batch, std::move(lookup.known));
  }
  return step;
}

bool ById::is_ours(const Call& call) { return call.tag == kLookUp || call.tag == kWrite; }

Step ById::reply(const Batch& batch, const Memo& memo, const Call& call,
                 const wire::Reply& reply) const {
  if (call.tag == kLookUp) return read_lookup(batch, reply);
  return read_written(batch, memo, call, reply);
}

/// More than a page of leads means that several have one value: the rows are asked for in halves
/// until it is known which.
Step ById::read_lookup(const Batch& batch, const wire::Reply& reply) const {
  Lookup lookup = lookup_of(batch);
  Answer answer = read_answer(reply);
  const json* results = answer.results();
  if (results == nullptr) {
    return settle_asked(std::move(answer), reply, lookup.open(), batch.operation);
  }
  Step step;
  const Found found(target_, *results);
  if (answer.has_more() && lookup.asked.size() > 1) {
    const auto middle = lookup.asked.begin() + static_cast<std::ptrdiff_t>(lookup.asked.size() / 2);
    step.regroup.push_back({{lookup.asked.begin(), middle}, batch.operation});
    step.regroup.push_back({{middle, lookup.asked.end()}, batch.operation});
    lookup.asked.clear();
  }
  std::vector<RowIndex> missing;
  for (std::size_t i = 0; i < lookup.asked.size(); ++i) {
    const RowIndex row = lookup.asked[i];
    std::string id = found.id_of(lookup.matches[i]);
    if (answer.has_more() || found.is_several(lookup.matches[i])) {
      give_all(step, {row}, Outcome::rejected,
               reason_of("ambiguous", "several leads have this match value"));
    } else if (id.empty()) {
      missing.push_back(row);
    } else {
      lookup.known.emplace_back(row, std::move(id));
    }
  }
  take_missing(step, batch, missing);
  if (!lookup.known.empty()) write(step, batch, std::move(lookup.known));
  return step;
}

/// A member has to be a lead; what is to go and is not there is gone.
void ById::take_missing(Step& step, const Batch& batch, const std::vector<RowIndex>& rows) const {
  if (batch.operation == Operation::delete_) {
    give_all(step, rows, Outcome::accepted,
             reason_of("already_gone", "there is no lead with this match value"));
  } else {
    give_all(step, rows, Outcome::skipped,
             reason_of(kMissing, "there is no lead with this match value"));
  }
}

void ById::write(Step& step, const Batch& batch, KnownRows rows) const {
  std::sort(rows.begin(), rows.end());
  step.memo = to_memo(rows);
  Call& call = step.calls.emplace_back();
  call.effect = Effect::keyed_write;
  call.tag = kWrite;
  call.request.content_type = "application/json";
  call.request.body = input_of(rows);
  call.request.path = target_.list.empty() ? kDeleteLeads : target_.list_path("/leads.json");
  if (target_.list.empty() || batch.operation != Operation::delete_) return;
  // The description of this one request asks for the ids in both places.
  call.request.method = wire::Method::delete_;
  call.request.query = "id=" + ids_of(rows);
}

/// Results are in the order in which the ids were sent.
Step ById::read_written(const Batch& batch, const Memo& memo, const Call& call,
                        const wire::Reply& reply) const {
  const std::vector<RowIndex> rows = from_memo(memo, batch.rows.size());
  const Answer answer = read_answer(reply);
  const json* results = answer.results();
  if (results == nullptr) return settle(answer, reply, rows, batch.operation);
  const std::vector<std::string> ids = ids_in(call);
  Step step;
  if (results->size() != rows.size() || ids.size() != rows.size()) {
    give_all(step, rows, Outcome::unknown, unreadable_answer());
    return step;
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    step.verdicts.push_back(read_result(batch, rows[i], ids[i], (*results)[i]));
  }
  return step;
}

Verdict ById::read_result(const Batch& batch, RowIndex row, const std::string& id,
                          const json& result) const {
  const bool removes = batch.operation == Operation::delete_;
  const std::string_view done = !removes ? kAdded : target_.list.empty() ? kDeleted : kRemoved;
  const std::string status = wire::text_at(result, "status");
  if (wire::text_at(result, kId) != id) {
    return {row, Outcome::unknown, reason_of("contradictory", "the result is another lead's"), {}};
  }
  if (status == done) return {row, Outcome::accepted, {}, id};
  const Reason reason = reason_in(result);
  if (status != kSkipped || reason.code.empty()) {
    return {row,
            Outcome::unknown,
            reason_of("unreadable_result", "a result that says neither yes nor no"),
            {}};
  }
  Verdict verdict{row, Outcome::rejected, reason, {}};
  const bool gone = reason.code == kNoSuchLead || reason.code == kNotInList;
  if (removes && gone) {
    verdict.outcome = Outcome::accepted;
  } else if (reason.code == kNoSuchLead) {
    verdict.outcome = Outcome::skipped;
    verdict.reason.code = kMissing;
  } else if (is_one_of(reason.code, kTransient)) {
    verdict.outcome = Outcome::retryable;
    verdict.reason.transient = true;
  }
  return verdict;
}

}  // namespace tailrace::marketo
