#include "run/sender.hpp"

#include <algorithm>
#include <utility>

namespace tailrace {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLongestPoll{200};
constexpr milliseconds kOverdue{20};
constexpr std::uint64_t kLargestWindow = 1024;
constexpr std::uint64_t kAheadOfALimit = 8;
constexpr milliseconds kSoon{5'000};
// A limit that leaves no room for longer than this is spent: the run ends, and says when to come
// back.
constexpr milliseconds kLongestIdle{15 * 60'000};

}  // namespace

Sender::Sender(Parts parts, SenderOptions options, Report& report)
    : parts_(parts),
      options_(std::move(options)),
      report_(report),
      pacer_(options_.rates),
      concurrency_(options_.max_in_flight),
      random_(options_.seed) {}

void Sender::run(std::int64_t steady_to_store_ms) {
  steady_to_store_ms_ = steady_to_store_ms;
  started_at_ = parts_.clock.now();
  try {
    for (;;) {
      check_limits();
      take_acks();
      fill();
      renew_login();
      start_ready();
      ask_for_jobs();
      if (sending_over()) break;
      for (http::Finished& finished : parts_.transport.poll(next_wait())) {
        on_finished(std::move(finished));
      }
    }
    parts_.batches.drain([this] { ++report_.outcomes.not_attempted; });
    count_doubtful();
    settle_rest();
  } catch (...) {
    count_lost();
    throw;
  }
  count_lost();
}

/// Waits until the store has every outcome, or is known to be away.
void Sender::settle_rest() {
  const Clock::Time since = parts_.clock.now();
  while (!parts_.committer.flush(kLongestPoll)) {
    take_acks();  // throws what broke the store
    const bool stopped = given_up_ || parts_.cancelled.load(std::memory_order_relaxed);
    const milliseconds patience = stopped ? options_.timing.drain : options_.timing.store_patience;
    if (parts_.clock.now() - since >= patience) break;
  }
  take_acks();
}

/// Counts what was still under way when the store could not take it: a row whose request left, or
/// whose answer is not on record, is unknown.
void Sender::count_lost() {
  OutcomeCounts& total = report_.outcomes;
  for (auto& [id, settled] : settling_) total.unknown += settled.counts.total();
  settling_.clear();
  const auto count = [&total](const Work& work) {
    const bool sent = std::any_of(work.intents.begin(), work.intents.end(),
                                  [](const WorkIntent& intent) { return !intent.closed; });
    for (const WorkRow& row : work.rows) {
      ++(sent || row.was_unknown ? total.unknown : total.not_attempted);
    }
  };
  for (const auto& [id, work] : works_) count(work);
  for (const Work& work : retries_) count(work);
  works_.clear();
  retries_.clear();
  calls_.clear();
  parts_.transport.abandon();
  parts_.batches.drain([&total] { ++total.not_attempted; });
  count_doubtful();
}

bool Sender::sending_over() const {
  if (!works_.empty() || !retries_.empty()) return false;
  return exhausted_ || ending();
}

std::int64_t Sender::store_ms(Clock::Time time) const {
  const auto since = std::chrono::duration_cast<milliseconds>(time.time_since_epoch());
  return since.count() + steady_to_store_ms_;
}

/// Batches whose intents are durable or on their way but whose requests have not started. At one
/// row a request a commit must carry many of them, or the journal sets the pace.
std::uint64_t Sender::window() const {
  const std::chrono::duration<double> running = parts_.clock.now() - started_at_;
  const double rate = running.count() > 0.05 ? static_cast<double>(started_) / running.count() : 0;
  const auto wanted = static_cast<std::uint64_t>(rate * 0.05);
  const std::uint64_t least = 2 * concurrency_.limit();
  return std::clamp(wanted, least, std::max(least, kLargestWindow));
}

void Sender::take_acks() {
  for (const Ack& ack : parts_.committer.take_acks()) {
    if (const auto waiting = awaiting_intent_.find(ack.id); waiting != awaiting_intent_.end()) {
      const std::uint64_t id = waiting->second;
      awaiting_intent_.erase(waiting);
      PendingCall& pending = calls_.at(id);
      Work& work = works_.at(pending.work);
      WorkIntent& intent = work.intents.at(*pending.intent);
      intent.seq = ack.intent_seq;
      intent.batch = ack.first_batch;
      // One that was refused for its token is the first with the next: where tokens are good for
      // few requests, it would else be refused again and again.
      ready_.insert(pending.refusals > 0 ? ready_.begin() : ready_.end(), id);
    } else if (const auto given = handing_over_.find(ack.id); given != handing_over_.end()) {
      take_handover(given->second, ack);
      handing_over_.erase(given);
    } else if (const auto settled = settling_.find(ack.id); settled != settling_.end()) {
      report_.outcomes += settled->second.counts;
      for (RejectedSample& row : settled->second.samples) {
        if (report_.rejected_sample.size() >= Report::kSampleRows) break;
        report_.rejected_sample.push_back(std::move(row));
      }
      settling_.erase(settled);
    }
  }
}

/// How many batches may have their intents before their requests can start. A limit that has no
/// room is no reason to begin with the commit only when it has: the place would stand empty
/// meanwhile. Behind a long wait intents would run out.
std::uint64_t Sender::ahead(Clock::Time now) const {
  const milliseconds wait = std::max(pacer_.wait_for(0, now), parts_.account.blocked_for(0, now));
  if (breaker_.open() || wait > kSoon) return 1;
  return wait > milliseconds(0) ? std::min(window(), kAheadOfALimit) : window();
}

void Sender::fill() {
  if (ending()) return;
  const Clock::Time now = parts_.clock.now();
  const bool paced = pacer_.wait_for(0, now) > milliseconds(0) ||
                     parts_.account.blocked_for(0, now) > milliseconds(0) || breaker_.open() ||
                     parts_.auth.wait_for(now) > milliseconds(0);
  const std::uint64_t allowed = paced ? 1 : window();
  while (ready_.size() + awaiting_intent_.size() < allowed && job_is_free(now)) {
    if (next_retry(now)) continue;
    if (exhausted_) {
      // Horizons pass while the run works.
      if (works_.empty() && retries_.empty()) take_doubtful();
      return;
    }
    std::optional<Work> work = parts_.batches.next();
    if (!work) {
      exhausted_ = true;
      take_doubtful();
      continue;
    }
    if (!put_off(*work)) begin(std::move(*work));
  }
}

/// Where a tool may make two records of two requests at once, a row that an earlier run left in
/// doubt goes when that run's request must have ended.
bool Sender::put_off(Work& work) {
  const milliseconds after = parts_.destination.capabilities().resend_after;
  if (after <= milliseconds(0)) return false;
  std::int64_t free_ms = 0;
  for (const WorkRow& row : work.rows) {
    const auto doubt = parts_.state.doubts.find(row.identity);
    if (doubt == parts_.state.doubts.end()) continue;
    const std::int64_t sent_ms = doubt->second.horizon_ms - options_.timing.quiet.count();
    free_ms = std::max(free_ms, sent_ms + after.count());
  }
  const Clock::Time now = parts_.clock.now();
  const milliseconds left(free_ms - store_ms(now));
  if (left <= milliseconds(0)) return false;
  for (RowIndex i = 0; i < work.rows.size(); ++i) {
    work.rows[i].verdict = Verdict{i, Outcome::retryable, {}, {}};
  }
  work.ready_at = now + left;
  retries_.push_back(std::move(work));
  return true;
}

/// Takes up a batch whose backoff is over. One that waits for the retry budget goes when requests
/// of others have earned it; where there are no others, its outcome stands.
bool Sender::next_retry(Clock::Time now) {
  for (auto it = retries_.begin(); it != retries_.end(); ++it) {
    if (it->ready_at > now) continue;
    const bool token = !it->needs_token || budget_.take();
    const bool last = exhausted_ && works_.empty();
    if (!token && !last) continue;
    Work work = std::move(*it);
    retries_.erase(it);
    if (token) {
      begin(std::move(work));
    } else {
      work.attempt = options_.max_attempts;
      end_unsent(std::move(work));
    }
    return true;
  }
  return false;
}

bool Sender::may_start(wire::RateClass rate_class) {
  const Clock::Time now = parts_.clock.now();
  if (parts_.transport.in_flight() >= concurrency_.limit()) return false;
  if (parts_.auth.wait_for(now) > milliseconds(0)) return false;
  if (breaker_.open()) {
    // One probe at a time: what else is in flight was sent before the breaker opened.
    if (parts_.transport.in_flight() > 0 || breaker_.wait_for(now) > milliseconds(0)) return false;
  }
  return is_free(rate_class, now);
}

/// By the limits alone. Where that takes too long, the run stops.
bool Sender::is_free(wire::RateClass rate_class, Clock::Time now) {
  milliseconds wait = pacer_.wait_for(rate_class, now);
  if (wait == milliseconds(0)) wait = parts_.account.wait_for(rate_class, now);
  if (wait > kLongestIdle) {
    stop({Stop::Kind::quota,
          "the calls that the account's limits allow are spent; the next is free in " +
              std::to_string(std::chrono::ceil<std::chrono::minutes>(wait).count()) + " minutes",
          wait});
  }
  return wait == milliseconds(0);
}

void Sender::start_ready() {
  for (std::size_t looked = ready_.size(); looked > 0; --looked) {
    const std::uint64_t id = ready_.front();
    ready_.pop_front();
    PendingCall& pending = calls_.at(id);
    Work& work = works_.at(pending.work);
    const Clock::Time now = parts_.clock.now();
    const bool left = !pending.intent && job_takes_too_long(work);
    const bool spent = stop_ && stop_->kind == Stop::Kind::quota;  // for questions too
    if (cancelled_ || given_up_ || left || spent || (stop_ && pending.intent)) {
      calls_.erase(id);
      --work.outstanding;
      never_sent(work);
      continue;
    }
    if (pending.intent && now >= pending.send_by) {
      PendingCall late = std::move(pending);
      calls_.erase(id);
      expire(work, std::move(late));
      continue;
    }
    if (work.ready_at > now || !may_start(pending.call.rate_class)) {
      ready_.push_back(id);
      continue;
    }
    // Asking the store for the account's tokens may have taken long: they are kept for the next.
    if (pending.intent && parts_.clock.now() >= pending.send_by) {
      PendingCall late = std::move(pending);
      calls_.erase(id);
      expire(work, std::move(late));
      continue;
    }
    start_call(id);
  }
}

/// How long until a call that may start is not to wait any more, of a job for example.
milliseconds Sender::next_ready(Clock::Time now) const {
  Clock::Time earliest = Clock::Time::max();
  for (const std::uint64_t id : ready_) {
    earliest = std::min(earliest, works_.at(calls_.at(id).work).ready_at);
    if (earliest <= now) return milliseconds(1);
  }
  if (earliest - now > kLongestPoll) return kLongestPoll;
  return std::chrono::ceil<milliseconds>(earliest - now);
}

milliseconds Sender::next_wait() const {
  const Clock::Time now = parts_.clock.now();
  milliseconds wait = kLongestPoll;
  if (const auto due = jobs_due()) {
    const auto left = std::chrono::ceil<milliseconds>(*due - now);
    // What is due and was not asked for waits for a pause to end, or a slot.
    wait = std::min(wait, left > milliseconds(0) ? left : kOverdue);
  }
  if (ready_.empty() && awaiting_intent_.empty() && retries_.empty()) return wait;
  const milliseconds pace = std::max({pacer_.wait_for(0, now), parts_.account.blocked_for(0, now),
                                      breaker_.wait_for(now), parts_.auth.wait_for(now)});
  const bool slots = parts_.transport.in_flight() < concurrency_.limit();
  if (!ready_.empty() && slots) wait = std::min(wait, std::max(pace, next_ready(now)));
  for (const Work& work : retries_) {
    const auto left = std::chrono::ceil<milliseconds>(work.ready_at - now);
    // One that is due and was not taken waits for a pause to end, a slot or an answer.
    wait = std::min(wait, left > milliseconds(0) ? left : kOverdue);
  }
  return wait;
}

void Sender::check_limits() {
  const Clock::Time now = parts_.clock.now();
  const bool asked = parts_.cancelled.load(std::memory_order_relaxed);
  if (asked && !cancelled_) {
    cancelled_ = true;
    // Answers get most of the time that is promised, the last commit the rest.
    draining_until_ = now + options_.timing.drain * 2 / 3;
  }
  const auto& deadline = options_.timing.deadline;
  if (deadline && now - started_at_ >= *deadline && !given_up_) give_up();
  if (failing_since_ && now - *failing_since_ >= options_.timing.outage && !given_up_) give_up();
  if (draining_until_ && now >= *draining_until_) {
    draining_until_.reset();
    drained_ = true;
    parts_.transport.abandon();
  }
  if (ending()) end_waiting();
}

/// No more tries: what the batches in backoff know of their rows is final.
void Sender::end_waiting() {
  while (!retries_.empty()) {
    Work work = std::move(retries_.front());
    retries_.pop_front();
    end_unsent(std::move(work));
  }
}

void Sender::end_unsent(Work work) {
  const std::uint64_t id = work.id == 0 ? next_id_++ : work.id;
  work.id = id;
  end_work(works_.insert_or_assign(id, std::move(work)).first->second);
}

void Sender::give_up() {
  given_up_ = true;
  draining_until_ = parts_.clock.now() + options_.timing.drain;
}

void Sender::stop(Stop stop) {
  const bool quota = stop_ && stop_->kind == Stop::Kind::quota;
  const bool worse = quota && stop.kind == Stop::Kind::configuration;
  if (!stop_ || worse) stop_ = std::move(stop);
}

void Sender::judge_connection(const wire::Reply& reply) {
  const Clock::Time now = parts_.clock.now();
  const bool failed = reply.failure == wire::Failure::not_sent ||
                      reply.failure == wire::Failure::lost || reply.status >= 500;
  if (failed) {
    breaker_.failed(now);
    if (!failing_since_) failing_since_ = now;
  } else if (reply.failure == wire::Failure::none) {
    breaker_.succeeded();
    failing_since_.reset();
  }
}

/// What an answer says of how many requests may be under way at once.
void Sender::judge_speed(const PendingCall& pending, const wire::Reply& reply) {
  if (reply.failure != wire::Failure::none) return;
  if (reply.status == 429) return concurrency_.refused(pending.under_way);
  concurrency_.answered(parts_.clock.now() - pending.started, pending.under_way);
}

/// Leaves others the calls of the day that are theirs.
void Sender::keep_daily_share(const wire::RateHint& hint) {
  if (!options_.daily_share || !hint.calls_left) return;
  const double limit = hint.calls_limit.value_or(options_.calls_a_day.value_or(0));
  if (limit < 1 || limit - *hint.calls_left < limit * *options_.daily_share) return;
  // When the day's count goes down again no header says: it rolls with most tools.
  constexpr milliseconds kAnHour{3'600'000};
  const double percent = *options_.daily_share * 100;
  stop({Stop::Kind::quota,
        "the share of the day's calls that daily_calls allows (" +
            std::to_string(static_cast<int>(percent)) + " %) is used up by all who use the account",
        hint.reset.value_or(kAnHour)});
}

void Sender::withheld(Withheld held) {
  if (held.recorded) {
    ++report_.outcomes.rejected;
    if (report_.rejected_sample.size() < Report::kSampleRows) {
      report_.rejected_sample.push_back(
          {held.row.key, held.reason.code, held.reason.message, held.reason.field});
    }
    return;
  }
  Piece piece;
  Settled settled;
  reject(held.row, held.reason, held.hold, settled, piece);
  submit(std::move(piece), std::move(settled));
}

void Sender::submit(Piece piece, Settled settled) {
  piece.id = next_id_++;
  settling_.emplace(piece.id, std::move(settled));
  parts_.committer.submit(std::move(piece));
}

}  // namespace tailrace
