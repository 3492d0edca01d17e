// One limit for all processes that use an account.
#include "run/account_budget.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <memory>

#include "state/memory_store.hpp"

namespace tailrace {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

/// Several runs of one account under one virtual clock, as fast as their budget lets them.
struct Account {
  explicit Account(std::size_t runs, wire::RateRule rule = {0, 100, 10s, "burst"}) {
    for (std::size_t i = 0; i < runs; ++i) {
      stores.push_back(std::make_unique<MemoryStore>(disk, [this] { return now_ms; }));
      StateStore* store = stores.back().get();
      budgets.emplace_back("crm:1", std::vector{rule},
                           [store](const RateAsk& ask) { return store->draw(ask); });
    }
  }
  [[nodiscard]] Clock::Time now() const { return Clock::Time{milliseconds(now_ms)}; }

  /// Starts of all runs in `length`, by time.
  std::deque<std::int64_t> work(milliseconds length) {
    std::deque<std::int64_t> starts;
    for (const std::int64_t end = now_ms + length.count(); now_ms < end; ++now_ms) {
      for (AccountBudget& budget : budgets) {
        for (int each = 0; each < 3 && budget.wait_for(0, now()) == 0ms; ++each) {
          budget.take(0);
          starts.push_back(now_ms);
        }
      }
    }
    return starts;
  }

  std::int64_t now_ms = 1'000'000;
  std::shared_ptr<MemoryDisk> disk = std::make_shared<MemoryDisk>();
  std::vector<std::unique_ptr<MemoryStore>> stores;
  std::vector<AccountBudget> budgets;
};

/// The most starts in any `window`.
std::size_t busiest(const std::deque<std::int64_t>& starts, milliseconds window) {
  std::size_t most = 0;
  std::size_t first = 0;
  for (std::size_t last = 0; last < starts.size(); ++last) {
    while (starts[first] <= starts[last] - window.count()) ++first;
    most = std::max(most, last - first + 1);
  }
  return most;
}

TEST(AccountBudget, ManyRunsTogetherKeepOneLimitAndUseNearlyAllOfIt) {
  for (const std::size_t runs : {1u, 2u, 10u}) {
    Account account(runs);
    const auto starts = account.work(100s);
    EXPECT_LE(busiest(starts, 10s), 100u) << runs;
    EXPECT_GE(starts.size(), 950u) << runs << " runs use less than 95 % of 1000";
  }
}

TEST(AccountBudget, WhatIsNotUsedGoesBack) {
  Account account(2, {0, 1000, 10s, "burst"});
  EXPECT_EQ(account.budgets[0].wait_for(0, account.now()), 0ms);
  account.budgets[0].take(0);
  account.budgets[0].give_back(account.now());
  std::size_t used = 0;
  while (account.budgets[1].wait_for(0, account.now()) == 0ms) {
    account.budgets[1].take(0);
    ++used;
  }
  EXPECT_EQ(used, 999u);
}

TEST(AccountBudget, TheLimitIsTheOneThatAnswersSpeakOf) {
  Account account(2);
  EXPECT_LE(account.work(1s).size(), 100u);
  wire::RateHint hint;
  hint.limit = 190;
  hint.window = 10s;
  for (AccountBudget& budget : account.budgets) budget.learn(0, hint);
  const std::deque<std::int64_t> starts = account.work(60s);
  EXPECT_LE(busiest(starts, 10s), 190u);
  // What the first limit had room for comes round in another moment than the rest.
  EXPECT_GE(starts.size(), 6u * 90u + 5u * 100u);
  hint.window = 1s;
  account.budgets[0].learn(0, hint);
  EXPECT_LE(busiest(account.work(20s), 10s), 190u) << "of another window";
}

TEST(AccountBudget, HeadersTellALimitThatTheLeasesThenAreOf) {
  const auto used = [](AccountBudget& budget, Clock::Time now) {
    std::size_t count = 0;
    for (; budget.wait_for(0, now) == 0ms; ++count) budget.take(0);
    return count;
  };
  wire::RateHint hint;
  hint.limit = 190;
  hint.window = 10s;
  Account account(1);
  account.budgets[0].learn(0, hint);
  EXPECT_EQ(used(account.budgets[0], account.now()), 190u);
  wire::RateRule chosen{0, 100, 10s, "own"};
  chosen.chosen = true;
  Account own(1, chosen);
  own.budgets[0].learn(0, hint);
  EXPECT_EQ(used(own.budgets[0], own.now()), 100u) << "the user's limit is not raised";
  Account lowered(1, chosen);
  hint.limit = 20;
  lowered.budgets[0].learn(0, hint);
  EXPECT_EQ(used(lowered.budgets[0], lowered.now()), 20u);
}

TEST(AccountBudget, AStoreThatIsFarAwayIsAskedLessOften) {
  std::int64_t now_ms = 1'000'000;
  MemoryStore store(std::make_shared<MemoryDisk>(), [&] { return now_ms; });
  const auto now = [&] { return Clock::Time{milliseconds(now_ms)}; };
  int draws = 0;
  const auto slow = [&](const RateAsk& ask) {
    ++draws;
    now_ms += 20;
    const RateGrant grant = store.draw(ask);
    now_ms += 20;
    return grant;
  };
  AccountBudget budget("crm:1", {{0, 100, 1s, "secondly"}}, slow, now);
  std::deque<std::int64_t> starts;
  while (now_ms < 1'020'000) {
    const milliseconds wait = budget.wait_for(0, now());
    if (wait == 0ms) {
      budget.take(0);
      starts.push_back(now_ms);
    } else {
      now_ms += wait.count();
    }
  }
  EXPECT_LE(busiest(starts, 1s), 100u);
  EXPECT_GE(starts.size(), 1'500u) << "with 2 tokens a draw of 40 ms it would be 1000";
  EXPECT_LE(draws, 400);
}

TEST(AccountBudget, TokensThatRanOutOnTheirWayAreNotUsed) {
  std::int64_t now_ms = 1'000'000;
  const auto now = [&] { return Clock::Time{milliseconds(now_ms)}; };
  const auto very_slow = [&](const RateAsk& ask) {
    now_ms += 500;
    return RateGrant{ask.want, 0};
  };
  AccountBudget budget("crm:1", {{0, 100, 1s, "secondly"}}, very_slow, now);
  EXPECT_GT(budget.wait_for(0, now()), 0ms);
  now_ms += 5;
  EXPECT_EQ(budget.wait_for(0, now()), 0ms) << "the next lease is long enough";
}

TEST(AccountBudget, AStoreThatTakesSecondsStillLetsRequestsStart) {
  std::int64_t now_ms = 1'000'000;
  const auto now = [&] { return Clock::Time{milliseconds(now_ms)}; };
  const auto very_slow = [&](const RateAsk& ask) {
    now_ms += 3000;
    return RateGrant{ask.want, 0};
  };
  AccountBudget budget("crm:1", {{0, 1, 9s, "slowly"}}, very_slow, now);
  EXPECT_GT(budget.wait_for(0, now()), 0ms);
  now_ms += 5;
  EXPECT_EQ(budget.wait_for(0, now()), 0ms);
}

TEST(AccountBudget, WithoutALimitNothingIsDrawn) {
  AccountBudget budget("crm:1", {}, [](const RateAsk&) -> RateGrant {
    ADD_FAILURE() << "drawn";
    return {};
  });
  EXPECT_EQ(budget.wait_for(0, Clock::Time{}), 0ms);
  budget.take(0);
}

TEST(AccountBudget, NothingStartsWhileTheStoreIsAway) {
  AccountBudget budget("crm:1", {{0, 5, 1s, "burst"}},
                       [](const RateAsk&) -> RateGrant { throw StoreUnavailable("away"); });
  EXPECT_GT(budget.wait_for(0, Clock::Time{}), 0ms);
  EXPECT_GT(budget.blocked_for(0, Clock::Time{}), 0ms);
}

}  // namespace
}  // namespace tailrace
