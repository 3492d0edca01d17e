// What every kind of state store must do: claims, leases, commits, runs. The rest is in
// store_contract_state.cpp. Instantiated for each kind in <kind>_store_test.cpp.

#include "store_contract.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "state/table.hpp"
#include "store_script.hpp"

namespace tailrace::test {
namespace {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StoreContract);

TEST_P(StoreContract, AStoreKeepsItsIdentity) {
  const StoreIdentity first = backend_->open()->identity();
  const StoreIdentity again = backend_->open()->identity();
  EXPECT_EQ(first.id, again.id);
  EXPECT_EQ(first.id.size(), 32U);
  EXPECT_EQ(first.secret, again.secret);
  EXPECT_EQ(first.format, again.format);
  const StoreIdentity other = GetParam().make()->open()->identity();
  EXPECT_NE(first.id, other.id);
  EXPECT_NE(first.secret, other.secret);
}

TEST_P(StoreContract, TheClockGoesOn) {
  const auto store = backend_->open();
  const std::int64_t before = store->now_ms();
  backend_->advance(1234);
  EXPECT_EQ(store->now_ms(), before + 1234);
  EXPECT_EQ(backend_->open()->now_ms(), before + 1234);
}

TEST_P(StoreContract, AFirstClaimFindsNothing) {
  const auto store = backend_->open();
  const Claim claim = claim_of(*store, "r1");
  EXPECT_EQ(claim.holder.epoch, 1);
  EXPECT_EQ(claim.last_seq, 0);
  EXPECT_EQ(claim.snapshot_entries, 0U);
  EXPECT_EQ(claim.mapping_fingerprint, "");
  const StateView view = load_state(*store, claim, kQuietMs);
  EXPECT_EQ(view.table.size(), 0U);
  EXPECT_FALSE(view.has_baseline);
}

TEST_P(StoreContract, WhatWasAcceptedIsThereInTheNextRun) {
  {
    const auto store = backend_->open();
    const Claim claim = claim_of(*store, "r1");
    Journalist(*store, claim, "r1").accept({intent_row(1, 10), intent_row(2, 20)}, store->now_ms());
    finish_plain(*store, claim, run_row("r1"));
  }
  const auto store = backend_->open();
  const Claim claim = claim_of(*store, "r2");
  EXPECT_EQ(claim.holder.epoch, 2);
  EXPECT_EQ(claim.last_seq, 2);
  StateView view = load_state(*store, claim, kQuietMs);
  EXPECT_EQ(view.table.version(view.table.find(identity_of(1))), 10U);
  EXPECT_EQ(view.table.version(view.table.find(identity_of(2))), 20U);
  EXPECT_EQ(view.known, 2U);
  EXPECT_TRUE(view.has_baseline);
}

TEST_P(StoreContract, ASyncOfAnotherAccountOrObjectHasNoBaseline) {
  const auto store = backend_->open();
  const Claim claim = claim_of(*store, "r1");
  Journalist(*store, claim, "r1").accept({intent_row(1, 10)}, store->now_ms());
  SyncAddress account = kAccounts;
  account.account = "crm:other";
  SyncAddress object = kAccounts;
  object.object = "Lead";
  for (const SyncAddress& address : {account, object}) {
    const Claim other = claim_of(*store, "r-" + address.account + address.object, address);
    EXPECT_FALSE(load_state(*store, other, kQuietMs).has_baseline);
    EXPECT_NE(other.holder.sync_id, claim.holder.sync_id);
  }
}

TEST_P(StoreContract, JournalRowsComeBackAsWritten) {
  const auto store = backend_->open();
  const Claim claim = claim_of(*store, "r1");
  Journalist journal(*store, claim, "r1");
  const std::string memo(4096, '\xFF');
  const std::int64_t intent = journal.intent(
      {{StateOp::write, 3, memo, std::string(32, '\0'), {intent_row(1, UINT64_MAX)}}}, 77);
  journal.void_of({{intent, 0}});
  const std::vector<JournalRow> rows = journal_of(*store, claim);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].seq, 1);
  EXPECT_EQ(rows[0].epoch, 1);
  EXPECT_EQ(rows[0].run_id, "r1");
  EXPECT_EQ(rows[0].kind, JournalKind::intent);
  EXPECT_EQ(rows[0].send_by_ms, 77);
  EXPECT_EQ(unpack_intents(rows[0].entries).at(0).memo, memo);
  EXPECT_EQ(rows[1].kind, JournalKind::void_);
}

TEST_P(StoreContract, SeqsMustFollowOn) {
  const auto store = backend_->open();
  const Claim claim = claim_of(*store, "r1");
  Journalist journal(*store, claim, "r1");
  Commit commit;
  JournalRow row = journal.row(JournalKind::intent, 1, pack_intents({}));
  row.seq = 2;
  commit.journal = {row};
  EXPECT_THROW(store->append(claim.holder, commit), std::logic_error);
  row.seq = 1;
  JournalRow gap = row;
  gap.seq = 3;
  commit.journal = {row, gap};
  EXPECT_THROW(store->append(claim.holder, commit), std::logic_error);
  EXPECT_TRUE(journal_of(*store, claim).empty());
}

TEST_P(StoreContract, ACommitMadeTwiceIsThereOnce) {
  const auto store = backend_->open();
  const Claim claim = claim_of(*store, "r1");
  Journalist journal(*store, claim, "r1");
  Commit commit = with_rejected({rejected_row(1, 5)});
  commit.journal = {journal.row(JournalKind::intent, 1, pack_intents({})),
                    journal.row(JournalKind::intent, 2, pack_intents({}))};
  store->append(claim.holder, commit);
  store->append(claim.holder, commit);
  EXPECT_EQ(journal_of(*store, claim).size(), 2U);
  EXPECT_EQ(store->read_rejected(claim.holder).at(0).attempts, 1);
  commit.journal[1].send_by_ms = 3;
  EXPECT_THROW(store->append(claim.holder, commit), Fenced) << "another row has this seq";
}

TEST_P(StoreContract, OnlyOneRunHoldsASync) {
  const auto store = backend_->open();
  const auto other = backend_->open();
  const Claim claim = claim_of(*store, "r1");
  EXPECT_FALSE(other->claim(kAccounts, run_row("r2"), kLeaseMs));
  EXPECT_FALSE(store->claim(kAccounts, run_row("r3"), kLeaseMs));
  finish_plain(*store, claim, run_row("r1"));
  EXPECT_TRUE(other->claim(kAccounts, run_row("r2"), kLeaseMs));
}

TEST_P(StoreContract, ALeaseThatRanOutIsTakenThoughItsHolderLives) {
  const auto store = backend_->open();
  const Claim stale = claim_of(*store, "r1");
  backend_->advance(kLeaseMs);
  EXPECT_FALSE(backend_->open()->claim(kAccounts, run_row("r2"), kLeaseMs)) << "the last moment";
  backend_->advance(1);
  const auto other = backend_->open();
  const Claim claim = claim_of(*other, "r2");
  EXPECT_EQ(claim.holder.epoch, stale.holder.epoch + 1);
  EXPECT_FALSE(store->claim(kAccounts, run_row("r3"), kLeaseMs)) << "the newer holder lives";
}

TEST_P(StoreContract, RenewingKeepsTheLease) {
  const auto store = backend_->open();
  const Claim claim = claim_of(*store, "r1");
  for (int i = 0; i < 5; ++i) {
    backend_->advance(kLeaseMs - 1);
    store->renew(claim.holder, kLeaseMs);
  }
  EXPECT_FALSE(backend_->open()->claim(kAccounts, run_row("r2"), kLeaseMs));
}

TEST_P(StoreContract, ADeadHolderCostsNoWaiting) {
  auto store = backend_->open();
  const Claim dead = claim_of(*store, "r1");
  store.reset();
  store = backend_->open();
  const Claim claim = claim_of(*store, "r2");
  EXPECT_EQ(claim.holder.epoch, dead.holder.epoch + 1);
  EXPECT_FALSE(backend_->open()->claim(kAccounts, run_row("r3"), kLeaseMs));
}

TEST_P(StoreContract, AnOlderEpochMayDoNothingMore) {
  const auto store = backend_->open();
  const Claim stale = claim_of(*store, "r1");
  Journalist journal(*store, stale, "r1");
  backend_->advance(kLeaseMs + 1);
  const auto other = backend_->open();
  const Claim claim = claim_of(*other, "r2");
  EXPECT_THROW(journal.intent({}, 1), Fenced);
  EXPECT_THROW(store->renew(stale.holder, kLeaseMs), Fenced);
  EXPECT_THROW(finish_plain(*store, stale, run_row("r1")), Fenced);
  EXPECT_THROW(static_cast<void>(load_state(*store, stale, kQuietMs)), Fenced);
  EXPECT_THROW(static_cast<void>(store->read_bucket(stale.holder, 0)), Fenced);
  EXPECT_THROW(static_cast<void>(store->read_rejected(stale.holder)), Fenced);
  EXPECT_TRUE(journal_of(*other, claim).empty());
  other->renew(claim.holder, kLeaseMs);
}

TEST_P(StoreContract, AfterItsEndARunMayWriteNothing) {
  const auto store = backend_->open();
  const Claim claim = claim_of(*store, "r1");
  finish_plain(*store, claim, run_row("r1"));
  Journalist journal(*store, claim, "r1");
  EXPECT_THROW(journal.intent({}, 1), Fenced);
  EXPECT_THROW(store->renew(claim.holder, kLeaseMs), Fenced);
  Finish other;
  other.run = run_row("r1");
  other.run.status = "rejected";
  EXPECT_THROW(store->finish(claim.holder, other), Fenced);
}

TEST_P(StoreContract, EndingTwiceAlikeIsEndingOnce) {
  const auto store = backend_->open();
  const Claim claim = claim_of(*store, "r1");
  finish_plain(*store, claim, run_row("r1"));
  finish_plain(*store, claim, run_row("r1"));
  EXPECT_EQ(store->runs("", 10).size(), 1U);
}

TEST_P(StoreContract, SyncsDoNotHinderEachOther) {
  const auto store = backend_->open();
  SyncAddress other = kAccounts;
  other.sync = "leads";
  const Claim first = claim_of(*store, "r1");
  const Claim second = claim_of(*store, "r2", other);
  Journalist(*store, first, "r1").accept({intent_row(1, 10)}, 5);
  Journalist(*store, second, "r2").accept({intent_row(2, 20)}, 5);
  EXPECT_EQ(load_state(*store, first, kQuietMs).known, 1U);
  EXPECT_EQ(load_state(*store, second, kQuietMs).known, 1U);
}

TEST_P(StoreContract, AWholeRunAndItsShardsExcludeEachOther) {
  const auto store = backend_->open();
  const auto other = backend_->open();
  const Claim whole = claim_of(*store, "r1");
  EXPECT_FALSE(other->claim(shard(0, 2), run_row("r2"), kLeaseMs));
  EXPECT_FALSE(other->claim(shard(1, 2), run_row("r2"), kLeaseMs));
  finish_plain(*store, whole, run_row("r1"));
  const Claim second = claim_of(*other, "r3", shard(1, 2));
  EXPECT_FALSE(store->claim(kAccounts, run_row("r4"), kLeaseMs));
  EXPECT_FALSE(store->claim(shard(0, 3), run_row("r5"), kLeaseMs));
  const Claim first = claim_of(*store, "r6", shard(0, 2));
  finish_plain(*other, second, run_row("r3"));
  EXPECT_FALSE(other->claim(kAccounts, run_row("r7"), kLeaseMs));
  finish_plain(*store, first, run_row("r6"));
  EXPECT_TRUE(other->claim(kAccounts, run_row("r8"), kLeaseMs));
}

TEST_P(StoreContract, ClaimsThatMakeNoSenseAreRefused) {
  const auto store = backend_->open();
  for (const SyncAddress& address : {shard(1, 1), shard(-1, 2), shard(0, 0), shard(0, 100'000)}) {
    EXPECT_THROW(static_cast<void>(store->claim(address, run_row("r"), kLeaseMs)),
                 std::invalid_argument);
  }
  EXPECT_THROW(static_cast<void>(store->claim(kAccounts, run_row("r"), 0)), std::invalid_argument);
}

TEST_P(StoreContract, RunsAreWrittenDown) {
  const auto store = backend_->open();
  const Claim claim = claim_of(*store, "r1");
  ASSERT_EQ(store->runs("", 10).size(), 1U);
  EXPECT_EQ(store->runs("", 10)[0].status, "running");
  Finish finish;
  finish.run = run_row("r1", 40);
  finish.run.status = "rejected";
  finish.run.ended_at_ms = 50;
  finish.run.counts = R"({"scanned":3})";
  finish.run.report = R"({"run_id":"r1"})";
  finish.mapping_fingerprint = "f1";
  finish.encoding = "copy/1";
  store->finish(claim.holder, finish);
  const std::vector<RunRow> runs = store->runs(kAccounts.sync, 10);
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_EQ(runs[0].run_id, "r1");
  EXPECT_EQ(runs[0].sync, kAccounts.sync);
  EXPECT_EQ(runs[0].status, "rejected");
  EXPECT_EQ(runs[0].started_at_ms, 40);
  EXPECT_EQ(runs[0].ended_at_ms, 50);
  EXPECT_EQ(runs[0].counts, R"({"scanned":3})");
  EXPECT_EQ(runs[0].report, R"({"run_id":"r1"})");
  EXPECT_TRUE(store->runs("other", 10).empty());
}

TEST_P(StoreContract, FingerprintsStayUntilARunSetsThem) {
  const auto store = backend_->open();
  Claim claim = claim_of(*store, "r1");
  Finish finish;
  finish.run = run_row("r1");
  finish.mapping_fingerprint = "f1";
  finish.encoding = "copy/1";
  store->finish(claim.holder, finish);
  claim = claim_of(*store, "r2");
  EXPECT_EQ(claim.mapping_fingerprint, "f1");
  EXPECT_EQ(claim.encoding, "copy/1");
  finish_plain(*store, claim, run_row("r2"));
  claim = claim_of(*store, "r3");
  EXPECT_EQ(claim.mapping_fingerprint, "f1") << "a run that was refused changes nothing";
  EXPECT_EQ(claim.encoding, "copy/1");
}

TEST_P(StoreContract, ARunThatNeverEndedIsInterrupted) {
  auto store = backend_->open();
  static_cast<void>(claim_of(*store, "r1"));
  store.reset();
  store = backend_->open();
  backend_->advance(500);
  static_cast<void>(claim_of(*store, "r2"));
  const std::vector<RunRow> runs = store->runs("", 10);
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0].run_id, "r2");
  EXPECT_EQ(runs[0].status, "running");
  EXPECT_EQ(runs[1].status, "interrupted");
  EXPECT_EQ(runs[1].ended_at_ms, store->now_ms());
  EXPECT_EQ(store->runs("", 1).at(0).run_id, "r2") << "newest first";
}

TEST_P(StoreContract, AShardsRunDoesNotInterruptAnother) {
  const auto store = backend_->open();
  static_cast<void>(claim_of(*store, "r1", shard(0, 2)));
  static_cast<void>(claim_of(*store, "r2", shard(1, 2)));
  for (const RunRow& run : store->runs("", 10)) EXPECT_EQ(run.status, "running") << run.run_id;
}

}  // namespace
}  // namespace tailrace::test
