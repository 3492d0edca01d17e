// Keys of removed rows as a store gives them back: snapshot, journal and doubts together.
#include "diff/removed.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "state/errors.hpp"
#include "state/journal.hpp"
#include "state/memory_store.hpp"

namespace tailrace {
namespace {

constexpr std::int64_t kQuietMs = 1000;

IdentityHash hash_of(const std::string& match) {
  Hasher::Secret secret{};
  return Hasher(secret, "m").identity(match);
}

/// Claims a shard of a store in memory and writes outcomes into its journal.
class Store {
 public:
  Store() : store_(std::make_shared<MemoryDisk>(), [this] { return now_ms_; }) { claim(); }

  void write(const EntryKeys& keys, RowOutcome outcome = RowOutcome::accepted) {
    add(StateOp::write, keys, outcome);
  }
  void remove(const EntryKeys& keys) { add(StateOp::remove, keys, RowOutcome::accepted); }

  /// Ends the run with a fold and begins the next.
  void fold() {
    Finish finish;
    finish.run = run();
    fold_state(store_, claim_, {}, now_ms_, kQuietMs, finish);
    store_.finish(claim_.holder, finish);
    claim();
  }

  [[nodiscard]] StateView load() { return load_state(store_, claim_, kQuietMs); }
  [[nodiscard]] KeyReader reader() { return key_reader(store_, claim_); }

 private:
  static RunRow run() {
    RunRow run;
    run.run_id = "r_1";
    run.sync = "s";
    run.status = "running";
    return run;
  }

  void claim() {
    claim_ = store_.claim({"s", "account", "object", 0, 1}, run(), 60'000).value();
    seq_ = claim_.last_seq;
  }

  JournalRow journal_row(JournalKind kind, std::string entries) {
    JournalRow row;
    row.seq = ++seq_;
    row.epoch = claim_.holder.epoch;
    row.run_id = "r_1";
    row.kind = kind;
    row.send_by_ms = now_ms_;
    row.entries = std::move(entries);
    return row;
  }

  void add(StateOp op, const EntryKeys& keys, RowOutcome outcome) {
    IntentBatch batch;
    batch.op = op;
    batch.rows = {{hash_of(keys.match), op == StateOp::write ? 7U : 0U, keys.key, keys.match}};
    Commit commit;
    commit.journal.push_back(journal_row(JournalKind::intent, pack_intents({batch})));
    const OutcomeBatch ended{seq_, 0, ++now_ms_, {{outcome, keys.destination_id}}};
    commit.journal.push_back(journal_row(JournalKind::outcome, pack_outcomes({ended})));
    store_.append(claim_.holder, commit);
  }

  std::int64_t now_ms_ = 1'000'000;
  MemoryStore store_;
  Claim claim_;
  std::int64_t seq_ = 0;
};

std::map<std::string, EntryKeys> visited(Store& store, const std::vector<std::string>& matches) {
  std::map<IdentityHash, std::string> names;
  std::vector<IdentityHash> gone;
  for (const std::string& match : matches) {
    gone.push_back(hash_of(match));
    names[gone.back()] = match;
  }
  std::map<std::string, EntryKeys> found;
  visit_keys(gone, store.load(), store.reader(),
             [&](const IdentityHash& identity, const EntryKeys& keys) {
               found[names.at(identity)] = keys;
             });
  return found;
}

TEST(KeysOfRemovedRows, ComeFromSnapshotJournalAndDoubts) {
  Store store;
  store.write({"1", "snapshot@x", "id-1"});
  store.write({"2", "rewritten@x", "id-2"});
  store.fold();
  store.write({"22", "rewritten@x", ""});
  store.write({"3", "journal@x", "id-3"});
  store.write({"4", "doubt@x", ""}, RowOutcome::unknown);
  const auto keys = visited(store, {"snapshot@x", "rewritten@x", "journal@x", "doubt@x"});
  EXPECT_EQ(keys.at("snapshot@x"), (EntryKeys{"1", "snapshot@x", "id-1"}));
  EXPECT_EQ(keys.at("rewritten@x"), (EntryKeys{"22", "rewritten@x", "id-2"}));
  EXPECT_EQ(keys.at("journal@x"), (EntryKeys{"3", "journal@x", "id-3"}));
  EXPECT_EQ(keys.at("doubt@x"), (EntryKeys{"4", "doubt@x", ""}));
}

TEST(KeysOfRemovedRows, OfARecordCreatedAnewAreNotThoseOfTheOldOne) {
  Store store;
  store.write({"1", "a@x", "old"});
  store.write({"2", "b@x", "old"});
  store.fold();
  store.remove({"1", "a@x", ""});
  store.write({"1", "a@x", ""});
  store.remove({"2", "b@x", ""});
  store.write({"2", "b@x", "new"});
  const auto keys = visited(store, {"a@x", "b@x"});
  EXPECT_EQ(keys.at("a@x").destination_id, "") << "the id of a deleted record names nothing";
  EXPECT_EQ(keys.at("b@x").destination_id, "new");
}

TEST(KeysOfRemovedRows, AreVisitedInTheOrderOfTheirBuckets) {
  Store store;
  std::vector<IdentityHash> gone;
  for (int i = 0; i < 200; ++i) {
    const std::string match = std::to_string(i) + "@x";
    store.write({std::to_string(i), match, ""});
    gone.push_back(hash_of(match));
  }
  store.fold();
  std::vector<IdentityHash> seen;
  visit_keys(gone, store.load(), store.reader(),
             [&](const IdentityHash& identity, const EntryKeys&) { seen.push_back(identity); });
  EXPECT_EQ(seen.size(), 200U);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

TEST(KeysOfRemovedRows, ThatDoNotFitTheirEntriesAreLostState) {
  StateView state;
  const IdentityHash identity = hash_of("a@x");
  state.table.marks(state.table.insert(identity)).acknowledged = true;
  KeyReader reader;
  reader.read_bucket = [&](std::uint32_t bucket) {
    return SnapshotBucket{bucket, pack_entries({{identity, 1}}), {}, pack_keys({})};
  };
  std::vector<IdentityHash> gone = {identity};
  EXPECT_THROW(visit_keys(gone, state, reader, [](const IdentityHash&, const EntryKeys&) {}),
               StateLost);
}

}  // namespace
}  // namespace tailrace
