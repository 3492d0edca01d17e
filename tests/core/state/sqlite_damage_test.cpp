// A damaged store file is refused, or what it says is what was written: never anything else.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <tuple>

#include "fault_vfs.hpp"
#include "journal_script.hpp"
#include "state/errors.hpp"
#include "state/sqlite_store.hpp"
#include "store_contract.hpp"

namespace tailrace::test {
namespace {

constexpr std::uint64_t kRows = 3000;

/// Everything a run can read, by key.
struct Told {
  std::map<IdentityHash, std::tuple<Version, bool, bool>> entries;  // version, absent, in doubt
  std::map<IdentityHash, std::tuple<Version, std::string>> rejected;
  std::map<std::string, std::string> keys;
  bool operator==(const Told&) const = default;
};

class DamagedFile : public ::testing::Test {
 protected:
  [[nodiscard]] std::string path() const { return directory_.path() + "/state.db"; }

  std::unique_ptr<SqliteStore> open(bool create = false) {
    SqliteOptions options;
    options.create = create;
    options.vfs = fault_vfs();
    options.clock = [] { return ClockReading{"boot-1", 1'000, 1'790'000'000'000}; };
    return std::make_unique<SqliteStore>(path(), options);
  }

  /// A store with all there can be in one, closed: one file, no log.
  std::string make() {
    const auto store = open(true);
    Claim claim = *store->claim(kAccounts, run_row("r1"), kLeaseMs);
    std::vector<IntentRow> rows;
    for (std::uint64_t i = 0; i < kRows; ++i) rows.push_back(intent_row(i, i));
    Journalist(*store, claim, "r1").accept(rows, store->now_ms());
    finish_with_fold(*store, claim, run_row("r1"), {{identity_of(1), identity_of(2)}, {}});
    claim = *store->claim(kAccounts, run_row("r2"), kLeaseMs);
    Journalist journal(*store, claim, "r2");
    for (std::uint64_t i = 0; i < 20; ++i) {
      journal.accept({intent_row(10 + i, 7), intent_row(kRows + i, 7)}, store->now_ms());
    }
    journal.intent({{StateOp::write, 1, {}, {}, {intent_row(40, 8)}}}, store->now_ms());
    Commit commit;
    for (std::uint64_t i = 0; i < 30; ++i) {
      RejectedRow& row = commit.rejected.emplace_back();
      row.identity = identity_of(100 + i);
      row.key = key_of(100 + i);
      row.version = i;
      row.message = std::string(200, 'm');
    }
    store->append(claim.holder, commit);
    finish_plain(*store, claim, run_row("r2"));
    SyncAddress other = kAccounts;
    other.sync = "leads";
    claim = *store->claim(other, run_row("r3"), kLeaseMs);
    Journalist(*store, claim, "r3").accept({intent_row(1, 1)}, store->now_ms());
    finish_plain(*store, claim, run_row("r3"));
    return store->identity().id;
  }

  std::string read() const {
    std::ifstream file(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  void write(const std::string& bytes) const {
    std::filesystem::remove(path() + "-wal");
    std::filesystem::remove(path() + "-shm");
    std::ofstream(path(), std::ios::binary | std::ios::trunc) << bytes;
  }

  static Told told(StateStore& store, const Claim& claim) {
    Told told;
    const StateView view = load_state(store, claim, kQuietMs);
    for (StateTable::Slot slot = 0; slot < view.table.capacity(); ++slot) {
      const StateTable::Marks& marks = view.table.marks(slot);
      if (!marks.acknowledged && !marks.in_doubt) continue;
      told.entries[view.table.identity(slot)] = {view.table.version(slot), marks.absent,
                                                 marks.in_doubt};
    }
    for (const auto& [identity, row] : view.rejected) {
      told.rejected[identity] = {row.version, row.key + row.message};
    }
    store.read_snapshot(claim.holder, true, [&](const SnapshotBucket& bucket) {
      for (const EntryKeys& keys : unpack_keys(bucket.keys)) told.keys[keys.key] = keys.match;
    });
    return told;
  }

  /// One run that reads everything, writes, and folds; then one that reads again.
  std::pair<Told, Told> run_twice() {
    const auto store = open();
    Claim claim = *store->claim(kAccounts, run_row("r4"), kLeaseMs);
    std::pair<Told, Told> both;
    both.first = told(*store, claim);
    Journalist(*store, claim, "r4")
        .accept({intent_row(50, 9), intent_row(5000, 9)}, store->now_ms());
    finish_with_fold(*store, claim, run_row("r4"));
    claim = *store->claim(kAccounts, run_row("r5"), kLeaseMs);
    both.second = told(*store, claim);
    finish_plain(*store, claim, run_row("r5"));
    return both;
  }

  ScratchDirectory directory_;
};

TEST_F(DamagedFile, EveryCutIsRefused) {
  const ScopedFault plan({.sync = false});
  make();
  const std::string whole = read();
  ASSERT_GT(whole.size(), 100'000U);
  for (std::size_t size = 0; size < whole.size(); size += 512) {
    write(whole.substr(0, size));
    EXPECT_THROW(open(), StateLost) << size;
    EXPECT_THROW(open(true), StateLost) << size << " is not a reason for a new store";
  }
  write(whole);
  EXPECT_EQ(run_twice().first.entries.size(), kRows + 20);
}

TEST_F(DamagedFile, AFlippedBitIsFoundOrChangesNothing) {
  const ScopedFault plan({.sync = false});
  make();
  const std::string whole = read();
  const std::pair<Told, Told> sound = run_twice();
  std::mt19937_64 random(11);
  int refused = 0;
  int harmless = 0;
  for (int round = 0; round < 1000; ++round) {
    // Half of them in the first pages: header, tables' definitions, and the small tables.
    const std::size_t range = round % 2 == 0 ? whole.size() : 16 * 4096;
    const std::size_t bit = random() % (range * 8);
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    write(flipped);
    try {
      EXPECT_TRUE(run_twice() == sound) << "bit " << bit << " of byte " << bit / 8;
      ++harmless;
    } catch (const StateLost&) {
      ++refused;
    } catch (const std::exception& error) {
      ADD_FAILURE() << "bit " << bit << " of byte " << bit / 8 << ": " << error.what();
    }
  }
  EXPECT_GT(refused, 250);
  EXPECT_GT(harmless, 100) << "free space in pages is not looked at";
}

TEST_F(DamagedFile, WhatTheLogHoldsIsNotMissedInTheFile) {
  const ScopedFault plan({.sync = false});
  const std::string id = make();
  const auto store = open();
  const Claim claim = *store->claim(kAccounts, run_row("r6"), kLeaseMs);
  const auto other = open();
  EXPECT_EQ(other->identity().id, id);
  EXPECT_FALSE(other->claim(kAccounts, run_row("r7"), kLeaseMs)) << "the claim is in the log";
}

}  // namespace
}  // namespace tailrace::test
