#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "state/carry.hpp"
#include "state/clock.hpp"
#include "state/merge.hpp"
#include "state/replay.hpp"
#include "state/table.hpp"

namespace tailrace {
namespace {

// Far enough apart that a snapshot does not change its buckets back and forth.
constexpr std::size_t kTooFull = 12'288;
constexpr std::size_t kTooEmpty = 512;

int folded_bits(int bits, std::size_t entries_at_most) {
  const std::size_t mean = entries_at_most >> bits;
  const bool keep = mean <= kTooFull && (bits == 0 || mean >= kTooEmpty);
  return keep ? bits : bucket_bits_for(entries_at_most);
}

/// The acknowledged versions that decide on a doubt, learnt while the entries pass by.
class Versions {
 public:
  Versions(const std::vector<UnknownSend>& sends, std::int64_t now_ms) {
    for (const UnknownSend& send : sends) {
      if (can_end_by_time(send, now_ms)) versions_.emplace(send.identity, std::nullopt);
    }
  }

  void ask(EntryChanges& changes) const {
    for (const auto& [identity, version] : versions_) changes.add(EntryChange::look, identity);
  }

  void learn(const FullEntry& entry) {
    if (versions_.empty()) return;
    const auto asked = versions_.find(entry.identity);
    if (asked != versions_.end()) asked->second = entry.version;
  }

  [[nodiscard]] std::optional<Version> of(const IdentityHash& identity) const {
    return versions_.at(identity);
  }

 private:
  std::unordered_map<IdentityHash, std::optional<Version>, HashOfIdentity> versions_;
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
                  std::uint32_t today, Versions& versions, Finish& out) {
  out.bucket_bits = folded_bits(claim.bucket_bits, claim.snapshot_entries + changes.written());
  out.replace_all_buckets = out.bucket_bits != claim.bucket_bits;
  BucketBuilder builder(out.bucket_bits, out.buckets);
  Merge merge(changes.begin(), changes.end(), today, [&](FullEntry&& entry) {
    versions.learn(entry);
    builder.add(std::move(entry));
  });
  if (out.replace_all_buckets) {
    rewrite_all(store, claim, merge);
  } else {
    rewrite_touched(store, claim, merge, builder, out.buckets);
  }
  builder.close();
}

/// Asked of the store only where it matters.
IsHeld held_in(StateStore& store, const Claim& claim, const std::vector<UnknownSend>& sends,
               std::int64_t quiet_ms) {
  std::unordered_map<IdentityHash, RejectedRow, HashOfIdentity> rows;
  const bool any = std::any_of(sends.begin(), sends.end(),
                               [](const UnknownSend& send) { return send.op == StateOp::insert; });
  if (any) {
    for (RejectedRow& row : store.read_rejected(claim.holder)) {
      const IdentityHash identity = row.identity;
      rows.insert_or_assign(identity, std::move(row));
    }
  }
  return [rows = std::move(rows), quiet_ms](const UnknownSend& insert) {
    const auto row = rows.find(insert.identity);
    return row != rows.end() && holds(row->second, insert, quiet_ms);
  };
}

}  // namespace

void fold_state(StateStore& store, const Claim& claim, const FoldInput& input, std::int64_t now_ms,
                std::int64_t quiet_ms, Finish& out) {
  EntryChanges changes;
  Replayed replayed =
      replay_journal(store, claim, quiet_ms,
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
  Versions versions(replayed.sends, now_ms);
  versions.ask(changes);
  changes.sort();
  fold_entries(store, claim, changes, today, versions, out);
  end_by_time(
      replayed, [&](const IdentityHash& identity) { return versions.of(identity); }, now_ms);
  end_held(replayed, held_in(store, claim, replayed.sends, quiet_ms));
  out.folded_seq = replayed.last_seq;
  out.carried = carry_doubts({claim.holder.epoch, out.run.run_id, replayed.last_seq, quiet_ms},
                             std::move(replayed.sends), replayed.open);
}

}  // namespace tailrace
