#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "wire/rate.hpp"

namespace tailrace::http {

/// Keeps several rate rules at once for one connection, fed by configuration and by answers.
/// Time is passed in. A request may start when every rule of its class has room.
///
/// Each rule is kept as a sliding window over our own starts: at most `requests` in any `window`.
/// That is within the limit whichever way the tool counts (fixed windows, sliding, leaky bucket),
/// and uses all of it; a bucket of tokens would allow twice the limit in its first window.
///
/// Where headers name a window that no rule has, that becomes a rule. Where they name none, but
/// what is left until a time, no more than that starts before it.
class Pacer {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit Pacer(std::vector<wire::RateRule> rules);

  /// How long until a request of this class may start; zero: now.
  [[nodiscard]] std::chrono::milliseconds wait_for(wire::RateClass rate_class, Time now) const;
  /// Counts a start. Call only after wait_for() said zero.
  void take(wire::RateClass rate_class);
  /// The request has ended. Until then it counts as used, whenever the tool counted it; from then
  /// on its place is free again one window after the tool must have seen it.
  void done(wire::RateClass rate_class, Time started, Time now);
  /// Nothing of this class before `until` (Retry-After).
  void pause(wire::RateClass rate_class, Time until);
  /// A refusal for the rate that named no time: waits a second, doubling with each in a row.
  void refused(wire::RateClass rate_class, Time now);
  void succeeded(wire::RateClass rate_class);
  /// What an answer's headers say: another limit, or what is left until a time. What others use of
  /// a window is for all runs of the account to know, and not for the pacer of one.
  void learn(wire::RateClass rate_class, const wire::RateHint& hint, Time now);

 private:
  struct Slot {
    Time latest{};  // of the starts in it
    double starts = 0;
  };
  struct Window {
    wire::RateRule rule;
    std::deque<Slot> slots;
    double used = 0;       // in the slots
    double under_way = 0;  // started and not ended: counted by the tool at a time we do not know
  };
  struct Hold {
    Time until{};
    int refusals = 0;
  };
  /// What the tool said is left until a time: the least of all answers, for they overtake one
  /// another and each counts the request that it is to.
  struct Allowance {
    wire::RateClass rate_class = 0;
    Time until{};
    double left = 0;
    double unsaid = 0;  // requests that ended without such an answer
  };
  static void expire(Window& window, Time now);
  static void add(Window& window, Time now, double starts);
  Hold& hold(wire::RateClass rate_class);
  [[nodiscard]] Window* window_of(wire::RateClass rate_class, const wire::RateHint& hint, Time now);
  void allow(wire::RateClass rate_class, const wire::RateHint& hint, Time now);
  [[nodiscard]] double& under_way(wire::RateClass rate_class);
  [[nodiscard]] Time free_by_allowance(wire::RateClass rate_class, Time now) const;

  std::vector<Window> windows_;
  std::vector<Allowance> allowances_;
  std::vector<std::pair<wire::RateClass, double>> under_way_;
  std::vector<std::pair<wire::RateClass, Hold>> holds_;
};

}  // namespace tailrace::http
