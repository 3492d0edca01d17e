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

void JobPace::answered(Time now, bool any_ended, std::size_t round) {
  last_ = now;
  const auto looks = static_cast<milliseconds::rep>(round);
  const milliseconds wanted = any_ended && took_ ? *took_ / 2 : gap_ + gap_ / looks;
  gap_ = std::clamp(wanted, kShortestGap, kLongestGap);
}

JobPace::Time JobPace::first_look(Time began, bool urgent) const {
  // What is seen to have ended had ended some time before: four fifths of it finds that time out.
  const milliseconds first =
      took_ ? std::clamp(*took_ * 4 / 5, kShortestGap, kLongestGap) : milliseconds(kShortestGap);
  return began + (urgent ? first : std::max(first, kUnhurried));
}

JobPace::Time JobPace::next(Time oldest, bool urgent, std::size_t round) const {
  if (!last_) return first_look(oldest, urgent);
  const auto looks = static_cast<milliseconds::rep>(round);
  const milliseconds gap = (urgent ? gap_ : std::max(gap_, kUnhurried)) / looks;
  return std::max(first_look(oldest, true), *last_ + std::max(gap, kShortestGap));
}

}  // namespace tailrace
