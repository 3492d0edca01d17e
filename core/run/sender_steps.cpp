// One batch's way through its destination: begin, intent, request, reply, settle.
#include <algorithm>
#include <utility>

#include "run/sender.hpp"

namespace tailrace {
namespace {

using std::chrono::milliseconds;

// A tool that asks for a longer pause than this says: not in this run. That is quota, not pace.
constexpr milliseconds kLongestPause{15 * 60'000};
constexpr milliseconds kBackoffBase{500};
constexpr milliseconds kBackoffCap{30'000};

RowOutcome on_record(Outcome outcome) {
  switch (outcome) {
    case Outcome::accepted: return RowOutcome::accepted;
    case Outcome::rejected: return RowOutcome::rejected;
    case Outcome::skipped: return RowOutcome::skipped;
    case Outcome::retryable: return RowOutcome::retryable;
    case Outcome::pending:
    case Outcome::unknown: return RowOutcome::unknown;
  }
  return RowOutcome::unknown;
}

bool refused_whole(const wire::Reply* reply) {
  if (reply == nullptr) return true;
  if (reply->failure == wire::Failure::none) return reply->status >= 300 && reply->status < 500;
  return reply->failure != wire::Failure::lost && reply->failure != wire::Failure::too_large;
}

}  // namespace

void Sender::begin(Work work) {
  if (work.id == 0) work.id = next_id_++;
  work.trace = report_.run_id + "-" + std::to_string(next_id_++);
  work.memo.clear();
  work.intents.clear();
  work.regroup.clear();
  work.paced = false;
  for (WorkRow& row : work.rows) row.verdict.reset();
  work.refresh_views();
  const std::uint64_t id = work.id;
  Work& kept = works_.insert_or_assign(id, std::move(work)).first->second;
  kept.refresh_views();
  apply(kept, parts_.destination.begin(kept.batch(parts_.schema)), nullptr, nullptr);
}

void Sender::take_verdicts(Work& work, std::vector<Verdict>& verdicts) {
  for (Verdict& verdict : verdicts) {
    if (verdict.row >= work.rows.size()) continue;
    verdict.reason.message = parts_.scrubber.clean(verdict.reason.message);
    work.rows[verdict.row].verdict = std::move(verdict);
  }
}

void Sender::take_pace(Work& work, const Step& step, wire::RateClass rate_class,
                       const wire::Reply* reply) {
  const Clock::Time now = parts_.clock.now();
  pacer_.learn(rate_class, step.hint, now);
  if (step.hint.calls_left) report_.http.calls_left = step.hint.calls_left;
  const bool refused = reply != nullptr && reply->status == 429;
  if (refused) work.paced = true;
  if (step.pause <= milliseconds(0)) {
    if (refused) pacer_.refused(rate_class, now);
    if (reply != nullptr && reply->status / 100 == 2) pacer_.succeeded(rate_class);
    return;
  }
  work.paced = true;
  const bool past_deadline =
      options_.timing.deadline && now + step.pause > started_at_ + *options_.timing.deadline;
  if (step.pause > kLongestPause || past_deadline) {
    stop({Stop::Kind::quota, "the tool asked to wait longer than this run may last", step.pause});
    return;
  }
  pacer_.pause(rate_class, now + step.pause);
}

void Sender::take_stop(Work& work, Step& step, const wire::Reply* reply) {
  if (step.reauthenticate && !parts_.auth.renewable()) {
    step.stop = Stop{Stop::Kind::configuration,
                     "the credentials were refused (HTTP " +
                         std::to_string(reply == nullptr ? 0 : reply->status) +
                         "): check the connection's auth",
                     std::nullopt};
  }
  if (step.stop) {
    step.stop->message = parts_.scrubber.clean(step.stop->message);
    stop(*step.stop);
  }
  const bool never_sent = reply != nullptr && reply->failure == wire::Failure::cancelled;
  if (!never_sent && !(step.stop && refused_whole(reply))) return;
  for (WorkRow& row : work.rows) {
    if (row.verdict) continue;
    row.verdict = Verdict{};
    row.verdict->outcome = Outcome::retryable;
  }
}

void Sender::apply(Work& work, Step step, const Call* call, const wire::Reply* reply) {
  take_verdicts(work, step.verdicts);
  for (Regroup& group : step.regroup) {
    for (const RowIndex row : group.rows) {
      if (row < work.rows.size()) work.rows[row].regrouped = true;
    }
    work.regroup.push_back(std::move(group));
  }
  if (!step.memo.empty()) work.memo = std::move(step.memo);
  take_pace(work, step, call == nullptr ? wire::RateClass{0} : call->rate_class, reply);
  take_stop(work, step, reply);
  if (step.wait > milliseconds(0)) work.ready_at = parts_.clock.now() + step.wait;
  for (Call& next : step.calls) ask_intent(work, std::move(next));
  if (work.outstanding == 0) end_work(work);
}

void Sender::ask_intent(Work& work, Call call) {
  const std::uint64_t id = next_id_++;
  PendingCall pending;
  pending.work = work.id;
  ++work.outstanding;
  if (call.effect == Effect::none) {
    pending.call = std::move(call);
    calls_.emplace(id, std::move(pending));
    ready_.push_back(id);
    return;
  }
  work.unkeyed = work.unkeyed || call.effect == Effect::unkeyed_write;
  IntentBatch intent;
  const bool removes = std::all_of(work.rows.begin(), work.rows.end(), [](const WorkRow& row) {
    return row.change == Change::removed;
  });
  intent.op = removes ? StateOp::remove : StateOp::write;
  intent.attempt = static_cast<std::uint32_t>(work.attempt);
  intent.memo = work.memo;
  WorkIntent mark;
  for (RowIndex i = 0; i < work.rows.size(); ++i) {
    const WorkRow& row = work.rows[i];
    if (row.verdict || row.regrouped) continue;
    mark.rows.push_back(i);
    intent.rows.push_back(
        {row.identity, row.version, row.key, row.match == row.key ? std::string() : row.match});
  }
  pending.intent = work.intents.size();
  // Read before the commit is asked for: never later than what the store writes as send_by.
  pending.send_by = parts_.clock.now() + options_.timing.send_window;
  pending.call = std::move(call);
  work.intents.push_back(std::move(mark));
  calls_.emplace(id, std::move(pending));
  Piece piece;
  piece.id = next_id_++;
  piece.intents.push_back(std::move(intent));
  awaiting_intent_.emplace(piece.id, id);
  parts_.committer.submit(std::move(piece));
}

void Sender::start_call(std::uint64_t id) {
  PendingCall& pending = calls_.at(id);
  Work& work = works_.at(pending.work);
  const Clock::Time now = parts_.clock.now();
  pacer_.take(pending.call.rate_class);
  pending.started = now;
  if (breaker_.open()) breaker_.probing(now);
  budget_.request_made();
  ++started_;
  ++report_.http.requests;
  if (work.attempt > 1) ++report_.http.retries;
  parts_.progress.requests.store(report_.http.requests, std::memory_order_relaxed);
  http::Outgoing outgoing;
  outgoing.id = id;
  outgoing.request = pending.call.request;
  outgoing.credentials = parts_.auth.headers();
  outgoing.credentials.insert(outgoing.credentials.end(), options_.headers.begin(),
                              options_.headers.end());
  outgoing.send_by = pending.send_by;
  outgoing.idempotent = pending.call.effect == Effect::none;
  parts_.transport.start(std::move(outgoing));
}

void Sender::on_finished(http::Finished finished) {
  const auto found = calls_.find(finished.id);
  if (found == calls_.end()) return;
  PendingCall pending = std::move(found->second);
  calls_.erase(found);
  pacer_.done(pending.call.rate_class, pending.started, parts_.clock.now());
  Work& work = works_.at(pending.work);
  const wire::Reply& reply = finished.reply;
  const bool left = reply.failure != wire::Failure::not_sent &&
                    reply.failure != wire::Failure::expired &&
                    reply.failure != wire::Failure::cancelled;
  report_.http.bytes_sent += finished.bytes_sent;
  if (reply.failure == wire::Failure::none && reply.status == 429) ++report_.http.rate_limited;
  if (pending.intent && left) {
    WorkIntent& intent = work.intents.at(*pending.intent);
    intent.sent = true;
    intent.sent_at_ms =
        store_ms(finished.sent_at == Clock::Time{} ? parts_.clock.now() : finished.sent_at);
  }
  if (reply.failure == wire::Failure::expired) {
    expire(work, std::move(pending));
    return;
  }
  judge_connection(reply);
  --work.outstanding;
  if (reply.failure == wire::Failure::cancelled) {
    apply(work, Step{}, nullptr, &reply);
    return;
  }
  Step step = parts_.destination.reply(work.batch(parts_.schema), work.memo, pending.call, reply);
  apply(work, std::move(step), &pending.call, &reply);
}

/// The intent ran out before its request could leave: it is voided, and asked for again.
void Sender::expire(Work& work, PendingCall pending) {
  WorkIntent& intent = work.intents.at(*pending.intent);
  Piece piece;
  piece.voids.push_back({intent.seq, intent.batch});
  intent.closed = true;
  submit(std::move(piece), {});
  --work.outstanding;
  if (ending()) {
    wire::Reply never;
    never.failure = wire::Failure::cancelled;
    apply(work, Step{}, nullptr, &never);
    return;
  }
  ask_intent(work, std::move(pending.call));
}

bool Sender::may_retry(const Work& work, const WorkRow& row) const {
  if (ending() || work.attempt >= options_.max_attempts) return false;
  if (row.verdict->outcome == Outcome::retryable) return true;
  return row.verdict->outcome == Outcome::unknown && !work.unkeyed;
}

void Sender::end_work(Work& work) {
  Settled settled;
  Piece piece;
  std::vector<RowIndex> again;
  for (RowIndex i = 0; i < work.rows.size(); ++i) {
    WorkRow& row = work.rows[i];
    if (row.regrouped) continue;
    if (!row.verdict) row.verdict = Verdict{i, Outcome::unknown, {}, {}};
    if (may_retry(work, row)) {
      again.push_back(i);
    } else {
      finish_row(row, settled, piece);
    }
  }
  close_intents(work, piece);
  submit(std::move(piece), std::move(settled));
  if (!again.empty()) retry_rows(work, std::move(again));
  split_regrouped(work);
  works_.erase(work.id);
}

void Sender::finish_row(WorkRow& row, Settled& settled, Piece& piece) {
  const Reason& reason = row.verdict->reason;
  Outcome outcome = row.verdict->outcome;
  if (outcome == Outcome::retryable) {
    const bool refused_row = reason.transient && !row.was_unknown;
    outcome = refused_row ? Outcome::rejected : outcome;
    if (row.was_unknown) outcome = Outcome::unknown;
  }
  const bool left_over = outcome == Outcome::unknown || outcome == Outcome::retryable;
  if (left_over && !(reason.code.empty() && reason.message.empty())) {
    const bool both = !reason.code.empty() && !reason.message.empty();
    trouble_ = reason.code + (both ? ": " : "") + reason.message;
  }
  OutcomeCounts& counts = settled.counts;
  switch (outcome) {
    case Outcome::accepted:
      ++counts.accepted;
      parts_.progress.accepted.fetch_add(1, std::memory_order_relaxed);
      if (row.was_rejected) piece.no_longer_rejected.push_back(row.identity);
      return;
    case Outcome::rejected: {
      ++counts.rejected;
      parts_.progress.rejected.fetch_add(1, std::memory_order_relaxed);
      RejectedRow rejected;
      rejected.identity = row.identity;
      rejected.key = row.key;
      rejected.version = row.version;
      rejected.code = reason.code;
      rejected.message = reason.message;
      rejected.field = reason.field;
      rejected.hold = reason.transient ? Hold::transient : Hold::permanent;
      rejected.first_at_ms = rejected.last_at_ms = store_ms(parts_.clock.now());
      piece.rejected.push_back(std::move(rejected));
      settled.samples.push_back({row.key, reason.code, reason.message, reason.field});
      return;
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
  again.needs_token = !free;
  again.unkeyed = work.unkeyed;
  for (const RowIndex index : rows) {
    WorkRow& row = work.rows[index];
    row.was_unknown = row.was_unknown || row.verdict->outcome == Outcome::unknown;
    again.rows.push_back(std::move(row));
  }
  again.refresh_views();
  again.ready_at =
      parts_.clock.now() + http::full_jitter(work.attempt, kBackoffBase, kBackoffCap, random_);
  retries_.push_back(std::move(again));
}

void Sender::split_regrouped(Work& work) {
  for (Regroup& group : work.regroup) {
    Work part;
    part.id = next_id_++;
    part.operation = group.operation;
    part.attempt = work.attempt;
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
