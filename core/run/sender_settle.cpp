// How the rows of one batch end: accepted, refused, left over, or tried again.
#include <algorithm>
#include <utility>

#include "run/field_choice.hpp"
#include "run/mutant.hpp"
#include "run/sender.hpp"

namespace tailrace {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBackoffBase{500};
constexpr milliseconds kBackoffCap{30'000};

RowOutcome on_record(Outcome outcome) {
  switch (outcome) {
    case Outcome::accepted: return RowOutcome::accepted;
    case Outcome::rejected: return mutant(10) ? RowOutcome::accepted : RowOutcome::rejected;
    case Outcome::skipped: return RowOutcome::skipped;
    case Outcome::retryable: return RowOutcome::retryable;
    case Outcome::pending:
    case Outcome::unknown: return RowOutcome::unknown;
  }
  return RowOutcome::unknown;
}

}  // namespace

bool Sender::may_retry(const Work& work, const WorkRow& row) const {
  // What a job left behind is the next diff's to send: there are no fields here.
  if (work.resumes || work.stuck || ending() || work.attempt >= options_.max_attempts) return false;
  const bool doubtful = row.was_unknown || row.verdict->outcome == Outcome::unknown;
  // Under an idempotency key the batch goes again as it was, or not at all.
  if (doubtful && !work.idempotency_key.empty() && !may_repeat(work)) return false;
  if (row.verdict->outcome == Outcome::retryable) return true;
  return row.verdict->outcome == Outcome::unknown && (!work.unkeyed || mutant(9));
}

void Sender::end_work(Work& work) {
  if (work.reads_back) return end_read_back(work);
  if (ending() && waits_for_job(work)) return leave_pending(work);
  note_lost_job(work);
  Settled settled;
  Piece piece;
  std::vector<RowIndex> again;
  std::vector<RowIndex> stuck;
  for (RowIndex i = 0; i < work.rows.size(); ++i) {
    WorkRow& row = work.rows[i];
    if (!row.regrouped && !row.verdict) row.verdict = Verdict{i, Outcome::unknown, {}, {}};
  }
  for (RowIndex i = 0; i < work.rows.size(); ++i) {
    WorkRow& row = work.rows[i];
    if (row.regrouped) continue;
    if (may_retry(work, row)) {
      again.push_back(i);
    } else if (is_stuck(work, row)) {
      stuck.push_back(i);
    } else {
      finish_row(work, row, settled, piece);
    }
  }
  take_unsent(work, piece);
  close_intents(work, piece);
  submit(std::move(piece), std::move(settled));
  if (!again.empty()) retry_rows(work, std::move(again));
  split_regrouped(work);
  if (!stuck.empty()) look_up(work, stuck);
  works_.erase(work.id);
}

/// What the row's last verdict comes to at the end of its tries. A row that the tool refused for
/// now is rejected; one whose every attempt was proved not to have happened was not attempted.
Outcome Sender::final_outcome(const WorkRow& row) const {
  const Outcome outcome = row.verdict->outcome;
  if (outcome == Outcome::skipped && options_.on_missing == OnMissing::reject) {
    return Outcome::rejected;
  }
  if (outcome != Outcome::retryable) return outcome;
  if (row.was_unknown) return Outcome::unknown;
  return row.verdict->reason.transient ? Outcome::rejected : Outcome::retryable;
}

void Sender::note_trouble(const Reason& reason) {
  if (reason.code.empty() && reason.message.empty()) return;
  const bool both = !reason.code.empty() && !reason.message.empty();
  trouble_ = reason.code + (both ? ": " : "") + reason.message;
}

/// True where a person has had the row tried again since its job began: what the job says is not of
/// that try.
bool Sender::released_since(const Work& work, const WorkRow& row) const {
  const auto before = parts_.state.rejected.find(row.identity);
  if (!work.resumes || before == parts_.state.rejected.end()) return false;
  if (before->second.hold != Hold::released) return false;
  // Announcements are dated by the end of their window; nothing is released before a run's end.
  const std::int64_t window_ms = options_.timing.send_window.count();
  return work.intents.front().sent_at_ms - window_ms <= before->second.last_at_ms;
}

void Sender::finish_row(const Work& work, WorkRow& row, Settled& settled, Piece& piece) {
  const Reason& reason = row.verdict->reason;
  const Outcome outcome = final_outcome(row);
  if (outcome == Outcome::unknown || outcome == Outcome::retryable) note_trouble(reason);
  if (options_.row_log) log_row(work, row, outcome, piece);
  OutcomeCounts& counts = settled.counts;
  switch (outcome) {
    case Outcome::accepted:
      ++counts.accepted;
      parts_.progress.accepted.fetch_add(1, std::memory_order_relaxed);
      if (row.was_rejected) piece.no_longer_rejected.push_back(row.identity);
      if (options_.changed_fields) note_fields(row, piece);
      return;
    case Outcome::rejected: {
      const bool missing = row.verdict->outcome == Outcome::skipped;
      const bool again = reason.transient || missing;
      const Hold hold = released_since(work, row) ? Hold::released
                        : again                   ? Hold::transient
                                                  : Hold::permanent;
      return reject(row, reason, hold, settled, piece);
    }
    case Outcome::skipped: ++counts.skipped; return;
    case Outcome::pending: ++counts.pending; return;
    case Outcome::unknown:
      ++counts.unknown;
      parts_.progress.unknown.fetch_add(1, std::memory_order_relaxed);
      return;
    case Outcome::retryable: ++counts.not_attempted; return;
  }
}

/// Counts a refused row, and has it remembered with its reason.
void Sender::reject(const WorkRow& row, const Reason& reason, Hold hold, Settled& settled,
                    Piece& piece) {
  ++settled.counts.rejected;
  parts_.progress.rejected.fetch_add(1, std::memory_order_relaxed);
  // The report is kept as well, samples and all.
  const std::string message = options_.rejected.code_only ? std::string() : reason.message;
  settled.samples.push_back({row.key, reason.code, message, reason.field});
  RejectedRow rejected;
  rejected.identity = row.identity;
  rejected.key = row.key;
  rejected.version = row.version;
  rejected.code = reason.code;
  rejected.message = message;
  rejected.field = reason.field;
  rejected.hold = hold;
  rejected.first_at_ms = rejected.last_at_ms = store_ms(parts_.clock.now());
  piece.rejected.push_back(std::move(rejected));
  take_over_parked(row, piece);
}

/// The row takes the place of one that is parked in another version, which may have been appended
/// all the same: that one is in doubt again.
void Sender::take_over_parked(const WorkRow& row, Piece& piece) const {
  const auto before = parts_.state.rejected.find(row.identity);
  if (before == parts_.state.rejected.end() || before->second.hold != Hold::parked) return;
  if (before->second.version == row.version || mutant(32)) return;
  TakenBatch doubt;
  doubt.rows.op = StateOp::insert;
  const std::string match = row.match == row.key ? std::string() : row.match;
  doubt.rows.rows.push_back({row.identity, before->second.version, row.key, match});
  doubt.outcome = RowOutcome::unknown;
  piece.taken.push_back(std::move(doubt));
}

/// What the destination now has, field by field; nothing of a record that was taken away.
void Sender::note_fields(const WorkRow& row, Piece& piece) const {
  if (row.change == Change::removed) {
    piece.fields_forgotten.push_back(row.identity);
  } else if (!row.hashes.empty()) {
    piece.fields.push_back({row.identity, fields_of_version(row.version, row.hashes)});
  }
}

void Sender::log_row(const Work& work, const WorkRow& row, Outcome outcome, Piece& piece) const {
  const Reason& reason = row.verdict->reason;
  LogRow line;
  line.key = row.key;
  line.op = to_text(work.operation);
  line.status = outcome == Outcome::retryable ? "not_attempted" : to_text(outcome);
  line.code = reason.code;
  if (!options_.rejected.code_only) line.message = reason.message;
  piece.log.push_back(std::move(line));
}

/// Rows found as they should be (a record that was to be removed is gone) had no request of ours,
/// and no intent: the state learns of them all the same.
void Sender::take_unsent(const Work& work, Piece& piece) const {
  std::vector<bool> spoken_for(work.rows.size());
  for (const WorkIntent& intent : work.intents) {
    for (const RowIndex row : intent.rows) spoken_for[row] = spoken_for[row] || intent.sent;
  }
  TakenBatch found;
  found.rows.op = work.state_op();
  for (RowIndex i = 0; i < work.rows.size(); ++i) {
    const WorkRow& row = work.rows[i];
    const bool accepted = row.verdict && row.verdict->outcome == Outcome::accepted;
    if (spoken_for[i] || row.regrouped || !accepted) continue;
    const std::string match = row.match == row.key ? std::string() : row.match;
    found.rows.rows.push_back({row.identity, row.version, row.key, match});
    found.destination_ids.push_back(row.verdict->destination_id);
  }
  if (found.rows.rows.empty()) return;
  // When it was asked, not when it was answered: what landed between the two is still in doubt.
  found.as_of_ms = store_ms(work.begun_at);
  piece.taken.push_back(std::move(found));
}

void Sender::close_intents(Work& work, Piece& piece) const {
  for (WorkIntent& intent : work.intents) {
    if (intent.closed) continue;
    intent.closed = true;
    if (!intent.sent) {
      piece.voids.push_back({intent.seq, intent.batch});
      continue;
    }
    OutcomeBatch outcome{intent.seq, intent.batch, intent.sent_at_ms, {}};
    for (const RowIndex index : intent.rows) {
      const WorkRow& row = work.rows[index];
      RowResult result;
      result.outcome = row.regrouped ? RowOutcome::retryable : on_record(row.verdict->outcome);
      if (row.verdict) result.destination_id = row.verdict->destination_id;
      outcome.rows.push_back(std::move(result));
    }
    piece.outcomes.push_back(std::move(outcome));
  }
}

void Sender::retry_rows(Work& work, std::vector<RowIndex> rows) {
  const bool free = work.paced || breaker_.open();
  Work again;
  again.id = next_id_++;
  again.operation = work.operation;
  again.attempt = work.attempt + (free ? 0 : 1);
  again.tries = work.tries;
  again.needs_token = !free;
  again.unkeyed = work.unkeyed;
  again.first_sent_ms = work.first_sent_ms;
  bool lost = false;
  for (const RowIndex index : rows) {
    WorkRow& row = work.rows[index];
    lost = lost || row.verdict->outcome == Outcome::unknown;
    row.was_lost = row.was_lost || row.verdict->outcome == Outcome::unknown;
    row.was_unknown = row.was_unknown || row.was_lost;
    again.rows.push_back(std::move(row));
  }
  again.refresh_views();
  again.ready_at =
      parts_.clock.now() + http::full_jitter(work.attempt, kBackoffBase, kBackoffCap, random_);
  if (lost) {
    const milliseconds after = parts_.destination.capabilities().resend_after;
    again.ready_at = std::max(again.ready_at, parts_.clock.now() + after);
  }
  retries_.push_back(std::move(again));
}

void Sender::split_regrouped(Work& work) {
  for (Regroup& group : work.regroup) {
    Work part;
    part.id = next_id_++;
    part.operation = group.operation;
    part.attempt = work.attempt;
    part.tries = work.tries;
    part.ready_at = parts_.clock.now();
    for (const RowIndex index : group.rows) {
      if (index >= work.rows.size() || !work.rows[index].regrouped) continue;
      WorkRow& row = work.rows[index];
      part.rows.push_back(std::move(row));
      row.regrouped = false;  // moved once, whatever a second group says
      part.rows.back().regrouped = false;
      part.rows.back().verdict = Verdict{0, Outcome::retryable, {}, {}};  // refused as a whole
    }
    if (part.rows.empty()) continue;
    part.refresh_views();
    retries_.push_back(std::move(part));
  }
}

}  // namespace tailrace
