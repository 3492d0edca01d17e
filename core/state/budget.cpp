#include "state/budget.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace tailrace {
namespace {

constexpr std::int64_t kSlotsALease = 8;
constexpr std::int64_t kSlotsAWindow = 1000;  // at most about so many slots of a limit are kept

// Sums of fractions may miss a whole number by a hair.
constexpr double kHair = 1e-9;

}  // namespace

void check_ask(const RateAsk& ask) {
  const bool sound = std::isfinite(ask.requests) && ask.requests >= 1 && std::isfinite(ask.want) &&
                     std::isfinite(ask.left.value_or(0)) && ask.window_ms > 0 && ask.lease_ms > 0;
  if (!sound) {
    throw std::invalid_argument(
        "state: the limit " + ask.rule + " of " + ask.account +
        " makes no sense: it needs a request or more in a window, and a lease");
  }
}

std::int64_t slot_until(const RateAsk& ask, std::int64_t now_ms) {
  const std::int64_t width =
      std::max({std::int64_t{1}, ask.lease_ms / kSlotsALease, ask.window_ms / kSlotsAWindow});
  return (now_ms / width + 1) * width + ask.lease_ms + ask.window_ms;
}

RateGrant grant_of(const RateAsk& ask, std::int64_t now_ms, const std::vector<RateSlot>& counting) {
  double left = ask.requests;
  for (const RateSlot& slot : counting) left -= slot.used;
  const double others = ask.left ? std::floor(left - std::max(0.0, *ask.left)) : 0;
  if (others >= 1) left -= others;
  RateGrant none{0, 0, std::max(0.0, others)};
  if (left + kHair >= ask.want) return {ask.want, 0, none.others};
  if (left + kHair >= 1) return {std::floor(left + kHair), 0, none.others};
  for (const RateSlot& slot : counting) {
    left += slot.used;
    none.wait_ms = slot.until_ms - now_ms;
    if (left + kHair >= std::min(ask.want, 1.0)) return none;
  }
  if (none.others > 0) none.wait_ms = slot_until(ask, now_ms) - now_ms;
  return none;
}

void LastGrants::note(const RateAsk& ask, std::int64_t slot_until_ms, double granted) {
  last_[{ask.account, ask.rule}] = {slot_until_ms, granted};
}

RateSlot LastGrants::take_back(const RateAsk& ask) {
  const auto last = last_.find({ask.account, ask.rule});
  if (last == last_.end()) return {};
  const double back = std::min(-ask.want, last->second.used);
  last->second.used -= back;
  return {last->second.until_ms, back};
}

}  // namespace tailrace
