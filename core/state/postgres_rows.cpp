#include "state/postgres_rows.hpp"

#include <algorithm>
#include <utility>

#include "state/errors.hpp"
#include "state/protocol.hpp"
#include "state/row_sum.hpp"

namespace tailrace {
namespace {

std::int64_t sum_of(const PostgresStoreRow& row) {
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

std::int64_t sum_of(const PostgresSync& row) {
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

void check(std::int64_t sum, std::int64_t stored, const char* table) {
  if (sum != stored) {
    throw StateLost(std::string("state: a row of table ") + table + " is corrupt");
  }
}

constexpr const char* kStore =
    "SELECT id, hash_secret, format, created_at, syncs, shards, sum FROM tailrace.store";
constexpr const char* kStoreLocked =
    "SELECT id, hash_secret, format, created_at, syncs, shards, sum FROM tailrace.store "
    "FOR NO KEY UPDATE";
// In one statement with the row's own counts, so that all three are of one moment.
constexpr const char* kCounts =
    "SELECT syncs, shards, (SELECT count(*) FROM tailrace.sync), "
    "(SELECT count(*) FROM tailrace.sync_shard) FROM tailrace.store";

#define TAILRACE_SYNC                                                                   \
  "SELECT id, sync, account, object, created_at, fields_noted, fields_changed_at, sum " \
  "FROM tailrace.sync WHERE "
constexpr const char* kSync = TAILRACE_SYNC "sync = $1 AND account = $2 AND object = $3";
constexpr const char* kSyncLocked =
    TAILRACE_SYNC "sync = $1 AND account = $2 AND object = $3 FOR NO KEY UPDATE";
constexpr const char* kSyncById = TAILRACE_SYNC "id = $1";
constexpr const char* kSyncs = TAILRACE_SYNC "true ORDER BY id";
#undef TAILRACE_SYNC

#define TAILRACE_SHARD                                                                      \
  "SELECT sync_id, shard, of, epoch, lease_until, lock_key, run_id, last_seq, folded_seq, " \
  "bucket_bits, entries, snapshot_sum, rejected_sum, config_fingerprint, encoding, "        \
  "resynced_at, latest_at, sum FROM tailrace.sync_shard WHERE sync_id = $1 "
constexpr const char* kShards = TAILRACE_SHARD "ORDER BY shard";
constexpr const char* kShardsLocked = TAILRACE_SHARD "ORDER BY shard FOR NO KEY UPDATE";
constexpr const char* kShard = TAILRACE_SHARD "AND shard = $2";
constexpr const char* kShardLocked = TAILRACE_SHARD "AND shard = $2 FOR NO KEY UPDATE";
#undef TAILRACE_SHARD

PostgresStoreRow store_from(const PostgresResult& result) {
  PostgresStoreRow store;
  const std::size_t secret_bytes = store.identity.secret.size();
  if (result.rows() == 0 || result.bytes(0, 1).size() != secret_bytes) {
    throw StateLost("state: the row of table store is missing or corrupt");
  }
  store.identity.id = result.text(0, 0);
  const std::string_view secret = result.bytes(0, 1);
  std::copy(secret.begin(), secret.end(), store.identity.secret.begin());
  store.identity.format = static_cast<int>(result.integer(0, 2));
  store.created_ms = result.integer(0, 3);
  store.syncs = result.integer(0, 4);
  store.shards = result.integer(0, 5);
  check(sum_of(store), result.integer(0, 6), "store");
  if (result.rows() > 1) throw StateLost("state: table store has more than one row");
  return store;
}

std::vector<PostgresSync> syncs_from(const PostgresResult& result) {
  std::vector<PostgresSync> syncs;
  for (int i = 0; i < result.rows(); ++i) {
    PostgresSync& sync = syncs.emplace_back();
    sync.id = result.integer(i, 0);
    sync.sync = result.text(i, 1);
    sync.account = result.text(i, 2);
    sync.object = result.text(i, 3);
    sync.created_ms = result.integer(i, 4);
    sync.fields_noted = result.text(i, 5);
    sync.fields_changed_ms = result.integer(i, 6);
    check(sum_of(sync), result.integer(i, 7), "sync");
  }
  return syncs;
}

std::optional<PostgresSync> sync_from(const PostgresResult& result) {
  std::vector<PostgresSync> syncs = syncs_from(result);
  if (syncs.empty()) return std::nullopt;
  return std::move(syncs.front());
}

PostgresStatement writing(const char* sql, const PostgresShard& row) {
  return PostgresStatement(sql, row.sync_id, row.shard, row.of, row.epoch, row.lease_until_ms,
                           row.lock_key, row.run_id, row.last_seq, row.folded_seq, row.bucket_bits,
                           row.entries, row.snapshot_sum, row.rejected_sum, row.mapping_fingerprint,
                           row.encoding, row.resynced_ms, row.latest_ms, row.sum());
}

}  // namespace

PostgresShard shard_from(const PostgresResult& result, int row) {
  PostgresShard shard;
  int column = 0;
  const auto integer = [&] { return result.integer(row, column++); };
  shard.sync_id = integer();
  shard.shard = static_cast<int>(integer());
  shard.of = static_cast<int>(integer());
  shard.epoch = integer();
  shard.lease_until_ms = integer();
  shard.lock_key = integer();
  shard.run_id = result.text(row, column++);
  shard.last_seq = integer();
  shard.folded_seq = integer();
  shard.bucket_bits = static_cast<int>(integer());
  shard.entries = integer();
  shard.snapshot_sum = integer();
  shard.rejected_sum = integer();
  shard.mapping_fingerprint = result.text(row, column++);
  shard.encoding = result.text(row, column++);
  shard.resynced_ms = integer();
  shard.latest_ms = integer();
  check(shard.sum(), integer(), "sync_shard");
  return shard;
}

std::int64_t PostgresShard::sum() const {
  return RowSum()
      .add(sync_id)
      .add(shard)
      .add(of)
      .add(epoch)
      .add(run_id)
      .add(last_seq)
      .add(folded_seq)
      .add(bucket_bits)
      .add(entries)
      .add(snapshot_sum)
      .add(rejected_sum)
      .add(mapping_fingerprint)
      .add(encoding)
      .add(resynced_ms)
      .value();
}

PostgresShard PostgresShard::from(const ShardImage& image, std::int64_t sync_id,
                                  std::int64_t now_ms) {
  PostgresShard row;
  row.sync_id = sync_id;
  row.shard = image.claim.holder.shard;
  row.of = image.claim.holder.of;
  row.epoch = image.claim.holder.epoch;
  row.last_seq = row.folded_seq = folded_seq_of(image);
  row.bucket_bits = image.claim.bucket_bits;
  row.mapping_fingerprint = image.claim.mapping_fingerprint;
  row.encoding = image.claim.encoding;
  row.resynced_ms = image.claim.resynced_at_ms;
  row.latest_ms = now_ms;
  return row;
}

Claim PostgresShard::claim(const PostgresSync& sync) const {
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

PostgresStoreRow PostgresCatalogue::store(bool lock) {
  return store_from(transaction_.run(PostgresStatement(lock ? kStoreLocked : kStore)));
}

void PostgresCatalogue::check_counts() {
  const PostgresResult counts = transaction_.run(PostgresStatement(kCounts));
  if (counts.rows() != 1) throw StateLost("state: the row of table store is missing");
  if (counts.integer(0, 0) != counts.integer(0, 2)) {
    throw StateLost("state: rows of table sync are missing");
  }
  if (counts.integer(0, 1) != counts.integer(0, 3)) {
    throw StateLost("state: rows of table sync_shard are missing");
  }
}

void PostgresCatalogue::add(const PostgresStoreRow& row) {
  const std::string secret(row.identity.secret.begin(), row.identity.secret.end());
  transaction_.run(PostgresStatement(
      "INSERT INTO tailrace.store (id, hash_secret, format, created_at, syncs, shards, sum) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7)",
      row.identity.id, PostgresBlob{secret}, row.identity.format, row.created_ms, row.syncs,
      row.shards, sum_of(row)));
}

void PostgresCatalogue::write(const PostgresStoreRow& row) {
  const std::string secret(row.identity.secret.begin(), row.identity.secret.end());
  transaction_.run(PostgresStatement(
      "UPDATE tailrace.store SET id = $1, hash_secret = $2, format = $3, syncs = $4, shards = $5, "
      "sum = $6",
      row.identity.id, PostgresBlob{secret}, row.identity.format, row.syncs, row.shards,
      sum_of(row)));
}

std::optional<PostgresSync> PostgresCatalogue::sync(const SyncAddress& address, bool lock) {
  std::optional<PostgresSync> found = sync_from(transaction_.run(PostgresStatement(
      lock ? kSyncLocked : kSync, address.sync, address.account, address.object)));
  // A row whose address is damaged is not found by it: none may be.
  if (!found) static_cast<void>(syncs());
  return found;
}

std::optional<PostgresSync> PostgresCatalogue::sync(std::int64_t id) {
  return sync_from(transaction_.run(PostgresStatement(kSyncById, id)));
}

std::vector<PostgresSync> PostgresCatalogue::syncs() {
  return syncs_from(transaction_.run(PostgresStatement(kSyncs)));
}

void PostgresCatalogue::lock_both(const SyncAddress& a, const SyncAddress& b) {
  transaction_.run(PostgresStatement(
      "SELECT id FROM tailrace.sync WHERE (sync = $1 AND account = $2 AND object = $3) "
      "OR (sync = $4 AND account = $5 AND object = $6) ORDER BY id FOR NO KEY UPDATE",
      a.sync, a.account, a.object, b.sync, b.account, b.object));
}

std::vector<SyncAddress> PostgresCatalogue::addresses() {
  const PostgresResult found = transaction_.run(
      PostgresStatement("SELECT sync.sync, account, object, shard, of FROM tailrace.sync "
                        "JOIN tailrace.sync_shard ON sync_id = id ORDER BY id, shard"));
  std::vector<SyncAddress> addresses;
  for (int i = 0; i < found.rows(); ++i) {
    addresses.push_back({found.text(i, 0), found.text(i, 1), found.text(i, 2),
                         static_cast<int>(found.integer(i, 3)),
                         static_cast<int>(found.integer(i, 4))});
  }
  return addresses;
}

std::int64_t PostgresCatalogue::add(PostgresSync row) {
  const PostgresResult next =
      transaction_.run(PostgresStatement("SELECT coalesce(max(id), 0) + 1 FROM tailrace.sync"));
  row.id = next.integer(0, 0);
  transaction_.later(PostgresStatement(
      "INSERT INTO tailrace.sync (id, sync, account, object, created_at, fields_noted, "
      "fields_changed_at, sum) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
      row.id, row.sync, row.account, row.object, row.created_ms, row.fields_noted,
      row.fields_changed_ms, sum_of(row)));
  return row.id;
}

void PostgresCatalogue::write(const PostgresSync& row) {
  transaction_.later(PostgresStatement(
      "UPDATE tailrace.sync SET sync = $2, account = $3, object = $4, fields_noted = $5, "
      "fields_changed_at = $6, sum = $7 WHERE id = $1",
      row.id, row.sync, row.account, row.object, row.fields_noted, row.fields_changed_ms,
      sum_of(row)));
}

std::vector<PostgresShard> PostgresCatalogue::shards(const PostgresSync& sync, bool lock) {
  std::vector<PostgresShard> shards = shards_there(sync.id, lock);
  if (shards.empty() || shards.size() != static_cast<std::size_t>(shards.front().of)) {
    throw StateLost("state: sync " + sync.sync + " lacks shards");
  }
  return shards;
}

std::vector<PostgresShard> PostgresCatalogue::shards_there(std::int64_t sync_id, bool lock) {
  const PostgresResult found =
      transaction_.run(PostgresStatement(lock ? kShardsLocked : kShards, sync_id));
  std::vector<PostgresShard> shards;
  for (int i = 0; i < found.rows(); ++i) shards.push_back(shard_from(found, i));
  return shards;
}

std::optional<PostgresShard> PostgresCatalogue::shard(const Holder& holder, bool lock) {
  const PostgresResult found = transaction_.run(
      PostgresStatement(lock ? kShardLocked : kShard, holder.sync_id, holder.shard));
  if (found.rows() == 0) return std::nullopt;
  return shard_from(found, 0);
}

void PostgresCatalogue::add(const PostgresShard& row) {
  transaction_.later(writing(
      "INSERT INTO tailrace.sync_shard (sync_id, shard, of, epoch, lease_until, lock_key, run_id, "
      "last_seq, folded_seq, bucket_bits, entries, snapshot_sum, rejected_sum, "
      "config_fingerprint, encoding, resynced_at, latest_at, sum) VALUES ($1, $2, $3, $4, $5, $6, "
      "$7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
      row));
}

void PostgresCatalogue::write(const PostgresShard& row) {
  transaction_.later(writing(
      "UPDATE tailrace.sync_shard SET of = $3, epoch = $4, lease_until = $5, lock_key = $6, "
      "run_id = $7, last_seq = $8, folded_seq = $9, bucket_bits = $10, entries = $11, "
      "snapshot_sum = $12, rejected_sum = $13, config_fingerprint = $14, encoding = $15, "
      "resynced_at = $16, latest_at = $17, sum = $18 WHERE sync_id = $1 AND shard = $2",
      row));
}

void PostgresCatalogue::remove_sync(std::int64_t id) {
  transaction_.later(PostgresStatement("DELETE FROM tailrace.field_hashes WHERE sync_id = $1", id));
  transaction_.later(PostgresStatement("DELETE FROM tailrace.sync WHERE id = $1", id));
}

void PostgresCatalogue::remove_content(std::int64_t sync_id) {
  for (const char* sql : {"DELETE FROM tailrace.snapshot WHERE sync_id = $1",
                          "DELETE FROM tailrace.journal WHERE sync_id = $1",
                          "DELETE FROM tailrace.rejected_row WHERE sync_id = $1",
                          "DELETE FROM tailrace.shard_count WHERE sync_id = $1"}) {
    transaction_.later(PostgresStatement(sql, sync_id));
  }
}

void PostgresCatalogue::remove_shards(std::int64_t sync_id) {
  remove_content(sync_id);
  transaction_.later(
      PostgresStatement("DELETE FROM tailrace.sync_shard WHERE sync_id = $1", sync_id));
}

std::set<std::int64_t> PostgresCatalogue::locks() {
  // A lock of one 64-bit key shows as its two halves, and objsubid 1.
  const PostgresResult found = transaction_.run(PostgresStatement(
      "SELECT (classid::bigint << 32) | objid::bigint FROM pg_catalog.pg_locks "
      "WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND database = "
      "(SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"));
  std::set<std::int64_t> keys;
  for (int i = 0; i < found.rows(); ++i) keys.insert(found.integer(i, 0));
  return keys;
}

void fail_without_shard(PostgresTransaction& transaction, const Holder& holder) {
  PostgresCatalogue catalogue(transaction);
  catalogue.check_counts();
  const std::optional<PostgresSync> sync = catalogue.sync(holder.sync_id);
  if (sync) static_cast<void>(catalogue.shards(*sync, false));
  fail_fenced(holder);
}

}  // namespace tailrace
