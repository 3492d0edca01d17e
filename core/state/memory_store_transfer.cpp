// State under another name, and state from another store.

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "state/memory_store.hpp"
#include "state/protocol.hpp"

namespace tailrace {
namespace {

bool is_blank(const MemoryDisk::Shard& shard) {
  return shard.last_seq == 0 && shard.buckets.empty() && shard.rejected.empty();
}

}  // namespace

void MemoryStore::check_free(const Sync& sync) {
  for (const Shard& shard : sync.shards) {
    if (lives(shard)) fail_under_way(sync.address);
  }
}

bool MemoryStore::rename(const SyncAddress& from, const SyncAddress& to) {
  const Lock lock(disk_->mutex);
  Sync* old = find(from);
  if (old == nullptr || same_sync(from, to)) return false;
  std::int64_t epoch = 0;
  Sync* taken = find(to);
  if (taken != nullptr) {
    if (!std::all_of(taken->shards.begin(), taken->shards.end(), is_blank)) return false;
    check_free(*taken);
    for (const Shard& shard : taken->shards) epoch = std::max(epoch, shard.epoch);
  }
  check_free(*old);
  for (Shard& shard : old->shards) {
    shard.epoch = std::max(shard.epoch, epoch) + 1;
    shard.lease_until_ms = 0;
  }
  if (taken != nullptr) {
    for (MemoryDisk::Run& run : disk_->runs) {
      if (run.holder.sync_id == id_of(*taken)) run.holder.sync_id = id_of(*old);
    }
    *taken = {};
  }
  old->address = to;
  return true;
}

std::vector<SyncAddress> MemoryStore::addresses() {
  const Lock lock(disk_->mutex);
  std::vector<SyncAddress> found;
  for (const Sync& sync : disk_->syncs) {
    const int of = static_cast<int>(sync.shards.size());
    for (int shard = 0; shard < of; ++shard) {
      const SyncAddress& address = sync.address;
      found.push_back({address.sync, address.account, address.object, shard, of});
    }
  }
  return found;
}

void MemoryStore::check_unused() const {
  const auto by_a_run = [](const MemoryDisk::Run& run) { return run.holder.epoch > 0; };
  if (std::any_of(disk_->runs.begin(), disk_->runs.end(), by_a_run)) fail_not_empty();
}

void MemoryStore::adopt(const StoreIdentity& identity) {
  const Lock lock(disk_->mutex);
  if (!disk_->syncs.empty() || !disk_->runs.empty()) fail_not_empty();
  disk_->identity.id = identity.id;
  disk_->identity.secret = identity.secret;
}

void MemoryStore::import_shard(const ShardImage& image) {
  check_image(image);
  const Lock lock(disk_->mutex);
  check_unused();
  Sync* sync = find(image.address);
  if (sync == nullptr) {
    Shard missing;
    missing.missing = true;
    sync = &disk_->syncs.emplace_back();
    sync->address = image.address;
    sync->shards.assign(static_cast<std::size_t>(image.address.of), missing);
  }
  const auto of = static_cast<std::size_t>(image.address.of);
  const auto index = static_cast<std::size_t>(image.address.shard);
  if (sync->shards.size() != of || !sync->shards[index].missing) fail_not_empty();
  sync->shards[index].fill(image);
  sync->fields_changed_ms = std::max(sync->fields_changed_ms, image.claim.fields_changed_at_ms);
}

void MemoryStore::import_runs(std::span<const RunRow> runs) {
  const Lock lock(disk_->mutex);
  check_unused();
  for (const RunRow& run : runs) {
    Holder holder;
    for (const Sync& sync : disk_->syncs) {
      if (sync.address.sync == run.sync) holder.sync_id = id_of(sync);
    }
    disk_->runs.push_back({run, holder});
  }
}

}  // namespace tailrace
