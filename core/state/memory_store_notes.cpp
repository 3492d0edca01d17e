// What runs note beside the state: fields, the log, budgets, shards' counts.

#include <utility>

#include "state/memory_store.hpp"
#include "state/protocol.hpp"

namespace tailrace {

void MemoryStore::note_fields(const SyncAddress& address, const std::string& fingerprint) {
  const Lock lock(disk_->mutex);
  Sync* sync = find(address);
  if (sync == nullptr || sync->fields_noted == fingerprint) return;
  if (!sync->fields_noted.empty()) sync->fields_changed_ms = now_ms();
  sync->fields_noted = fingerprint;
}

std::vector<std::string> MemoryStore::read_fields(const Holder& holder,
                                                  std::span<const IdentityHash> identities) {
  const Lock lock(disk_->mutex);
  static_cast<void>(shard_of_epoch(holder));
  const Sync& sync = sync_of(holder);
  std::vector<std::string> found(identities.size());
  for (std::size_t i = 0; i < identities.size(); ++i) {
    const auto row = sync.field_hashes.find(identities[i]);
    if (row != sync.field_hashes.end()) found[i] = row->second;
  }
  return found;
}

void MemoryStore::note_log(const Sync& sync, const Holder& holder, const std::vector<LogRow>& log) {
  if (log.empty()) return;
  std::string run_id;
  for (auto run = disk_->runs.rbegin(); run != disk_->runs.rend() && run_id.empty(); ++run) {
    const Holder& other = run->holder;
    const bool same = other.sync_id == holder.sync_id && other.shard == holder.shard;
    if (same && other.epoch == holder.epoch) run_id = run->row.run_id;
  }
  for (const LogRow& row : log) disk_->log.push_back({run_id, sync.address.sync, row, now_ms()});
}

std::vector<LogEntry> MemoryStore::log_of(const std::string& sync, const std::string& key,
                                          std::size_t limit) {
  const Lock lock(disk_->mutex);
  std::vector<LogEntry> found;
  for (auto entry = disk_->log.rbegin(); entry != disk_->log.rend(); ++entry) {
    if (found.size() == limit) break;
    const bool asked = sync.empty() || entry->sync == sync;
    if (asked && entry->row.key == key) found.push_back(*entry);
  }
  return found;
}

RateGrant MemoryStore::draw(const RateAsk& ask) {
  check_ask(ask);
  const Lock lock(disk_->mutex);
  const std::int64_t now = now_ms();
  std::map<std::int64_t, double>& budget = disk_->budgets[{ask.account, ask.rule}];
  budget.erase(budget.begin(), budget.upper_bound(now));
  if (ask.want < 0) {
    const RateSlot back = grants_.take_back(ask);
    const auto slot = budget.find(back.until_ms);
    if (slot != budget.end()) slot->second -= back.used;
    return {-back.used, 0};
  }
  std::vector<RateSlot> counting;
  for (const auto& [until_ms, used] : budget) counting.push_back({until_ms, used});
  const RateGrant grant = grant_of(ask, now, counting);
  if (grant.granted + grant.others > 0) {
    const std::int64_t until_ms = slot_until(ask, now);
    budget[until_ms] += grant.granted + grant.others;
    grants_.note(ask, until_ms, grant.granted);
  }
  return grant;
}

void MemoryStore::put_shard_count(const Holder& holder, const std::string& round,
                                  const std::string& counts) {
  const Lock lock(disk_->mutex);
  static_cast<void>(held(holder));
  sync_of(holder).counts[holder.shard] = {holder.shard, round, now_ms(), counts};
}

std::vector<ShardCount> MemoryStore::shard_counts(const Holder& holder, const std::string& round) {
  const Lock lock(disk_->mutex);
  static_cast<void>(shard_of_epoch(holder));
  std::vector<ShardCount> found;
  for (const auto& [shard, count] : sync_of(holder).counts) {
    if (counts_in(count, round, now_ms())) found.push_back(count);
  }
  return found;
}

}  // namespace tailrace
