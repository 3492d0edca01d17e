// One batch's way through its destination: begin, intent, request, reply, settle.
#include <algorithm>
#include <utility>

#include "run/ask.hpp"
#include "run/mutant.hpp"
#include "run/request_trace.hpp"
#include "run/sender.hpp"

namespace tailrace {
namespace {

using std::chrono::milliseconds;

// A tool that asks for a longer pause than this says: not in this run. That is quota, not pace.
constexpr milliseconds kLongestPause{15 * 60'000};

bool refused_whole(const wire::Reply* reply) {
  if (reply == nullptr) return true;
  if (reply->failure == wire::Failure::none) return reply->status >= 300 && reply->status < 500;
  return reply->failure != wire::Failure::lost && reply->failure != wire::Failure::too_large;
}

}  // namespace

void Sender::begin(Work work) {
  if (work.id == 0) work.id = next_id_++;
  work.trace = report_.run_id + "-" + std::to_string(next_id_++);
  if (!work.resumes) {
    work.memo.clear();
    work.intents.clear();
  }
  work.regroup.clear();
  work.stuck = false;
  work.paced = false;
  work.written = false;
  ++work.tries;
  work.begun_at = parts_.clock.now();
  for (WorkRow& row : work.rows) row.verdict.reset();
  const std::uint64_t id = work.id;
  Work& kept = works_.insert_or_assign(id, std::move(work)).first->second;
  kept.refresh_views(parts_.batches.lines());
  if (kept.reads_back) return ask_read_back(kept);
  if (kept.resumes) {
    Step step = parts_.destination.resume(kept.batch(parts_.schema), kept.memo);
    return apply(kept, std::move(step), nullptr, nullptr);
  }
  if (kept.operation == Operation::insert &&
      options_.insert_safety == InsertSafety::idempotency_key) {
    if (kept.first_sent_ms == 0) kept.first_sent_ms = store_ms(parts_.clock.now());
    kept.idempotency_key = idempotency_key(kept);
  }
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
  parts_.account.learn(rate_class, step.hint, now);
  if (step.hint.calls_left) report_.http.calls_left = step.hint.calls_left;
  keep_daily_share(step.hint);
  const bool refused = step.rate_limited || (reply != nullptr && reply->status == 429);
  if (step.rate_limited) ++report_.http.rate_limited;
  if (refused) {
    work.paced = true;
    parts_.account.refused(rate_class);
  }
  if (step.pause <= milliseconds(0)) {
    if (refused) pacer_.refused(rate_class, now);
    if (reply != nullptr && reply->status / 100 == 2) {
      pacer_.succeeded(rate_class);
      put_off_since_.reset();
    }
    return;
  }
  work.paced = true;
  if (!refused) judge_delay(now);
  const bool past_deadline =
      options_.timing.deadline && now + step.pause > started_at_ + *options_.timing.deadline;
  if (step.pause > kLongestPause || past_deadline) {
    stop({Stop::Kind::quota, "the tool asked to wait longer than this run may last", step.pause});
    return;
  }
  pacer_.pause(rate_class, now + step.pause);
}

/// A tool that puts everything off, and not for its rate, is one that fails.
void Sender::judge_delay(Clock::Time now) {
  if (!put_off_since_) put_off_since_ = now;
  if (now - *put_off_since_ >= options_.timing.outage && !given_up_) give_up();
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
  // Where the credentials were refused nothing has happened, whatever the status.
  const bool nothing_done = never_sent || step.reauthenticate;
  if (!nothing_done && !(step.stop && refused_whole(reply))) return;
  for (WorkRow& row : work.rows) {
    if (row.verdict) continue;
    row.verdict = Verdict{};
    row.verdict->outcome = work.written ? Outcome::unknown : Outcome::retryable;
  }
}

/// Rows that go on in other batches. Not so where an earlier attempt may have inserted them:
/// another batch has another idempotency key, and would insert them again.
void Sender::take_regroup(Work& work, std::vector<Regroup>& groups) {
  const bool inserted = std::any_of(work.rows.begin(), work.rows.end(),
                                    [](const WorkRow& row) { return row.was_unknown; });
  const bool bound = inserted && !work.idempotency_key.empty() && !mutant(22);
  for (Regroup& group : groups) {
    for (const RowIndex row : group.rows) {
      if (row >= work.rows.size()) continue;
      work.rows[row].regrouped = !bound;
      if (bound) work.rows[row].verdict = Verdict{row, Outcome::retryable, {}, {}};
    }
    if (!bound) work.regroup.push_back(std::move(group));
  }
  work.stuck = bound && !groups.empty();
}

void Sender::apply(Work& work, Step step, const Call* call, const wire::Reply* reply) {
  take_verdicts(work, step.verdicts);
  take_regroup(work, step.regroup);
  work.written = work.written || step.written;
  if (!step.memo.empty()) work.memo = std::move(step.memo);
  if (step.jobs_full) {
    take_jobs_full(work, step);
  } else {
    take_pace(work, step, call == nullptr ? wire::RateClass{0} : call->rate_class, reply);
  }
  take_stop(work, step, reply);
  if (step.in_job) return enter_job(work);
  if (step.wait > milliseconds(0)) {
    work.ready_at = parts_.clock.now() + step.wait;
    if (!work.memo.empty() && !work.job_since) work.job_since = parts_.clock.now();
  }
  for (Call& next : step.calls) ask_intent(work, std::move(next));
  if (work.outstanding == 0) end_work(work);
}

/// Whether the same request again could make a second record. Of an insert that is so whatever the
/// destination says of its requests, unless they go under a key or duplicates were asked for.
bool Sender::makes_another(const Work& work, Effect effect) const {
  if (options_.insert_safety == InsertSafety::duplicate_ok) return false;
  if (work.operation == Operation::insert) return work.idempotency_key.empty();
  return effect == Effect::unkeyed_write;
}

/// Rows of which nothing has been said.
std::vector<RowIndex> Sender::open_rows(const Work& work) {
  std::vector<RowIndex> rows;
  for (RowIndex i = 0; i < work.rows.size(); ++i) {
    if (!work.rows[i].verdict && !work.rows[i].regrouped) rows.push_back(i);
  }
  return rows;
}

/// The rows that a call speaks for: those that it names, as far as nothing has been said of them.
std::vector<RowIndex> Sender::rows_of(const Work& work, const Call& call) {
  if (call.rows.empty()) return open_rows(work);
  std::vector<RowIndex> rows;
  for (const RowIndex row : call.rows) {
    const bool open =
        row < work.rows.size() && !work.rows[row].verdict && !work.rows[row].regrouped;
    if (open) rows.push_back(row);
  }
  return rows;
}

/// What goes on record before a request, or for a job: it speaks for `rows`.
IntentBatch Sender::intent_of(const Work& work, const std::vector<RowIndex>& rows) const {
  IntentBatch intent;
  intent.op = work.state_op();
  intent.attempt = static_cast<std::uint32_t>(work.attempt);
  if (parts_.destination.capabilities().resumes) intent.memo = work.memo;
  for (const RowIndex index : rows) {
    const WorkRow& row = work.rows[index];
    intent.rows.push_back(
        {row.identity, row.version, row.key, row.match == row.key ? std::string() : row.match});
  }
  return intent;
}

void Sender::ask_intent(Work& work, Call call, int refusals) {
  const std::uint64_t id = next_id_++;
  PendingCall pending;
  pending.work = work.id;
  pending.refusals = refusals;
  ++work.outstanding;
  if (call.effect == Effect::none) {
    pending.call = std::move(call);
    calls_.emplace(id, std::move(pending));
    ready_.push_back(id);
    return;
  }
  work.unkeyed = work.unkeyed || makes_another(work, call.effect);
  std::vector<RowIndex> rows = rows_of(work, call);
  IntentBatch intent = intent_of(work, rows);
  if (!work.idempotency_key.empty()) mark_repeatable(work, call.request, intent);
  WorkIntent mark;
  mark.rows = std::move(rows);
  pending.intent = work.intents.size();
  // Read before the commit is asked for: never later than what the store writes as send_by.
  pending.send_by = parts_.clock.now() + options_.timing.send_window;
  if (mutant(14)) pending.send_by = Clock::Time::max();
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
  const auto work = works_.find(pending.work);  // none where it asks for jobs
  const Clock::Time now = parts_.clock.now();
  pacer_.take(pending.call.rate_class);
  parts_.account.take(pending.call.rate_class);
  pending.started = now;
  pending.under_way = parts_.transport.in_flight() + 1;
  if (breaker_.open()) breaker_.probing(now);
  budget_.request_made();
  ++started_;
  ++report_.http.requests;
  const bool tried_before = work != works_.end() && work->second.attempt > 1;
  if (tried_before || pending.refusals > 0) ++report_.http.retries;
  parts_.progress.requests.store(report_.http.requests, std::memory_order_relaxed);
  http::Outgoing outgoing;
  outgoing.id = id;
  outgoing.request = pending.call.request;
  // Until when a lost write may arrive is reckoned with the connection's deadline.
  if (pending.call.effect != Effect::none) outgoing.request.patience = milliseconds(0);
  pending.login = http::put_on(outgoing, parts_.auth, options_.headers);
  outgoing.send_by = pending.send_by;
  parts_.transport.start(std::move(outgoing));
}

void Sender::on_finished(http::Finished finished) {
  const auto found = calls_.find(finished.id);
  if (found == calls_.end()) return;
  PendingCall pending = std::move(found->second);
  calls_.erase(found);
  pacer_.done(pending.call.rate_class, pending.started, parts_.clock.now());
  const wire::Reply& reply = finished.reply;
  report_.http.bytes_sent += finished.bytes_sent;
  if (reply.failure == wire::Failure::none && reply.status == 429) ++report_.http.rate_limited;
  if (poll_ && poll_->call == finished.id) {
    judge_connection(reply);
    return take_polled(pending, reply);
  }
  Work& work = works_.at(pending.work);
  if (pending.intent) note_sent(work.intents.at(*pending.intent), finished);
  if (reply.failure == wire::Failure::expired) {
    trace(work, pending, finished, "not_sent");
    expire(work, std::move(pending));
    return;
  }
  judge_connection(reply);
  judge_speed(pending, reply);
  --work.outstanding;
  if (reply.failure == wire::Failure::cancelled) {
    trace(work, pending, finished, "not_sent");
    never_sent(work);
    return;
  }
  take_answer(work, pending, finished);
}

/// What its outcome is to say of the intent: unless nothing of it has left.
void Sender::note_sent(WorkIntent& intent, const http::Finished& finished) const {
  const wire::Reply& reply = finished.reply;
  const bool left = reply.failure != wire::Failure::not_sent &&
                    reply.failure != wire::Failure::expired &&
                    reply.failure != wire::Failure::cancelled;
  if (!left) return;
  intent.sent = true;
  intent.lost = reply.failure != wire::Failure::none || reply.status >= 500;
  intent.sent_at_ms =
      store_ms(finished.sent_at == Clock::Time{} ? parts_.clock.now() : finished.sent_at);
}

void Sender::take_answer(Work& work, PendingCall& pending, const http::Finished& finished) {
  const wire::Reply& reply = finished.reply;
  if (work.reads_back) {
    trace(work, pending, finished, "read");
    ReadStep step = parts_.destination.read(read_back_ask(work), &pending.call, &reply);
    if (goes_again(work, pending, reply, says_old_token(reply, step))) return;
    apply_read(work, std::move(step), &reply);
    return;
  }
  Step step = parts_.destination.reply(work.batch(parts_.schema), work.memo, pending.call, reply);
  misread(work.operation, pending.call, reply, step);
  trace(work, pending, finished, outcome_class(step));
  if (step.rate_limited) concurrency_.refused(pending.under_way);
  if (goes_again(work, pending, reply, step.reauthenticate)) return;
  apply(work, std::move(step), &pending.call, &reply);
}

void Sender::trace(const Work& work, const PendingCall& pending, const http::Finished& finished,
                   std::string_view outcome) const {
  if (parts_.trace == nullptr) return;
  const auto now = parts_.clock.wall();
  const auto took =
      std::chrono::duration_cast<std::chrono::microseconds>(parts_.clock.now() - pending.started);
  RequestTrace::Entry entry{pending.call.request, finished};
  entry.at_ms = std::chrono::duration_cast<milliseconds>((now - took).time_since_epoch()).count();
  entry.ms = static_cast<double>(took.count()) / 1000;
  entry.attempt = work.tries;
  entry.batch = work.trace;
  entry.rows = work.rows.size();
  entry.outcome = outcome;
  entry.login = &parts_.scrubber;
  parts_.trace->write(entry);
}

/// What was still to be sent of the work stays where it is: ending rows keep what is known of them.
void Sender::never_sent(Work& work) {
  if (work.reads_back) {
    if (work.outstanding == 0) end_read_back(work);
    return;
  }
  if (waits_for_job(work)) {
    if (work.outstanding == 0) leave_pending(work);
    return;
  }
  wire::Reply never;
  never.failure = wire::Failure::cancelled;
  apply(work, Step{}, nullptr, &never);
}

/// The intent ran out before its request could leave: it is voided, and asked for again. Where a
/// request could have started each time, the store takes longer than an intent is good for, and
/// would do so for ever.
void Sender::expire(Work& work, PendingCall pending) {
  constexpr int kMostExpired = 8;
  const Clock::Time now = parts_.clock.now();
  const bool free = pacer_.wait_for(pending.call.rate_class, now) == milliseconds(0) &&
                    parts_.account.blocked_for(pending.call.rate_class, now) == milliseconds(0) &&
                    parts_.transport.in_flight() < concurrency_.limit() && !breaker_.open() &&
                    parts_.auth.wait_for(now) == milliseconds(0);
  if (free && ++work.expired >= kMostExpired && !ending()) {
    trouble_ = "the state store takes longer to commit than the send window of " +
               std::to_string(options_.timing.send_window.count() / 1000) + " s";
    give_up();
  }
  WorkIntent& intent = work.intents.at(*pending.intent);
  Piece piece;
  piece.voids.push_back({intent.seq, intent.batch});
  intent.closed = true;
  submit(std::move(piece), {});
  --work.outstanding;
  if (ending()) return never_sent(work);
  ask_intent(work, std::move(pending.call), pending.refusals);
}

}  // namespace tailrace
