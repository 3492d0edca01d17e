// State under another name, and state from another store.

#include <algorithm>
#include <utility>

#include "state/postgres_content.hpp"
#include "state/postgres_runs.hpp"
#include "state/postgres_store.hpp"
#include "state/protocol.hpp"

namespace tailrace {

/// Frees a name under which nothing was ever written down. Its latest epoch; nullopt where there is
/// something.
std::optional<std::int64_t> PostgresStore::free_name(PostgresTransaction& transaction,
                                                     const SyncAddress& address,
                                                     const PostgresSync& taken,
                                                     std::int64_t heir_id) {
  PostgresCatalogue catalogue(transaction);
  const std::vector<PostgresShard> blank = catalogue.shards(taken, true);
  if (!std::all_of(blank.begin(), blank.end(), [](const auto& s) { return s.is_blank(); })) {
    return std::nullopt;
  }
  check_free(transaction, blank, address);
  std::int64_t epoch = 0;
  for (const PostgresShard& shard : blank) epoch = std::max(epoch, shard.epoch);
  catalogue.remove_shards(taken.id);
  catalogue.remove_sync(taken.id);
  PostgresRuns(transaction).move(taken.id, heir_id);
  PostgresStoreRow store = catalogue.store(true);
  store.syncs -= 1;
  store.shards -= static_cast<std::int64_t>(blank.size());
  catalogue.write(store);
  return epoch;
}

bool PostgresStore::rename(const SyncAddress& from, const SyncAddress& to) {
  bool carried = false;
  with_link([&](PostgresLink& link) {
    carried = false;
    PostgresTransaction transaction(link, Kind::writing, kPostgresLong);
    PostgresCatalogue catalogue(transaction);
    if (same_sync(from, to)) return;
    catalogue.lock_both(from, to);
    std::optional<PostgresSync> sync = catalogue.sync(from);
    if (!sync) return;
    std::vector<PostgresShard> shards = catalogue.shards(*sync, true);
    check_free(transaction, shards, from);
    std::int64_t epoch = 0;
    if (const std::optional<PostgresSync> taken = catalogue.sync(to)) {
      const std::optional<std::int64_t> last = free_name(transaction, to, *taken, sync->id);
      if (!last) return;
      epoch = *last;
    }
    for (PostgresShard& shard : shards) {
      shard.epoch = std::max(shard.epoch, epoch) + 1;
      shard.lease_until_ms = shard.lock_key = 0;
      catalogue.write(shard);
    }
    sync->sync = to.sync;
    sync->account = to.account;
    sync->object = to.object;
    catalogue.write(*sync);
    transaction.commit();
    carried = true;
  });
  return carried;
}

std::vector<SyncAddress> PostgresStore::addresses() {
  std::vector<SyncAddress> found;
  with_link([&](PostgresLink& link) {
    PostgresTransaction transaction(link, Kind::reading);
    PostgresCatalogue catalogue(transaction);
    catalogue.check_counts();
    found = catalogue.addresses();
    transaction.commit();
  });
  return found;
}

void PostgresStore::adopt(const StoreIdentity& identity) {
  with_link([&](PostgresLink& link) {
    PostgresTransaction transaction(link, Kind::writing);
    PostgresCatalogue catalogue(transaction);
    PostgresStoreRow store = catalogue.store(true);
    if (store.syncs != 0 || !PostgresRuns(transaction).latest("", 1).empty()) fail_not_empty();
    store.identity.id = identity.id;
    store.identity.secret = identity.secret;
    catalogue.write(store);
    adopting_ = store.identity;
    transaction.commit();
    identity_ = store.identity;
  });
}

void PostgresStore::import_shard(const ShardImage& image) {
  check_image(image);
  with_link([&](PostgresLink& link) {
    PostgresTransaction transaction(link, Kind::writing, kPostgresLong);
    if (PostgresRuns(transaction).any_started()) fail_not_empty();
    PostgresCatalogue catalogue(transaction);
    PostgresStoreRow store = catalogue.store(true);
    std::optional<PostgresSync> sync = catalogue.sync(image.address);
    if (!sync) {
      sync = new_sync(transaction, image.address);
      store.syncs += 1;
    }
    for (const PostgresShard& shard : catalogue.shards_there(sync->id)) {
      if (shard.of != image.address.of || shard.shard == image.address.shard) fail_not_empty();
    }
    clock_in(transaction);
    sync->fields_changed_ms = std::max(sync->fields_changed_ms, image.claim.fields_changed_at_ms);
    catalogue.write(*sync);
    static_cast<void>(write_shard(transaction, image, sync->id));
    store.shards += 1;
    catalogue.write(store);
    transaction.commit();
  });
}

void PostgresStore::import_runs(std::span<const RunRow> runs) {
  with_link([&](PostgresLink& link) {
    PostgresTransaction transaction(link, Kind::writing, kPostgresLong);
    PostgresRuns table(transaction);
    if (table.any_started()) fail_not_empty();
    const std::vector<PostgresSync> syncs = PostgresCatalogue(transaction).syncs();
    for (const RunRow& run : runs) {
      Holder holder;
      for (const PostgresSync& sync : syncs) {
        if (sync.sync == run.sync) holder.sync_id = sync.id;
      }
      table.start(holder, run);
    }
    transaction.commit();
  });
}

}  // namespace tailrace
