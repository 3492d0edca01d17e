// What every kind of state store must do. Instantiated for each in <kind>_store_test.cpp.

#include "store_contract.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "journal_script.hpp"
#include "state/table.hpp"

namespace tailrace::test {
namespace {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StoreContract);

Claim claim_of(StateStore& store, const std::string& run_id,
               const SyncAddress& address = kAccounts) {
  std::optional<Claim> claim = store.claim(address, run_row(run_id), kLeaseMs);
  EXPECT_TRUE(claim.has_value()) << run_id;
  return claim.value_or(Claim{});
}

SyncAddress shard(int number, int of) {
  SyncAddress address = kAccounts;
  address.shard = number;
  address.of = of;
  return address;
}

std::vector<JournalRow> journal_of(StateStore& store, const Claim& claim) {
  std::vector<JournalRow> rows;
  store.read_journal(claim.holder, [&](const JournalRow& row) { rows.push_back(row); });
  return rows;
}

RejectedRow rejected_row(std::uint64_t number, std::int64_t at_ms) {
  RejectedRow row;
  row.identity = identity_of(number);
  row.key = key_of(number);
  row.version = UINT64_MAX - number;
  row.code = "INVALID_EMAIL";
  row.message = "not an address: \xC3\xA9\n";
  row.field = "email";
  row.transient = number % 2 == 1;
  row.first_at_ms = at_ms;
  row.last_at_ms = at_ms;
  return row;
}

Commit with_rejected(std::vector<RejectedRow> rows) {
  Commit commit;
  commit.rejected = std::move(rows);
  return commit;
}

/// What a run finds, for comparing.
struct Picture {
  std::set<std::pair<IdentityHash, Version>> acknowledged;
  std::set<IdentityHash> in_doubt;
  std::set<IdentityHash> absent;
  std::set<IdentityHash> rejected;
  bool operator==(const Picture&) const = default;
};

void see(StateStore& store, const Claim& claim, Picture& seen) {
  const StateView view = load_state(store, claim, kQuietMs);
  for (StateTable::Slot slot = 0; slot < view.table.capacity(); ++slot) {
    const StateTable::Marks& marks = view.table.marks(slot);
    if (!marks.used) continue;
    const IdentityHash& identity = view.table.identity(slot);
    if (marks.acknowledged) seen.acknowledged.emplace(identity, view.table.version(slot));
    if (marks.in_doubt) seen.in_doubt.insert(identity);
    if (marks.absent) seen.absent.insert(identity);
    if (marks.rejected) seen.rejected.insert(identity);
  }
}

TEST_P(StoreContract, AStoreKeepsItsIdentity) {
  const StoreIdentity first = backend_->open()->identity();
  const StoreIdentity again = backend_->open()->identity();
  EXPECT_EQ(first.id, again.id);
  EXPECT_EQ(first.id.size(), 32U);
  EXPECT_EQ(first.secret, again.secret);
  EXPECT_EQ(first.format, 1);
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
  EXPECT_FALSE(rows[1].transient);
  EXPECT_TRUE(rows[0].transient);
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

/// State of all kinds: accepted, folded and not, absent, in doubt, open, rejected.
void fill(StateStore& store, StoreBackend& backend, const SyncAddress& address,
          std::uint64_t from) {
  Claim claim = claim_of(store, "fill 1", address);
  std::vector<IntentRow> rows;
  for (std::uint64_t i = from; i < from + 300; ++i) rows.push_back(intent_row(i, i));
  Journalist(store, claim, "fill 1").accept(rows, store.now_ms());
  finish_with_fold(store, claim, run_row("fill 1"),
                   {{identity_of(from), identity_of(from + 1)}, {}});
  claim = claim_of(store, "fill 2", address);
  Journalist journal(store, claim, "fill 2");
  journal.accept({intent_row(from + 2, 9), intent_row(from + 3, 9)}, store.now_ms());
  journal.accept({intent_row(from + 4, 0)}, store.now_ms(), StateOp::remove);
  const std::int64_t seq = journal.intent(
      {{StateOp::write, 1, {}, {}, {intent_row(from + 5, 9), intent_row(from + 6, 9)}},
       {StateOp::write, 1, "job 1", {}, {intent_row(from + 7, 9)}}},
      store.now_ms());
  journal.outcome({{seq, 0, store.now_ms(), {{RowOutcome::unknown, {}}}}});
  store.append(claim.holder, with_rejected({rejected_row(from + 8, 1), rejected_row(from + 9, 1)}));
  backend.advance(1);
  finish_plain(store, claim, run_row("fill 2"));
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
