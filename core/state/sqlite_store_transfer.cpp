// State under another name, and state from another store.

#include <algorithm>

#include "state/protocol.hpp"
#include "state/sqlite_content.hpp"
#include "state/sqlite_runs.hpp"
#include "state/sqlite_store.hpp"

namespace tailrace {

bool SqliteStore::rename(const SyncAddress& from, const SyncAddress& to) {
  bool carried = false;
  with_connection([&](SqliteConnection& connection) {
    carried = false;
    SqliteTransaction transaction(connection);
    SqliteCatalogue tables(connection);
    Catalogue catalogue = read_catalogue(tables);
    adopt_clock(tables, catalogue, true);
    const SyncRow* old = catalogue.find(from);
    if (old == nullptr || same_sync(from, to)) return;
    std::int64_t epoch = 0;
    if (const SyncRow* taken = catalogue.find(to)) {
      const std::vector<ShardRow> blank = catalogue.shards_of(*taken);
      if (!std::all_of(blank.begin(), blank.end(), [](const auto& s) { return s.is_blank(); })) {
        return;
      }
      check_free(blank, to);
      for (const ShardRow& shard : blank) epoch = std::max(epoch, shard.epoch);
      tables.remove_shards(taken->id);
      tables.remove_sync(taken->id);
      SqliteRuns(connection).move(taken->id, old->id);
      catalogue.store.syncs -= 1;
      catalogue.store.shards -= static_cast<std::int64_t>(blank.size());
      tables.write(catalogue.store);
    }
    std::vector<ShardRow> shards = catalogue.shards_of(*old);
    check_free(shards, from);
    for (ShardRow& shard : shards) {
      shard.epoch = std::max(shard.epoch, epoch) + 1;
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
