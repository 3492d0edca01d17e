#include "destination/rest/by_id.hpp"

#include <algorithm>
#include <stdexcept>

#include "destination/rest/finding.hpp"
#include "destination/rest/outcomes.hpp"
#include "destination/settle.hpp"

namespace tailrace::rest {

Step ById::begin(const Batch& batch) const {
  Step step;
  const Endpoint& endpoint = declared_.at(batch.operation);
  const auto asked = static_cast<RowIndex>(declared_.find_form->asking.batch_rows);
  for (RowIndex first = 0; first < batch.rows.size(); first += asked) {
    const std::vector<RowIndex> rows = asked_with(batch, first);
    if (!rows.empty()) step.calls.push_back(requests_.question(batch, rows, first, Stage::find));
  }
  for (RowIndex row = 0; row < batch.rows.size(); ++row) {
    const std::string_view id = batch.rows[row].destination_id;
    if (!id.empty()) requests_.add(step, batch, endpoint, row, Stage::write, id);
  }
  return step;
}

/// The rows that the question beginning with `first` is about.
std::vector<RowIndex> ById::asked_with(const Batch& batch, RowIndex first) const {
  std::vector<RowIndex> rows;
  const std::size_t end =
      std::min(batch.rows.size(), first + declared_.find_form->asking.batch_rows);
  for (RowIndex row = first; row < end; ++row) {
    if (batch.rows[row].destination_id.empty()) rows.push_back(row);
  }
  return rows;
}

Step ById::reply(const Batch& batch, const Call& call, const wire::Reply& reply) const {
  const RowIndex first = first_of(batch, call);
  switch (stage_of(call)) {
    case Stage::plain: break;
    case Stage::find: return read_ids(batch, asked_with(batch, first), call, reply);
    case Stage::find_again: return read_ids(batch, {first}, call, reply);
    case Stage::create: return read_created(batch, first, reply);
    case Stage::write: return read_written(batch, first, reply);
  }
  throw std::logic_error("rest: a plain call, or one of no stage");
}

std::uint64_t ById::requests_for(std::uint64_t rows) const {
  const std::uint64_t asked = declared_.find_form->asking.batch_rows;
  return rows + (rows + asked - 1) / asked;
}

/// Goes on with each row as its record was found, or not.
Step ById::read_ids(const Batch& batch, const std::vector<RowIndex>& rows, const Call& call,
                    const wire::Reply& reply) const {
  Judgement judgement = answers_.judge(reply);
  Reason reason = refusal_reason(reply);
  std::optional<Found> found;
  if (judgement.means == AnswerClass::record && rows.size() == 1 && reply.status == 404) {
    found.emplace();
  } else if (judgement.means == AnswerClass::ok) {
    found = read_found(*declared_.find_form, reply, match_field_);
    judgement.means = AnswerClass::unknown;
    reason = reason_of("unreadable_answer", "the answer to find is no list of records");
  }
  if (!found) return settle_unanswered({judgement, reason}, rows, batch.operation);
  Step step;
  for (const RowIndex row : rows) {
    const std::string* id = found->find(batch.rows[row].match);
    if (id == nullptr) {
      add_absent(step, batch, row, call);
    } else if (id->empty()) {
      step.verdicts.push_back({row,
                               Outcome::rejected,
                               reason_of("several_records", "several records have this value"),
                               {}});
    } else {
      requests_.add(step, batch, declared_.at(batch.operation), row, Stage::write, *id);
    }
  }
  return step;
}

void ById::add_absent(Step& step, const Batch& batch, RowIndex row, const Call& asked) const {
  if (seeks(batch.operation)) {
    const Reason said = reason_of(kMissing, "there is no such record");
    step.verdicts.push_back(missing_verdict(row, batch.operation, said));
  } else if (stage_of(asked) == Stage::find) {
    requests_.add(step, batch, declared_.at(Operation::insert), row, Stage::create, {});
  } else {
    // Another value of the row belongs to another record, or the search lags behind.
    Reason reason = reason_of("conflict", asked.note);
    reason.transient = true;
    step.verdicts.push_back({row, Outcome::rejected, std::move(reason), {}});
  }
}

/// A record may have been made since it was looked for.
Step ById::read_created(const Batch& batch, RowIndex first, const wire::Reply& reply) const {
  if (!answers_.say_exists(batch, reply)) {
    return answers_.read(batch, Operation::insert, first, reply);
  }
  Step step;
  step.calls.push_back(requests_.question(batch, {first}, first, Stage::find_again));
  step.calls.back().note = refusal_reason(reply).message;
  return step;
}

/// A record may be gone since it was found.
Step ById::read_written(const Batch& batch, RowIndex first, const wire::Reply& reply) const {
  Step step = answers_.read(batch, batch.operation, first, reply);
  const bool gone = reply.failure == wire::Failure::none && reply.status == 404 &&
                    batch.operation == Operation::upsert;
  if (!gone) return step;
  for (Verdict& verdict : step.verdicts) {
    if (verdict.outcome == Outcome::rejected) verdict.outcome = Outcome::retryable;
  }
  return step;
}

}  // namespace tailrace::rest
