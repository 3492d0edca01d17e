#include <algorithm>
#include <tuple>
#include <utility>

#include "state/errors.hpp"
#include "state/merge.hpp"
#include "state/replay.hpp"
#include "state/table.hpp"

namespace tailrace {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::size_t kRowsPerCarriedIntent = 50'000;

// Far enough apart that a snapshot does not change its buckets back and forth.
constexpr std::size_t kTooFull = 12'288;
constexpr std::size_t kTooEmpty = 512;

int folded_bits(int bits, std::size_t entries_at_most) {
  const std::size_t mean = entries_at_most >> bits;
  const bool keep = mean <= kTooFull && (bits == 0 || mean >= kTooEmpty);
  return keep ? bits : bucket_bits_for(entries_at_most);
}

/// Drops doubts while the entries that they concern pass by.
class DoubtJudge {
 public:
  DoubtJudge(Doubts& doubts, std::int64_t now_ms) : doubts_(doubts), now_ms_(now_ms) {}

  void add_candidates(EntryChanges& changes) const {
    for (const auto& [identity, doubt] : doubts_) {
      if (!doubt.mixed && now_ms_ > doubt.horizon_ms) changes.add(EntryChange::look, identity);
    }
  }

  void judge(const FullEntry& entry) {
    if (doubts_.empty()) return;
    const auto doubt = doubts_.find(entry.identity);
    if (doubt == doubts_.end()) return;
    if (ended_by_time(doubt->second, entry.version, now_ms_)) doubts_.erase(doubt);
  }

 private:
  Doubts& doubts_;
  std::int64_t now_ms_;
};

/// Writes every bucket anew.
void rewrite_all(StateStore& store, const Claim& claim, Merge& merge) {
  store.read_snapshot(claim.holder, true, [&](const SnapshotBucket& bucket) {
    for (FullEntry& entry : open_bucket(bucket)) merge.feed(std::move(entry));
  });
  merge.flush([](const IdentityHash&) { return true; });
}

/// Writes the buckets that a change falls into.
void rewrite_touched(StateStore& store, const Claim& claim, Merge& merge, BucketBuilder& builder,
                     std::vector<SnapshotBucket>& out) {
  while (!merge.at_end()) {
    const std::uint32_t number = bucket_of(merge.next_identity(), claim.bucket_bits);
    const SnapshotBucket old = store.read_bucket(claim.holder, number);
    for (FullEntry& entry : open_bucket(old)) merge.feed(std::move(entry));
    merge.flush([&](const IdentityHash& identity) {
      return bucket_of(identity, claim.bucket_bits) == number;
    });
    builder.close();
    const bool written = !out.empty() && out.back().bucket == number;
    if (!written && !old.entries.empty()) out.push_back({number, {}, {}, {}});
  }
}

/// A doubt as rows of an intent that stays open; their send time gives its horizon back.
struct CarriedRow {
  std::int64_t send_by_ms = 0;
  StateOp op = StateOp::write;
  IntentRow row;
};

/// True where the batch, carried as it is, says all that the doubt says.
bool says(const OpenBatch& batch, const IntentRow& row, const Doubt& doubt, std::int64_t quiet_ms) {
  const bool same_version = batch.intent.op == StateOp::remove
                                ? doubt.deleted
                                : !doubt.mixed && doubt.version == row.version;
  return same_version && batch.send_by_ms + quiet_ms == doubt.horizon_ms &&
         doubt.keys == EntryKeys{row.key, row.match, {}};
}

void carry_doubt(const IdentityHash& identity, const Doubt& doubt, std::int64_t quiet_ms,
                 std::vector<CarriedRow>& out) {
  const std::int64_t send_by_ms = doubt.horizon_ms - quiet_ms;
  const auto add = [&](StateOp op, Version version) {
    out.push_back({send_by_ms, op, {identity, version, doubt.keys.key, doubt.keys.match}});
  };
  if (doubt.deleted) {
    add(StateOp::remove, 0);
  } else if (doubt.mixed) {
    // Which versions were sent no longer matters, only that they differ.
    add(StateOp::write, 0);
    add(StateOp::write, 1);
  } else {
    add(StateOp::write, doubt.version);
  }
}

std::vector<CarriedRow> carried_rows(Doubts doubts, const std::vector<OpenBatch>& open,
                                     std::int64_t quiet_ms) {
  for (const OpenBatch& batch : open) {
    for (const IntentRow& row : batch.intent.rows) {
      const auto doubt = doubts.find(row.identity);
      if (doubt != doubts.end() && says(batch, row, doubt->second, quiet_ms)) doubts.erase(doubt);
    }
  }
  std::vector<CarriedRow> rows;
  for (const auto& [identity, doubt] : doubts) carry_doubt(identity, doubt, quiet_ms, rows);
  std::sort(rows.begin(), rows.end(), [](const CarriedRow& a, const CarriedRow& b) {
    return std::tie(a.send_by_ms, a.op, a.row.identity, a.row.version) <
           std::tie(b.send_by_ms, b.op, b.row.identity, b.row.version);
  });
  return rows;
}

/// Makes journal rows above all that was folded.
class Carrier {
 public:
  Carrier(const Claim& claim, std::int64_t last_seq, std::vector<JournalRow>& out)
      : epoch_(claim.holder.epoch), seq_(last_seq), out_(out) {}

  void carry(const std::string& run_id, std::int64_t send_by_ms,
             const std::vector<IntentBatch>& batches) {
    out_.push_back({++seq_, epoch_, run_id, JournalKind::intent, send_by_ms, pack_intents(batches)});
  }

  void carry(const std::string& run_id, std::vector<CarriedRow>& rows) {
    for (auto from = rows.begin(); from != rows.end();) {
      std::vector<IntentBatch> batches;
      const std::int64_t send_by_ms = from->send_by_ms;
      for (std::size_t n = 0; n < kRowsPerCarriedIntent && from != rows.end() &&
                              from->send_by_ms == send_by_ms;
           ++n, ++from) {
        if (batches.empty() || batches.back().op != from->op) {
          batches.push_back({from->op, 1, {}, {}, {}});
        }
        batches.back().rows.push_back(std::move(from->row));
      }
      carry(run_id, send_by_ms, batches);
    }
  }

 private:
  std::int64_t epoch_;
  std::int64_t seq_;
  std::vector<JournalRow>& out_;
};

void carry_doubts(const Claim& claim, Replayed& replayed, std::int64_t quiet_ms, Finish& out) {
  keep_resumable(replayed.open, replayed.doubts);
  Carrier carrier(claim, replayed.last_seq, out.carried);
  for (const OpenBatch& batch : replayed.open) {
    carrier.carry(batch.run_id, batch.send_by_ms, {batch.intent});
  }
  std::vector<CarriedRow> rows =
      carried_rows(std::move(replayed.doubts), replayed.open, quiet_ms);
  carrier.carry(out.run.run_id, rows);
}

void fold_entries(StateStore& store, const Claim& claim, const EntryChanges& changes,
                  std::uint32_t today, DoubtJudge judge, Finish& out) {
  out.bucket_bits = folded_bits(claim.bucket_bits, claim.snapshot_entries + changes.written());
  out.replace_all_buckets = out.bucket_bits != claim.bucket_bits;
  BucketBuilder builder(out.bucket_bits, out.buckets);
  Merge merge(changes.begin(), changes.end(), today, [&](FullEntry&& entry) {
    judge.judge(entry);
    builder.add(std::move(entry));
  });
  if (out.replace_all_buckets) {
    rewrite_all(store, claim, merge);
  } else {
    rewrite_touched(store, claim, merge, builder, out.buckets);
  }
  builder.close();
}

}  // namespace

void fold_state(StateStore& store, const Claim& claim, const FoldInput& input, std::int64_t now_ms,
                std::int64_t quiet_ms, Finish& out) {
  EntryChanges changes;
  Replayed replayed = replay_journal(
      store, claim, quiet_ms,
      [&](StateOp op, const IntentRow& row, const std::string& destination_id) {
        if (op == StateOp::remove) {
          changes.add(EntryChange::remove, row.identity);
        } else {
          changes.add(EntryChange::write, row.identity, row.version,
                      {row.key, row.match, destination_id});
        }
      });
  for (const IdentityHash& identity : input.newly_absent) {
    changes.add(EntryChange::leave, identity);
  }
  for (const IdentityHash& identity : input.returned) {
    changes.add(EntryChange::come_back, identity);
  }
  out.fold = replayed.closed_rows > 0 || !changes.empty();
  out.buckets.clear();
  out.carried.clear();
  if (!out.fold) return;
  DoubtJudge judge(replayed.doubts, now_ms);
  judge.add_candidates(changes);
  changes.sort();
  fold_entries(store, claim, changes, static_cast<std::uint32_t>(now_ms / kDayMs), judge, out);
  out.folded_seq = replayed.last_seq;
  carry_doubts(claim, replayed, quiet_ms, out);
}

}  // namespace tailrace
