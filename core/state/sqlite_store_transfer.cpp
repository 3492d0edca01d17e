// State under another name, and state from another store.

#include <algorithm>

#include "state/protocol.hpp"
#include "state/sqlite_content.hpp"
#include "state/sqlite_runs.hpp"
#include "state/sqlite_store.hpp"

namespace tailrace {

std::optional<std::int64_t> SqliteStore::free_name(const SyncAddress& name, std::int64_t runs_to,
                                                   Catalogue& catalogue) {
  const SyncRow* taken = catalogue.find(name);
  if (taken == nullptr) return 0;
  const std::vector<ShardRow> shards = catalogue.shards_of(*taken);
  const bool blank = std::all_of(shards.begin(), shards.end(),
                                 [](const ShardRow& shard) { return shard.is_blank(); });
  if (!blank) return std::nullopt;
  check_free(shards, name);
  SqliteCatalogue tables(*connection_);
  tables.remove_shards(taken->id);
  tables.remove_sync(taken->id);
  SqliteRuns(*connection_).move(taken->id, runs_to);
  catalogue.store.syncs -= 1;
  catalogue.store.shards -= std::ssize(shards);
  tables.write(catalogue.store);
  std::int64_t epoch = 0;
  for (const ShardRow& shard : shards) epoch = std::max(epoch, shard.epoch);
  return epoch;
}

bool SqliteStore::rename(const SyncAddress& from, const SyncAddress& to) {
  bool carried = false;
  with_connection([&](SqliteConnection& connection) {
    SqliteTransaction transaction(connection);
    SqliteCatalogue tables(connection);
    Catalogue catalogue = read_catalogue(tables);
    adopt_clock(tables, catalogue, true);
    const SyncRow* old = catalogue.find(from);
    if (old == nullptr || same_sync(from, to)) return;
    std::vector<ShardRow> shards = catalogue.shards_of(*old);
    const std::optional<std::int64_t> epoch = free_name(to, old->id, catalogue);
    if (!epoch) return;
    check_free(shards, from);
    for (ShardRow& shard : shards) {
      shard.epoch = std::max(shard.epoch, *epoch) + 1;
      shard.lease_until_ms = 0;
      tables.write(shard);
    }
    SyncRow renamed = *old;
    renamed.sync = to.sync;
    renamed.account = to.account;
    renamed.object = to.object;
    tables.write(renamed);
    transaction.commit();
    carried = true;
  });
  return carried;
}

std::vector<SyncAddress> SqliteStore::addresses() {
  std::vector<SyncAddress> found;
  with_connection([&](SqliteConnection& connection) {
    const SqliteTransaction one_view(connection, SqliteTransaction::Kind::reading);
    SqliteCatalogue tables(connection);
    const Catalogue catalogue = read_catalogue(tables);
    found.clear();
    for (const SyncRow& sync : catalogue.syncs) {
      for (const ShardRow& shard : catalogue.shards_of(sync)) {
        found.push_back({sync.sync, sync.account, sync.object, shard.shard, shard.of});
      }
    }
  });
  return found;
}

void SqliteStore::adopt(const StoreIdentity& identity) {
  with_connection([&](SqliteConnection& connection) {
    SqliteTransaction transaction(connection);
    SqliteCatalogue tables(connection);
    StoreRow store = tables.store();
    if (store.syncs != 0 || !SqliteRuns(connection).latest("", 1).empty()) fail_not_empty();
    store.identity.id = identity.id;
    store.identity.secret = identity.secret;
    tables.write(store);
    transaction.commit();
    identity_ = store.identity;
  });
}

void SqliteStore::import_shard(const ShardImage& image) {
  check_image(image);
  with_connection([&](SqliteConnection& connection) {
    SqliteTransaction transaction(connection);
    if (SqliteRuns(connection).any_started()) fail_not_empty();
    SqliteCatalogue tables(connection);
    Catalogue catalogue = read_catalogue(tables);
    const SyncRow* there = catalogue.find(image.address);
    SyncRow sync = there != nullptr ? *there : new_sync(image.address, catalogue);
    for (const ShardRow& shard : catalogue.shards_of(sync)) {
      if (shard.of != image.address.of || shard.shard == image.address.shard) fail_not_empty();
    }
    sync.fields_changed_ms = std::max(sync.fields_changed_ms, image.claim.fields_changed_at_ms);
    tables.write(sync);
    write_shard(image, sync.id);
    catalogue.store.shards += 1;
    tables.write(catalogue.store);
    transaction.commit();
  });
}

void SqliteStore::import_runs(std::span<const RunRow> runs) {
  with_connection([&](SqliteConnection& connection) {
    SqliteTransaction transaction(connection);
    SqliteRuns table(connection);
    if (table.any_started()) fail_not_empty();
    SqliteCatalogue tables(connection);
    const Catalogue catalogue = read_catalogue(tables);
    for (const RunRow& run : runs) {
      Holder holder;
      for (const SyncRow& sync : catalogue.syncs) {
        if (sync.sync == run.sync) holder.sync_id = sync.id;
      }
      table.start(holder, run);
    }
    transaction.commit();
  });
}

}  // namespace tailrace
