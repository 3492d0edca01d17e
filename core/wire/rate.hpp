#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tailrace::wire {

using Milliseconds = std::chrono::milliseconds;

inline constexpr Milliseconds kDay = std::chrono::hours(24);

/// Requests are counted per class; most tools have one.
using RateClass = std::uint8_t;

/// `requests` in any `window`, and at most `max_concurrent` under way at once; a rule may have
/// either or both. Several may hold at once (per 10 s, per minute, per day).
struct RateRule {
  RateClass rate_class = 0;
  double requests = 0;
  Milliseconds window{0};  // zero: the rule is about max_concurrent alone
  std::string name;  // for reports: "daily", "ten_secondly"
  std::size_t max_concurrent = 0;  // zero: any number
  bool chosen = false;  // by the user: headers may lower it and not raise it
};

/// What an answer's headers say about the account's budget.
struct RateHint {
  std::optional<double> limit;
  std::optional<double> remaining;
  std::optional<Milliseconds> window;
  std::optional<double> calls_left;  // of the day, for the report
  std::optional<double> calls_limit = {};  // of the day
  std::optional<Milliseconds> reset = {};  // from the answer on, until `remaining` counts anew
};

}  // namespace tailrace::wire
