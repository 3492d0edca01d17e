#include <algorithm>
#include <utility>

#include "state/errors.hpp"
#include "state/protocol.hpp"
#include "state/resplit.hpp"
#include "state/sqlite_content.hpp"
#include "state/sqlite_runs.hpp"
#include "state/sqlite_store.hpp"

namespace tailrace {
namespace {

bool same(const SyncRow& row, const SyncAddress& address) {
  return row.sync == address.sync && row.account == address.account && row.object == address.object;
}

}  // namespace

bool SqliteStore::lives(const ShardRow& shard, const std::string& asking_run_id) {
  if (shard.lease_until_ms == 0 || shard.lease_until_ms < now_ms()) return false;
  const Holder holder = shard.holder();
  // Whether that commit happened is seen from the run that the row names: had it not, another run
  // may have taken the same epoch since.
  const bool ours =
      unanswered_ && unanswered_->run_id == asking_run_id && shard.run_id == asking_run_id &&
      unanswered_->holder.sync_id == holder.sync_id && unanswered_->holder.shard == holder.shard &&
      unanswered_->holder.epoch == holder.epoch;
  if (ours) return false;
  if (lock_.taken_here(holder)) return true;
  // A lock of another machine, or of before a restart, cannot be asked for.
  const bool can_tell = !shard.lock_boot_id.empty() && shard.lock_boot_id == clock_.boot_id();
  return !can_tell || lock_.taken_elsewhere(holder);
}

std::vector<ShardRow> SqliteStore::relayout(const std::vector<ShardRow>& old, int of,
                                            const std::string& run_id, Catalogue& catalogue) {
  std::vector<Claim> claims;
  for (const ShardRow& shard : old) claims.push_back(shard.claim());
  Resplit split = resplit(*this, claims, of, run_id);
  const std::int64_t sync_id = old.front().sync_id;
  SqliteCatalogue tables(*connection_);
  tables.remove_shards(sync_id);
  std::vector<ShardRow> shards;
  for (int i = 0; i < of; ++i) {
    ShardRow shard;
    shard.sync_id = sync_id;
    shard.shard = i;
    shard.of = of;
    shard.epoch = split.epoch;
    shard.last_seq = shard.folded_seq = split.folded_seq;
    shard.bucket_bits = split.bucket_bits;
    shard.mapping_fingerprint = split.mapping_fingerprint;
    shard.encoding = split.encoding;
    shard.latest_ms = now_ms();
    ShardImage& image = split.shards[static_cast<std::size_t>(i)];
    SqliteContent content(*connection_, shard);
    for (const SnapshotBucket& bucket : image.buckets) content.put_bucket(bucket);
    content.add_journal(image.carried);
    for (const RejectedRow& row : image.rejected) content.write_rejected(row);
    tables.write(shard);
    shards.push_back(std::move(shard));
  }
  catalogue.store.shards += of - static_cast<int>(old.size());
  tables.write(catalogue.store);
  return shards;
}

/// The sync's shards in the asked layout, made where they are missing; `busy` where a run holds
/// another layout.
std::vector<ShardRow> SqliteStore::shards_for(const SyncAddress& address, const RunRow& run,
                                              Catalogue& catalogue, bool& busy) {
  SqliteCatalogue tables(*connection_);
  const auto sync = std::find_if(catalogue.syncs.begin(), catalogue.syncs.end(),
                                 [&](const SyncRow& row) { return same(row, address); });
  std::vector<ShardRow> shards;
  if (sync == catalogue.syncs.end()) {
    std::int64_t id = 1;
    for (const SyncRow& row : catalogue.syncs) id = std::max(id, row.id + 1);
    tables.write(SyncRow{id, address.sync, address.account, address.object, now_ms()});
    for (int i = 0; i < address.of; ++i) {
      ShardRow shard;
      shard.sync_id = id;
      shard.shard = i;
      shard.of = address.of;
      tables.write(shard);
      shards.push_back(std::move(shard));
    }
    catalogue.store.syncs += 1;
    catalogue.store.shards += address.of;
    tables.write(catalogue.store);
    return shards;
  }
  for (const ShardRow& shard : catalogue.shards) {
    if (shard.sync_id == sync->id) shards.push_back(shard);
  }
  if (shards.empty() || shards.size() != static_cast<std::size_t>(shards.front().of)) {
    throw StateLost("state: sync " + address.sync + " lacks shards");
  }
  if (shards.front().of == address.of) return shards;
  busy = std::any_of(shards.begin(), shards.end(),
                     [&](const ShardRow& shard) { return lives(shard, run.run_id); });
  return busy ? shards : relayout(shards, address.of, run.run_id, catalogue);
}

std::optional<Claim> SqliteStore::claim(const SyncAddress& address, const RunRow& run,
                                        std::int64_t lease_ms) {
  check_claim(address, lease_ms);
  std::optional<Claim> claim;
  with_connection([&](SqliteConnection& connection) {
    if (connection.has_moved()) throw StateLost("state: " + path_ + " was removed or replaced");
    SqliteTransaction transaction(connection);
    SqliteCatalogue tables(connection);
    Catalogue catalogue = read_catalogue(tables);
    adopt_clock(tables, catalogue, true);
    bool busy = false;
    const std::vector<ShardRow> shards = shards_for(address, run, catalogue, busy);
    if (busy) return;
    ShardRow shard = shards.at(static_cast<std::size_t>(address.shard));
    if (lives(shard, run.run_id)) return;
    shard.epoch += 1;
    shard.lease_until_ms = now_ms() + lease_ms;
    shard.latest_ms = std::max(shard.latest_ms, now_ms());
    shard.run_id = run.run_id;
    const Holder holder = shard.holder();
    // Taken before the lease can be seen, so that nobody finds it free. The byte is this epoch's
    // own: whatever becomes of the commit, having it hurts nobody.
    shard.lock_boot_id = lock_.take(holder) ? clock_.boot_id() : std::string();
    tables.write(shard);
    RunRow started = run;
    started.sync = address.sync;
    started.status = "running";
    SqliteRuns table(connection);
    table.interrupt_others(holder, now_ms());
    table.start(holder, started);
    unanswered_ = Unanswered{holder, run.run_id};
    transaction.commit();
    unanswered_.reset();
    claim = shard.claim();
  });
  return claim;
}

std::optional<Claim> SqliteStore::peek(const SyncAddress& address) {
  std::optional<Claim> found;
  with_connection([&](SqliteConnection& connection) {
    SqliteCatalogue tables(connection);
    const Catalogue catalogue = read_catalogue(tables);
    for (const SyncRow& sync : catalogue.syncs) {
      if (!same(sync, address)) continue;
      for (const ShardRow& shard : catalogue.shards) {
        const bool asked = shard.sync_id == sync.id && shard.shard == address.shard;
        if (asked && shard.of == address.of) found = shard.claim();
      }
    }
  });
  return found;
}

std::vector<RejectedRow> SqliteStore::rejected_of(const SyncAddress& address) {
  std::vector<RejectedRow> rows;
  with_connection([&](SqliteConnection& connection) {
    const SqliteTransaction one_view(connection, SqliteTransaction::Kind::reading);
    SqliteCatalogue tables(connection);
    const Catalogue catalogue = read_catalogue(tables);
    for (const SyncRow& sync : catalogue.syncs) {
      if (!same(sync, address)) continue;
      for (ShardRow shard : catalogue.shards) {
        if (shard.sync_id != sync.id) continue;
        for (RejectedRow& row : SqliteContent(connection, shard).read_rejected()) {
          rows.push_back(std::move(row));
        }
      }
    }
  });
  return rows;
}

void SqliteStore::reset(const SyncAddress& address) {
  with_connection([&](SqliteConnection& connection) {
    SqliteTransaction transaction(connection);
    SqliteCatalogue tables(connection);
    const Catalogue catalogue = read_catalogue(tables);
    adopt_clock(tables, catalogue, true);
    const auto sync = std::find_if(catalogue.syncs.begin(), catalogue.syncs.end(),
                                   [&](const SyncRow& row) { return same(row, address); });
    if (sync == catalogue.syncs.end()) return;
    std::vector<ShardRow> empty;
    for (const ShardRow& shard : catalogue.shards) {
      if (shard.sync_id != sync->id) continue;
      if (lives(shard, {})) throw Fenced("state: a run of sync " + address.sync + " is under way");
      ShardRow fresh;
      fresh.sync_id = shard.sync_id;
      fresh.shard = shard.shard;
      fresh.of = shard.of;
      fresh.epoch = shard.epoch + 1;
      fresh.run_id = shard.run_id;
      fresh.last_seq = fresh.folded_seq = shard.last_seq;
      fresh.latest_ms = std::max(shard.latest_ms, now_ms());
      empty.push_back(std::move(fresh));
    }
    tables.remove_shards(sync->id);
    for (const ShardRow& shard : empty) tables.write(shard);
    transaction.commit();
  });
}

}  // namespace tailrace
