#include "run/job_pace.hpp"

#include <algorithm>

namespace tailrace {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kShortestGap{200};
constexpr milliseconds kLongestGap{15'000};
constexpr milliseconds kUnhurried{5'000};

}  // namespace

void JobPace::ended(milliseconds took) {
  // Later jobs count for more: a tool's queue grows and shrinks within a run.
  took_ = took_ ? (*took_ * 3 + took) / 4 : took;
}

void JobPace::answered(Time now, bool any_ended) {
  last_ = now;
  const milliseconds wanted = any_ended && took_ ? *took_ / 2 : gap_ * 2;
  gap_ = std::clamp(wanted, kShortestGap, kLongestGap);
}

JobPace::Time JobPace::next(Time oldest, bool urgent) const {
  // What is seen to have ended had ended some time before: four fifths of it finds that time out.
  const milliseconds first =
      took_ ? std::clamp(*took_ * 4 / 5, kShortestGap, kLongestGap) : milliseconds(kShortestGap);
  const Time due = oldest + first;
  if (!last_) return urgent ? due : std::max(due, oldest + kUnhurried);
  return std::max(due, *last_ + (urgent ? gap_ : std::max(gap_, kUnhurried)));
}

}  // namespace tailrace
