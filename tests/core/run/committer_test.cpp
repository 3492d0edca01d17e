#include "run/committer.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "support/forwarding_store.hpp"

namespace tailrace {
namespace {

using std::chrono::milliseconds;
using test::ForwardingStore;

/// Counts what the committer asks of it, and does what a test puts in the way of an append.
class CountingStore final : public ForwardingStore {
 public:
  CountingStore() : ForwardingStore(open_store("memory:", true)) {}

  void append(const Holder& holder, const Commit& commit) override {
    {
      const std::lock_guard lock(mutex_);
      commits_.push_back(commit);
    }
    if (before_append) before_append(static_cast<int>(appends()));
    ForwardingStore::append(holder, commit);
    if (after_append) after_append(static_cast<int>(appends()));
  }
  void renew(const Holder& holder, std::int64_t lease_ms) override {
    ++renewals;
    ForwardingStore::renew(holder, lease_ms);
  }

  [[nodiscard]] std::size_t appends() const {
    const std::lock_guard lock(mutex_);
    return commits_.size();
  }
  [[nodiscard]] Commit commit(std::size_t n) const {
    const std::lock_guard lock(mutex_);
    return commits_.at(n);
  }

  std::atomic<int> renewals = 0;
  std::function<void(int nth)> before_append;
  std::function<void(int nth)> after_append;

 private:
  mutable std::mutex mutex_;
  std::vector<Commit> commits_;
};

/// A gate that a test holds closed while pieces queue up.
class Gate {
 public:
  Gate() { mutex_.lock(); }
  void pass() { const std::lock_guard lock(mutex_); }
  void open() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

bool within(milliseconds limit, const std::function<bool()>& happened) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!happened()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(milliseconds(1));
  }
  return true;
}

constexpr milliseconds kPatience{10'000};

class ThreadedCommitterTest : public ::testing::Test {
 protected:
  void start(milliseconds lease = milliseconds(60'000)) {
    RunRow run;
    run.run_id = "r1";
    run.sync = "s";
    run.status = "running";
    claim_ = *store_.claim({"s", "a", "o", 0, 1}, run, 60'000);
    CommitterOptions options;
    options.holder = claim_.holder;
    options.run_id = "r1";
    options.last_seq = claim_.last_seq;
    options.lease = lease;
    options.store_patience = milliseconds(2'000);
    committer_ = std::make_unique<ThreadedCommitter>(store_, options, nullptr);
  }

  static Piece intent_of(std::uint64_t number) {
    Piece piece;
    piece.id = number;
    piece.intents.push_back({StateOp::write, 1, {}, {}, {{{1, number}, number, "k", {}}}});
    return piece;
  }

  [[nodiscard]] std::vector<JournalRow> journal() {
    std::vector<JournalRow> rows;
    committer_->with_store([&](StateStore& store) {
      store.read_journal(claim_.holder, [&](const JournalRow& row) { rows.push_back(row); });
    });
    return rows;
  }

  CountingStore store_;
  Claim claim_;
  std::unique_ptr<ThreadedCommitter> committer_;
};

TEST_F(ThreadedCommitterTest, WhatIsQueuedWhileACommitLastsIsOneAppend) {
  Gate gate;
  store_.before_append = [&](int nth) {
    if (nth == 1) gate.pass();
  };
  start();
  committer_->submit(intent_of(1));
  ASSERT_TRUE(within(kPatience, [&] { return store_.appends() == 1; }));
  for (std::uint64_t i = 2; i <= 201; ++i) committer_->submit(intent_of(i));
  gate.open();
  ASSERT_TRUE(committer_->flush(kPatience));
  EXPECT_EQ(store_.appends(), 2U) << "200 pieces were queued";
  const std::vector<JournalRow> rows = journal();
  ASSERT_EQ(rows.size(), 2U) << "a row carries a window of batches";
  EXPECT_EQ(unpack_intents(rows[1].entries).size(), 200U);
  const std::vector<Ack> acks = committer_->take_acks();
  ASSERT_EQ(acks.size(), 201U);
  for (std::size_t i = 1; i < acks.size(); ++i) {
    EXPECT_EQ(acks[i].id, i + 1);
    EXPECT_EQ(acks[i].intent_seq, rows[1].seq);
    EXPECT_EQ(acks[i].first_batch, i - 1) << "each finds its own batch";
  }
}

TEST_F(ThreadedCommitterTest, OutcomesComeBeforeTheIntentsOfTheSameCommit) {
  start();
  committer_->submit(intent_of(1));
  ASSERT_TRUE(committer_->flush(kPatience));
  const std::int64_t first = committer_->take_acks().at(0).intent_seq;
  Piece both = intent_of(2);
  both.outcomes.push_back({first, 0, 1, {{RowOutcome::accepted, {}}}});
  committer_->submit(std::move(both));
  ASSERT_TRUE(committer_->flush(kPatience));
  const Commit commit = store_.commit(1);
  ASSERT_EQ(commit.journal.size(), 2U);
  EXPECT_EQ(commit.journal[0].kind, JournalKind::outcome);
  EXPECT_EQ(commit.journal[1].kind, JournalKind::intent);
  EXPECT_EQ(commit.journal[0].seq, first + 1);
  EXPECT_EQ(commit.journal[1].seq, first + 2);
  EXPECT_EQ(committer_->take_acks().at(0).intent_seq, first + 2);
  EXPECT_EQ(committer_->last_seq(), first + 2);
}

TEST_F(ThreadedCommitterTest, TheLeaseIsRenewedWhileNothingIsCommitted) {
  start(milliseconds(60));
  EXPECT_TRUE(within(kPatience, [&] { return store_.renewals >= 3; }));
  EXPECT_EQ(store_.appends(), 0U);
}

TEST_F(ThreadedCommitterTest, ACommitWhoseAnswerWasLostIsMadeAgainAsItWas) {
  store_.after_append = [](int nth) {
    if (nth == 1) throw StoreUnavailable("the answer was lost");
  };
  start();
  committer_->submit(intent_of(1));
  ASSERT_TRUE(committer_->flush(kPatience));
  ASSERT_EQ(store_.appends(), 2U);
  const Commit first = store_.commit(0);
  const Commit second = store_.commit(1);
  ASSERT_EQ(second.journal.size(), 1U);
  EXPECT_EQ(second.journal[0].seq, first.journal[0].seq);
  EXPECT_EQ(second.journal[0].entries, first.journal[0].entries);
  EXPECT_EQ(second.journal[0].send_by_ms, first.journal[0].send_by_ms);
  EXPECT_EQ(journal().size(), 1U) << "it was durable the first time";
  EXPECT_EQ(committer_->take_acks().size(), 1U);
}

TEST_F(ThreadedCommitterTest, ACommitThatNeverArrivedIsMadeWhenTheStoreIsBack) {
  store_.before_append = [](int nth) {
    if (nth <= 2) throw StoreUnavailable("away");
  };
  start();
  committer_->submit(intent_of(1));
  ASSERT_TRUE(committer_->flush(kPatience));
  EXPECT_EQ(store_.appends(), 3U);
  EXPECT_EQ(journal().size(), 1U);
}

TEST_F(ThreadedCommitterTest, AfterAFailureThatStaysNothingMoreBecomesDurable) {
  store_.before_append = [](int /*nth*/) { throw Fenced("another run took over"); };
  start();
  committer_->submit(intent_of(1));
  EXPECT_FALSE(committer_->flush(kPatience));
  EXPECT_THROW(static_cast<void>(committer_->take_acks()), Fenced);
  store_.before_append = nullptr;
  committer_->submit(intent_of(2));
  EXPECT_FALSE(committer_->flush(milliseconds(50)));
  EXPECT_EQ(store_.appends(), 1U);
  EXPECT_TRUE(journal().empty());
}

}  // namespace
}  // namespace tailrace
