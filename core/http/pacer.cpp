#include "http/pacer.hpp"

#include <algorithm>
#include <utility>

namespace tailrace::http {
namespace {

using std::chrono::milliseconds;

// Starts this close together share a slot: a day's rule then needs no list of 250,000 times.
constexpr int kSlotsPerWindow = 1024;
// A little more than the window, for clocks that tick differently.
constexpr milliseconds kMargin{50};
// A tool counts a request when it arrives, not when it answers: of a slow answer no more than this
// is taken for the way there.
constexpr milliseconds kLongestWay{100};
// How long to wait for something that no time is known of; answers wake the sender anyway.
constexpr milliseconds kPatience{5};
constexpr milliseconds kFirstRefusal{1000};
constexpr int kMostDoublings = 6;

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
  for (const Window& window : windows_) {
    if (window.rule.rate_class != rate_class) continue;
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

void Pacer::take(wire::RateClass rate_class) {
  for (Window& window : windows_) {
    if (window.rule.rate_class == rate_class) window.under_way += 1;
  }
}

void Pacer::done(wire::RateClass rate_class, Time started, Time now) {
  for (Window& window : windows_) {
    if (window.rule.rate_class != rate_class) continue;
    window.under_way -= 1;
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

void Pacer::learn(wire::RateClass rate_class, const wire::RateHint& hint, Time now) {
  if (!hint.window || hint.window->count() <= 0) return;
  for (Window& window : windows_) {
    if (window.rule.rate_class != rate_class || window.rule.window != *hint.window) continue;
    if (hint.limit && *hint.limit >= 1) window.rule.requests = *hint.limit;
    if (!hint.remaining) continue;
    expire(window, now);
    // Fewer left than we used up: somebody else spends the same budget.
    const double others = window.rule.requests - window.used - window.under_way - *hint.remaining;
    if (others > 0) add(window, now, others);
  }
}

}  // namespace tailrace::http
