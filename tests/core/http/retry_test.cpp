#include "http/retry.hpp"

#include <gtest/gtest.h>

namespace tailrace::http {
namespace {

using namespace std::chrono_literals;
constexpr Breaker::Time kOutset{std::chrono::hours(1)};

TEST(RetryBudget, AllowsTheFloorThenAShareOfTheRequests) {
  RetryBudget budget(0.2, 10);
  int taken = 0;
  for (int i = 0; i < 1000; ++i) {
    budget.request_made();
    while (budget.take()) ++taken;
  }
  EXPECT_GE(taken, 209);
  EXPECT_LE(taken, 210);
}

TEST(FullJitter, StaysWithinItsBoundsAndUsesThem) {
  std::mt19937_64 random(7);
  auto most = 0ms;
  for (int i = 0; i < 2000; ++i) {
    const auto wait = full_jitter(3, 100ms, 10s, random);
    EXPECT_GE(wait, 0ms);
    EXPECT_LE(wait, 800ms);
    most = std::max(most, wait);
  }
  EXPECT_GT(most, 700ms);
  for (const int attempt : {20, 62, 1000, -1}) {
    EXPECT_LE(full_jitter(attempt, 500ms, 30s, random), 30s);
  }
}

TEST(Breaker, OpensAfterFiveFailuresInARowOnly) {
  Breaker breaker;
  for (int i = 0; i < 4; ++i) breaker.failed(kOutset);
  EXPECT_FALSE(breaker.open());
  breaker.succeeded();
  for (int i = 0; i < 4; ++i) breaker.failed(kOutset);
  EXPECT_FALSE(breaker.open());
  breaker.failed(kOutset);
  EXPECT_TRUE(breaker.open());
  EXPECT_EQ(breaker.wait_for(kOutset), 2s);
}

TEST(Breaker, LateFailuresOfEarlierRequestsDoNotLengthenTheWait) {
  Breaker breaker;
  for (int i = 0; i < 30; ++i) breaker.failed(kOutset);
  EXPECT_EQ(breaker.wait_for(kOutset), 2s);
}

TEST(Breaker, EachFailedProbeDoublesTheWaitUpToItsCap) {
  Breaker breaker;
  for (int i = 0; i < 5; ++i) breaker.failed(kOutset);
  auto now = kOutset;
  auto expected = 2000ms;
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(breaker.wait_for(now), expected);
    now += expected;
    EXPECT_EQ(breaker.wait_for(now), 0ms);
    breaker.probing(now);
    EXPECT_GT(breaker.wait_for(now), 0ms);
    breaker.failed(now);
    expected = std::min(expected * 2, 30'000ms);
  }
  breaker.succeeded();
  EXPECT_FALSE(breaker.open());
  EXPECT_EQ(breaker.wait_for(now), 0ms);
}

}  // namespace
}  // namespace tailrace::http
