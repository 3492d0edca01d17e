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

TEST(JobPace, LooksAtEachOfManyJobsAsOftenAsAtOne) {
  JobPace pace;
  pace.ended(64s);
  pace.answered(kStart, true, 8);
  EXPECT_EQ(pace.next(kStart - 600s, true, 8), kStart + 1875ms);
  EXPECT_EQ(pace.next(kStart - 600s, false, 8), kStart + 1875ms);
  Clock::Time now = kStart;
  JobPace young;
  for (int i = 0; i < 8; ++i) young.answered(now += 200ms, false, 8);
  EXPECT_LT(young.next(kStart, true, 8), now + 250ms) << "one round that finds none ended";
  for (int i = 0; i < 80; ++i) young.answered(now += 2s, false, 8);
  EXPECT_EQ(young.next(kStart, true, 8), now + 1875ms);
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
