// How many requests at once, against tools that are simulated.
#include "http/concurrency.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <queue>
#include <vector>

namespace tailrace::http {
namespace {

/// A tool in virtual time, to which as many requests go as are allowed at once.
struct Simulated {
  struct Ending {
    double at = 0;
    double started = 0;
    std::size_t at_once = 0;  // when it started
    bool refused = false;
    bool operator<(const Ending& other) const { return at > other.at; }
  };
  /// Seconds that a request takes which makes `under_way` of them, by a tool that is free at
  /// `free_at`; below zero: refused.
  std::function<double(std::size_t under_way, double now)> tool;
  Concurrency concurrency;
  double now = 0;
  std::priority_queue<Ending> under_way{};
  std::size_t answered = 0;
  std::size_t refused = 0;
  std::size_t most = 0;
  std::vector<std::size_t> limits{};

  void work(double seconds) {
    const double end = now + seconds;
    answered = refused = most = 0;
    limits.clear();
    while (now < end) {
      while (under_way.size() < concurrency.limit()) {
        const double took = tool(under_way.size() + 1, now);
        under_way.push({now + (took < 0 ? 0.005 : took), now, under_way.size() + 1, took < 0});
        most = std::max(most, under_way.size());
      }
      const Ending next = under_way.top();
      now = next.at;
      under_way.pop();
      if (next.refused) {
        ++refused;
        concurrency.refused(next.at_once);
      } else {
        ++answered;
        concurrency.answered(Concurrency::Duration(next.at - next.started), next.at_once);
      }
      limits.push_back(concurrency.limit());
    }
  }
};

/// A number of workers, each with one request at a time; the others wait.
std::function<double(std::size_t, double)> workers(std::size_t count, double seconds) {
  auto free_at = std::make_shared<std::vector<double>>(count, 0.0);
  return [free_at, seconds](std::size_t, double now) {
    auto first = std::min_element(free_at->begin(), free_at->end());
    *first = std::max(*first, now) + seconds;
    return *first - now;
  };
}

TEST(Concurrency, GrowsToItsBoundWhereAnswersTakeNoLonger) {
  Simulated run{[](std::size_t, double) { return 0.02; }, Concurrency(64)};
  run.work(1);
  EXPECT_EQ(run.concurrency.limit(), 64u);
  run.work(20);
  EXPECT_GE(run.answered, 0.99 * 64 / 0.02 * 20);
  EXPECT_LE(run.most, 64u);
}

TEST(Concurrency, StaysWithinABoundThatIsBelowItsFirstGuess) {
  Simulated run{[](std::size_t, double) { return 0.02; }, Concurrency(2)};
  run.work(5);
  EXPECT_EQ(run.most, 2u);
  Simulated single{[](std::size_t, double) { return 0.02; }, Concurrency(0)};
  single.work(1);
  EXPECT_EQ(single.most, 1u);
}

TEST(Concurrency, KeepsFewWorkersBusyWithoutAQueueThatGrows) {
  for (const std::size_t count : {1u, 4u, 16u}) {
    Simulated run{workers(count, 0.02), Concurrency(256)};
    run.work(60);
    run.work(120);
    const double possible = 120 / 0.02 * static_cast<double>(count);
    EXPECT_GE(static_cast<double>(run.answered), 0.95 * possible) << count << " workers";
    EXPECT_LE(run.most, 4 * count + 4) << count << " workers";
  }
}

TEST(Concurrency, StopsWhereLatencyRisesWithEveryRequest) {
  // At k at once 50·k/(k + 10) a second for 0.02 s alone: never more than 500.
  const auto rising = [](std::size_t under_way, double) {
    return 0.02 * (1 + static_cast<double>(under_way) / 10);
  };
  Simulated run{rising, Concurrency(1024)};
  run.work(10);
  run.work(60);
  EXPECT_GE(static_cast<double>(run.answered) / 60, 250);
  EXPECT_LE(run.most, 64u);
}

TEST(Concurrency, SettlesBelowANumberThatIsRefused) {
  Simulated run{[](std::size_t under_way, double) { return under_way > 10 ? -1 : 0.02; },
                Concurrency(64)};
  run.work(5);
  run.work(60);
  EXPECT_GE(static_cast<double>(run.answered), 0.6 * 10 / 0.02 * 60);
  EXPECT_LE(run.refused, run.answered / 500);
}

TEST(Concurrency, NeverHalvesTheThroughputByGoingUpAndDown) {
  Simulated run{workers(4, 0.02), Concurrency(256)};
  run.work(60);
  for (int second = 0; second < 120; ++second) {
    run.work(1);
    EXPECT_GE(run.answered, 100u) << "in second " << second << " of 200 a second";
  }
}

TEST(Concurrency, FollowsAToolThatBecomesSlowAndFastAgain) {
  double seconds = 0.02;
  Simulated run{[&](std::size_t, double) { return seconds; }, Concurrency(32)};
  run.work(5);
  ASSERT_EQ(run.concurrency.limit(), 32u);
  seconds = 0.2;
  run.work(60);
  run.work(20);
  EXPECT_GE(static_cast<double>(run.answered), 0.9 * 32 / 0.2 * 20);
  seconds = 0.02;
  run.work(10);
  EXPECT_EQ(run.concurrency.limit(), 32u);
}

TEST(Concurrency, ManyRefusalsOfOneMomentCountOnce) {
  Concurrency concurrency(8);
  for (int i = 0; i < 8; ++i) concurrency.refused(8);
  EXPECT_EQ(concurrency.limit(), 5u);
}

TEST(Concurrency, DoesNotGrowWhereFewerAreUnderWayThanAllowed) {
  Concurrency concurrency(64);
  for (int i = 0; i < 1000; ++i) concurrency.answered(Concurrency::Duration(0.02), 2);
  EXPECT_EQ(concurrency.limit(), 8u);
}

TEST(Concurrency, TheSameAnswersGiveTheSameNumbers) {
  std::vector<std::vector<std::size_t>> runs;
  for (int i = 0; i < 2; ++i) {
    Simulated run{workers(3, 0.013), Concurrency(100)};
    run.work(30);
    runs.push_back(run.limits);
  }
  EXPECT_EQ(runs[0], runs[1]);
}

}  // namespace
}  // namespace tailrace::http
