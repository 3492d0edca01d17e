// What a run may cost: rate, retries, time.
#include <algorithm>

#include "oracle.hpp"
#include "oracle_words.hpp"

namespace tailrace::simulation {
namespace {

// As the engine has them.
constexpr int kMostAttempts = 5;
constexpr double kRetryFloor = 10;
constexpr double kRetryShare = 0.2;
constexpr int kBreakerOpens = 5;
constexpr std::int64_t kDrainMs = 3'000;
// A request that was refused for one of its rows is halved so often at most, and may be sent as
// another operation once.
constexpr int kHalvings = 3;

bool has_failed(const Delivery& delivery) {
  return delivery.reply.failure == wire::Failure::not_sent ||
         delivery.reply.failure == wire::Failure::lost || delivery.reply.status >= 500;
}

/// Nothing but the schedule's own faults may keep such a run from its end.
bool is_undisturbed(const RunPlan& plan) {
  return plan.freezes.empty() && plan.store_faults.empty() && plan.cancel_step == 0 &&
         !plan.read_fails && plan.commit_ms < 1'000;
}

}  // namespace

/// No window of the limit's length has more starts than the limit, whoever made them.
void Oracle::check_rate(const Process& process) {
  if (schedule_.rate.requests == 0) return;
  const std::int64_t now = process.now_ms();
  while (!asked_ms_.empty() && asked_ms_.front() <= now - schedule_.rate.window_ms) {
    asked_ms_.pop_front();
  }
  asked_ms_.push_back(now);
  if (asked_ms_.size() <= static_cast<std::size_t>(schedule_.rate.requests)) return;
  fail("I10", who(process) + " makes request " + std::to_string(asked_ms_.size()) +
                  " of a window, the limit is " + std::to_string(schedule_.rate.requests));
}

/// A row goes again only so often, and a run repeats only a share of what it sends.
void Oracle::check_retries(const Process& process, const Delivery& delivery, Ledger& ledger) {
  bool costly = false;
  for (const Ask::Row& row : delivery.ask.rows) {
    const std::string key = key_of(row);
    const auto [sends, fresh] = ledger.sends.try_emplace(key);
    const bool free = sends->second.free;
    if (!free && ++sends->second.costly > kMostAttempts + kHalvings) {
      fail("I10", who(process) + " sends " + key + " once more after " +
                      std::to_string(sends->second.costly) + " times");
    }
    costly = costly || !free;
  }
  if (!costly) return;
  ++ledger.retries;
  const double allowed = kRetryFloor + kRetryShare * static_cast<double>(ledger.asked);
  if (static_cast<double>(ledger.retries) > allowed) {
    fail("I10", who(process) + " makes retry " + std::to_string(ledger.retries) + " among " +
                    std::to_string(ledger.asked) + " requests");
  }
}

void Oracle::note_answer(const Delivery& delivery, Ledger& ledger) {
  if (has_failed(delivery)) {
    ++ledger.failures_in_a_row;
  } else if (delivery.reply.failure == wire::Failure::none) {
    ledger.failures_in_a_row = 0;
  }
  const bool probing = ledger.failures_in_a_row >= kBreakerOpens;
  const bool free = says_no(delivery) || delivery.not_before_ms > 0 || probing;
  for (const Ask::Row& row : delivery.ask.rows) ledger.sends[key_of(row)].free = free;
}

/// A run ends when its time is up, is not fenced while it is awake, and one that meets no fault
/// leaves nothing behind.
void Oracle::check_liveness(const Process& process, const Report& report, const Ledger& ledger) {
  const RunPlan& plan = process.plan();
  const auto broken = [&](const std::string& text) {
    fail("liveness", who(process) + " ends " + std::string(to_text(report.status)) + text);
  };
  std::int64_t disturbed_ms = 0;
  for (const RunPlan::Freeze& freeze : plan.freezes) disturbed_ms += freeze.for_ms;
  if (schedule_.deadline_ms > 0 && process.source_ended && !process.guards_pass) {
    // Whose account it is and which fields it has is asked before; each question waits its turn.
    const std::int64_t asking = schedule_.rate.requests == 0 ? 0 : 2 * schedule_.rate.window_ms;
    const std::int64_t most =
        asking + schedule_.deadline_ms + 2 * kDrainMs + 4 * plan.commit_ms + 1'000;
    const std::int64_t took = process.now_ms() - process.source_ended_ms - disturbed_ms;
    if (took > most) broken(" after " + std::to_string(took) + " ms of sending");
  }
  if (!is_undisturbed(plan)) return;
  if (report.status == Status::busy && report.epoch > 0) broken(", and was awake all the time");
  if (ledger.met_fault || schedule_.deadline_ms > 0 || plan.of > 1) return;
  const bool waits = inserts(schedule_) || report.status == Status::busy;
  if (report.outcomes.unknown + report.outcomes.not_attempted > 0 && !waits &&
      report.status != Status::refused) {
    broken(", met no fault and leaves rows over");
  }
}

}  // namespace tailrace::simulation
