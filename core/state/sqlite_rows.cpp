#include "state/sqlite_rows.hpp"

#include <algorithm>
#include <string>

#include "state/errors.hpp"
#include "state/protocol.hpp"

namespace tailrace {
namespace {

std::int64_t sum_of(const StoreRow& row) {
  const Hasher::Secret& secret = row.identity.secret;
  const std::string bytes(secret.begin(), secret.end());
  return RowSum()
      .add(row.identity.id)
      .add(bytes)
      .add(row.identity.format)
      .add(row.created_ms)
      .add(row.syncs)
      .add(row.shards)
      .value();
}

std::int64_t sum_of(const ClockAnchor& anchor) {
  return RowSum().add(anchor.boot_id).add(anchor.boot_ms).add(anchor.wall_ms).value();
}

std::int64_t sum_of(const SyncRow& row) {
  return RowSum()
      .add(row.id)
      .add(row.sync)
      .add(row.account)
      .add(row.object)
      .add(row.created_ms)
      .add(row.fields_noted)
      .add(row.fields_changed_ms)
      .value();
}

std::int64_t sum_of(const ShardRow& row) {
  return RowSum()
      .add(row.sync_id)
      .add(row.shard)
      .add(row.of)
      .add(row.epoch)
      .add(row.lease_until_ms)
      .add(row.lock_boot_id)
      .add(row.run_id)
      .add(row.last_seq)
      .add(row.folded_seq)
      .add(row.bucket_bits)
      .add(row.entries)
      .add(row.snapshot_sum)
      .add(row.rejected_sum)
      .add(row.mapping_fingerprint)
      .add(row.encoding)
      .add(row.latest_ms)
      .add(row.resynced_ms)
      .value();
}

template <typename Row>
void check(const Row& row, std::int64_t sum, const char* table) {
  if (sum_of(row) != sum) {
    throw StateLost(std::string("state: a row of table ") + table + " is corrupt");
  }
}

constexpr const char* kShards =
    "SELECT sync_id, shard, of, epoch, lease_until, lock_boot_id, run_id, last_seq, folded_seq, "
    "bucket_bits, entries, snapshot_sum, rejected_sum, config_fingerprint, encoding, latest_at, "
    "resynced_at, sum FROM sync_shard ORDER BY sync_id, shard";
constexpr const char* kOneShard =
    "SELECT sync_id, shard, of, epoch, lease_until, lock_boot_id, run_id, last_seq, folded_seq, "
    "bucket_bits, entries, snapshot_sum, rejected_sum, config_fingerprint, encoding, latest_at, "
    "resynced_at, sum FROM sync_shard WHERE sync_id = ? AND shard = ?";

SyncRow sync_from(const SqliteStatement& row) {
  SyncRow sync;
  sync.id = row.integer(0);
  sync.sync = row.bytes(1);
  sync.account = row.bytes(2);
  sync.object = row.bytes(3);
  sync.created_ms = row.integer(4);
  sync.fields_noted = row.bytes(5);
  sync.fields_changed_ms = row.integer(6);
  check(sync, row.integer(7), "sync");
  return sync;
}

ShardRow shard_from(const SqliteStatement& row) {
  ShardRow shard;
  shard.sync_id = row.integer(0);
  shard.shard = static_cast<int>(row.integer(1));
  shard.of = static_cast<int>(row.integer(2));
  shard.epoch = row.integer(3);
  shard.lease_until_ms = row.integer(4);
  shard.lock_boot_id = row.bytes(5);
  shard.run_id = row.bytes(6);
  shard.last_seq = row.integer(7);
  shard.folded_seq = row.integer(8);
  shard.bucket_bits = static_cast<int>(row.integer(9));
  shard.entries = row.integer(10);
  shard.snapshot_sum = row.integer(11);
  shard.rejected_sum = row.integer(12);
  shard.mapping_fingerprint = row.bytes(13);
  shard.encoding = row.bytes(14);
  shard.latest_ms = row.integer(15);
  shard.resynced_ms = row.integer(16);
  check(shard, row.integer(17), "sync_shard");
  return shard;
}

}  // namespace

bool SyncRow::is(const SyncAddress& address) const {
  return sync == address.sync && account == address.account && object == address.object;
}

ShardRow ShardRow::from(const ShardImage& image, std::int64_t sync_id, std::int64_t now_ms) {
  ShardRow row;
  row.sync_id = sync_id;
  row.shard = image.claim.holder.shard;
  row.of = image.claim.holder.of;
  row.epoch = image.claim.holder.epoch;
  row.last_seq = row.folded_seq = folded_seq_of(image);
  row.bucket_bits = image.claim.bucket_bits;
  row.mapping_fingerprint = image.claim.mapping_fingerprint;
  row.encoding = image.claim.encoding;
  row.latest_ms = now_ms;
  row.resynced_ms = image.claim.resynced_at_ms;
  return row;
}

Claim ShardRow::claim(const SyncRow& sync) const {
  Claim claim;
  claim.holder = holder();
  claim.last_seq = last_seq;
  claim.bucket_bits = bucket_bits;
  claim.snapshot_entries = static_cast<std::size_t>(entries);
  claim.mapping_fingerprint = mapping_fingerprint;
  claim.encoding = encoding;
  claim.resynced_at_ms = resynced_ms;
  claim.fields_changed_at_ms = sync.fields_changed_ms;
  return claim;
}

StoreRow SqliteCatalogue::store() {
  SqliteStatement row = connection_.prepare(
      "SELECT id, hash_secret, format, created_at, syncs, shards, sum FROM store");
  StoreRow store;
  const std::size_t secret_bytes = store.identity.secret.size();
  if (!row.step() || row.bytes(1).size() != secret_bytes) {
    throw StateLost("state: the row of table store is missing or corrupt");
  }
  store.identity.id = row.bytes(0);
  const std::string_view secret = row.bytes(1);
  std::copy(secret.begin(), secret.end(), store.identity.secret.begin());
  store.identity.format = static_cast<int>(row.integer(2));
  store.created_ms = row.integer(3);
  store.syncs = row.integer(4);
  store.shards = row.integer(5);
  check(store, row.integer(6), "store");
  if (row.step()) throw StateLost("state: table store has more than one row");
  return store;
}

void SqliteCatalogue::write(const StoreRow& row) {
  connection_.execute("DELETE FROM store");
  const std::string secret(row.identity.secret.begin(), row.identity.secret.end());
  connection_
      .prepare(
          "INSERT INTO store (id, hash_secret, format, created_at, syncs, shards, sum) "
          "VALUES (?, ?, ?, ?, ?, ?, ?)")
      .bind(row.identity.id)
      .bind_blob(secret)
      .bind(row.identity.format)
      .bind(row.created_ms)
      .bind(row.syncs)
      .bind(row.shards)
      .bind(sum_of(row))
      .run();
}

ClockAnchor SqliteCatalogue::clock() {
  SqliteStatement row = connection_.prepare("SELECT boot_id, boot_ms, wall_ms, sum FROM clock");
  if (!row.step()) throw StateLost("state: the row of table clock is missing");
  const ClockAnchor anchor{std::string(row.bytes(0)), row.integer(1), row.integer(2)};
  check(anchor, row.integer(3), "clock");
  return anchor;
}

void SqliteCatalogue::write(const ClockAnchor& anchor) {
  connection_.execute("DELETE FROM clock");
  connection_.prepare("INSERT INTO clock (boot_id, boot_ms, wall_ms, sum) VALUES (?, ?, ?, ?)")
      .bind(anchor.boot_id)
      .bind(anchor.boot_ms)
      .bind(anchor.wall_ms)
      .bind(sum_of(anchor))
      .run();
}

std::vector<SyncRow> SqliteCatalogue::syncs(const StoreRow& store) {
  SqliteStatement row = connection_.prepare(
      "SELECT id, sync, account, object, created_at, fields_noted, fields_changed_at, sum "
      "FROM sync");
  std::vector<SyncRow> syncs;
  while (row.step()) syncs.push_back(sync_from(row));
  if (static_cast<std::int64_t>(syncs.size()) != store.syncs) {
    throw StateLost("state: rows of table sync are missing");
  }
  return syncs;
}

SyncRow SqliteCatalogue::sync(std::int64_t id) {
  SqliteStatement row = connection_.prepare(
      "SELECT id, sync, account, object, created_at, fields_noted, fields_changed_at, sum "
      "FROM sync WHERE id = ?");
  row.bind(id);
  if (!row.step()) throw StateLost("state: rows of table sync are missing");
  return sync_from(row);
}

void SqliteCatalogue::remove_sync(std::int64_t id) {
  connection_.prepare("DELETE FROM sync WHERE id = ?").bind(id).run();
}

std::vector<ShardRow> SqliteCatalogue::shards(const StoreRow& store) {
  SqliteStatement row = connection_.prepare(kShards);
  std::vector<ShardRow> shards;
  while (row.step()) shards.push_back(shard_from(row));
  if (static_cast<std::int64_t>(shards.size()) != store.shards) {
    throw StateLost("state: rows of table sync_shard are missing");
  }
  return shards;
}

void SqliteCatalogue::write(const SyncRow& row) {
  connection_
      .prepare(
          "INSERT OR REPLACE INTO sync (id, sync, account, object, created_at, fields_noted, "
          "fields_changed_at, sum) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(row.id)
      .bind(row.sync)
      .bind(row.account)
      .bind(row.object)
      .bind(row.created_ms)
      .bind(row.fields_noted)
      .bind(row.fields_changed_ms)
      .bind(sum_of(row))
      .run();
}

void SqliteCatalogue::write(const ShardRow& row) {
  connection_
      .prepare(
          "INSERT OR REPLACE INTO sync_shard (sync_id, shard, of, epoch, lease_until, "
          "lock_boot_id, run_id, last_seq, folded_seq, bucket_bits, entries, snapshot_sum, "
          "rejected_sum, config_fingerprint, encoding, latest_at, resynced_at, sum) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(row.sync_id)
      .bind(row.shard)
      .bind(row.of)
      .bind(row.epoch)
      .bind(row.lease_until_ms)
      .bind(row.lock_boot_id)
      .bind(row.run_id)
      .bind(row.last_seq)
      .bind(row.folded_seq)
      .bind(row.bucket_bits)
      .bind(row.entries)
      .bind(row.snapshot_sum)
      .bind(row.rejected_sum)
      .bind(row.mapping_fingerprint)
      .bind(row.encoding)
      .bind(row.latest_ms)
      .bind(row.resynced_ms)
      .bind(sum_of(row))
      .run();
}

void SqliteCatalogue::remove_shards(std::int64_t sync_id) {
  for (const char* sql :
       {"DELETE FROM sync_shard WHERE sync_id = ?", "DELETE FROM snapshot WHERE sync_id = ?",
        "DELETE FROM journal WHERE sync_id = ?", "DELETE FROM rejected_row WHERE sync_id = ?",
        "DELETE FROM shard_count WHERE sync_id = ?"}) {
    connection_.prepare(sql).bind(sync_id).run();
  }
}

std::optional<ShardRow> SqliteCatalogue::shard(const Holder& holder) {
  SqliteStatement row = connection_.prepare(kOneShard);
  row.bind(holder.sync_id).bind(holder.shard);
  if (!row.step()) return std::nullopt;
  return shard_from(row);
}

}  // namespace tailrace
