// What every kind of state store must do with logins: one process at a time renews, and what it
// keeps is there for the next.

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "state/transfer.hpp"
#include "store_contract.hpp"

namespace tailrace::test {
namespace {

constexpr std::int64_t kHoldMs = 25'000;

TEST_P(StoreContract, OneAtATimeRenewsALogin) {
  const auto store = backend_->open();
  const auto other = backend_->open();
  const LoginLease first = store->take_login("crm", kHoldMs);
  ASSERT_TRUE(first.granted);
  EXPECT_EQ(first.sealed, "");
  const LoginLease none = other->take_login("crm", kHoldMs);
  EXPECT_FALSE(none.granted);
  EXPECT_GT(none.wait_ms, 0);
  EXPECT_LE(none.wait_ms, kHoldMs);
  EXPECT_TRUE(other->take_login("desk", kHoldMs).granted) << "another login";
  EXPECT_TRUE(store->end_login("crm", first.number, std::nullopt));
  EXPECT_TRUE(other->take_login("crm", kHoldMs).granted);
}

TEST_P(StoreContract, WhatIsKeptOfALoginIsThereForTheNext) {
  const std::string sealed("\1\0\xff sealed", 10);
  {
    const auto store = backend_->open();
    const LoginLease lease = store->take_login("crm", kHoldMs);
    EXPECT_TRUE(store->end_login("crm", lease.number, sealed));
  }
  const auto store = backend_->open();
  const LoginLease lease = store->take_login("crm", kHoldMs);
  ASSERT_TRUE(lease.granted) << "keeping ends the lease";
  EXPECT_EQ(lease.sealed, sealed);
  EXPECT_TRUE(store->end_login("crm", lease.number, std::nullopt));
  EXPECT_EQ(store->take_login("crm", kHoldMs).sealed, sealed) << "given back as it was";
}

TEST_P(StoreContract, ALeaseOfALoginEndsByItselfAndThenKeepsNothing) {
  const auto store = backend_->open();
  const auto other = backend_->open();
  const LoginLease dead = store->take_login("crm", kHoldMs);
  backend_->advance(kHoldMs);
  const LoginLease next = other->take_login("crm", kHoldMs);
  ASSERT_TRUE(next.granted);
  EXPECT_GT(next.number, dead.number);
  EXPECT_FALSE(store->end_login("crm", dead.number, "old")) << "another is at it";
  EXPECT_FALSE(store->take_login("crm", kHoldMs).granted) << "and stays";
  EXPECT_TRUE(other->end_login("crm", next.number, "new"));
  EXPECT_FALSE(store->end_login("crm", dead.number, "old"));
  EXPECT_EQ(store->take_login("crm", kHoldMs).sealed, "new");
}

TEST_P(StoreContract, ALoginIsRenewedByOneOfManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 20;
  std::atomic<int> inside{0};
  std::atomic<int> together{0};
  std::vector<std::unique_ptr<StateStore>> stores;
  for (int i = 0; i < kThreads; ++i) stores.push_back(backend_->open());
  std::vector<std::thread> threads;
  for (const auto& store : stores) {
    threads.emplace_back([&inside, &together, &store] {
      for (int done = 0; done < kRounds;) {
        const LoginLease lease = store->take_login("crm", kHoldMs);
        if (!lease.granted) continue;
        if (inside.fetch_add(1) != 0) together.fetch_add(1);
        const int count = lease.sealed.empty() ? 0 : std::stoi(lease.sealed);
        inside.fetch_sub(1);
        if (store->end_login("crm", lease.number, std::to_string(count + 1))) ++done;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(together.load(), 0);
  EXPECT_EQ(stores[0]->take_login("crm", kHoldMs).sealed, std::to_string(kThreads * kRounds));
}

TEST_P(StoreContract, LoginsGoWithACopyOfTheStore) {
  const auto from = backend_->open();
  const LoginLease lease = from->take_login("crm", kHoldMs);
  EXPECT_TRUE(from->end_login("crm", lease.number, "sealed"));
  static_cast<void>(from->take_login("crm", kHoldMs));
  const auto target = GetParam().make();
  const auto to = target->open();
  copy_store(*from, *to);
  ASSERT_EQ(to->logins().size(), 1U);
  EXPECT_EQ(to->logins()[0].login, "crm");
  const LoginLease there = to->take_login("crm", kHoldMs);
  EXPECT_TRUE(there.granted) << "whoever renews does so in the other store";
  EXPECT_GT(there.number, lease.number);
  EXPECT_EQ(there.sealed, "sealed");
}

TEST_P(StoreContract, ALeaseOfALoginNeedsANameAndALength) {
  const auto store = backend_->open();
  EXPECT_THROW(static_cast<void>(store->take_login("", kHoldMs)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(store->take_login("crm", 0)), std::invalid_argument);
  EXPECT_FALSE(store->end_login("unknown", 1, "x"));
}

}  // namespace
}  // namespace tailrace::test
