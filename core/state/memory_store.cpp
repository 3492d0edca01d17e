#include "state/memory_store.hpp"

#include <algorithm>
#include <utility>

#include "row/mutant.hpp"
#include "state/clock.hpp"
#include "state/protocol.hpp"
#include "state/resplit.hpp"

namespace tailrace {
namespace {

std::vector<RejectedRow> values(const std::map<IdentityHash, RejectedRow>& rows) {
  std::vector<RejectedRow> out;
  for (const auto& [identity, row] : rows) out.push_back(row);
  return out;
}

bool of_one_shard(const Holder& a, const Holder& b) {
  return a.sync_id == b.sync_id && a.shard == b.shard;
}

}  // namespace

void MemoryDisk::Shard::fill(ShardImage image) {
  epoch = image.claim.holder.epoch;
  last_seq = image.claim.last_seq;
  bucket_bits = image.claim.bucket_bits;
  mapping_fingerprint = image.claim.mapping_fingerprint;
  encoding = image.claim.encoding;
  resynced_ms = image.claim.resynced_at_ms;
  for (SnapshotBucket& bucket : image.buckets) {
    const std::uint32_t number = bucket.bucket;
    buckets.emplace(number, std::move(bucket));
  }
  for (JournalRow& row : image.journal) journal.emplace(row.seq, std::move(row));
  for (RejectedRow& row : image.rejected) rejected.emplace(row.identity, std::move(row));
  missing = false;
}

MemoryDisk::MemoryDisk() : identity(new_identity()) {}

MemoryStore::MemoryStore(std::shared_ptr<MemoryDisk> disk, Now now)
    : disk_(std::move(disk)),
      now_(now ? std::move(now) : Now([] { return read_machine_clock().wall_ms; })),
      alive_(std::make_shared<char>()) {}

std::int64_t MemoryStore::now_ms() {
  last_ms_ = std::max(last_ms_, now_());
  return last_ms_;
}

MemoryStore::Sync* MemoryStore::find(const SyncAddress& address) {
  for (Sync& sync : disk_->syncs) {
    if (!sync.shards.empty() && same_sync(sync.address, address)) return &sync;
  }
  return nullptr;
}

std::int64_t MemoryStore::id_of(const Sync& sync) const { return &sync - disk_->syncs.data() + 1; }

Claim MemoryStore::claim_of(const Sync& sync, const Shard& shard, const Holder& holder) {
  Claim claim;
  claim.holder = holder;
  claim.last_seq = shard.last_seq;
  claim.bucket_bits = shard.bucket_bits;
  claim.mapping_fingerprint = shard.mapping_fingerprint;
  claim.encoding = shard.encoding;
  claim.resynced_at_ms = shard.resynced_ms;
  claim.fields_changed_at_ms = sync.fields_changed_ms;
  for (const auto& [number, bucket] : shard.buckets) {
    claim.snapshot_entries += entries_in(bucket.entries);
  }
  return claim;
}

bool MemoryStore::lives(const Shard& shard) {
  return shard.lease_until_ms != 0 && shard.lease_until_ms >= now_ms() && !shard.holder.expired();
}

MemoryStore::Sync& MemoryStore::sync_of(const Holder& holder) {
  const auto index = static_cast<std::size_t>(holder.sync_id - 1);
  if (index >= disk_->syncs.size()) fail_fenced(holder);
  return disk_->syncs[index];
}

MemoryStore::Shard& MemoryStore::shard_of_epoch(const Holder& holder) {
  std::vector<Shard>& shards = sync_of(holder).shards;
  if (shards.size() != static_cast<std::size_t>(holder.of)) fail_fenced(holder);
  Shard& shard = shards[static_cast<std::size_t>(holder.shard)];
  if (shard.epoch != holder.epoch && !mutant(11)) fail_fenced(holder);
  return shard;
}

MemoryStore::Shard& MemoryStore::held(const Holder& holder) {
  Shard& shard = shard_of_epoch(holder);
  if (shard.lease_until_ms == 0) fail_fenced(holder);
  return shard;
}

void MemoryStore::relayout(Sync& sync, const SyncAddress& address, const std::string& run_id) {
  std::vector<Claim> old;
  const int of = static_cast<int>(sync.shards.size());
  for (int i = 0; i < of; ++i) {
    const Shard& shard = sync.shards[static_cast<std::size_t>(i)];
    old.push_back(claim_of(sync, shard, {id_of(sync), i, of, shard.epoch}));
  }
  std::vector<Shard> shards;
  for (ShardImage& image : resplit(*this, old, address.of, run_id)) {
    shards.emplace_back().fill(std::move(image));
  }
  sync.shards = std::move(shards);
  sync.counts.clear();
}

void MemoryStore::note_run(const Holder& holder, const SyncAddress& address, const RunRow& run) {
  for (MemoryDisk::Run& other : disk_->runs) {
    const bool superseded = of_one_shard(other.holder, holder) || other.holder.of != holder.of;
    if (other.holder.sync_id != holder.sync_id || !superseded || other.row.status != "running") {
      continue;
    }
    other.row.status = "interrupted";
    other.row.ended_at_ms = now_ms();
  }
  RunRow row = run;
  row.sync = address.sync;
  row.status = "running";
  disk_->runs.push_back({std::move(row), holder});
  const auto of_sync = [&](const MemoryDisk::Run& other) {
    return other.holder.sync_id == holder.sync_id;
  };
  const auto kept = static_cast<std::ptrdiff_t>(kRunsKept);
  if (std::count_if(disk_->runs.begin(), disk_->runs.end(), of_sync) > kept) {
    disk_->runs.erase(std::find_if(disk_->runs.begin(), disk_->runs.end(), of_sync));
  }
}

std::optional<Claim> MemoryStore::claim(const SyncAddress& address, const RunRow& run,
                                        std::int64_t lease_ms) {
  check_claim(address, lease_ms);
  const Lock lock(disk_->mutex);
  Sync* sync = find(address);
  if (sync == nullptr) {
    const std::vector<Shard> shards(static_cast<std::size_t>(address.of));
    sync = &disk_->syncs.emplace_back();
    sync->address = address;
    sync->shards = shards;
  }
  for (const Shard& shard : sync->shards) {
    if (shard.missing) throw StateLost("state: sync " + address.sync + " lacks shards");
  }
  if (sync->shards.size() != static_cast<std::size_t>(address.of)) {
    for (const Shard& other : sync->shards) {
      if (lives(other)) return std::nullopt;
    }
    relayout(*sync, address, run.run_id);
  }
  Shard& shard = sync->shards[static_cast<std::size_t>(address.shard)];
  if (lives(shard)) return std::nullopt;
  const Holder holder{id_of(*sync), address.shard, address.of, shard.epoch + 1};
  shard.epoch = holder.epoch;
  shard.lease_until_ms = now_ms() + lease_ms;
  shard.holder = alive_;
  note_run(holder, address, run);
  return claim_of(*sync, shard, holder);
}

std::vector<Claim> MemoryStore::shards(const SyncAddress& address) {
  const Lock lock(disk_->mutex);
  const Sync* sync = find(address);
  std::vector<Claim> claims;
  if (sync == nullptr) return claims;
  const int of = static_cast<int>(sync->shards.size());
  for (const Shard& shard : sync->shards) {
    const int number = static_cast<int>(claims.size());
    claims.push_back(claim_of(*sync, shard, Holder{id_of(*sync), number, of, shard.epoch}));
  }
  return claims;
}

void MemoryStore::renew(const Holder& holder, std::int64_t lease_ms) {
  const Lock lock(disk_->mutex);
  held(holder).lease_until_ms = now_ms() + lease_ms;
}

void MemoryStore::read_snapshot(const Holder& holder, bool with_keys, const BucketVisitor& visit) {
  const Lock lock(disk_->mutex);
  for (const auto& [number, bucket] : shard_of_epoch(holder).buckets) {
    SnapshotBucket seen = bucket;
    if (!with_keys) seen.keys.clear();
    visit(seen);
  }
}

SnapshotBucket MemoryStore::read_bucket(const Holder& holder, std::uint32_t bucket) {
  const Lock lock(disk_->mutex);
  const Shard& shard = shard_of_epoch(holder);
  const auto found = shard.buckets.find(bucket);
  return found == shard.buckets.end() ? SnapshotBucket{bucket, {}, {}, {}} : found->second;
}

void MemoryStore::read_journal(const Holder& holder, const JournalVisitor& visit) {
  const Lock lock(disk_->mutex);
  for (const auto& [seq, row] : shard_of_epoch(holder).journal) visit(row);
}

std::vector<RejectedRow> MemoryStore::read_rejected(const Holder& holder) {
  const Lock lock(disk_->mutex);
  return values(shard_of_epoch(holder).rejected);
}

void MemoryStore::append(const Holder& holder, const Commit& commit) {
  check_fields(commit.fields);
  const Lock lock(disk_->mutex);
  Shard& shard = held(holder);
  if (follows(commit.journal, shard.last_seq) == Follows::repeated) {
    for (const JournalRow& row : commit.journal) {
      const auto stored = shard.journal.find(row.seq);
      if (stored == shard.journal.end() || !same_row(stored->second, row)) fail_fenced(holder);
    }
    return;
  }
  for (const JournalRow& row : commit.journal) shard.journal.emplace(row.seq, row);
  if (!commit.journal.empty()) shard.last_seq = commit.journal.back().seq;
  for (const RejectedRow& row : commit.rejected) {
    const auto [stored, fresh] = shard.rejected.try_emplace(row.identity, row);
    if (!fresh) stored->second = rejected_again(row, stored->second);
  }
  for (const IdentityHash& identity : commit.no_longer_rejected) shard.rejected.erase(identity);
  Sync& sync = sync_of(holder);
  for (const FieldHashes& row : commit.fields) sync.field_hashes[row.identity] = row.hashes;
  for (const IdentityHash& identity : commit.fields_forgotten) sync.field_hashes.erase(identity);
  note_log(sync, holder, commit.log);
}

void MemoryStore::fold(Shard& shard, const Finish& finish) {
  if (finish.replace_all_buckets) shard.buckets.clear();
  shard.bucket_bits = finish.bucket_bits;
  for (const SnapshotBucket& bucket : finish.buckets) {
    if (bucket.entries.empty()) {
      shard.buckets.erase(bucket.bucket);
    } else {
      shard.buckets.insert_or_assign(bucket.bucket, bucket);
    }
  }
  shard.journal.erase(shard.journal.begin(), shard.journal.upper_bound(finish.folded_seq));
  check_carried(finish.carried, shard.last_seq);
  for (const JournalRow& row : finish.carried) shard.journal.emplace(row.seq, row);
  if (!finish.carried.empty()) shard.last_seq = finish.carried.back().seq;
}

void MemoryStore::finish(const Holder& holder, const Finish& finish) {
  const Lock lock(disk_->mutex);
  Shard& shard = shard_of_epoch(holder);
  const auto run = std::find_if(disk_->runs.begin(), disk_->runs.end(), [&](const auto& other) {
    return of_one_shard(other.holder, holder) && other.holder.epoch == holder.epoch;
  });
  if (run == disk_->runs.end()) fail_fenced(holder);
  if (shard.lease_until_ms == 0) {
    const bool repeated =
        run->row.status == finish.run.status && run->row.ended_at_ms == finish.run.ended_at_ms;
    if (!repeated) fail_fenced(holder);
    return;
  }
  if (finish.fold) fold(shard, finish);
  for (const IdentityHash& identity : finish.forgotten) shard.rejected.erase(identity);
  if (!finish.mapping_fingerprint.empty()) {
    shard.mapping_fingerprint = finish.mapping_fingerprint;
    shard.encoding = finish.encoding;
  }
  if (finish.resynced) shard.resynced_ms = now_ms();
  while (!disk_->log.empty() && disk_->log.front().at_ms < now_ms() - kLogKeptMs) {
    disk_->log.pop_front();
  }
  shard.lease_until_ms = 0;
  const std::string sync = run->row.sync;
  run->row = finish.run;
  run->row.sync = sync;
}

std::vector<RunRow> MemoryStore::runs(const std::string& sync, std::size_t limit) {
  const Lock lock(disk_->mutex);
  std::vector<RunRow> out;
  for (auto run = disk_->runs.rbegin(); run != disk_->runs.rend() && out.size() < limit; ++run) {
    if (sync.empty() || run->row.sync == sync) out.push_back(run->row);
  }
  return out;
}

std::vector<RejectedRow> MemoryStore::rejected_of(const SyncAddress& address) {
  const Lock lock(disk_->mutex);
  std::vector<RejectedRow> out;
  const Sync* sync = find(address);
  if (sync == nullptr) return out;
  for (const Shard& shard : sync->shards) {
    for (const auto& [identity, row] : shard.rejected) out.push_back(row);
  }
  return out;
}

void MemoryStore::reset(const SyncAddress& address) {
  const Lock lock(disk_->mutex);
  Sync* sync = find(address);
  if (sync == nullptr) return;
  check_free(*sync);
  for (Shard& shard : sync->shards) {
    Shard empty;
    empty.epoch = shard.epoch + 1;
    empty.last_seq = shard.last_seq;
    shard = std::move(empty);
  }
  sync->field_hashes.clear();
  sync->counts.clear();
}

}  // namespace tailrace
