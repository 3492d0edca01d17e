#include <algorithm>
#include <utility>

#include "state/errors.hpp"
#include "state/protocol.hpp"
#include "state/resplit.hpp"
#include "state/sqlite_content.hpp"
#include "state/sqlite_notes.hpp"
#include "state/sqlite_runs.hpp"
#include "state/sqlite_store.hpp"

namespace tailrace {
const SyncRow* SqliteStore::Catalogue::find(const SyncAddress& address) const {
  const auto found =
      std::find_if(syncs.begin(), syncs.end(), [&](const SyncRow& row) { return row.is(address); });
  return found == syncs.end() ? nullptr : &*found;
}

std::vector<ShardRow> SqliteStore::Catalogue::shards_of(const SyncRow& sync) const {
  std::vector<ShardRow> found;
  for (const ShardRow& shard : shards) {
    if (shard.sync_id == sync.id) found.push_back(shard);
  }
  return found;
}

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

void SqliteStore::check_free(const std::vector<ShardRow>& shards, const SyncAddress& address) {
  for (const ShardRow& shard : shards) {
    if (lives(shard, {})) fail_under_way(address);
  }
}

SyncRow SqliteStore::new_sync(const SyncAddress& address, Catalogue& catalogue) {
  SyncRow sync;
  sync.id = 1;
  for (const SyncRow& row : catalogue.syncs) sync.id = std::max(sync.id, row.id + 1);
  sync.sync = address.sync;
  sync.account = address.account;
  sync.object = address.object;
  sync.created_ms = now_ms();
  catalogue.syncs.push_back(sync);
  catalogue.store.syncs += 1;
  return sync;
}

void SqliteStore::make_sync(const SyncAddress& address, Catalogue& catalogue) {
  SqliteCatalogue tables(*connection_);
  const SyncRow sync = new_sync(address, catalogue);
  tables.write(sync);
  for (int i = 0; i < address.of; ++i) {
    ShardRow shard;
    shard.sync_id = sync.id;
    shard.shard = i;
    shard.of = address.of;
    tables.write(shard);
    catalogue.shards.push_back(std::move(shard));
  }
  catalogue.store.shards += address.of;
  tables.write(catalogue.store);
}

ShardRow SqliteStore::write_shard(const ShardImage& image, std::int64_t sync_id) {
  ShardRow shard = ShardRow::from(image, sync_id, now_ms());
  SqliteContent(*connection_, shard).fill(image);
  SqliteCatalogue(*connection_).write(shard);
  return shard;
}

std::vector<ShardRow> SqliteStore::relayout(const SyncRow& sync, const std::vector<ShardRow>& old,
                                            int of, const std::string& run_id,
                                            Catalogue& catalogue) {
  std::vector<Claim> claims;
  for (const ShardRow& shard : old) claims.push_back(shard.claim(sync));
  const std::vector<ShardImage> images = resplit(*this, claims, of, run_id);
  SqliteCatalogue tables(*connection_);
  tables.remove_shards(sync.id);
  std::vector<ShardRow> shards;
  for (const ShardImage& image : images) shards.push_back(write_shard(image, sync.id));
  catalogue.store.shards += of - static_cast<int>(old.size());
  tables.write(catalogue.store);
  return shards;
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
    if (catalogue.find(address) == nullptr) make_sync(address, catalogue);
    const SyncRow& sync = *catalogue.find(address);
    std::vector<ShardRow> shards = catalogue.shards_of(sync);
    if (shards.empty() || shards.size() != static_cast<std::size_t>(shards.front().of)) {
      throw StateLost("state: sync " + address.sync + " lacks shards");
    }
    if (shards.front().of != address.of) {
      const bool busy = std::any_of(shards.begin(), shards.end(), [&](const ShardRow& shard) {
        return lives(shard, run.run_id);
      });
      if (busy) return;
      shards = relayout(sync, shards, address.of, run.run_id, catalogue);
    }
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
    claim = shard.claim(sync);
  });
  return claim;
}

std::vector<Claim> SqliteStore::shards(const SyncAddress& address) {
  std::vector<Claim> found;
  with_connection([&](SqliteConnection& connection) {
    const SqliteTransaction one_view(connection, SqliteTransaction::Kind::reading);
    SqliteCatalogue tables(connection);
    const Catalogue catalogue = read_catalogue(tables);
    const SyncRow* sync = catalogue.find(address);
    if (sync == nullptr) return;
    for (const ShardRow& shard : catalogue.shards_of(*sync)) found.push_back(shard.claim(*sync));
  });
  return found;
}

std::vector<RejectedRow> SqliteStore::rejected_of(const SyncAddress& address) {
  std::vector<RejectedRow> rows;
  with_connection([&](SqliteConnection& connection) {
    const SqliteTransaction one_view(connection, SqliteTransaction::Kind::reading);
    SqliteCatalogue tables(connection);
    const Catalogue catalogue = read_catalogue(tables);
    const SyncRow* sync = catalogue.find(address);
    if (sync == nullptr) return;
    for (ShardRow& shard : catalogue.shards_of(*sync)) {
      for (RejectedRow& row : SqliteContent(connection, shard).read_rejected()) {
        rows.push_back(std::move(row));
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
    const SyncRow* sync = catalogue.find(address);
    if (sync == nullptr) return;
    const std::vector<ShardRow> shards = catalogue.shards_of(*sync);
    check_free(shards, address);
    tables.remove_shards(sync->id);
    SqliteFields(connection, sync->id).drop_all();
    for (const ShardRow& shard : shards) {
      ShardRow fresh;
      fresh.sync_id = shard.sync_id;
      fresh.shard = shard.shard;
      fresh.of = shard.of;
      fresh.epoch = shard.epoch + 1;
      fresh.run_id = shard.run_id;
      fresh.last_seq = fresh.folded_seq = shard.last_seq;
      fresh.latest_ms = std::max(shard.latest_ms, now_ms());
      tables.write(fresh);
    }
    transaction.commit();
  });
}

}  // namespace tailrace
