// What every kind of state store must do with what it keeps: rejected rows, folds, resets, shards.

#include "store_contract.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "state/errors.hpp"
#include "state/table.hpp"
#include "store_script.hpp"

namespace tailrace::test {
namespace {

TEST_P(StoreContract, RejectedRowsCountTheirAttempts) {
  const auto store = backend_->open();
  const Claim claim = claim_of(*store, "r1");
  store->append(claim.holder, with_rejected({rejected_row(1, 100), rejected_row(2, 100)}));
  RejectedRow again = rejected_row(1, 300);
  again.version = 7;
  again.code = "TOO_LONG";
  store->append(claim.holder, with_rejected({again}));
  std::vector<RejectedRow> rows = store->read_rejected(claim.holder);
  ASSERT_EQ(rows.size(), 2U);
  if (rows[0].key != key_of(1)) std::swap(rows[0], rows[1]);
  EXPECT_EQ(rows[0].identity, identity_of(1));
  EXPECT_EQ(rows[0].version, 7U);
  EXPECT_EQ(rows[0].code, "TOO_LONG");
  EXPECT_EQ(rows[0].attempts, 2);
  EXPECT_EQ(rows[0].first_at_ms, 100);
  EXPECT_EQ(rows[0].last_at_ms, 300);
  EXPECT_EQ(rows[1].message, rejected_row(2, 0).message);
  EXPECT_EQ(rows[1].field, "email");
  EXPECT_EQ(rows[1].version, UINT64_MAX - 2);
  EXPECT_EQ(rows[1].hold, Hold::parked);
  EXPECT_EQ(rows[0].hold, Hold::transient);
}

TEST_P(StoreContract, RejectedRowsGoWhenAcceptedOrForgotten) {
  const auto store = backend_->open();
  const Claim claim = claim_of(*store, "r1");
  store->append(claim.holder,
                with_rejected({rejected_row(1, 1), rejected_row(2, 1), rejected_row(3, 1)}));
  Commit commit;
  commit.no_longer_rejected = {identity_of(1), identity_of(99)};
  store->append(claim.holder, commit);
  EXPECT_EQ(store->rejected_of(kAccounts).size(), 2U);
  Finish finish;
  finish.run = run_row("r1");
  finish.forgotten = {identity_of(2)};
  store->finish(claim.holder, finish);
  const Claim next = claim_of(*store, "r2");
  StateView view = load_state(*store, next, kQuietMs);
  ASSERT_EQ(view.rejected.size(), 1U);
  EXPECT_EQ(view.rejected.begin()->second.key, key_of(3));
  EXPECT_TRUE(view.table.marks(view.table.find(identity_of(3))).rejected);
  EXPECT_EQ(view.known, 0U) << "a row that was only ever rejected is not at the destination";
}

TEST_P(StoreContract, AFoldMovesTheJournalIntoBuckets) {
  const auto store = backend_->open();
  Claim claim = claim_of(*store, "r1");
  std::vector<IntentRow> rows;
  for (std::uint64_t i = 0; i < 20'000; ++i) rows.push_back(intent_row(i, i));
  Journalist(*store, claim, "r1").accept(rows, store->now_ms());
  Picture before;
  see(*store, claim, before);
  finish_with_fold(*store, claim, run_row("r1"));

  claim = claim_of(*store, "r2");
  EXPECT_EQ(claim.bucket_bits, 2);
  EXPECT_EQ(claim.snapshot_entries, rows.size());
  EXPECT_EQ(claim.last_seq, 2) << "seqs are not used again";
  EXPECT_TRUE(journal_of(*store, claim).empty());
  Picture after;
  see(*store, claim, after);
  EXPECT_EQ(after, before);

  std::uint32_t next = 0;
  store->read_snapshot(claim.holder, false, [&](const SnapshotBucket& bucket) {
    EXPECT_EQ(bucket.bucket, next++);
    EXPECT_EQ(bucket.keys, "");
    EXPECT_EQ(store->read_bucket(claim.holder, bucket.bucket).entries, bucket.entries);
  });
  EXPECT_EQ(next, 4U);
  EXPECT_EQ(store->read_bucket(claim.holder, 9).entries, "");
}

TEST_P(StoreContract, AFoldRewritesOnlyTheBucketsTouched) {
  const auto store = backend_->open();
  Claim claim = claim_of(*store, "r1");
  std::vector<IntentRow> rows;
  for (std::uint64_t i = 0; i < 20'000; ++i) rows.push_back(intent_row(i, i));
  Journalist(*store, claim, "r1").accept(rows, store->now_ms());
  finish_with_fold(*store, claim, run_row("r1"));
  claim = claim_of(*store, "r2");
  Journalist(*store, claim, "r2").accept({intent_row(7, 700)}, store->now_ms());
  Finish finish;
  finish.run = run_row("r2");
  fold_state(*store, claim, {}, store->now_ms(), kQuietMs, finish);
  EXPECT_FALSE(finish.replace_all_buckets);
  ASSERT_EQ(finish.buckets.size(), 1U);
  EXPECT_EQ(finish.buckets[0].bucket, bucket_of(identity_of(7), claim.bucket_bits));
  store->finish(claim.holder, finish);
  claim = claim_of(*store, "r3");
  EXPECT_EQ(claim.snapshot_entries, rows.size());
  StateView view = load_state(*store, claim, kQuietMs);
  EXPECT_EQ(view.table.version(view.table.find(identity_of(7))), 700U);
  EXPECT_EQ(view.known, rows.size());
}

TEST_P(StoreContract, ASnapshotThatEmptiesLosesItsBuckets) {
  const auto store = backend_->open();
  Claim claim = claim_of(*store, "r1");
  std::vector<IntentRow> rows;
  for (std::uint64_t i = 0; i < 20'000; ++i) rows.push_back(intent_row(i, i));
  Journalist(*store, claim, "r1").accept(rows, store->now_ms());
  finish_with_fold(*store, claim, run_row("r1"));
  claim = claim_of(*store, "r2");
  Journalist(*store, claim, "r2").accept(rows, store->now_ms(), StateOp::remove);
  finish_with_fold(*store, claim, run_row("r2"));
  claim = claim_of(*store, "r3");
  EXPECT_EQ(claim.snapshot_entries, 0U);
  store->read_snapshot(claim.holder, true, [](const SnapshotBucket&) { ADD_FAILURE(); });
  EXPECT_FALSE(load_state(*store, claim, kQuietMs).has_baseline);
}

TEST_P(StoreContract, ResetForgetsTheBaselineAndKeepsTheCounting) {
  const auto store = backend_->open();
  Claim claim = claim_of(*store, "r1");
  Journalist(*store, claim, "r1").accept({intent_row(1, 1)}, store->now_ms());
  store->append(claim.holder, with_rejected({rejected_row(2, 1)}));
  EXPECT_THROW(store->reset(kAccounts), Fenced);
  EXPECT_THROW(backend_->open()->reset(kAccounts), Fenced);
  Finish finish;
  finish.run = run_row("r1");
  finish.mapping_fingerprint = "f1";
  fold_state(*store, claim, {}, store->now_ms(), kQuietMs, finish);
  store->finish(claim.holder, finish);
  SyncAddress unheard = kAccounts;
  unheard.sync = "never ran";
  store->reset(unheard);
  store->reset(kAccounts);
  const Claim next = claim_of(*store, "r2");
  EXPECT_GT(next.holder.epoch, claim.holder.epoch + 1);
  EXPECT_EQ(next.last_seq, 2);
  EXPECT_EQ(next.mapping_fingerprint, "");
  const StateView view = load_state(*store, next, kQuietMs);
  EXPECT_FALSE(view.has_baseline);
  EXPECT_TRUE(view.rejected.empty());
  EXPECT_EQ(store->runs("", 10).size(), 2U) << "what ran stays written down";
}

TEST_P(StoreContract, ResetFencesAStaleRun) {
  const auto store = backend_->open();
  const Claim stale = claim_of(*store, "r1");
  backend_->advance(kLeaseMs + 1);
  backend_->open()->reset(kAccounts);
  EXPECT_THROW(store->renew(stale.holder, kLeaseMs), Fenced);
}

TEST_P(StoreContract, AnotherNumberOfShardsSplitsTheStateAnew) {
  const auto store = backend_->open();
  fill(*store, *backend_, kAccounts, 0);
  Claim claim = claim_of(*store, "whole");
  Picture before;
  see(*store, claim, before);
  ASSERT_EQ(before.acknowledged.size(), 299U);
  ASSERT_EQ(before.in_doubt.size(), 3U);
  ASSERT_EQ(before.absent.size(), 2U);
  ASSERT_EQ(before.rejected.size(), 2U);
  finish_plain(*store, claim, run_row("whole"));

  for (const int of : {3, 2, 1}) {
    Picture seen;
    for (int i = 0; i < of; ++i) {
      const std::string id = std::to_string(i) + " of " + std::to_string(of);
      const Claim part = claim_of(*store, id, shard(i, of));
      EXPECT_GT(part.holder.epoch, claim.holder.epoch);
      EXPECT_GE(part.last_seq, claim.last_seq);
      Picture mine;
      see(*store, part, mine);
      for (const auto& [identity, version] : mine.acknowledged) {
        EXPECT_EQ(shard_of(identity, static_cast<std::uint32_t>(of)),
                  static_cast<std::uint32_t>(i));
      }
      seen.acknowledged.merge(mine.acknowledged);
      seen.in_doubt.merge(mine.in_doubt);
      seen.absent.merge(mine.absent);
      seen.rejected.merge(mine.rejected);
      finish_plain(*store, part, run_row(id));
    }
    EXPECT_EQ(seen, before) << of << " shards";
  }
}

TEST_P(StoreContract, AllShardsAreSeenAsTheyStandAtOneMoment) {
  const auto store = backend_->open();
  EXPECT_TRUE(store->shards(kAccounts).empty());
  finish_plain(*store, claim_of(*store, "r1", shard(0, 2)), run_row("r1"));
  EXPECT_FALSE(store->peek(shard(0, 3)));
  EXPECT_EQ(store->peek(shard(0, 2))->holder.epoch, store->peek(shard(1, 2))->holder.epoch + 1);

  // Another run divides the state anew, again and again, while it is looked at.
  std::atomic<bool> ended = false;
  std::thread divider([&] {
    const auto other = backend_->open();
    for (int i = 0; i < 40; ++i) {
      const std::string id = "divides " + std::to_string(i);
      finish_plain(*other, claim_of(*other, id, shard(0, 3 + i % 3)), run_row(id));
    }
    ended = true;
  });
  std::set<std::size_t> seen;
  while (!ended) {
    const std::vector<Claim> shards = store->shards(kAccounts);
    seen.insert(shards.size());
    for (std::size_t i = 0; i < shards.size(); ++i) {
      EXPECT_EQ(shards[i].holder.of, static_cast<int>(shards.size()));
      EXPECT_EQ(shards[i].holder.shard, static_cast<int>(i));
    }
  }
  divider.join();
  EXPECT_FALSE(seen.contains(0)) << "between two layouts";
  EXPECT_EQ(store->shards(kAccounts).size(), 3U);
}

TEST_P(StoreContract, AStateWithAJobIsSplitOnceTheJobWasFollowed) {
  const auto store = backend_->open();
  const Claim claim = claim_of(*store, "r1", shard(0, 2));
  Journalist journal(*store, claim, "r1");
  std::uint64_t number = 1;
  while (shard_of(identity_of(number), 2) != 0) ++number;
  IntentBatch batch;
  batch.rows = {intent_row(number, 7)};
  batch.memo = "job 7";
  const std::int64_t seq = journal.intent({batch}, store->now_ms() + kLeaseMs);
  finish_plain(*store, claim, run_row("r1"));
  for (const int of : {1, 3}) {
    try {
      static_cast<void>(claim_of(*backend_->open(), "other", shard(0, of)));
      FAIL() << "split with a job open, into " << of;
    } catch (const JobsOpen& error) {
      EXPECT_NE(std::string(error.what()).find("in 2 shards once"), std::string::npos)
          << error.what();
    }
  }
  const Claim again = claim_of(*store, "r2", shard(0, 2));
  const StateView view = load_state(*store, again, kQuietMs);
  ASSERT_EQ(view.open.size(), 1U) << "nothing was changed by the refusals";
  EXPECT_EQ(view.open.front().intent.memo, "job 7");
  Journalist follower(*store, again, "r2");
  follower.outcome({{seq, 0, store->now_ms(), {{RowOutcome::accepted, {}}}}});
  finish_plain(*store, again, run_row("r2"));
  const Claim whole = claim_of(*store, "r3");
  EXPECT_EQ(load_state(*store, whole, kQuietMs).known, 1U);
}

TEST_P(StoreContract, AStaleRunOfAnotherLayoutIsFenced) {
  const auto store = backend_->open();
  const Claim stale = claim_of(*store, "r1", shard(0, 2));
  backend_->advance(kLeaseMs + 1);
  const auto other = backend_->open();
  static_cast<void>(claim_of(*other, "r2"));
  EXPECT_THROW(store->renew(stale.holder, kLeaseMs), Fenced);
  EXPECT_EQ(store->runs("", 10).at(1).status, "interrupted");
}

TEST_P(StoreContract, TextOfAnyBytesSurvives) {
  const auto store = backend_->open();
  SyncAddress address = kAccounts;
  address.sync = std::string("caf\xC3\xA9 \0 '; DROP TABLE run", 24);
  const Claim claim = claim_of(*store, "r1", address);
  RejectedRow row = rejected_row(1, 1);
  row.key = std::string("a\0b\xFF", 4);
  store->append(claim.holder, with_rejected({row}));
  EXPECT_EQ(store->rejected_of(address).at(0).key, row.key);
  EXPECT_TRUE(store->rejected_of(kAccounts).empty());
}

}  // namespace
}  // namespace tailrace::test
