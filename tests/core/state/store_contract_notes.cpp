// What every kind of state store must do with what runs note beside the state: the destination's
// fields, field hashes, the log, shards' counts. Budgets are in store_contract_budget.cpp.

#include <gtest/gtest.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "journal_script.hpp"
#include "state/clock.hpp"
#include "store_contract.hpp"
#include "store_script.hpp"

namespace tailrace::test {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;

Commit with_log(std::vector<LogRow> rows) {
  Commit commit;
  commit.log = std::move(rows);
  return commit;
}

LogRow log_row(const std::string& key, const std::string& code = "") {
  return {key, "upsert", code.empty() ? "accepted" : "rejected", code, "caf\xC3\xA9 \0 ';\n"};
}

std::vector<int> shards_in(const std::vector<ShardCount>& counts) {
  std::vector<int> shards;
  for (const ShardCount& count : counts) shards.push_back(count.shard);
  return shards;
}

TEST_P(StoreContract, EveryHoldComesBackAsItWas) {
  const auto store = backend_->open();
  const Claim claim = claim_of(*store, "r1");
  std::vector<RejectedRow> rows;
  for (std::uint64_t i = 0; i < 4; ++i) {
    rows.push_back(rejected_row(i, 7));
    rows.back().hold = static_cast<Hold>(i);
  }
  store->append(claim.holder, with_rejected(rows));
  std::vector<RejectedRow> found = backend_->open()->rejected_of(kAccounts);
  ASSERT_EQ(found.size(), 4U);
  for (const RejectedRow& row : found) {
    EXPECT_EQ(row, rows.at(static_cast<std::size_t>(row.hold))) << row.key;
  }
}

TEST_P(StoreContract, ToBeReleasedIsNoAttempt) {
  const auto store = backend_->open();
  const Claim claim = claim_of(*store, "r1");
  RejectedRow row = rejected_row(1, 100);
  row.hold = Hold::parked;
  store->append(claim.holder, with_rejected({row}));
  row.hold = Hold::released;
  store->append(claim.holder, with_rejected({row}));
  const RejectedRow released = store->read_rejected(claim.holder).at(0);
  EXPECT_EQ(released.hold, Hold::released);
  EXPECT_EQ(released.attempts, 1);
  row.hold = Hold::transient;
  store->append(claim.holder, with_rejected({row}));
  EXPECT_EQ(store->read_rejected(claim.holder).at(0).attempts, 2);
}

TEST_P(StoreContract, AResyncIsRememberedWithItsTime) {
  const auto store = backend_->open();
  Claim claim = claim_of(*store, "r1");
  EXPECT_EQ(claim.resynced_at_ms, 0);
  Finish finish;
  finish.run = run_row("r1");
  finish.resynced = true;
  backend_->advance(500);
  const std::int64_t at_ms = store->now_ms();
  store->finish(claim.holder, finish);
  backend_->advance(500);
  claim = claim_of(*store, "r2");
  EXPECT_EQ(claim.resynced_at_ms, at_ms);
  finish_plain(*store, claim, run_row("r2"));
  EXPECT_EQ(store->peek(kAccounts)->resynced_at_ms, at_ms) << "other runs leave it";
  store->reset(kAccounts);
  EXPECT_EQ(store->peek(kAccounts)->resynced_at_ms, 0);
}

TEST_P(StoreContract, ANewLayoutWasResyncedWhenItsOldestPartWas) {
  const auto store = backend_->open();
  std::vector<std::int64_t> times;
  for (const int number : {1, 0}) {
    const Claim part = claim_of(*store, std::to_string(number), shard(number, 2));
    Finish finish;
    finish.run = run_row(std::to_string(number));
    finish.resynced = true;
    backend_->advance(100);
    times.push_back(store->now_ms());
    store->finish(part.holder, finish);
  }
  EXPECT_EQ(claim_of(*store, "whole").resynced_at_ms, times.front());
}

TEST_P(StoreContract, OtherFieldsThanNotedLastAreAChange) {
  const auto store = backend_->open();
  store->note_fields(kAccounts, "before any state");
  finish_plain(*store, claim_of(*store, "r1"), run_row("r1"));
  store->note_fields(kAccounts, "a");
  backend_->advance(10);
  store->note_fields(kAccounts, "a");
  EXPECT_EQ(store->peek(kAccounts)->fields_changed_at_ms, 0) << "nothing to compare with";
  backend_->advance(10);
  const auto other = backend_->open();
  other->note_fields(kAccounts, "b");
  const std::int64_t changed_ms = other->now_ms();
  backend_->advance(10);
  store->note_fields(kAccounts, "b");
  const Claim claim = claim_of(*store, "r2");
  EXPECT_EQ(claim.fields_changed_at_ms, changed_ms);
  backend_->advance(10);
  other->note_fields(kAccounts, "a");
  EXPECT_GT(other->peek(kAccounts)->fields_changed_at_ms, changed_ms) << "while a run holds it too";
  SyncAddress leads = kAccounts;
  leads.object = "Lead";
  EXPECT_EQ(claim_of(*store, "r3", leads).fields_changed_at_ms, 0);
}

TEST_P(StoreContract, FieldHashesAreGivenInTheOrderAskedFor) {
  const auto store = backend_->open();
  const Claim claim = claim_of(*store, "r1");
  Commit commit;
  const std::string bytes("\0\xFF\x01", 3);
  commit.fields = {{identity_of(1), bytes}, {identity_of(2), std::string(kFieldHashesBytes, 'f')}};
  store->append(claim.holder, commit);
  const std::vector<IdentityHash> asked{identity_of(2), identity_of(9), identity_of(1)};
  EXPECT_EQ(store->read_fields(claim.holder, asked),
            (std::vector<std::string>{std::string(kFieldHashesBytes, 'f'), "", bytes}));
  Commit next;
  next.fields = {{identity_of(1), "new"}};
  next.fields_forgotten = {identity_of(2), identity_of(77)};
  store->append(claim.holder, next);
  EXPECT_EQ(store->read_fields(claim.holder, asked), (std::vector<std::string>{"", "", "new"}));
  EXPECT_TRUE(store->read_fields(claim.holder, {}).empty());
  next.fields = {{identity_of(1), ""}};
  store->append(claim.holder, next);
  EXPECT_EQ(store->read_fields(claim.holder, asked), (std::vector<std::string>{"", "", ""}));
}

TEST_P(StoreContract, FieldHashesThatAreTooLongStoreNothing) {
  const auto store = backend_->open();
  const Claim claim = claim_of(*store, "r1");
  Commit commit = with_rejected({rejected_row(1, 1)});
  commit.fields = {{identity_of(1), std::string(kFieldHashesBytes + 1, 'f')}};
  EXPECT_THROW(store->append(claim.holder, commit), std::invalid_argument);
  EXPECT_TRUE(store->read_rejected(claim.holder).empty());
}

TEST_P(StoreContract, FieldHashesOutliveAnotherLayoutButNoReset) {
  const auto store = backend_->open();
  Claim claim = claim_of(*store, "r1");
  Commit commit;
  std::vector<IdentityHash> asked;
  for (std::uint64_t i = 0; i < 8; ++i) {
    asked.push_back(identity_of(i));
    commit.fields.push_back({identity_of(i), "h"});
  }
  store->append(claim.holder, commit);
  finish_plain(*store, claim, run_row("r1"));
  const Claim half = claim_of(*store, "r2", shard(0, 2));
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (shard_of(asked[i], 2) != 0) continue;
    EXPECT_EQ(store->read_fields(half.holder, {&asked[i], 1}).at(0), "h") << i;
  }
  finish_plain(*store, half, run_row("r2"));
  store->reset(kAccounts);
  claim = claim_of(*store, "r3");
  EXPECT_EQ(store->read_fields(claim.holder, asked), std::vector<std::string>(8));
}

TEST_P(StoreContract, TheLogTellsOfAKeyNewestFirst) {
  const auto store = backend_->open();
  Claim claim = claim_of(*store, "r1");
  store->append(claim.holder, with_log({log_row("a"), log_row("b")}));
  backend_->advance(10);
  const std::int64_t second_ms = store->now_ms();
  store->append(claim.holder, with_log({log_row("a", "TOO_LONG")}));
  finish_plain(*store, claim, run_row("r1"));
  SyncAddress leads = kAccounts;
  leads.sync = "leads";
  backend_->advance(10);
  store->append(claim_of(*store, "r2", leads).holder, with_log({log_row("a")}));

  const std::vector<LogEntry> entries = backend_->open()->log_of(kAccounts.sync, "a", 10);
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].run_id, "r1");
  EXPECT_EQ(entries[0].sync, kAccounts.sync);
  EXPECT_EQ(entries[0].row, log_row("a", "TOO_LONG"));
  EXPECT_EQ(entries[0].at_ms, second_ms);
  EXPECT_EQ(entries[1].row, log_row("a"));
  EXPECT_EQ(store->log_of("", "a", 10).size(), 3U);
  ASSERT_EQ(store->log_of("", "a", 1).size(), 1U);
  EXPECT_EQ(store->log_of("", "a", 1)[0].sync, "leads");
  EXPECT_TRUE(store->log_of("leads", "b", 10).empty());
  EXPECT_TRUE(store->log_of("", "", 10).empty());
}

TEST_P(StoreContract, TheLogIsPartOfItsCommit) {
  const auto store = backend_->open();
  const Claim stale = claim_of(*store, "r1");
  Commit commit = with_log({log_row("a")});
  commit.journal = {Journalist(*store, stale, "r1").row(JournalKind::intent, 1, pack_intents({}))};
  store->append(stale.holder, commit);
  store->append(stale.holder, commit);
  EXPECT_EQ(store->log_of("", "a", 10).size(), 1U) << "a commit made twice is there once";
  backend_->advance(kLeaseMs + 1);
  static_cast<void>(claim_of(*backend_->open(), "r2"));
  commit.journal[0].seq = 2;
  commit.fields = {{identity_of(1), "h"}};
  EXPECT_THROW(store->append(stale.holder, commit), Fenced);
  EXPECT_EQ(store->log_of("", "a", 10).size(), 1U);
  EXPECT_THROW(static_cast<void>(store->read_fields(stale.holder, {})), Fenced);
}

TEST_P(StoreContract, TheLogIsKeptForNinetyDays) {
  const auto store = backend_->open();
  Claim claim = claim_of(*store, "r1");
  store->append(claim.holder, with_log({log_row("old"), log_row("old")}));
  finish_plain(*store, claim, run_row("r1"));
  backend_->advance(90 * kDayMs);
  claim = claim_of(*store, "r2");
  store->append(claim.holder, with_log({log_row("new")}));
  finish_plain(*store, claim, run_row("r2"));
  EXPECT_EQ(store->log_of("", "old", 10).size(), 2U);
  backend_->advance(1);
  finish_plain(*store, claim_of(*store, "r3"), run_row("r3"));
  EXPECT_TRUE(store->log_of("", "old", 10).empty());
  EXPECT_EQ(store->log_of("", "new", 10).size(), 1U);
  backend_->advance(91 * kDayMs);
  finish_plain(*store, claim_of(*store, "r4"), run_row("r4"));
  EXPECT_TRUE(store->log_of("", "new", 10).empty()) << "the last one goes as well";
}

TEST_P(StoreContract, ShardsSeeWhatTheOthersOfTheirRoundCounted) {
  const auto store = backend_->open();
  const auto other = backend_->open();
  const Claim first = claim_of(*store, "r1", shard(0, 3));
  const Claim third = claim_of(*other, "r2", shard(2, 3));
  EXPECT_TRUE(store->shard_counts(first.holder, "monday").empty());
  store->put_shard_count(first.holder, "monday", R"({"added":1})");
  backend_->advance(10 * kDayMs);
  other->renew(third.holder, kLeaseMs);
  other->put_shard_count(third.holder, "monday", R"({"added":3})");
  const std::vector<ShardCount> counts = store->shard_counts(first.holder, "monday");
  ASSERT_EQ(shards_in(counts), (std::vector<int>{0, 2}));
  EXPECT_EQ(counts[0].counts, R"({"added":1})");
  EXPECT_EQ(counts[1].counts, R"({"added":3})");
  EXPECT_EQ(counts[1].round, "monday");
  EXPECT_EQ(counts[1].at_ms, store->now_ms());
  EXPECT_TRUE(store->shard_counts(first.holder, "tuesday").empty());
  EXPECT_TRUE(store->shard_counts(first.holder, "").empty());
}

TEST_P(StoreContract, ACountOfAnOlderRoundIsReplaced) {
  const auto store = backend_->open();
  const Claim first = claim_of(*store, "r1", shard(0, 2));
  const Claim second = claim_of(*store, "r2", shard(1, 2));
  store->put_shard_count(first.holder, "monday", "{}");
  store->put_shard_count(second.holder, "monday", "{}");
  store->put_shard_count(second.holder, "tuesday", R"({"added":2})");
  EXPECT_EQ(shards_in(store->shard_counts(first.holder, "monday")), (std::vector<int>{0}));
  EXPECT_EQ(shards_in(store->shard_counts(first.holder, "tuesday")), (std::vector<int>{1}));
  store->put_shard_count(first.holder, "tuesday", "{}");
  EXPECT_EQ(shards_in(store->shard_counts(second.holder, "tuesday")), (std::vector<int>{0, 1}));
}

TEST_P(StoreContract, WithoutARoundCountsLastAnHour) {
  const auto store = backend_->open();
  const Claim first = claim_of(*store, "r1", shard(0, 2));
  const Claim second = claim_of(*store, "r2", shard(1, 2));
  store->put_shard_count(first.holder, "", "{}");
  backend_->advance(kHourMs - 1);
  store->put_shard_count(second.holder, "", "{}");
  EXPECT_EQ(shards_in(store->shard_counts(second.holder, "")), (std::vector<int>{0, 1}));
  backend_->advance(1);
  EXPECT_EQ(shards_in(store->shard_counts(second.holder, "")), (std::vector<int>{1}));
}

TEST_P(StoreContract, CountsAreOfOneLayoutAndItsHolders) {
  const auto store = backend_->open();
  const Claim stale = claim_of(*store, "r1", shard(0, 2));
  store->put_shard_count(stale.holder, "monday", "{}");
  backend_->advance(kLeaseMs + 1);
  const auto other = backend_->open();
  const Claim claim = claim_of(*other, "r2", shard(0, 3));
  EXPECT_TRUE(other->shard_counts(claim.holder, "monday").empty()) << "those were halves";
  EXPECT_THROW(store->put_shard_count(stale.holder, "monday", "{}"), Fenced);
  EXPECT_THROW(static_cast<void>(store->shard_counts(stale.holder, "monday")), Fenced);
  finish_plain(*other, claim, run_row("r2"));
  EXPECT_THROW(other->put_shard_count(claim.holder, "monday", "{}"), Fenced) << "it has ended";
}

}  // namespace
}  // namespace tailrace::test
