#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tailrace::wire {

using Milliseconds = std::chrono::milliseconds;

/// Requests are counted per class; most tools have one.
using RateClass = std::uint8_t;

/// `requests` in any `window`. Several may hold at once (per 10 s, per minute, per day).
struct RateRule {
  RateClass rate_class = 0;
  double requests = 0;
  Milliseconds window{0};
  std::string name;  // for reports: "daily", "ten_secondly"
};

/// What an answer's headers say about the account's budget, in the facts of one destination.
struct RateHint {
  std::optional<double> limit;
  std::optional<double> remaining;
  std::optional<Milliseconds> window;
  std::optional<double> calls_left;  // of the day, for the report
};

}  // namespace tailrace::wire
