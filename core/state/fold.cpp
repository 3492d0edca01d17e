#include <utility>

#include "state/carry.hpp"
#include "state/merge.hpp"
#include "state/replay.hpp"
#include "state/table.hpp"

namespace tailrace {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;

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
  const auto today = static_cast<std::uint32_t>(now_ms / kDayMs);
  for (const IdentityHash& identity : input.newly_absent) {
    changes.add(EntryChange::leave, identity, today);
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
  fold_entries(store, claim, changes, today, judge, out);
  out.folded_seq = replayed.last_seq;
  keep_resumable(replayed.open, replayed.doubts);
  out.carried = carry_doubts({claim.holder.epoch, out.run.run_id, replayed.last_seq},
                             std::move(replayed.doubts), replayed.open, quiet_ms);
}

}  // namespace tailrace
