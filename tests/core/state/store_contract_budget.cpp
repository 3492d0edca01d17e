// What every kind of state store must do with budgets: a limit is kept by all who draw from it, and
// used.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "store_contract.hpp"

namespace tailrace::test {
namespace {

constexpr std::int64_t kWindowMs = 10'000;
constexpr std::int64_t kTokenMs = 200;

RateAsk ask_for(double want, double requests = 10) {
  return {"crm:acme", "calls", requests, kWindowMs, kTokenMs, want};
}

TEST_P(StoreContract, ABudgetGivesWhatIsLeft) {
  const auto store = backend_->open();
  const auto other = backend_->open();
  EXPECT_EQ(store->draw(ask_for(6)).granted, 6);
  EXPECT_EQ(other->draw(ask_for(6)).granted, 4);
  const RateGrant none = store->draw(ask_for(1));
  EXPECT_EQ(none.granted, 0);
  EXPECT_GE(none.wait_ms, kWindowMs);
  EXPECT_LE(none.wait_ms, kWindowMs + 2 * kTokenMs);
  backend_->advance(none.wait_ms - 1);
  EXPECT_EQ(other->draw(ask_for(1)).wait_ms, 1);
  backend_->advance(1);
  EXPECT_EQ(other->draw(ask_for(20)).granted, 10) << "both were drawn at one moment";
}

TEST_P(StoreContract, LimitsAndAccountsHaveBudgetsOfTheirOwn) {
  const auto store = backend_->open();
  EXPECT_EQ(store->draw(ask_for(10)).granted, 10);
  RateAsk other = ask_for(10);
  other.rule = "searches";
  EXPECT_EQ(store->draw(other).granted, 10);
  other = ask_for(10);
  other.account = "crm:other";
  EXPECT_EQ(store->draw(other).granted, 10);
  EXPECT_EQ(store->draw(ask_for(1)).granted, 0);
  EXPECT_EQ(store->draw(ask_for(0)).granted, 0);
}

TEST_P(StoreContract, TokensGivenBackAreThereForOthers) {
  const auto store = backend_->open();
  const auto other = backend_->open();
  EXPECT_EQ(store->draw(ask_for(10)).granted, 10);
  EXPECT_EQ(store->draw(ask_for(-4)).granted, -4);
  EXPECT_EQ(other->draw(ask_for(10)).granted, 4);
  EXPECT_EQ(other->draw(ask_for(-100)).granted, -4) << "no more than it was granted";
  EXPECT_EQ(other->draw(ask_for(-1)).granted, 0) << "once";
  EXPECT_EQ(backend_->open()->draw(ask_for(-1)).granted, 0) << "this one was granted none";
  EXPECT_EQ(store->draw(ask_for(10)).granted, 4);
}

TEST_P(StoreContract, TokensGivenBackLateAreNotMissedByLaterOnes) {
  const auto store = backend_->open();
  EXPECT_EQ(store->draw(ask_for(6)).granted, 6);
  backend_->advance(kWindowMs + 2 * kTokenMs);
  const auto other = backend_->open();
  EXPECT_EQ(other->draw(ask_for(10)).granted, 10);
  static_cast<void>(store->draw(ask_for(-6)));
  EXPECT_EQ(other->draw(ask_for(1)).granted, 0);
}

TEST_P(StoreContract, ALimitThatWasLoweredIsKeptAtOnce) {
  const auto store = backend_->open();
  EXPECT_EQ(store->draw(ask_for(8)).granted, 8);
  EXPECT_EQ(store->draw(ask_for(1, 5)).granted, 0);
  EXPECT_EQ(store->draw(ask_for(9, 20)).granted, 9);
}

TEST_P(StoreContract, WhatTheToolSaysIsLeftTellsWhatOthersUsed) {
  const auto store = backend_->open();
  const auto other = backend_->open();
  EXPECT_EQ(store->draw(ask_for(2)).granted, 2);
  RateAsk told = ask_for(1);
  told.left = 8;
  EXPECT_EQ(store->draw(told).others, 0) << "our own two";
  told.left = 3;
  const RateGrant grant = other->draw(told);
  EXPECT_EQ(grant.granted, 1);
  EXPECT_EQ(grant.others, 4);
  EXPECT_EQ(store->draw(told).others, 0) << "known by now";
  EXPECT_EQ(store->draw(ask_for(-5)).granted, -1) << "what others used cannot be given back";
  told.left = 0;
  const RateGrant none = other->draw(told);
  EXPECT_EQ(none.granted, 0);
  EXPECT_EQ(none.others, 2);
  EXPECT_GT(none.wait_ms, 0);
  EXPECT_EQ(store->draw(ask_for(1)).granted, 0) << "for all who draw";
  backend_->advance(kWindowMs + 2 * kTokenMs);
  EXPECT_EQ(store->draw(ask_for(10)).granted, 10);
}

TEST_P(StoreContract, FractionsOfARequestAreGrantedWhole) {
  const auto store = backend_->open();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(store->draw(ask_for(0.1)).granted, 0.1) << i;
  EXPECT_EQ(store->draw(ask_for(0.1)).granted, 0);
}

TEST_P(StoreContract, AsksThatMakeNoSenseAreRefused) {
  const auto store = backend_->open();
  std::vector<RateAsk> asks(6, ask_for(1));
  asks[0].requests = 0;
  asks[1].window_ms = 0;
  asks[2].lease_ms = -1;
  asks[3].want = std::nan("");
  asks[4].requests = HUGE_VAL;
  asks[5].left = std::nan("");
  for (const RateAsk& ask : asks) {
    EXPECT_THROW(static_cast<void>(store->draw(ask)), std::invalid_argument);
  }
}

TEST_P(StoreContract, ManyWhoDrawAtOnceGetNoMoreThanThereIs) {
  constexpr double limit = 60;
  std::vector<std::unique_ptr<StateStore>> stores(4);
  for (auto& store : stores) store = backend_->open();
  std::atomic<int> granted{0};
  std::vector<std::thread> threads;
  for (auto& store : stores) {
    threads.emplace_back([&granted, &store] {
      while (store->draw(ask_for(1, limit)).granted == 1) ++granted;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(granted.load(), limit);
}

/// Whoever draws from a budget: asks for a few, waits when there are none, gives back what it did
/// not need, and sends each at the worst moment that it may.
struct Drawer {
  std::unique_ptr<StateStore> store;
  std::int64_t waits_until_ms = 0;

  void step(std::int64_t now_ms, double limit, std::mt19937_64& random,
            std::vector<std::int64_t>& sent) {
    if (now_ms < waits_until_ms) return;
    const RateGrant grant = store->draw(ask_for(1 + static_cast<double>(random() % 8), limit));
    waits_until_ms = now_ms + (grant.granted == 0 ? grant.wait_ms : kTokenMs / 2);
    auto used = static_cast<std::int64_t>(grant.granted);
    if (used > 2 && random() % 4 == 0) {
      EXPECT_EQ(store->draw(ask_for(-2, limit)).granted, -2);
      used -= 2;
    }
    for (; used > 0; --used) {
      const auto late = static_cast<std::int64_t>(random() % kTokenMs);
      sent.push_back(now_ms + (random() % 2 == 0 ? late : kTokenMs - 1));
    }
  }
};

TEST_P(StoreContract, TwoWhoDrawFromOneBudgetKeepItsLimitAndUseIt) {
  constexpr std::int64_t length_ms = 12 * kWindowMs;
  constexpr std::size_t limit = 100;
  constexpr std::int64_t step_ms = 20;
  std::mt19937_64 random(7);
  std::vector<Drawer> drawers(2);
  for (Drawer& drawer : drawers) drawer.store = backend_->open();
  std::vector<std::int64_t> sent;
  for (std::int64_t now_ms = 0; now_ms < length_ms; now_ms += step_ms) {
    for (Drawer& drawer : drawers) {
      drawer.step(now_ms, static_cast<double>(limit), random, sent);
    }
    backend_->advance(step_ms);
  }
  std::sort(sent.begin(), sent.end());
  for (std::size_t i = limit; i < sent.size(); ++i) {
    ASSERT_GE(sent[i] - sent[i - limit], kWindowMs) << "more than " << limit << " in a window";
  }
  EXPECT_GE(sent.size(), limit * (length_ms / kWindowMs) * 95 / 100);
}

}  // namespace
}  // namespace tailrace::test
