#include "state/resplit.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "state/carry.hpp"
#include "state/errors.hpp"
#include "state/merge.hpp"
#include "state/replay.hpp"

namespace tailrace {
namespace {

// No acceptance is so much later than a send that it would end the doubt here, where the sync's
// quiet time is not known. The doubts' send times come out the same whatever it is.
constexpr std::int64_t kQuietMs = std::int64_t{100} * 365 * 86'400'000;
constexpr std::uint32_t kNoDay = 0;  // so that no absent entry is too old

/// The parts of the new shards while the old ones are read.
struct Parts {
  EntryChanges entries;
  std::size_t count = 0;
  std::vector<UnknownSend> sends;
};

class Splitter {
 public:
  Splitter(StateStore& store, int of)
      : store_(store), of_(static_cast<std::uint32_t>(of)), parts_(of_), rejected_(of_) {}

  void read(const Claim& old) {
    EntryChanges changes;
    Replayed replayed = replay_journal(
        store_, old, kQuietMs,
        [&](StateOp op, const IntentRow& row, const std::string& destination_id) {
          const bool removed = op == StateOp::remove;
          changes.add(removed ? EntryChange::remove : EntryChange::write, row.identity, row.version,
                      {row.key, row.match, destination_id});
        });
    refuse_jobs(replayed.open, old.holder.of);
    changes.sort();
    Merge merge(changes.begin(), changes.end(), kNoDay,
                [&](FullEntry&& entry) { take(std::move(entry)); });
    store_.read_snapshot(old.holder, true, [&](const SnapshotBucket& bucket) {
      for (FullEntry& entry : open_bucket(bucket)) merge.feed(std::move(entry));
    });
    merge.flush([](const IdentityHash&) { return true; });
    for (UnknownSend& send : replayed.sends) {
      send.open = UnknownSend::kNotOpen;
      parts_[shard_of(send.identity, of_)].sends.push_back(std::move(send));
    }
    for (RejectedRow& row : store_.read_rejected(old.holder)) {
      rejected_[shard_of(row.identity, of_)].push_back(std::move(row));
    }
  }

  /// `common`: what all shards of the new layout have alike; the carried rows follow its seq.
  std::vector<ShardImage> write(const Claim& common, const std::string& run_id) {
    std::size_t most = 0;
    for (const Parts& part : parts_) most = std::max(most, part.count);
    const CarryInto into{common.holder.epoch, run_id, common.last_seq, kQuietMs};
    std::vector<ShardImage> images(of_);
    for (std::uint32_t shard = 0; shard < of_; ++shard) {
      ShardImage& image = images[shard];
      image.claim = common;
      image.claim.holder.shard = static_cast<int>(shard);
      image.claim.bucket_bits = bucket_bits_for(most);
      image.claim.snapshot_entries = parts_[shard].count;
      parts_[shard].entries.sort();
      build(parts_[shard].entries, image.claim.bucket_bits, image.buckets);
      image.journal = carry_doubts(into, std::move(parts_[shard].sends), {});
      image.claim.last_seq += static_cast<std::int64_t>(image.journal.size());
      image.rejected = std::move(rejected_[shard]);
    }
    return images;
  }

 private:
  /// A job could not be followed with some of its rows, and what it still writes would come after
  /// what the new shards send.
  static void refuse_jobs(const std::vector<OpenBatch>& open, int of) {
    const auto jobs = std::count_if(open.begin(), open.end(),
                                    [](const OpenBatch& batch) { return batch.in_job(); });
    if (jobs == 0) return;
    const std::string before = of == 1 ? "as one whole" : "in " + std::to_string(of) + " shards";
    throw JobsOpen("state: " + std::to_string(jobs) + (jobs == 1 ? " job was" : " jobs were") +
                   " left at the destination by a run " + before + ": run the sync " + before +
                   " once, which reads how they ended, then divide it "
                   "anew");
  }

  void take(FullEntry&& entry) {
    Parts& part = parts_[shard_of(entry.identity, of_)];
    ++part.count;
    part.entries.add(EntryChange::write, entry.identity, entry.version, entry.keys);
    if (entry.absent_day) {
      part.entries.add(EntryChange::leave, entry.identity, *entry.absent_day);
    }
  }

  static void build(const EntryChanges& entries, int bits, std::vector<SnapshotBucket>& out) {
    BucketBuilder builder(bits, out);
    Merge merge(entries.begin(), entries.end(), kNoDay,
                [&](FullEntry&& entry) { builder.add(std::move(entry)); });
    merge.flush([](const IdentityHash&) { return true; });
    builder.close();
  }

  StateStore& store_;
  std::uint32_t of_;
  std::vector<Parts> parts_;
  std::vector<std::vector<RejectedRow>> rejected_;
};

}  // namespace

std::vector<ShardImage> resplit(StateStore& store, const std::vector<Claim>& old, int of,
                                const std::string& run_id) {
  Splitter splitter(store, of);
  Claim common = old.at(0);
  for (const Claim& claim : old) {
    splitter.read(claim);
    common.holder.epoch = std::max(common.holder.epoch, claim.holder.epoch);
    common.last_seq = std::max(common.last_seq, claim.last_seq);
    common.resynced_at_ms = std::min(common.resynced_at_ms, claim.resynced_at_ms);
    if (claim.mapping_fingerprint != old.front().mapping_fingerprint ||
        claim.encoding != old.front().encoding) {
      common.mapping_fingerprint.clear();
      common.encoding.clear();
    }
  }
  common.holder.of = of;
  return splitter.write(common, run_id);
}

}  // namespace tailrace
