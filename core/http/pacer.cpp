#include "http/pacer.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace tailrace::http {
namespace {

using std::chrono::milliseconds;

// Starts this close together share a slot: a day's rule then needs no list of 250,000 times.
constexpr int kSlotsPerWindow = 1024;
// A little more than the window, for clocks that tick differently.
constexpr milliseconds kMargin{50};
// A tool counts a request when it arrives, not when it answers: of a slow answer no more than this
// is taken for the way there. A tool that is at its limit lets requests wait before it counts them.
constexpr milliseconds kLongestWay{250};
// How long to wait for something that no time is known of; answers wake the sender anyway.
constexpr milliseconds kPatience{5};
constexpr milliseconds kFirstRefusal{1000};
constexpr int kMostDoublings = 6;
// Two answers that mean the same reset name it within this.
constexpr milliseconds kSameReset{2000};

}  // namespace

Pacer::Pacer(std::vector<wire::RateRule> rules) {
  for (wire::RateRule& rule : rules) windows_.push_back({std::move(rule), {}, 0, 0});
}

void Pacer::expire(Window& window, Time now) {
  const Time since = now - window.rule.window - kMargin;
  while (!window.slots.empty() && window.slots.front().latest <= since) {
    window.used -= window.slots.front().starts;
    window.slots.pop_front();
  }
}

void Pacer::add(Window& window, Time now, double starts) {
  const auto width = window.rule.window / kSlotsPerWindow;
  if (window.slots.empty() || now - window.slots.back().latest > width) {
    window.slots.push_back({now, starts});
  } else {
    // The later time for all of them: never too early.
    window.slots.back().latest = std::max(window.slots.back().latest, now);
    window.slots.back().starts += starts;
  }
  window.used += starts;
}

Pacer::Hold& Pacer::hold(wire::RateClass rate_class) {
  for (auto& [held, hold] : holds_) {
    if (held == rate_class) return hold;
  }
  return holds_.emplace_back(rate_class, Hold{}).second;
}

milliseconds Pacer::wait_for(wire::RateClass rate_class, Time now) const {
  Time free_at = now;
  for (const auto& [held, hold] : holds_) {
    if (held == rate_class) free_at = std::max(free_at, hold.until);
  }
  free_at = std::max(free_at, free_by_allowance(rate_class, now));
  for (const Window& window : windows_) {
    if (window.rule.rate_class != rate_class) continue;
    const std::size_t at_once = window.rule.max_concurrent;
    if (at_once > 0 && window.under_way + 1 > static_cast<double>(at_once)) {
      free_at = std::max(free_at, now + kPatience);
    }
    if (window.rule.window <= milliseconds(0)) continue;
    const milliseconds span = window.rule.window + kMargin;
    double used = window.used + window.under_way;
    for (const Slot& slot : window.slots) {
      const bool gone = slot.latest + span <= now;
      if (!gone && used + 1 <= window.rule.requests) break;
      used -= slot.starts;
      if (!gone) free_at = std::max(free_at, slot.latest + span);
    }
    // No place is left but by the end of a request under way.
    if (used + 1 > window.rule.requests) free_at = std::max(free_at, now + kPatience);
  }
  return std::chrono::ceil<milliseconds>(free_at - now);
}

double& Pacer::under_way(wire::RateClass rate_class) {
  for (auto& [held, count] : under_way_) {
    if (held == rate_class) return count;
  }
  return under_way_.emplace_back(rate_class, 0).second;
}

Pacer::Time Pacer::free_by_allowance(wire::RateClass rate_class, Time now) const {
  double started = 0;
  for (const auto& [held, count] : under_way_) {
    if (held == rate_class) started = count;
  }
  for (const Allowance& allowed : allowances_) {
    if (allowed.rate_class != rate_class || now >= allowed.until) continue;
    const double left = allowed.left - allowed.unsaid;
    if (left >= started + 1) continue;
    // With others under way their answers may say more; else only time helps.
    return left >= 1 ? now + kPatience : allowed.until;
  }
  return now;
}

void Pacer::take(wire::RateClass rate_class) {
  under_way(rate_class) += 1;
  for (Window& window : windows_) {
    if (window.rule.rate_class == rate_class) window.under_way += 1;
  }
}

void Pacer::done(wire::RateClass rate_class, Time started, Time now) {
  under_way(rate_class) -= 1;
  for (Allowance& allowed : allowances_) {
    if (allowed.rate_class == rate_class) allowed.unsaid += 1;  // until learn() hears its answer
  }
  for (Window& window : windows_) {
    if (window.rule.rate_class != rate_class) continue;
    window.under_way -= 1;
    if (window.rule.window <= milliseconds(0)) continue;
    expire(window, now);
    add(window, std::min(now, started + kLongestWay), 1);
  }
}

void Pacer::pause(wire::RateClass rate_class, Time until) {
  Hold& held = hold(rate_class);
  held.until = std::max(held.until, until);
}

void Pacer::refused(wire::RateClass rate_class, Time now) {
  Hold& held = hold(rate_class);
  const int doublings = std::min(held.refusals++, kMostDoublings);
  held.until = std::max(held.until, now + kFirstRefusal * (1 << doublings));
}

void Pacer::succeeded(wire::RateClass rate_class) {
  for (auto& [held, hold] : holds_) {
    if (held == rate_class) hold.refusals = 0;
  }
}

/// The rule that a hint is about; a new one where there is none yet.
Pacer::Window* Pacer::window_of(wire::RateClass rate_class, const wire::RateHint& hint, Time now) {
  for (Window& window : windows_) {
    if (window.rule.rate_class == rate_class && window.rule.window == *hint.window) return &window;
  }
  std::optional<wire::RateRule> told = wire::told_rule(rate_class, hint, windows_.size());
  if (!told) return nullptr;
  windows_.push_back({*std::move(told), {}, 0, 0});
  windows_.back().under_way = under_way(rate_class);
  add(windows_.back(), now, 1);  // the request that the answer is to
  return &windows_.back();
}

void Pacer::allow(wire::RateClass rate_class, const wire::RateHint& hint, Time now) {
  const Time until = now + *hint.reset;
  for (Allowance& allowed : allowances_) {
    if (allowed.rate_class != rate_class) continue;
    const bool same = now < allowed.until && until <= allowed.until + kSameReset;
    allowed.left = same ? std::min(allowed.left, *hint.remaining) : *hint.remaining;
    allowed.unsaid = same ? std::max(0.0, allowed.unsaid - 1) : 0;
    allowed.until = same ? std::max(allowed.until, until) : until;
    return;
  }
  allowances_.push_back({rate_class, until, *hint.remaining, 0});
}

void Pacer::learn(wire::RateClass rate_class, const wire::RateHint& hint, Time now) {
  if (!hint.window) {
    if (hint.remaining && *hint.remaining >= 0 && hint.reset) allow(rate_class, hint, now);
    return;
  }
  if (hint.window->count() <= 0) return;
  Window* const window = window_of(rate_class, hint, now);
  if (window == nullptr) return;
  wire::RateRule& rule = window->rule;
  rule.requests = wire::limit_after(rule.requests, rule.chosen, hint);
}

}  // namespace tailrace::http
