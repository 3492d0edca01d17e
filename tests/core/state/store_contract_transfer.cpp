// What every kind of state store must do when state moves: to another name, or into another store.

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "journal_script.hpp"
#include "store_contract.hpp"
#include "store_script.hpp"

namespace tailrace::test {
namespace {

SyncAddress renamed(const std::string& sync = "customers") {
  SyncAddress address = kAccounts;
  address.sync = sync;
  return address;
}

ShardImage image_of_one(std::uint64_t number) {
  ShardImage image;
  image.address = kAccounts;
  image.claim.holder.epoch = 5;
  image.claim.last_seq = 2;
  const std::vector<SnapshotEntry> entries{{identity_of(number), 7}};
  image.buckets = {{0, pack_entries(entries), {}, pack_keys({{key_of(number), {}, {}}})}};
  return image;
}

TEST_P(StoreContract, ARenamedSyncGoesOnWhereItWas) {
  const auto store = backend_->open();
  fill(*store, *backend_, kAccounts, 0);
  Claim claim = claim_of(*store, "before");
  Picture before;
  see(*store, claim, before);
  Commit commit;
  commit.fields = {{identity_of(1), "h"}};
  store->append(claim.holder, commit);
  Finish finish;
  finish.run = run_row("before");
  finish.mapping_fingerprint = "mapping";
  finish.encoding = "copy/1";
  store->finish(claim.holder, finish);

  EXPECT_TRUE(store->rename(kAccounts, renamed()));
  EXPECT_FALSE(store->peek(kAccounts));
  EXPECT_FALSE(store->rename(kAccounts, renamed())) << "nothing is left there";
  const Claim after = claim_of(*backend_->open(), "after", renamed());
  EXPECT_GT(after.holder.epoch, claim.holder.epoch);
  EXPECT_EQ(after.last_seq, claim.last_seq);
  EXPECT_EQ(after.mapping_fingerprint, "mapping");
}

TEST_P(StoreContract, ARenameTakesAllShardsAlong) {
  const auto store = backend_->open();
  fill(*store, *backend_, shard(0, 2), 0);
  fill(*store, *backend_, shard(1, 2), 1000);
  Picture before;
  for (const int i : {0, 1}) {
    const Claim claim = claim_of(*store, "before", shard(i, 2));
    see(*store, claim, before);
    finish_plain(*store, claim, run_row("before"));
  }
  EXPECT_TRUE(store->rename(kAccounts, renamed())) << "whatever the shard that the address names";
  Picture after;
  for (const int i : {0, 1}) {
    SyncAddress address = renamed();
    address.shard = i;
    address.of = 2;
    see(*store, claim_of(*store, "after", address), after);
  }
  EXPECT_EQ(after, before);
}

TEST_P(StoreContract, ARenameNeverReplacesState) {
  const auto store = backend_->open();
  EXPECT_FALSE(store->rename(kAccounts, renamed())) << "there is none";
  fill(*store, *backend_, kAccounts, 0);
  EXPECT_FALSE(store->rename(kAccounts, kAccounts));
  Claim claim = claim_of(*store, "r1", renamed());
  store->append(claim.holder, with_rejected({rejected_row(1, 1)}));
  finish_plain(*store, claim, run_row("r1"));
  EXPECT_FALSE(store->rename(kAccounts, renamed()));
  EXPECT_TRUE(store->peek(kAccounts));
  EXPECT_EQ(store->rejected_of(renamed()).size(), 1U);
}

TEST_P(StoreContract, ARenameMayTakeANameUnderWhichNothingWasSent) {
  const auto store = backend_->open();
  fill(*store, *backend_, kAccounts, 0);
  Claim refused;
  for (int i = 0; i < 9; ++i) {
    refused = claim_of(*store, "refused", renamed());
    finish_plain(*store, refused, run_row("refused"));
  }
  EXPECT_TRUE(store->rename(kAccounts, renamed()));
  const Claim claim = claim_of(*store, "r1", renamed());
  EXPECT_TRUE(load_state(*store, claim, kQuietMs).has_baseline);
  EXPECT_GT(claim.holder.epoch, refused.holder.epoch) << "epochs of a name never go back";
  EXPECT_EQ(store->addresses().size(), 1U);
  for (const RunRow& run : store->runs("", 100)) {
    EXPECT_EQ(run.status == "running", run.run_id == "r1") << run.run_id;
  }
}

TEST_P(StoreContract, ARenameWaitsForNoRunAndDisturbsNone) {
  const auto store = backend_->open();
  const Claim claim = claim_of(*store, "r1");
  Journalist journal(*store, claim, "r1");
  journal.accept({intent_row(1, 1)}, store->now_ms());
  const auto other = backend_->open();
  EXPECT_THROW(static_cast<void>(other->rename(kAccounts, renamed())), Fenced);
  journal.accept({intent_row(2, 1)}, store->now_ms());
  const Claim taken = claim_of(*other, "r2", renamed());
  backend_->advance(1);
  finish_plain(*store, claim, run_row("r1"));
  EXPECT_THROW(static_cast<void>(store->rename(kAccounts, renamed())), Fenced);
  finish_plain(*other, taken, run_row("r2"));
  EXPECT_TRUE(store->rename(kAccounts, renamed()));
}

TEST_P(StoreContract, ARenameFencesAStaleRun) {
  const auto store = backend_->open();
  const Claim stale = claim_of(*store, "r1");
  backend_->advance(kLeaseMs + 1);
  EXPECT_TRUE(backend_->open()->rename(kAccounts, renamed()));
  EXPECT_THROW(store->renew(stale.holder, kLeaseMs), Fenced);
  EXPECT_THROW(finish_plain(*store, stale, run_row("r1")), Fenced);
}

TEST_P(StoreContract, AddressesNameEveryShard) {
  const auto store = backend_->open();
  EXPECT_TRUE(store->addresses().empty());
  static_cast<void>(claim_of(*store, "r1", shard(1, 2)));
  static_cast<void>(claim_of(*store, "r2", renamed()));
  EXPECT_EQ(store->addresses(), (std::vector<SyncAddress>{shard(0, 2), shard(1, 2), renamed()}));
}

TEST_P(StoreContract, AnEmptyStoreTakesOverIdAndSecret) {
  const auto store = backend_->open();
  const StoreIdentity own = store->identity();
  StoreIdentity other;
  other.id = "0123456789abcdef0123456789abcdef";
  other.secret.fill(9);
  other.format = 99;
  store->adopt(other);
  for (const StoreIdentity& now : {store->identity(), backend_->open()->identity()}) {
    EXPECT_EQ(now.id, other.id);
    EXPECT_EQ(now.secret, other.secret);
    EXPECT_EQ(now.format, own.format) << "that of the tables is its own";
  }
}

TEST_P(StoreContract, AStoreThatWasUsedTakesNothingIn) {
  const auto store = backend_->open();
  finish_plain(*store, claim_of(*store, "r1"), run_row("r1"));
  const StoreIdentity own = store->identity();
  EXPECT_THROW(store->adopt({}), std::logic_error);
  ShardImage image = image_of_one(1);
  EXPECT_THROW(store->import_shard(image), std::logic_error);
  image.address = renamed();
  EXPECT_THROW(store->import_shard(image), std::logic_error);
  const std::vector<RunRow> runs{run_row("other")};
  EXPECT_THROW(store->import_runs(runs), std::logic_error);
  EXPECT_EQ(store->identity().id, own.id);
  EXPECT_EQ(store->addresses().size(), 1U);
  EXPECT_EQ(store->runs("", 10).size(), 1U);
}

TEST_P(StoreContract, AShardIsImportedOnce) {
  const auto store = backend_->open();
  store->import_shard(image_of_one(1));
  EXPECT_THROW(store->import_shard(image_of_one(2)), std::logic_error);
  EXPECT_THROW(store->adopt({}), std::logic_error) << "it is not empty any more";
  ShardImage half = image_of_one(2);
  half.address = shard(1, 2);
  half.claim.holder.shard = 1;
  half.claim.holder.of = 2;
  EXPECT_THROW(store->import_shard(half), std::logic_error) << "another layout";
  const Claim claim = claim_of(*store, "r1");
  EXPECT_EQ(claim.holder.epoch, 6);
  EXPECT_EQ(claim.last_seq, 2);
  EXPECT_EQ(claim.snapshot_entries, 1U);
  StateView view = load_state(*store, claim, kQuietMs);
  EXPECT_EQ(view.table.version(view.table.find(identity_of(1))), 7U);
}

TEST_P(StoreContract, ASyncThatLacksAShardIsNotClaimed) {
  const auto store = backend_->open();
  ShardImage half = image_of_one(2);
  half.address = shard(1, 2);
  half.claim.holder.shard = 1;
  half.claim.holder.of = 2;
  store->import_shard(half);
  for (const SyncAddress& address : {shard(0, 2), shard(1, 2), kAccounts}) {
    EXPECT_THROW(static_cast<void>(store->claim(address, run_row("r1"), kLeaseMs)), StateLost);
  }
}

TEST_P(StoreContract, AnImageThatIsNotWholeIsRefused) {
  const auto store = backend_->open();
  const std::string entries = pack_intents({});
  std::vector<ShardImage> images(4, image_of_one(1));
  images[0].journal = {{1, 1, "r1", JournalKind::intent, 1, entries}};
  images[1].journal = {{1, 1, "r1", JournalKind::intent, 1, entries},
                       {3, 1, "r1", JournalKind::intent, 1, entries}};
  images[1].claim.last_seq = 3;
  images[2].claim.holder.shard = 1;
  images[3].address.shard = 1;
  for (const ShardImage& image : images) {
    EXPECT_THROW(store->import_shard(image), std::logic_error);
  }
  EXPECT_TRUE(store->addresses().empty());
}

TEST_P(StoreContract, ImportedRunsAreReadAsTheyWere) {
  const auto store = backend_->open();
  store->import_shard(image_of_one(1));
  std::vector<RunRow> runs{run_row("old", 1), run_row("new", 2)};
  runs[0].status = "rejected";
  runs[0].report = R"({"run_id":"old"})";
  runs[1].sync = "of a sync that is gone";
  runs[1].status = "done";
  store->import_runs(runs);
  static_cast<void>(claim_of(*store, "r1"));
  const std::vector<RunRow> found = store->runs("", 10);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].run_id, "r1");
  EXPECT_EQ(found[1].sync, runs[1].sync);
  EXPECT_EQ(found[2].status, "rejected") << "no run of this store, so not interrupted either";
  EXPECT_EQ(found[2].report, runs[0].report);
}

}  // namespace
}  // namespace tailrace::test
