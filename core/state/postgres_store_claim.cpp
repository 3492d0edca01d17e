#include <algorithm>
#include <set>
#include <utility>

#include "state/errors.hpp"
#include "state/postgres_content.hpp"
#include "state/postgres_notes.hpp"
#include "state/postgres_runs.hpp"
#include "state/postgres_store.hpp"
#include "state/protocol.hpp"
#include "state/resplit.hpp"

namespace tailrace {
namespace {

constexpr std::string_view kLockNotFree = "55P03";
constexpr const char* kSerialisation = "40001";

}  // namespace

bool PostgresStore::lives(const PostgresShard& shard, const std::set<std::int64_t>& locks,
                          const std::string& asking_run_id) const {
  if (shard.lease_until_ms == 0 || shard.lease_until_ms < latest_ms_) return false;
  // Whether that commit happened is seen from the run that the row names: had it not, another run
  // may have taken the same epoch since.
  const bool ours = unanswered_ && unanswered_->run_id == asking_run_id &&
                    shard.run_id == asking_run_id && unanswered_->holder.sync_id == shard.sync_id &&
                    unanswered_->holder.shard == shard.shard &&
                    unanswered_->holder.epoch == shard.epoch;
  if (ours) return false;
  return shard.lock_key == 0 || locks.contains(shard.lock_key);
}

void PostgresStore::check_free(PostgresTransaction& transaction,
                               const std::vector<PostgresShard>& shards,
                               const SyncAddress& address) {
  clock_in(transaction);
  const std::set<std::int64_t> locks = PostgresCatalogue(transaction).locks();
  for (const PostgresShard& shard : shards) {
    if (lives(shard, locks, {})) fail_under_way(address);
  }
}

PostgresSync PostgresStore::new_sync(PostgresTransaction& transaction, const SyncAddress& address) {
  PostgresSync sync;
  sync.sync = address.sync;
  sync.account = address.account;
  sync.object = address.object;
  sync.created_ms = clock_in(transaction);
  sync.id = PostgresCatalogue(transaction).add(sync);
  return sync;
}

PostgresSync PostgresStore::make_sync(PostgresTransaction& transaction,
                                      const SyncAddress& address) {
  PostgresCatalogue catalogue(transaction);
  PostgresStoreRow store = catalogue.store(true);
  if (catalogue.sync(address)) {
    // Another run has made it meanwhile. Its row must be locked before the store's: from the start.
    throw PostgresFault("another run has made the sync", kSerialisation, false);
  }
  PostgresSync sync = new_sync(transaction, address);
  for (int i = 0; i < address.of; ++i) {
    PostgresShard shard;
    shard.sync_id = sync.id;
    shard.shard = i;
    shard.of = address.of;
    catalogue.add(shard);
  }
  store.syncs += 1;
  store.shards += address.of;
  catalogue.write(store);
  return sync;
}

PostgresShard PostgresStore::write_shard(PostgresTransaction& transaction, const ShardImage& image,
                                         std::int64_t sync_id) {
  PostgresShard shard = PostgresShard::from(image, sync_id, latest_ms_);
  PostgresContent(transaction, shard).fill(image);
  PostgresCatalogue(transaction).add(shard);
  return shard;
}

std::vector<PostgresShard> PostgresStore::relayout(PostgresTransaction& transaction,
                                                   const PostgresSync& sync,
                                                   const std::vector<PostgresShard>& old, int of,
                                                   const std::string& run_id) {
  std::vector<Claim> claims;
  for (const PostgresShard& shard : old) claims.push_back(shard.claim(sync));
  const std::vector<ShardImage> images = resplit(*this, claims, of, run_id);
  PostgresCatalogue catalogue(transaction);
  catalogue.remove_shards(sync.id);
  std::vector<PostgresShard> shards;
  for (const ShardImage& image : images) {
    shards.push_back(write_shard(transaction, image, sync.id));
  }
  // The images' data is sent by now or goes with this.
  PostgresStoreRow store = catalogue.store(true);
  store.shards += of - static_cast<int>(old.size());
  catalogue.write(store);
  return shards;
}

std::optional<Claim> PostgresStore::claim_in(PostgresLink& link, const SyncAddress& address,
                                             const RunRow& run, std::int64_t lease_ms) {
  PostgresTransaction transaction(link, Kind::writing, kPostgresClaim);
  PostgresCatalogue catalogue(transaction);
  catalogue.check_counts();
  std::optional<PostgresSync> sync = catalogue.sync(address, true);
  if (!sync) sync = make_sync(transaction, address);
  std::vector<PostgresShard> shards = catalogue.shards(*sync, true);
  const std::int64_t now = clock_in(transaction);
  const std::set<std::int64_t> locks = catalogue.locks();
  if (shards.front().of != address.of) {
    const bool busy = std::any_of(shards.begin(), shards.end(), [&](const PostgresShard& shard) {
      return lives(shard, locks, run.run_id);
    });
    if (busy) return std::nullopt;
    shards = relayout(transaction, *sync, shards, address.of, run.run_id);
  }
  PostgresShard shard = shards.at(static_cast<std::size_t>(address.shard));
  if (lives(shard, locks, run.run_id)) return std::nullopt;
  shard.epoch += 1;
  shard.lease_until_ms = now + lease_ms;
  shard.latest_ms = std::max(shard.latest_ms, now);
  shard.run_id = run.run_id;
  const Holder holder = shard.holder();
  // Taken before the lease can be seen, so that nobody finds it free. The key is this epoch's own:
  // whatever becomes of the commit, having it hurts nobody.
  shard.lock_key = take_lock(transaction, holder);
  catalogue.write(shard);
  RunRow started = run;
  started.sync = address.sync;
  started.status = "running";
  PostgresRuns table(transaction);
  // Had the claim whose answer was lost been made, it was this run's: nothing was interrupted.
  if (unanswered_ && unanswered_->run_id == run.run_id) {
    table.forget(unanswered_->holder, run.run_id);
  }
  table.interrupt_others(holder, now);
  table.start(holder, started);
  unanswered_ = Unanswered{holder, run.run_id};
  transaction.commit();
  unanswered_.reset();
  const Claim claim = shard.claim(*sync);
  held_[{shard.sync_id, shard.shard}] = std::move(shard);
  return claim;
}

std::optional<Claim> PostgresStore::claim(const SyncAddress& address, const RunRow& run,
                                          std::int64_t lease_ms) {
  check_claim(address, lease_ms);
  std::optional<Claim> claim;
  with_link([&](PostgresLink& link) {
    try {
      claim = claim_in(link, address, run, lease_ms);
    } catch (const PostgresFault& fault) {
      if (fault.sqlstate != kLockNotFree) throw;
      claim.reset();  // whoever has the rows is at work on the sync
    }
  });
  return claim;
}

std::vector<Claim> PostgresStore::shards(const SyncAddress& address) {
  std::vector<Claim> found;
  with_link([&](PostgresLink& link) {
    PostgresTransaction transaction(link, Kind::reading);
    PostgresCatalogue catalogue(transaction);
    catalogue.check_counts();
    found.clear();
    const std::optional<PostgresSync> sync = catalogue.sync(address);
    if (!sync) return;
    for (const PostgresShard& shard : catalogue.shards(*sync, false)) {
      found.push_back(shard.claim(*sync));
    }
  });
  return found;
}

std::vector<RejectedRow> PostgresStore::rejected_of(const SyncAddress& address) {
  std::vector<RejectedRow> rows;
  with_link([&](PostgresLink& link) {
    PostgresTransaction transaction(link, Kind::reading, kPostgresLong);
    PostgresCatalogue catalogue(transaction);
    catalogue.check_counts();
    rows.clear();
    const std::optional<PostgresSync> sync = catalogue.sync(address);
    if (!sync) return;
    for (PostgresShard& shard : catalogue.shards(*sync, false)) {
      for (RejectedRow& row : PostgresContent(transaction, shard).read_rejected()) {
        rows.push_back(std::move(row));
      }
    }
  });
  return rows;
}

void PostgresStore::reset(const SyncAddress& address) {
  with_link([&](PostgresLink& link) {
    PostgresTransaction transaction(link, Kind::writing, kPostgresLong);
    PostgresCatalogue catalogue(transaction);
    catalogue.check_counts();
    const std::optional<PostgresSync> sync = catalogue.sync(address, true);
    if (!sync) return;
    const std::vector<PostgresShard> shards = catalogue.shards(*sync, true);
    check_free(transaction, shards, address);
    catalogue.remove_content(sync->id);
    PostgresFields(transaction, sync->id).drop_all();
    for (const PostgresShard& shard : shards) {
      PostgresShard fresh;
      fresh.sync_id = shard.sync_id;
      fresh.shard = shard.shard;
      fresh.of = shard.of;
      fresh.epoch = shard.epoch + 1;
      fresh.run_id = shard.run_id;
      fresh.last_seq = fresh.folded_seq = shard.last_seq;
      fresh.latest_ms = std::max(shard.latest_ms, latest_ms_);
      catalogue.write(fresh);
    }
    transaction.commit();
  });
}

}  // namespace tailrace
