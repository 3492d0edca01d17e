#include "state/sqlite_migration.hpp"

#include <charconv>
#include <string>
#include <string_view>
#include <utility>

#include "state/errors.hpp"
#include "state/identity_text.hpp"
#include "state/sqlite_content.hpp"
#include "state/sqlite_schema.hpp"

namespace tailrace {
namespace {

[[noreturn]] void corrupt(const char* table) {
  throw StateLost(std::string("state: a row of table ") + table +
                  " is corrupt or missing; the store stays in its earlier format");
}

// Format 1: `sync` without the noted fields, `sync_shard` without the time of the last resync, and
// in `rejected_row` a flag `transient` in place of the hold.

std::vector<SyncRow> syncs_of_1(SqliteConnection& connection) {
  SqliteStatement row =
      connection.prepare("SELECT id, sync, account, object, created_at, sum FROM sync");
  std::vector<SyncRow> syncs;
  while (row.step()) {
    SyncRow& sync = syncs.emplace_back();
    sync.id = row.integer(0);
    sync.sync = row.bytes(1);
    sync.account = row.bytes(2);
    sync.object = row.bytes(3);
    sync.created_ms = row.integer(4);
    RowSum sum;
    sum.add(sync.id).add(sync.sync).add(sync.account).add(sync.object).add(sync.created_ms);
    if (sum.value() != row.integer(5)) corrupt("sync");
  }
  return syncs;
}

std::vector<ShardRow> shards_of_1(SqliteConnection& connection) {
  SqliteStatement row = connection.prepare(
      "SELECT sync_id, shard, of, epoch, lease_until, lock_boot_id, run_id, last_seq, folded_seq, "
      "bucket_bits, entries, snapshot_sum, rejected_sum, config_fingerprint, encoding, latest_at, "
      "sum FROM sync_shard");
  std::vector<ShardRow> shards;
  while (row.step()) {
    RowSum sum;
    for (int column = 0; column < 16; ++column) {
      const bool text = column == 5 || column == 6 || column == 13 || column == 14;
      if (text) {
        sum.add(row.bytes(column));
      } else {
        sum.add(row.integer(column));
      }
    }
    if (sum.value() != row.integer(16)) corrupt("sync_shard");
    ShardRow& shard = shards.emplace_back();
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
  }
  return shards;
}

RejectedRow rejected_of_1(const ShardRow& shard, const SqliteStatement& from) {
  RejectedRow row;
  const std::optional<IdentityHash> identity = identity_from(from.bytes(0));
  const std::optional<std::uint64_t> version = from_hex(from.bytes(2));
  if (!identity || !version) corrupt("rejected_row");
  row.identity = *identity;
  row.key = from.bytes(1);
  row.version = *version;
  row.code = from.bytes(3);
  row.message = from.bytes(4);
  row.field = from.bytes(5);
  row.hold = from.integer(6) == 0 ? Hold::permanent : Hold::transient;
  row.attempts = static_cast<std::int32_t>(from.integer(7));
  row.first_at_ms = from.integer(8);
  row.last_at_ms = from.integer(9);
  const std::int64_t sum = RowSum()
                               .add(shard.sync_id)
                               .add(shard.shard)
                               .add(text_of(row.identity))
                               .add(row.key)
                               .add(static_cast<std::int64_t>(row.version))
                               .add(row.code)
                               .add(row.message)
                               .add(row.field)
                               .add(from.integer(6))
                               .add(row.attempts)
                               .add(row.first_at_ms)
                               .add(row.last_at_ms)
                               .value();
  if (sum != from.integer(10)) corrupt("rejected_row");
  return row;
}

void move_rejected_of_1(SqliteConnection& connection, ShardRow& shard) {
  SqliteStatement row = connection.prepare(
      "SELECT identity, key, version, code, message, field, transient, attempts, first_at, "
      "last_at, sum FROM rejected_row_1 WHERE sync_id = ? AND shard = ?");
  row.bind(shard.sync_id).bind(shard.shard);
  const std::int64_t expected = std::exchange(shard.rejected_sum, 0);
  std::int64_t found = 0;
  SqliteContent content(connection, shard);
  while (row.step()) {
    content.write_rejected(rejected_of_1(shard, row));
    found = plus(found, row.integer(10));
  }
  if (found != expected) corrupt("rejected_row");
}

void from_1_to_2(SqliteConnection& connection, const CheckFree& check_free) {
  SqliteCatalogue tables(connection);
  const StoreRow store = tables.store();
  const std::vector<SyncRow> syncs = syncs_of_1(connection);
  std::vector<ShardRow> shards = shards_of_1(connection);
  if (std::ssize(syncs) != store.syncs) corrupt("sync");
  if (std::ssize(shards) != store.shards) corrupt("sync_shard");
  check_free(shards);
  // A table that gets its old name back would take the users' views along.
  connection.execute(
      "CREATE TABLE rejected_row_1 AS SELECT * FROM rejected_row; DROP TABLE rejected_row; "
      "DROP TABLE sync; DROP TABLE sync_shard");
  make_sqlite_tables(connection, 2);
  for (const SyncRow& sync : syncs) tables.write(sync);
  for (ShardRow& shard : shards) {
    move_rejected_of_1(connection, shard);
    tables.write(shard);
  }
  connection.execute("DROP TABLE rejected_row_1");
}

}  // namespace

void migrate_sqlite(SqliteConnection& connection, const CheckFree& check_free) {
  SqliteTransaction transaction(connection);
  const std::string format = connection.ask("PRAGMA user_version");
  if (format == std::to_string(kSqliteFormat)) return;
  SqliteCatalogue tables(connection);
  if (format == "1") {
    from_1_to_2(connection, check_free);
  } else {
    check_free(tables.shards(tables.store()));
  }
  make_sqlite_tables(connection, 3);
  StoreRow store = tables.store();
  store.identity.format = kSqliteFormat;
  tables.write(store);
  connection.execute("PRAGMA user_version = " + std::to_string(kSqliteFormat));
  transaction.commit();
}

}  // namespace tailrace
