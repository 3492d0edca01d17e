#include "run/job_pace.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace tailrace {
namespace {

using std::chrono::milliseconds;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;

const Clock::Time kStart{1'000s};

TEST(JobPace, GrowsWithTheAgeOfAJobUpToACap) {
  JobPace pace;
  Clock::Time now = pace.next(kStart, true);
  EXPECT_EQ(now, kStart + 200ms);
  std::vector<milliseconds> gaps;
  for (int i = 0; i < 10; ++i) {
    pace.answered(now, false);
    const Clock::Time next = pace.next(kStart, true);
    gaps.push_back(std::chrono::duration_cast<milliseconds>(next - now));
    now = next;
  }
  EXPECT_EQ(gaps.front(), 400ms);
  EXPECT_TRUE(std::is_sorted(gaps.begin(), gaps.end()));
  EXPECT_EQ(gaps.back(), 15s);
}

TEST(JobPace, FollowsHowLongJobsTake) {
  JobPace pace;
  pace.ended(4s);
  pace.answered(kStart, true);
  EXPECT_EQ(pace.next(kStart, true), kStart + 3200ms) << "of a job that has just begun";
  EXPECT_EQ(pace.next(kStart - 60s, true), kStart + 2s) << "of one that is late";
}

TEST(JobPace, TakesItsTimeWhileNothingWaitsForAPlace) {
  JobPace pace;
  EXPECT_EQ(pace.next(kStart, false), kStart + 5s);
  pace.ended(200ms);
  pace.answered(kStart, true);
  EXPECT_EQ(pace.next(kStart - 1s, false), kStart + 5s);
}

}  // namespace
}  // namespace tailrace
