// One limit for all processes that use an account.
#include "run/account_budget.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <utility>

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
  for (AccountBudget& budget : account.budgets) budget.learn(0, hint, account.now());
  const std::deque<std::int64_t> starts = account.work(60s);
  EXPECT_LE(busiest(starts, 10s), 190u);
  // What the first limit had room for comes round in another moment than the rest.
  EXPECT_GE(starts.size(), 6u * 90u + 5u * 100u);
  hint.window = 1s;
  account.budgets[0].learn(0, hint, account.now());
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
  account.budgets[0].learn(0, hint, account.now());
  EXPECT_EQ(used(account.budgets[0], account.now()), 190u);
  wire::RateRule chosen{0, 100, 10s, "own"};
  chosen.chosen = true;
  Account own(1, chosen);
  own.budgets[0].learn(0, hint, own.now());
  EXPECT_EQ(used(own.budgets[0], own.now()), 100u) << "the user's limit is not raised";
  Account lowered(1, chosen);
  hint.limit = 20;
  lowered.budgets[0].learn(0, hint, lowered.now());
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

/// A tool's bucket that empties evenly: it is never as full as a window of the same length.
struct LeakyTool {
  double level = 0;
  std::int64_t at_ms = 0;

  /// What is left after a request at this time; nothing where it is refused.
  std::optional<double> take(std::int64_t now_ms) {
    level = std::max(0.0, level - static_cast<double>(now_ms - at_ms) * 0.01);
    at_ms = now_ms;
    if (level + 1 > 100) return std::nullopt;
    level += 1;
    return 100 - level;
  }
};

struct Heard {
  std::size_t started = 0;
  std::size_t refused = 0;
  std::size_t strangers_refused = 0;
};

/// Runs that hear from each answer what is left, and wait a second where they are refused, for
/// 100 s. Strangers make so many requests at the beginning of each second.
Heard hearing(Account& account, int by_strangers) {
  LeakyTool tool{0, account.now_ms};
  wire::RateHint hint;
  hint.window = 10s;
  Heard heard;
  std::vector<std::int64_t> held_until(account.budgets.size());
  for (const std::int64_t end = account.now_ms + 100'000; account.now_ms < end; ++account.now_ms) {
    for (int i = 0; i < by_strangers && account.now_ms % 1'000 == 0; ++i) {
      heard.strangers_refused += !tool.take(account.now_ms);
    }
    for (std::size_t run = 0; run < account.budgets.size(); ++run) {
      AccountBudget& budget = account.budgets[run];
      if (held_until[run] > account.now_ms || budget.wait_for(0, account.now()) > 0ms) continue;
      budget.take(0);
      ++heard.started;
      hint.remaining = tool.take(account.now_ms);
      if (!hint.remaining) {
        ++heard.refused;
        held_until[run] = account.now_ms + 1'000;
        budget.refused(0);
      }
      hint.remaining = hint.remaining.value_or(0);
      budget.learn(0, hint, account.now());
    }
  }
  return heard;
}

TEST(AccountBudget, WhatTheOtherRunsUseIsNotTakenForStrangers) {
  for (const std::size_t runs : {1u, 10u}) {
    Account account(runs);
    const Heard heard = hearing(account, 0);
    EXPECT_EQ(heard.refused, 0u);
    EXPECT_GE(heard.started, 950u) << runs << " runs use less than 95 % of 1000";
  }
}

TEST(AccountBudget, WhatStrangersUseIsLeftToThem) {
  for (const std::size_t runs : {1u, 10u}) {
    Account account(runs);
    const Heard heard = hearing(account, 4);
    // What strangers made is known from answers alone: each run may be refused where it counts no
    // more.
    EXPECT_LE(heard.refused, 40u + 9u * runs);
    EXPECT_LE(heard.strangers_refused, 40u) << "of 400";
    EXPECT_GE(heard.started, 500u) << runs << " runs could make 600";
  }
}

TEST(AccountBudget, WhatAnAnswerSaidLongAgoIsForgotten) {
  Account account(1);
  wire::RateHint hint;
  hint.window = 10s;
  hint.remaining = 5;
  account.budgets[0].learn(0, hint, account.now());
  account.now_ms += 60'000;
  EXPECT_EQ(account.work(1s).size(), 100u);
}

TEST(AccountBudget, ALimitThatOnlyHeadersNameIsSharedToo) {
  Account account(2);
  wire::RateHint hint;
  hint.limit = 30;
  hint.window = 2s;
  hint.remaining = 20;
  account.budgets[0].learn(0, hint, account.now());
  account.budgets[1].learn(0, hint, account.now());
  EXPECT_EQ(account.work(1s).size(), 20u) << "ten were made before it was known";
  EXPECT_LE(busiest(account.work(20s), 2s), 30u);
  EXPECT_EQ(account.budgets[0].wait_for(1, account.now()), 0ms) << "of its class alone";
}

/// A tool that counts requests when they arrive, late ones among them.
struct LateTool {
  std::multimap<std::int64_t, AccountBudget*> under_way;  // by arrival
  std::deque<std::int64_t> counted;
  std::size_t refused = 0;

  void arrive(std::int64_t now_ms) {
    while (!under_way.empty() && under_way.begin()->first <= now_ms) {
      const auto [at, budget] = *under_way.begin();
      under_way.erase(under_way.begin());
      while (!counted.empty() && counted.front() <= at - 10'000) counted.pop_front();
      if (counted.size() < 100) {
        counted.push_back(at);
      } else {
        ++refused;
        budget->refused(0);
      }
    }
  }
};

TEST(AccountBudget, RefusalsOfRequestsThatCameLateSoonEnd) {
  Account account(4);
  LateTool tool;
  std::mt19937 random(3);
  const auto up_to = [&](unsigned most) { return static_cast<std::int64_t>(random() % most); };
  std::size_t started = 0;
  std::size_t late_in_time = 0;
  for (const std::int64_t begin = account.now_ms; account.now_ms < begin + 300'000;) {
    for (AccountBudget& budget : account.budgets) {
      if (budget.wait_for(0, account.now()) > 0ms) continue;
      budget.take(0);
      ++started;
      // One in fifty stands still before it is sent.
      const std::int64_t delay = up_to(50) == 0 ? 100 + up_to(500) : up_to(50);
      tool.under_way.emplace(account.now_ms + delay, &budget);
    }
    tool.arrive(++account.now_ms);
    if (account.now_ms == begin + 100'000) late_in_time = tool.refused;
  }
  EXPECT_LE(tool.refused, started / 300) << "20 where they teach nothing";
  EXPECT_LE(tool.refused - late_in_time, started / 1000) << "after the first 100 s";
  EXPECT_GE(started, 30u * 90u);
}

TEST(AccountBudget, WhatARefusalCostsIsBoundedAndPasses) {
  RateAsk last;
  std::int64_t now_ms = 1'000'000;
  AccountBudget budget("crm:1", {{0, 100, 10s, "burst"}}, [&](const RateAsk& ask) {
    last = ask;
    return RateGrant{ask.want, 0};
  });
  const auto lease = [&] {
    now_ms += 10'000;
    static_cast<void>(budget.wait_for(0, Clock::Time{milliseconds(now_ms)}));
    return last.lease_ms;
  };
  const std::int64_t usual = lease();
  budget.refused(1);
  EXPECT_EQ((lease(), lease()), usual) << "of another class";
  for (int i = 0; i < 50; ++i) budget.refused(0);
  lease();
  EXPECT_GT(lease(), usual + 700);
  EXPECT_LE(last.lease_ms, usual + 850) << "a tenth of the window at most";
  for (int i = 0; i < 2'000; ++i) lease();
  EXPECT_LE(last.lease_ms, usual + 1);
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
