#include "run/account_budget.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "state/errors.hpp"

namespace tailrace {
namespace {

using std::chrono::milliseconds;

// A lease counts against the limit until its end and a window more, so that a hundredth of a
// limit is all that many processes lose of it.
constexpr int kLeasesAWindow = 100;
constexpr milliseconds kShortestLease{20};
constexpr milliseconds kLongestLease{1000};
// A request is counted by the tool when it arrives there.
constexpr milliseconds kOnItsWay{100};
// A lease lasts so many times as long as a draw takes: less, and a run does nothing but draw.
constexpr int kDrawsALease = 2;

}  // namespace

AccountBudget::AccountBudget(std::string account, const std::vector<wire::RateRule>& rules,
                             Draw draw, Now now)
    : draw_(std::move(draw)), now_(std::move(now)) {
  for (const wire::RateRule& rule : rules) {
    if (rule.requests < 1 || rule.window <= milliseconds(0)) continue;
    Share share;
    share.rate_class = rule.rate_class;
    share.ask.account = account;
    share.ask.rule = std::to_string(rule.rate_class) + '/' + rule.name + '/' +
                     std::to_string(rule.window.count());
    share.chosen = rule.chosen;
    share.ask.window_ms = rule.window.count();
    const milliseconds lease =
        std::clamp(rule.window / kLeasesAWindow, kShortestLease, kLongestLease);
    share.least_lease = lease;
    share.ask.requests = rule.requests;
    fit_lease(share, milliseconds(0));
    shares_.push_back(std::move(share));
  }
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
  share.ask.lease_ms = (share.lease + kOnItsWay).count();
  set_limit(share, share.ask.requests);
}

void AccountBudget::learn(wire::RateClass rate_class, const wire::RateHint& hint) {
  if (!hint.window || !hint.limit || *hint.limit < 1) return;
  for (Share& share : shares_) {
    if (share.rate_class != rate_class || share.ask.window_ms != hint.window->count()) continue;
    if (*hint.limit == share.ask.requests) continue;
    if (share.chosen && *hint.limit > share.ask.requests) continue;
    set_limit(share, *hint.limit);
    share.retry_at = {};  // the refusal was of the limit that was taken for the account's
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
    back.want = -std::floor(share.tokens);
    share.tokens = 0;
    static_cast<void>(draw(back));  // else they run out by themselves
  }
}

}  // namespace tailrace
