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

/// Rules that headers may add; more than that is no tool's answer.
inline constexpr std::size_t kMostRules = 16;

/// The rule that an answer tells of, where `known` rules are there and none has its window.
[[nodiscard]] inline std::optional<RateRule> told_rule(RateClass rate_class, const RateHint& hint,
                                                       std::size_t known) {
  if (!hint.window || !hint.limit || *hint.limit < 1 || known >= kMostRules) return std::nullopt;
  return RateRule{rate_class, *hint.limit, *hint.window, "told"};
}

/// A rule's requests after an answer: what its headers say, but no more than the user chose.
[[nodiscard]] inline double limit_after(double requests, bool chosen, const RateHint& hint) {
  const bool told = hint.limit && *hint.limit >= 1 && !(chosen && *hint.limit > requests);
  return told ? *hint.limit : requests;
}

}  // namespace tailrace::wire
