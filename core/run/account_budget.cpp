#include "run/account_budget.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "state/errors.hpp"

namespace tailrace {
namespace {

using std::chrono::milliseconds;

// A lease counts against the limit until its end and a window more, so that a two-hundredth of a
// limit is all that many processes lose of it.
constexpr int kLeasesAWindow = 200;
constexpr milliseconds kShortestLease{20};
constexpr milliseconds kLongestLease{1000};
// A request is counted by the tool when it arrives there. What it may take on its way is more where
// the window is long, of which little is lost by it.
constexpr milliseconds kOnItsWay{100};
constexpr milliseconds kLongOnItsWay{250};
constexpr int kWaysAWindow = 66;
// Where refusals say that this is too little, at most so much of the window.
constexpr double kLongestWay = 0.1;
// Of what it was lengthened by, a draw keeps so much: half is gone after 14 s of ten draws each.
constexpr double kKept = 0.995;
// A lease lasts so many times as long as a draw takes: less, and a run does nothing but draw.
constexpr int kDrawsALease = 2;

}  // namespace

AccountBudget::AccountBudget(std::string account, const std::vector<wire::RateRule>& rules,
                             Draw draw, Now now)
    : account_(std::move(account)), draw_(std::move(draw)), now_(std::move(now)) {
  for (const wire::RateRule& rule : rules) add(rule);
}

void AccountBudget::add(const wire::RateRule& rule) {
  if (rule.requests < 1 || rule.window <= milliseconds(0)) return;
  Share share;
  share.rate_class = rule.rate_class;
  share.ask.account = account_;
  share.ask.rule =
      std::to_string(rule.rate_class) + '/' + rule.name + '/' + std::to_string(rule.window.count());
  share.chosen = rule.chosen;
  share.ask.window_ms = rule.window.count();
  share.least_lease = std::clamp(rule.window / kLeasesAWindow, kShortestLease, kLongestLease);
  share.ask.requests = rule.requests;
  share.least_way = std::clamp(rule.window / kWaysAWindow, kOnItsWay, kLongOnItsWay);
  share.way = share.least_way;
  fit_lease(share, milliseconds(0));
  shares_.push_back(std::move(share));
}

void AccountBudget::set_limit(Share& share, double requests) {
  share.ask.requests = requests;
  const double in_a_lease = requests * static_cast<double>(share.lease.count()) /
                            static_cast<double>(share.ask.window_ms);
  share.ask.want = std::max(1.0, std::ceil(in_a_lease));
}

void AccountBudget::fit_lease(Share& share, milliseconds took) {
  share.drawing = std::max(took, share.drawing * 4 / 5);
  // Without an upper bound: what comes back later than its lease is never used.
  share.lease = std::max(share.drawing * kDrawsALease, share.least_lease);
  share.way = share.least_way + (share.way - share.least_way) * kKept;
  share.ask.lease_ms = (share.lease + std::chrono::ceil<milliseconds>(share.way)).count();
  set_limit(share, share.ask.requests);
}

/// The limit that a hint is about; a new one where none has its window.
AccountBudget::Share* AccountBudget::share_of(wire::RateClass rate_class,
                                              const wire::RateHint& hint) {
  for (Share& share : shares_) {
    const bool same = share.ask.window_ms == hint.window->count();
    if (share.rate_class == rate_class && same) return &share;
  }
  const std::optional<wire::RateRule> told = wire::told_rule(rate_class, hint, shares_.size());
  if (!told) return nullptr;
  add(*told);
  return &shares_.back();
}

void AccountBudget::learn(wire::RateClass rate_class, const wire::RateHint& hint, Clock::Time now) {
  if (!hint.window || *hint.window <= milliseconds(0)) return;
  Share* const share = share_of(rate_class, hint);
  if (share == nullptr) return;
  const double limit = wire::limit_after(share->ask.requests, share->chosen, hint);
  if (limit != share->ask.requests) {
    set_limit(*share, limit);
    share->retry_at = {};  // the refusal was of the limit that was taken for the account's
  }
  if (!hint.remaining) return;
  share->left = std::min(share->left.value_or(*hint.remaining), *hint.remaining);
  share->left_at = now;
  if (*share->left >= 1 || now < share->retry_at) return;  // the last draw found nothing either
  // Nothing starts here for a while, and the other runs should know by then.
  RateAsk note = share->ask;
  note.want = 0;
  note.left = std::exchange(share->left, std::nullopt);
  static_cast<void>(draw(note));
}

void AccountBudget::refused(wire::RateClass rate_class) {
  for (Share& share : shares_) {
    if (share.rate_class != rate_class) continue;
    const std::chrono::duration<double, std::milli> longest(
        kLongestWay * static_cast<double>(share.ask.window_ms));
    share.way = std::max(share.way, std::min(share.way * 2, longest));
  }
}

/// The committer decides how long the run waits for a store that is away.
RateGrant AccountBudget::draw(const RateAsk& ask) const {
  try {
    return draw_(ask);
  } catch (const StoreUnavailable&) {
    return {0, kStoreRetry.count()};
  }
}

milliseconds AccountBudget::wait_for(Share& share, Clock::Time now) {
  if (share.tokens >= 1 && now < share.until) return milliseconds(0);
  share.tokens = 0;
  if (now < share.retry_at) {
    return std::chrono::ceil<milliseconds>(share.retry_at - now);
  }
  const Clock::Time before = now_ ? now_() : now;
  // What was said longer ago speaks of requests that the store may not count any more.
  const bool fresh = now - share.left_at <= milliseconds(share.ask.lease_ms);
  share.ask.left = fresh ? share.left : std::nullopt;
  share.left.reset();
  const RateGrant grant = draw(share.ask);
  const Clock::Time after = now_ ? now_() : now;
  // From the moment before the store was asked: never later than what the store counts.
  const Clock::Time until = before + share.lease;
  fit_lease(share, std::chrono::ceil<milliseconds>(after - before));
  if (grant.granted >= 1 && after < until) {
    share.tokens = grant.granted;
    share.until = until;
    return milliseconds(0);
  }
  const milliseconds wait{std::max<std::int64_t>(1, grant.wait_ms)};
  share.retry_at = now + wait;
  return wait;
}

milliseconds AccountBudget::wait_for(wire::RateClass rate_class, Clock::Time now) {
  milliseconds longest{0};
  for (Share& share : shares_) {
    if (share.rate_class != rate_class) continue;
    longest = std::max(longest, wait_for(share, now));
  }
  return longest;
}

milliseconds AccountBudget::blocked_for(wire::RateClass rate_class, Clock::Time now) const {
  milliseconds longest{0};
  for (const Share& share : shares_) {
    if (share.rate_class != rate_class || now >= share.retry_at) continue;
    longest = std::max(longest, std::chrono::ceil<milliseconds>(share.retry_at - now));
  }
  return longest;
}

void AccountBudget::take(wire::RateClass rate_class) {
  for (Share& share : shares_) {
    if (share.rate_class == rate_class) share.tokens -= 1;
  }
}

void AccountBudget::give_back(Clock::Time now) {
  for (Share& share : shares_) {
    if (share.tokens < 1 || now >= share.until) continue;
    RateAsk back = share.ask;
    back.left.reset();
    back.want = -std::floor(share.tokens);
    share.tokens = 0;
    static_cast<void>(draw(back));  // else they run out by themselves
  }
}

}  // namespace tailrace
