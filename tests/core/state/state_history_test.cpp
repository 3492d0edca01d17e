// Random histories of a sync: runs that end, crash or are folded, requests whose outcome is unknown
// or told late, rows that leave and return. After each step what is loaded must be what a plain
// list of everything that happened says.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "journal_script.hpp"
#include "reference_state.hpp"
#include "state/clock.hpp"
#include "state/memory_store.hpp"
#include "state/table.hpp"
#include "store_contract.hpp"

namespace tailrace::test {
namespace {

constexpr std::int64_t kSendWindowMs = 30'000;

/// Doubts in words, for comparing with a readable difference.
std::map<ReferenceState::Key, std::string> told(
    const std::map<ReferenceState::Key, Doubt>& doubts) {
  std::map<ReferenceState::Key, std::string> words;
  for (const auto& [key, doubt] : doubts) {
    words[key] = doubt.keys.key + doubt.keys.match + doubt.keys.destination_id + " until " +
                 std::to_string(doubt.horizon_ms) + " version " + std::to_string(doubt.version) +
                 (doubt.mixed ? " mixed" : "") + (doubt.deleted ? " deleted" : "") +
                 (doubt.inserted ? " inserted" : "");
  }
  return words;
}

class History {
 public:
  History(StoreBackend& backend, std::uint64_t seed)
      : backend_(backend), random_(seed), keys_(1 + random_() % 6) {
    for (Key key = 0; key < keys_; ++key) numbers_[identity_of(key)] = key;
  }

  void play(int runs) {
    for (int i = 0; i < runs && !::testing::Test::HasFailure(); ++i) {
      run("run-" + std::to_string(i));
      pass_time();
    }
  }

  [[nodiscard]] std::size_t doubts_seen() const { return doubts_seen_; }
  [[nodiscard]] std::size_t open_seen() const { return open_seen_; }
  [[nodiscard]] std::size_t absent_seen() const { return absent_seen_; }

 private:
  using Key = ReferenceState::Key;

  bool chance(int of) { return random_() % static_cast<std::uint64_t>(of) == 0; }

  void pass_time() {
    constexpr std::int64_t steps[] = {1, 1'000, 20'000, kQuietMs, kQuietMs + 1, 2 * kQuietMs};
    backend_.advance(steps[random_() % std::size(steps)]);
    if (chance(20)) backend_.advance(40 * kDayMs);
  }

  void run(const std::string& run_id) {
    std::unique_ptr<StateStore> store = backend_.open();
    const std::optional<Claim> claim = store->claim(kAccounts, run_row(run_id), kLeaseMs);
    ASSERT_TRUE(claim.has_value());
    Journalist journal(*store, *claim, run_id);
    check(*store, *claim);
    resume(*store, *claim, journal);
    park(*store, *claim);
    for (std::uint64_t windows = random_() % 4; windows > 0; --windows) {
      window(*store, journal, run_id);
      pass_time();
    }
    check(*store, *claim);
    if (chance(3)) return;  // the process dies: the store is closed, nothing else happens
    if (chance(2)) {
      finish_plain(*store, *claim, run_row(run_id));
    } else {
      fold(*store, *claim, run_id);
    }
  }

  std::vector<RowResult> results(std::size_t rows) {
    std::vector<RowResult> out(chance(3) ? 1 : rows);
    for (RowResult& result : out) {
      constexpr RowOutcome outcomes[] = {
          RowOutcome::accepted, RowOutcome::accepted,  RowOutcome::accepted, RowOutcome::unknown,
          RowOutcome::rejected, RowOutcome::retryable, RowOutcome::skipped};
      result.outcome = outcomes[random_() % std::size(outcomes)];
      if (result.outcome == RowOutcome::accepted && chance(2)) {
        result.destination_id = "id" + std::to_string(random_() % 3);
      }
    }
    return out;
  }

  ReferenceState::Batch batch(std::set<Key>& taken, const std::string& run_id) {
    ReferenceState::Batch batch;
    batch.run_id = run_id;
    batch.op = chance(4) ? StateOp::remove : chance(2) ? StateOp::insert : StateOp::write;
    if (chance(4)) batch.memo = "memo " + std::to_string(++marked_);
    if (chance(6)) {
      batch.body_sha256 = std::string(32, 'x');
      const std::string number = std::to_string(++marked_);
      batch.body_sha256.replace(0, number.size(), number);
    }
    for (std::uint64_t i = 1 + random_() % 3; i > 0; --i) {
      const Key key = random_() % keys_;
      if (!taken.insert(key).second) continue;
      batch.rows.emplace_back(key, batch.op == StateOp::remove ? 0 : 1 + random_() % 2);
    }
    return batch;
  }

  void window(StateStore& store, Journalist& journal, const std::string& run_id) {
    std::set<Key> taken;
    std::vector<ReferenceState::Batch> batches(1 + random_() % 3);
    std::vector<IntentBatch> intents;
    for (ReferenceState::Batch& b : batches) {
      b = batch(taken, run_id);
      intents.push_back({b.op, 1, b.memo, b.body_sha256, {}});
      for (const auto& [key, version] : b.rows) {
        intents.back().rows.push_back(intent_row(key, version));
      }
    }
    const std::int64_t send_by_ms = store.now_ms() + kSendWindowMs;
    const std::int64_t seq = journal.intent(intents, send_by_ms);
    for (std::uint32_t i = 0; i < batches.size(); ++i) {
      batches[i].seq = seq;
      batches[i].index = i;
      batches[i].sent_by_ms = send_by_ms;
      reference_.announce(batches[i]);
    }
    backend_.advance(static_cast<std::int64_t>(random_() % 2'000));
    for (std::uint32_t i = 0; i < batches.size(); ++i) {
      if (chance(5)) continue;
      if (chance(6)) {
        journal.void_of({{seq, i}});
        reference_.void_of(seq, i);
      } else {
        settle(store, journal, seq, i, batches[i].rows.size());
      }
    }
  }

  void settle(StateStore& store, Journalist& journal, std::int64_t seq, std::uint32_t index,
              std::size_t rows) {
    const std::vector<RowResult> told = results(rows);
    const std::int64_t sent_at_ms = store.now_ms();
    journal.outcome({{seq, index, sent_at_ms, told}});
    reference_.outcome(seq, index, sent_at_ms, told);
  }

  void resume(StateStore& store, const Claim& claim, Journalist& journal) {
    const StateView view = load_state(store, claim, kQuietMs);
    for (const OpenBatch& open : view.open) {
      if (chance(2)) settle(store, journal, open.seq, open.batch, open.intent.rows.size());
    }
  }

  /// Rows are parked, released, or told to be delivered: then they are no longer rejected.
  void park(StateStore& store, const Claim& claim) {
    Commit commit;
    for (Key key = 0; key < keys_; ++key) {
      if (!chance(6)) continue;
      RejectedRow& row = commit.rejected.emplace_back();
      row.identity = identity_of(key);
      row.key = key_of(key);
      row.hold = chance(3) ? Hold::released : Hold::parked;
      row.version = 1 + random_() % 2;
      row.hold == Hold::parked ? reference_.park(key, row.version) : reference_.unpark(key);
    }
    for (Key key = 0; key < keys_; ++key) {
      if (!chance(12)) continue;
      commit.no_longer_rejected.push_back(identity_of(key));
      reference_.unpark(key);
    }
    store.append(claim.holder, commit);
  }

  void fold(StateStore& store, const Claim& claim, const std::string& run_id) {
    const StateView before = load_state(store, claim, kQuietMs);
    FoldInput input;
    std::vector<Key> left;
    std::vector<Key> returned;
    for (const auto& [key, entry] : reference_.entries()) {
      const StateTable::Slot slot = before.table.find(identity_of(key));
      if (slot == StateTable::kNone || !before.table.marks(slot).acknowledged) continue;
      if (!chance(3)) continue;
      const bool absent = before.table.marks(slot).absent;
      (absent ? returned : left).push_back(key);
      (absent ? input.returned : input.newly_absent).push_back(identity_of(key));
    }
    Finish finish;
    finish.run = run_row(run_id);
    finish.run.status = "done";
    const std::int64_t now_ms = store.now_ms();
    fold_state(store, claim, input, now_ms, kQuietMs, finish);
    store.finish(claim.holder, finish);
    if (finish.fold) reference_.folded(left, returned, now_ms, kQuietMs);
    after_fold(run_id + " checks", finish.fold);
  }

  void after_fold(const std::string& run_id, bool folded) {
    std::unique_ptr<StateStore> store = backend_.open();
    const std::optional<Claim> claim = store->claim(kAccounts, run_row(run_id), kLeaseMs);
    ASSERT_TRUE(claim.has_value());
    const StateView view = load_state(*store, *claim, kQuietMs);
    if (folded) {
      EXPECT_EQ(view.journal_rows, 0U);
      for (const OpenBatch& open : view.open) {
        reference_.renumber(open.intent.memo, open.intent.body_sha256, open.seq, open.batch);
      }
    }
    check(*store, *claim);
    check_keys(*store, *claim);
    finish_plain(*store, *claim, run_row(run_id));
  }

  /// Loading finds what the plain lists say.
  void check(StateStore& store, const Claim& claim) {
    const StateView view = load_state(store, claim, kQuietMs);
    const ReferenceState::Loaded expected = reference_.load(store.now_ms(), kQuietMs);
    std::map<Key, Version> acknowledged;
    std::map<Key, bool> absent;
    std::map<Key, Doubt> doubts;
    bool in_doubt = false;
    for (StateTable::Slot slot = 0; slot < view.table.capacity(); ++slot) {
      const StateTable::Marks& marks = view.table.marks(slot);
      if (!marks.used) continue;
      const Key key = numbers_.at(view.table.identity(slot));
      if (marks.acknowledged) acknowledged[key] = view.table.version(slot);
      if (marks.absent) absent[key] = true;
      const auto doubt = view.doubts.find(view.table.identity(slot));
      const bool matters =
          doubt != view.doubts.end() && (marks.acknowledged || doubt->second.written);
      EXPECT_EQ(marks.in_doubt, matters);
      in_doubt = in_doubt || matters;
    }
    for (const auto& [identity, doubt] : view.doubts) doubts[numbers_.at(identity)] = doubt;
    EXPECT_EQ(acknowledged, expected.acknowledged);
    EXPECT_EQ(absent, expected.absent);
    EXPECT_EQ(told(doubts), told(expected.doubts));
    EXPECT_EQ(view.known, expected.known);
    EXPECT_EQ(view.journal_rows, reference_.closed_rows());
    EXPECT_EQ(view.has_baseline, !acknowledged.empty() || in_doubt);
    check_open(view.open, expected.open);
    doubts_seen_ += doubts.size();
    open_seen_ += view.open.size();
    absent_seen_ += absent.size();
  }

  static void check_open(const std::vector<OpenBatch>& open,
                         const std::vector<ReferenceState::Batch>& expected) {
    using BatchFacts = std::tuple<std::string, std::string, std::string, std::int64_t, StateOp,
                                  std::vector<std::string>>;
    std::vector<BatchFacts> found;
    std::vector<BatchFacts> wanted;
    for (const OpenBatch& batch : open) {
      std::vector<std::string> keys;
      for (const IntentRow& row : batch.intent.rows) keys.push_back(row.key);
      found.emplace_back(batch.intent.memo, batch.intent.body_sha256, batch.run_id,
                         batch.send_by_ms, batch.intent.op, keys);
    }
    for (const ReferenceState::Batch& batch : expected) {
      std::vector<std::string> keys;
      for (const auto& [key, version] : batch.rows) keys.push_back(key_of(key));
      wanted.emplace_back(batch.memo, batch.body_sha256, batch.run_id, batch.sent_by_ms, batch.op,
                          keys);
    }
    std::sort(found.begin(), found.end());
    std::sort(wanted.begin(), wanted.end());
    EXPECT_EQ(found, wanted);
  }

  /// Keys and destination ids are in the snapshot for all that is acknowledged.
  void check_keys(StateStore& store, const Claim& claim) {
    store.read_snapshot(claim.holder, true, [&](const SnapshotBucket& bucket) {
      const std::vector<SnapshotEntry> entries = unpack_entries(bucket.entries);
      const std::vector<EntryKeys> keys = unpack_keys(bucket.keys);
      ASSERT_EQ(entries.size(), keys.size());
      for (std::size_t i = 0; i < entries.size(); ++i) {
        const Key key = numbers_.at(entries[i].identity);
        EXPECT_EQ(keys[i].key, key_of(key));
        EXPECT_EQ(keys[i].destination_id, reference_.entries().at(key).destination_id);
      }
    });
  }

  StoreBackend& backend_;
  std::mt19937_64 random_;
  Key keys_;
  std::map<IdentityHash, Key> numbers_;
  ReferenceState reference_;
  int marked_ = 0;
  std::size_t doubts_seen_ = 0;
  std::size_t open_seen_ = 0;
  std::size_t absent_seen_ = 0;
};

void play(const BackendKind& kind, std::uint64_t seeds, int runs) {
  std::size_t doubts = 0;
  std::size_t open = 0;
  std::size_t absent = 0;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    const std::unique_ptr<StoreBackend> backend = kind.make();
    History history(*backend, seed);
    history.play(runs);
    doubts += history.doubts_seen();
    open += history.open_seen();
    absent += history.absent_seen();
    if (::testing::Test::HasFailure()) FAIL() << kind.name << ", seed " << seed;
  }
  EXPECT_GT(doubts, seeds) << "the histories must reach what they are for";
  EXPECT_GT(open, seeds / 2);
  EXPECT_GT(absent, seeds / 2);
}

TEST(StateHistory, LoadingFindsWhatHappenedFoldedOrNot) { play(memory_backend(), 4000, 8); }

TEST(StateHistory, TheSameInAFile) { play(sqlite_backend(), 6, 8); }

}  // namespace
}  // namespace tailrace::test
