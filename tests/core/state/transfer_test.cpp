#include "state/transfer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "journal_script.hpp"
#include "store_contract.hpp"
#include "store_script.hpp"
#include "support/forwarding_store.hpp"

namespace tailrace::test {
namespace {

/// All that a run reads, of one shard.
struct Read {
  Picture picture;
  Doubts doubts;
  std::vector<RejectedRow> rejected;
  std::vector<std::string> keys;
  std::vector<std::pair<std::int64_t, std::string>> open;  // seq, memo
  std::int64_t last_seq = 0;
  std::string mapping_fingerprint;
  std::string encoding;
  std::int64_t resynced_at_ms = 0;

  bool operator==(const Read&) const = default;
};

Read read(StateStore& store, const Claim& claim) {
  Read read;
  see(store, claim, read.picture);
  StateView view = load_state(store, claim, kQuietMs);
  read.doubts = view.doubts;
  for (const OpenBatch& batch : view.open) read.open.emplace_back(batch.seq, batch.intent.memo);
  read.rejected = store.read_rejected(claim.holder);
  std::sort(read.rejected.begin(), read.rejected.end(),
            [](const RejectedRow& a, const RejectedRow& b) { return a.key < b.key; });
  store.read_snapshot(claim.holder, true, [&](const SnapshotBucket& bucket) {
    for (const EntryKeys& keys : unpack_keys(bucket.keys)) read.keys.push_back(keys.key);
  });
  read.last_seq = claim.last_seq;
  read.mapping_fingerprint = claim.mapping_fingerprint;
  read.encoding = claim.encoding;
  read.resynced_at_ms = claim.resynced_at_ms;
  return read;
}

SyncAddress leads(int number) {
  SyncAddress address = shard(number, 2);
  address.sync = "leads";
  return address;
}

using Kinds = std::tuple<BackendKind, BackendKind>;

class Transfer : public ::testing::TestWithParam<Kinds> {
 protected:
  void SetUp() override {
    fill(*from_, *from_backend_, kAccounts, 0);
    fill(*from_, *from_backend_, leads(0), 1000);
    fill(*from_, *from_backend_, leads(1), 2000);
    Finish finish;
    finish.run = run_row("last");
    finish.run.status = "rejected";
    finish.run.counts = R"({"scanned":3})";
    finish.mapping_fingerprint = "mapping";
    finish.encoding = "copy/1";
    finish.resynced = true;
    from_->finish(claim_of(*from_, "last").holder, finish);
  }

  std::unique_ptr<StoreBackend> from_backend_ = std::get<0>(GetParam()).make();
  std::unique_ptr<StoreBackend> to_backend_ = std::get<1>(GetParam()).make();
  std::unique_ptr<StateStore> from_ = from_backend_->open();
  std::unique_ptr<StateStore> to_ = to_backend_->open();
};

TEST_P(Transfer, ARunAfterTheCopyFindsWhatItWouldHaveFound) {
  copy_store(*from_, *to_);
  EXPECT_EQ(to_->identity().id, from_->identity().id);
  EXPECT_EQ(to_->identity().secret, from_->identity().secret);
  EXPECT_EQ(to_->addresses(), from_->addresses());
  const auto reopened = to_backend_->open();
  for (const SyncAddress& address : {kAccounts, leads(0), leads(1)}) {
    const Claim there = claim_of(*from_, "after", address);
    const Claim here = claim_of(*reopened, "after", address);
    EXPECT_EQ(here.holder.epoch, there.holder.epoch) << "epochs go on";
    const Read found = read(*reopened, here);
    EXPECT_EQ(found, read(*from_, there)) << address.sync << address.shard;
    EXPECT_EQ(found.doubts.size(), 3U);
    EXPECT_EQ(found.open.size(), 1U);
    EXPECT_EQ(found.rejected.size(), 2U);
  }
}

TEST_P(Transfer, RunsAreCopiedAndTheCopyIsNoneOfThem) {
  const std::vector<RunRow> before = from_->runs("", 100);
  ASSERT_EQ(before.size(), 7U);
  copy_store(*from_, *to_);
  const std::vector<RunRow> copied = to_->runs("", 100);
  ASSERT_EQ(copied.size(), before.size());
  for (std::size_t i = 0; i < copied.size(); ++i) {
    EXPECT_EQ(copied[i].run_id, before[i].run_id);
    EXPECT_EQ(copied[i].sync, before[i].sync);
    EXPECT_EQ(copied[i].status, before[i].status);
    EXPECT_EQ(copied[i].counts, before[i].counts);
    EXPECT_EQ(copied[i].ended_at_ms, before[i].ended_at_ms);
  }
  EXPECT_EQ(from_->runs("", 1).at(0).status, "copied");
}

TEST_P(Transfer, TheCopiedStoreWorksOn) {
  copy_store(*from_, *to_);
  Claim claim = claim_of(*to_, "next");
  Journalist(*to_, claim, "next").accept({intent_row(500, 1)}, to_->now_ms());
  finish_with_fold(*to_, claim, run_row("next"));
  claim = claim_of(*to_, "again");
  const StateView view = load_state(*to_, claim, kQuietMs);
  EXPECT_NE(view.table.find(identity_of(500)), StateTable::kNone);
  EXPECT_EQ(to_->runs("", 1).at(0).run_id, "again");
}

TEST_P(Transfer, AStoreWithStateIsNoPlaceForACopy) {
  finish_plain(*to_, claim_of(*to_, "own"), run_row("own"));
  const std::string id = to_->identity().id;
  EXPECT_THROW(copy_store(*from_, *to_), std::logic_error);
  EXPECT_EQ(to_->identity().id, id);
  EXPECT_EQ(to_->addresses().size(), 1U);
}

TEST_P(Transfer, ARunUnderWayIsNotCopied) {
  const auto other = from_backend_->open();
  const Claim claim = claim_of(*other, "running", leads(1));
  EXPECT_THROW(copy_store(*from_, *to_), Fenced);
  EXPECT_TRUE(to_->addresses().empty());
  Journalist(*other, claim, "running").accept({intent_row(1, 1)}, 5);
  finish_plain(*other, claim, run_row("running"));
  EXPECT_TRUE(from_->claim(kAccounts, run_row("next"), kLeaseMs)) << "nothing is held any more";
}

/// Fails at the n-th shard that it takes in.
class FullStore : public ForwardingStore {
 public:
  FullStore(std::unique_ptr<StateStore> inner, int room)
      : ForwardingStore(std::move(inner)), room_(room) {}
  void import_shard(const ShardImage& image) override {
    if (room_-- == 0) throw StoreUnavailable("no room");
    ForwardingStore::import_shard(image);
  }

 private:
  int room_;
};

TEST_P(Transfer, ACopyThatBrokeOffLeavesTheSourceFreeAndIsNotGoneOnWith) {
  FullStore full(to_backend_->open(), 2);
  EXPECT_THROW(copy_store(*from_, full), StoreUnavailable);
  EXPECT_EQ(from_->runs("", 1).at(0).status, "interrupted");
  finish_plain(*from_, claim_of(*from_, "next"), run_row("next"));
  EXPECT_THROW(copy_store(*from_, *to_), std::logic_error);
  EXPECT_THROW(static_cast<void>(to_->claim(leads(0), run_row("r"), kLeaseMs)), StateLost)
      << "one of its shards is missing";
}

INSTANTIATE_TEST_SUITE_P(Stores, Transfer,
                         ::testing::Values(Kinds{memory_backend(), sqlite_backend()},
                                           Kinds{sqlite_backend(), memory_backend()},
                                           Kinds{sqlite_backend(), sqlite_backend()},
                                           Kinds{sqlite_backend(), postgres_backend()},
                                           Kinds{postgres_backend(), sqlite_backend()}),
                         [](const auto& kinds) {
                           return std::get<0>(kinds.param).name + "_to_" +
                                  std::get<1>(kinds.param).name;
                         });

}  // namespace
}  // namespace tailrace::test
