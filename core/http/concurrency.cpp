#include "http/concurrency.hpp"

#include <algorithm>
#include <cmath>

namespace tailrace::http {
namespace {

constexpr double kFirst = 8;
// An answer may take twice as long as one that waits for no other: below that a queue of about as
// many requests as are worked on keeps the tool busy, above it they only wait.
constexpr double kTolerance = 2;
constexpr double kLeastShare = 0.5;   // of the limit that one slow round leaves
constexpr double kAfterRefusal = 0.7;
// With a queue of at most twice what the tool works on, and the square root that is added, a
// quarter is never more than it works on at once.
constexpr double kMeasuringShare = 0.25;
constexpr int kSlowRoundsToMeasure = 48;
constexpr int kRoundsToRaise = 64;
constexpr std::size_t kShortestRound = 4;

}  // namespace

Concurrency::Concurrency(std::size_t most)
    : most_(static_cast<double>(std::max<std::size_t>(1, most))),
      ceiling_(most_),
      limit_(std::min(most_, kFirst)) {}

std::size_t Concurrency::limit() const {
  const double now = measures_ ? limit_ * kMeasuringShare : limit_;
  return static_cast<std::size_t>(std::max(1.0, now));
}

std::size_t Concurrency::round_length() const { return std::max(kShortestRound, limit()); }

void Concurrency::answered(Duration took, std::size_t under_way) {
  // Started before the limit went down: it says how long the queue was then.
  if (under_way > limit()) return;
  ++round_.answers;
  round_.total += took;
  round_.most_under_way = std::max(round_.most_under_way, under_way);
  if (round_.answers >= round_length()) end_round();
}

void Concurrency::end_round() {
  const Duration took = round_.total / static_cast<double>(round_.answers);
  // Growing without having used what there is would say nothing of the tool.
  const bool used = round_.most_under_way >= limit();
  round_ = {};
  raise_ceiling();
  if (measures_) return measure(took);
  if (alone_ == Duration(0) || took < alone_) alone_ = took;
  if (used) adapt(took);
}

void Concurrency::adapt(Duration took) {
  const double share = std::clamp(kTolerance * (alone_ / took), kLeastShare, 1.0);
  limit_ = std::clamp(limit_ * share + std::sqrt(limit_), 1.0, std::max(1.0, ceiling_));
  const bool slow = took > alone_ * 1.2;
  slow_rounds_ = slow ? slow_rounds_ + 1 : 0;
  if (slow_rounds_ < kSlowRoundsToMeasure) return;
  slow_rounds_ = 0;
  measures_ = true;
}

void Concurrency::measure(Duration took) {
  alone_ = took;
  measures_ = false;
}

void Concurrency::refused(std::size_t under_way) {
  // Of many that were under way one refusal speaks for all. With few of them it was for the number
  // of requests in some time, which is not to be tuned here.
  if (under_way > limit() || 2 * under_way <= limit()) return;
  const auto reached = static_cast<double>(under_way);
  ceiling_ = std::max(1.0, std::min(ceiling_, reached * kAfterRefusal));
  limit_ = std::min(limit_, ceiling_);
  round_ = {};
  measures_ = false;
  slow_rounds_ = 0;
  rounds_since_refusal_ = 0;
}

void Concurrency::raise_ceiling() {
  if (++rounds_since_refusal_ % kRoundsToRaise == 0) {
    ceiling_ = std::min(most_, ceiling_ + std::max(1.0, ceiling_ * 0.1));
  }
}

}  // namespace tailrace::http
