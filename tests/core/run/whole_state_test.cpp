// The state of a sync in several shards, read by one that holds one of them.

#include "run/whole_state.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "state/errors.hpp"
#include "state/memory_store.hpp"
#include "support/forwarding_store.hpp"

namespace tailrace::testing {
namespace {

constexpr std::int64_t kLease = 60'000;
constexpr std::int64_t kQuiet = 120'000;

SyncAddress half(int shard) { return {"people", "crm", "contacts", shard, 2}; }

IdentityHash identity_in(std::uint64_t number) { return {number << 32, number}; }

RunRow run_named(const std::string& id) {
  RunRow run;
  run.run_id = id;
  run.sync = "people";
  run.status = "running";
  return run;
}

class WholeState : public ::testing::Test {
 protected:
  Claim claim(int shard, const std::string& run) {
    return store_.claim(half(shard), run_named(run), kLease).value();
  }

  /// So many rows are accepted in a commit of their own each.
  void accept(Claim& claim, std::uint64_t first, std::uint64_t rows) {
    for (std::uint64_t i = first; i < first + rows; ++i) {
      IntentRow row;
      row.identity = identity_in(i);
      row.version = i;
      row.key = std::to_string(i);
      JournalRow intent;
      intent.seq = ++claim.last_seq;
      intent.epoch = claim.holder.epoch;
      intent.run_id = "r";
      intent.kind = JournalKind::intent;
      intent.entries = pack_intents({{StateOp::write, 1, {}, {}, {row}}});
      JournalRow outcome = intent;
      outcome.seq = ++claim.last_seq;
      outcome.kind = JournalKind::outcome;
      outcome.entries = pack_outcomes({{intent.seq, 0, 5, {{RowOutcome::accepted, {}}}}});
      Commit commit;
      commit.journal = {intent, outcome};
      store_.append(claim.holder, commit);
    }
  }

  void finish(const Claim& claim) {
    Finish finish;
    finish.run = run_named("r");
    finish.run.status = "done";
    finish.mapping_fingerprint = "m";
    fold_state(store_, claim, {}, store_.now_ms(), kQuiet, finish);
    store_.finish(claim.holder, finish);
  }

  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  MemoryStore::Now now_ = [] { return std::int64_t{1'000'000}; };
  MemoryStore store_{disk_, now_};
};

/// Lets something happen between the snapshot and the journal of the second shard.
class Disturbed final : public test::ForwardingStore {
 public:
  Disturbed(std::unique_ptr<StateStore> inner, std::function<void()> disturb)
      : ForwardingStore(std::move(inner)), disturb_(std::move(disturb)) {}
  void read_snapshot(const Holder& holder, bool with_keys, const BucketVisitor& visit) override {
    ForwardingStore::read_snapshot(holder, with_keys, visit);
    if (holder.shard == 1) disturb_();
  }

 private:
  std::function<void()> disturb_;
};

TEST_F(WholeState, IsWhatAllShardsHave) {
  Claim first = claim(0, "a");
  Claim second = claim(1, "b");
  accept(first, 1, 3);
  accept(second, 10, 4);
  EXPECT_EQ(load_beside(store_, first, half(0), kQuiet).known, 7U);
  finish(second);
  const StateView whole = load_beside(store_, first, half(0), kQuiet);
  EXPECT_EQ(whole.known, 7U);
  EXPECT_TRUE(whole.has_baseline);
  EXPECT_NE(whole.table.find(identity_in(12)), StateTable::kNone);
}

TEST_F(WholeState, AShardThatNeverRanHasNothing) {
  Claim first = claim(0, "a");
  accept(first, 1, 3);
  EXPECT_EQ(load_beside(store_, first, half(0), kQuiet).known, 3U);
}

TEST_F(WholeState, WhatASiblingFoldsMeanwhileIsNotMissed) {
  const Claim first = claim(0, "a");
  Claim second = claim(1, "b");
  accept(second, 10, 4);
  bool folded = false;
  Disturbed store(std::make_unique<MemoryStore>(disk_, now_), [&] {
    if (!std::exchange(folded, true)) finish(second);
  });
  EXPECT_EQ(load_beside(store, first, half(0), kQuiet).known, 4U);
  EXPECT_TRUE(folded);
}

TEST_F(WholeState, AnotherRunOfASiblingMayBeginMeanwhile) {
  const Claim first = claim(0, "a");
  Claim second = claim(1, "b");
  accept(second, 10, 4);
  finish(second);
  int runs = 0;
  Disturbed store(std::make_unique<MemoryStore>(disk_, now_), [&] {
    if (++runs > 2) return;
    Claim next = claim(1, "c");
    accept(next, 20 + static_cast<std::uint64_t>(runs), 1);
    finish(next);
  });
  EXPECT_EQ(load_beside(store, first, half(0), kQuiet).known, 6U);
}

TEST_F(WholeState, ASiblingThatNeverHoldsStillIsGivenUp) {
  const Claim first = claim(0, "a");
  finish(claim(1, "b"));
  Disturbed store(std::make_unique<MemoryStore>(disk_, now_), [&] { finish(claim(1, "c")); });
  EXPECT_THROW(static_cast<void>(load_beside(store, first, half(0), kQuiet)), StoreUnavailable);
}

}  // namespace
}  // namespace tailrace::testing
