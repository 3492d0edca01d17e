#include "http/pacer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>

namespace tailrace::http {
namespace {

using namespace std::chrono_literals;
using Time = Pacer::Time;

constexpr Time kStart{std::chrono::hours(1)};

/// Starts as fast as the pacer lets it for `span`; returns the times.
std::vector<Time> drive(Pacer& pacer, std::chrono::milliseconds span) {
  std::vector<Time> starts;
  Time now = kStart;
  while (now < kStart + span) {
    const auto wait = pacer.wait_for(0, now);
    if (wait > 0ms) {
      now += wait;
      continue;
    }
    pacer.take(0);
    pacer.done(0, now, now);
    starts.push_back(now);
    now += 100us;
  }
  return starts;
}

std::size_t most_in_any(const std::vector<Time>& starts, std::chrono::milliseconds window) {
  std::size_t most = 0;
  std::size_t first = 0;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    while (starts[i] - starts[first] >= window) ++first;
    most = std::max(most, i - first + 1);
  }
  return most;
}

TEST(Pacer, NeverPassesTheLimitInAnyWindow) {
  Pacer pacer({{0, 190, 10s, "ten_secondly"}});
  const auto starts = drive(pacer, 61s);
  EXPECT_LE(most_in_any(starts, 10s), 190u);
}

TEST(Pacer, UsesAtLeast98PercentOfTheLimit) {
  Pacer pacer({{0, 190, 10s, "ten_secondly"}});
  const auto starts = drive(pacer, 60s);
  EXPECT_GE(static_cast<double>(starts.size()), 0.98 * 190 * 6);
}

TEST(Pacer, KeepsSeveralRulesAtOnce) {
  Pacer pacer({{0, 10, 1s, "secondly"}, {0, 30, 10s, "ten_secondly"}});
  const auto starts = drive(pacer, 30s);
  EXPECT_LE(most_in_any(starts, 1s), 10u);
  EXPECT_LE(most_in_any(starts, 10s), 30u);
  EXPECT_GE(starts.size(), 88u);
}

TEST(Pacer, DoesNotHoldBackOtherClasses) {
  Pacer pacer({{1, 1, 10s, "jobs"}});
  pacer.take(1);
  pacer.done(1, kStart, kStart);
  EXPECT_GT(pacer.wait_for(1, kStart), 9s);
  EXPECT_EQ(pacer.wait_for(0, kStart), 0ms);
}

TEST(Pacer, ARequestUnderWayKeepsItsPlaceUntilItEnds) {
  Pacer pacer({{0, 2, 10s, "ten_secondly"}});
  pacer.take(0);
  pacer.take(0);
  EXPECT_GT(pacer.wait_for(0, kStart + 60s), 0ms);
  pacer.done(0, kStart, kStart + 60s);
  pacer.done(0, kStart, kStart + 61s);
  EXPECT_EQ(pacer.wait_for(0, kStart + 61s), 0ms);
}

TEST(Pacer, CountsFromWhenTheToolMustHaveSeenTheRequest) {
  Pacer pacer({{0, 1, 10s, "ten_secondly"}});
  pacer.take(0);
  pacer.done(0, kStart, kStart + 80ms);
  EXPECT_EQ(pacer.wait_for(0, kStart + 80ms), 10'050ms);
  Pacer slow({{0, 1, 10s, "ten_secondly"}});
  slow.take(0);
  slow.done(0, kStart, kStart + 3s);
  EXPECT_EQ(slow.wait_for(0, kStart + 3s), 7'300ms);
}

TEST(Pacer, HonoursAPauseToTheMillisecond) {
  Pacer pacer({});
  pacer.pause(0, kStart + 1234ms);
  EXPECT_EQ(pacer.wait_for(0, kStart), 1234ms);
  EXPECT_EQ(pacer.wait_for(0, kStart + 1233ms), 1ms);
  EXPECT_EQ(pacer.wait_for(0, kStart + 1234ms), 0ms);
}

TEST(Pacer, AShorterPauseDoesNotEndALongerOne) {
  Pacer pacer({});
  pacer.pause(0, kStart + 5s);
  pacer.pause(0, kStart + 1s);
  EXPECT_EQ(pacer.wait_for(0, kStart), 5s);
}

TEST(Pacer, RefusalsWithoutATimeDoubleAndEndWithASuccess) {
  Pacer pacer({});
  pacer.refused(0, kStart);
  EXPECT_EQ(pacer.wait_for(0, kStart), 1s);
  pacer.refused(0, kStart + 1s);
  EXPECT_EQ(pacer.wait_for(0, kStart + 1s), 2s);
  pacer.succeeded(0);
  pacer.refused(0, kStart + 10s);
  EXPECT_EQ(pacer.wait_for(0, kStart + 10s), 1s);
}

TEST(Pacer, LearnsAHigherLimit) {
  Pacer pacer({{0, 100, 10s, "ten_secondly"}});
  pacer.learn(0, {190.0, std::nullopt, 10'000ms, std::nullopt}, kStart);
  EXPECT_EQ(drive(pacer, 9s).size(), 190u);
}

TEST(Pacer, IgnoresHintsThatMakeNoSense) {
  Pacer pacer({{0, 5, 10s, "ten_secondly"}});
  pacer.learn(0, {-3.0, 1e18, 10'000ms, std::nullopt}, kStart);
  pacer.learn(0, {7.0, 0.0, -5ms, std::nullopt}, kStart);
  EXPECT_EQ(drive(pacer, 9s).size(), 5u);
}

TEST(Pacer, ALimitThatTheUserChoseIsOnlyMadeSmaller) {
  wire::RateRule chosen{0, 50, 10s, "own"};
  chosen.chosen = true;
  Pacer pacer({chosen});
  pacer.learn(0, {190.0, std::nullopt, 10'000ms, std::nullopt}, kStart);
  EXPECT_EQ(drive(pacer, 9s).size(), 50u);
  Pacer smaller({chosen});
  smaller.learn(0, {20.0, std::nullopt, 10'000ms, std::nullopt}, kStart);
  EXPECT_EQ(drive(smaller, 9s).size(), 20u);
}

TEST(Pacer, AWindowThatOnlyHeadersNameBecomesARule) {
  Pacer pacer({});
  pacer.take(0);
  pacer.done(0, kStart, kStart);
  pacer.learn(0, {10.0, 4.0, 60'000ms, std::nullopt}, kStart);
  EXPECT_EQ(drive(pacer, 30s).size(), 9u);
  EXPECT_EQ(pacer.wait_for(1, kStart), 0ms) << "of its class alone";
}

TEST(Pacer, StartsNoMoreThanIsLeftUntilTheReset) {
  Pacer pacer({});
  wire::RateHint hint;
  hint.remaining = 3;
  hint.reset = 20s;
  pacer.learn(0, hint, kStart);
  const auto starts = drive(pacer, 40s);
  EXPECT_EQ(
      std::count_if(starts.begin(), starts.end(), [](Time time) { return time < kStart + 20s; }),
      3);
  EXPECT_GT(starts.size(), 1000u) << "free again from then on";
}

TEST(Pacer, OfAnswersThatOvertakeOneAnotherTheLeastCounts) {
  Pacer pacer({});
  wire::RateHint hint;
  hint.reset = 20s;
  hint.remaining = 2;
  pacer.learn(0, hint, kStart);
  hint.remaining = 5;
  pacer.learn(0, hint, kStart + 100ms);
  EXPECT_EQ(drive(pacer, 10s).size(), 2u);
  hint.remaining = 5;
  pacer.learn(0, hint, kStart + 25s);
  EXPECT_EQ(pacer.wait_for(0, kStart + 25s), 0ms) << "the next period";
}

TEST(Pacer, NothingIsLostToAnswersThatOvertakeOneAnother) {
  Pacer pacer({});
  wire::RateHint hint;
  hint.reset = 60s;
  double left = 100;
  int made = 0;
  for (; pacer.wait_for(0, kStart) == 0ms && made < 200; made += 2) {
    pacer.take(0);
    pacer.take(0);
    left -= 2;
    for (const double said : {left, left + 1}) {
      pacer.done(0, kStart, kStart);
      hint.remaining = said;
      pacer.learn(0, hint, kStart);
    }
  }
  EXPECT_EQ(made, 100);
}

TEST(Pacer, WhatEndsWithoutAnAnswerWasPerhapsCounted) {
  Pacer pacer({});
  wire::RateHint hint;
  hint.reset = 60s;
  hint.remaining = 5;
  pacer.learn(0, hint, kStart);
  for (int lost = 0; lost < 3; ++lost) {
    pacer.take(0);
    pacer.done(0, kStart, kStart);
  }
  EXPECT_EQ(drive(pacer, 10s).size(), 2u);
}

TEST(Pacer, KeepsANumberOfRequestsAtOnce) {
  wire::RateRule rule;
  rule.max_concurrent = 2;
  Pacer pacer({rule});
  pacer.take(0);
  EXPECT_EQ(pacer.wait_for(0, kStart), 0ms);
  pacer.take(0);
  EXPECT_GT(pacer.wait_for(0, kStart + 1h), 0ms);
  EXPECT_EQ(pacer.wait_for(1, kStart), 0ms) << "of its class alone";
  pacer.done(0, kStart, kStart + 1s);
  EXPECT_EQ(pacer.wait_for(0, kStart + 1s), 0ms);
}

TEST(Pacer, KeepsADaysRuleInLittleMemoryAndNeverPassesIt) {
  Pacer pacer({{0, 5000, std::chrono::hours(24), "daily"}});
  const auto starts = drive(pacer, 24h);
  EXPECT_EQ(starts.size(), 5000u);
}

}  // namespace
}  // namespace tailrace::http
