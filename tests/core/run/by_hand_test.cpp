// What a person says of rejected rows between runs.
#include "run/by_hand.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "state/journal.hpp"
#include "state/table.hpp"

namespace tailrace {
namespace {

const SyncAddress kAccounts{"accounts", "acme", "Account", 0, 1};
constexpr std::int64_t kLeaseMs = 60'000;
constexpr std::int64_t kQuietMs = 120'000;

RejectedRow row_of(std::uint64_t n, Hold hold) {
  RejectedRow row;
  row.identity = {n << 60, n};  // spread over shards
  row.key = "key" + std::to_string(n);
  row.version = 100 + n;
  row.code = "CODE";
  row.hold = hold;
  row.attempts = 3;
  row.first_at_ms = 1;
  row.last_at_ms = 2;
  return row;
}

RunRow run_row(const std::string& id) { return {id, "accounts", "running", 1, 0, "{}", "null"}; }

void finish(StateStore& store, const Claim& claim, const std::string& id) {
  Finish finish;
  finish.run = run_row(id);
  finish.run.status = "rejected";
  finish.bucket_bits = claim.bucket_bits;
  store.finish(claim.holder, finish);
}

/// A store in which a run of each of `of` shards has left these rows.
std::unique_ptr<StateStore> store_with(const std::vector<RejectedRow>& rows, int of = 1) {
  auto store = open_store("memory:", true);
  for (int shard = 0; shard < of; ++shard) {
    SyncAddress address = kAccounts;
    address.shard = shard;
    address.of = of;
    const std::string id = "r" + std::to_string(shard);
    const Claim claim = store->claim(address, run_row(id), kLeaseMs).value();
    Commit commit;
    for (const RejectedRow& row : rows) {
      const auto own = shard_of(row.identity, static_cast<std::uint32_t>(of));
      if (own == static_cast<std::uint32_t>(shard)) commit.rejected.push_back(row);
    }
    store->append(claim.holder, commit);
    finish(*store, claim, id);
  }
  return store;
}

std::vector<std::string> holds(StateStore& store) {
  std::vector<std::string> words;
  std::vector<RejectedRow> rows = store.rejected_of(kAccounts);
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  for (const RejectedRow& row : rows)
    words.push_back(row.key + " " + std::string(word_of(row.hold)));
  return words;
}

const std::vector<RejectedRow> kRejected{row_of(1, Hold::permanent), row_of(2, Hold::transient),
                                         row_of(3, Hold::parked), row_of(9, Hold::parked)};
using Words = std::vector<std::string>;

TEST(ByHand, ReleasesEveryRowThatIsNotParked) {
  const auto store = store_with(kRejected);
  const ByHand retry{ByHand::Kind::retry, std::nullopt, "by-hand"};
  EXPECT_EQ(settle_by_hand(*store, kAccounts, retry), 2U);
  EXPECT_EQ(holds(*store), (Words{"key1 released", "key2 released", "key3 parked", "key9 parked"}));
  for (const RejectedRow& row : store->rejected_of(kAccounts)) EXPECT_EQ(row.attempts, 3);
  EXPECT_EQ(settle_by_hand(*store, kAccounts, retry), 0U) << "released rows are no news";
}

TEST(ByHand, ReleasesAParkedRowThatIsNamed) {
  const auto store = store_with(kRejected);
  EXPECT_EQ(settle_by_hand(*store, kAccounts, {ByHand::Kind::retry, "key3", "by-hand"}), 1U);
  EXPECT_EQ(holds(*store),
            (Words{"key1 permanent", "key2 transient", "key3 released", "key9 parked"}));
}

TEST(ByHand, TakesAParkedRowAsAcceptedInItsVersion) {
  const auto store = store_with(kRejected);
  EXPECT_EQ(settle_by_hand(*store, kAccounts, {ByHand::Kind::delivered, "key3", "by-hand"}), 1U);
  EXPECT_EQ(holds(*store), (Words{"key1 permanent", "key2 transient", "key9 parked"}));
  const Claim claim = store->claim(kAccounts, run_row("next"), kLeaseMs).value();
  const StateView view = load_state(*store, claim, kQuietMs);
  const StateTable::Slot slot = view.table.find(row_of(3, Hold::parked).identity);
  ASSERT_NE(slot, StateTable::kNone);
  EXPECT_TRUE(view.table.marks(slot).acknowledged);
  EXPECT_EQ(view.table.version(slot), 103U);
  EXPECT_FALSE(view.table.marks(slot).in_doubt);
}

TEST(ByHand, EndsTheDoubtAboutAParkedInsertBeforeItsHorizon) {
  const auto store = open_store("memory:", true);
  const Claim claim = store->claim(kAccounts, run_row("r0"), kLeaseMs).value();
  const RejectedRow parked = row_of(3, Hold::parked);
  IntentBatch sent;
  sent.op = StateOp::insert;
  sent.rows.push_back({parked.identity, parked.version, parked.key, {}});
  JournalRow intent;
  intent.seq = claim.last_seq + 1;
  intent.epoch = claim.holder.epoch;
  intent.run_id = "r0";
  intent.send_by_ms = store->now_ms() + 30'000;
  intent.entries = pack_intents({sent});
  Commit commit;
  commit.journal.push_back(std::move(intent));
  commit.rejected.push_back(parked);
  store->append(claim.holder, commit);
  finish(*store, claim, "r0");
  EXPECT_EQ(settle_by_hand(*store, kAccounts, {ByHand::Kind::delivered, "key3", "by-hand"}), 1U);
  const Claim next = store->claim(kAccounts, run_row("next"), kLeaseMs).value();
  EXPECT_TRUE(load_state(*store, next, kQuietMs).doubts.empty());
}

TEST(ByHand, OnlyParkedRowsCanBeSaidToHaveArrived) {
  const auto store = store_with(kRejected);
  EXPECT_EQ(settle_by_hand(*store, kAccounts, {ByHand::Kind::delivered, "key1", "by-hand"}), 0U);
  EXPECT_EQ(holds(*store).size(), 4U);
  const ByHand nameless{ByHand::Kind::delivered, std::nullopt, "by-hand"};
  EXPECT_THROW((void)settle_by_hand(*store, kAccounts, nameless), std::invalid_argument);
}

TEST(ByHand, WaitsForNoRun) {
  const auto store = store_with(kRejected);
  const Claim claim = store->claim(kAccounts, run_row("long"), kLeaseMs).value();
  EXPECT_EQ(settle_by_hand(*store, kAccounts, {ByHand::Kind::retry, "key1", "by-hand"}),
            std::nullopt);
  finish(*store, claim, "long");
  EXPECT_EQ(settle_by_hand(*store, kAccounts, {ByHand::Kind::retry, "key1", "by-hand"}), 1U);
}

TEST(ByHand, FindsRowsInEveryShard) {
  const auto store = store_with(kRejected, 4);
  EXPECT_EQ(settle_by_hand(*store, kAccounts, {ByHand::Kind::retry, std::nullopt, "all"}), 2U);
  EXPECT_EQ(settle_by_hand(*store, kAccounts, {ByHand::Kind::delivered, "key9", "one"}), 1U);
  EXPECT_EQ(holds(*store), (Words{"key1 released", "key2 released", "key3 parked"}));
}

TEST(ByHand, LeavesATraceOnlyWhereItDidSomething) {
  const auto store = store_with(kRejected);
  EXPECT_EQ(settle_by_hand(*store, kAccounts, {ByHand::Kind::retry, "nobody", "none"}), 0U);
  EXPECT_EQ(store->runs("accounts", 10).size(), 1U);
  EXPECT_EQ(settle_by_hand(*store, kAccounts, {ByHand::Kind::retry, "key1", "one"}), 1U);
  EXPECT_EQ(store->runs("accounts", 10).front().run_id, "one");
  EXPECT_EQ(store->runs("accounts", 10).front().status, "by_hand");
}

TEST(ByHand, KnowsNothingOfOtherSyncs) {
  const auto store = store_with(kRejected);
  SyncAddress other = kAccounts;
  other.account = "sandbox";
  EXPECT_EQ(settle_by_hand(*store, other, {ByHand::Kind::retry, "key1", "by-hand"}), 0U);
}

}  // namespace
}  // namespace tailrace
