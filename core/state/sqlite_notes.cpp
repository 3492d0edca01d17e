#include "state/sqlite_notes.hpp"

#include "state/errors.hpp"
#include "state/identity_text.hpp"
#include "state/packing.hpp"
#include "state/row_sum.hpp"

namespace tailrace {
namespace {

std::int64_t sum_of(std::int64_t sync_id, std::string_view identity, std::string_view hashes) {
  return RowSum().add(sync_id).add(identity).add(hashes).value();
}

std::int64_t sum_of(std::int64_t sync_id, const ShardCount& count) {
  return RowSum()
      .add(sync_id)
      .add(count.shard)
      .add(count.round)
      .add(count.counts)
      .add(count.at_ms)
      .value();
}

}  // namespace

void SqliteLog::add(const LogEntry& entry) {
  connection_
      .prepare(
          "INSERT INTO row_log (run_id, sync, key, op, status, code, message, at) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(entry.run_id)
      .bind(entry.sync)
      .bind(entry.row.key)
      .bind(entry.row.op)
      .bind(entry.row.status)
      .bind(entry.row.code)
      .bind(entry.row.message)
      .bind(entry.at_ms)
      .run();
}

std::vector<LogEntry> SqliteLog::of_key(const std::string& sync, const std::string& key,
                                        std::size_t limit) {
  SqliteStatement row = connection_.prepare(
      "SELECT run_id, sync, key, op, status, code, message, at FROM row_log "
      "WHERE key = ? AND (? = '' OR sync = ?) ORDER BY number DESC LIMIT ?");
  row.bind(key).bind(sync).bind(sync).bind(static_cast<std::int64_t>(limit));
  std::vector<LogEntry> entries;
  while (row.step()) {
    const auto text = [&](int column) { return std::string(row.bytes(column)); };
    entries.push_back(
        {text(0), text(1), {text(2), text(3), text(4), text(5), text(6)}, row.integer(7)});
  }
  return entries;
}

// Later rows have later times, so the walk ends at the first that stays.
void SqliteLog::drop_older(std::int64_t than_ms) {
  connection_
      .prepare(
          "DELETE FROM row_log WHERE number < coalesce("
          "(SELECT number FROM row_log WHERE at >= ? ORDER BY number LIMIT 1), "
          "(SELECT max(number) + 1 FROM row_log))")
      .bind(than_ms)
      .run();
}

std::string SqliteFields::read(const IdentityHash& identity) {
  const std::string bytes = bytes_of(identity);
  SqliteStatement row = connection_.prepare(
      "SELECT sum, hashes FROM field_hashes WHERE sync_id = ? AND identity = ?");
  row.bind(sync_id_).bind_blob(bytes);
  if (!row.step()) return {};
  std::string hashes(row.bytes(1));
  if (sum_of(sync_id_, bytes, hashes) != row.integer(0)) {
    throw StateLost("state: a row of table field_hashes is corrupt");
  }
  return hashes;
}

void SqliteFields::put(const FieldHashes& row) {
  if (row.hashes.empty()) return drop(row.identity);
  const std::string bytes = bytes_of(row.identity);
  connection_
      .prepare(
          "INSERT OR REPLACE INTO field_hashes (sync_id, identity, sum, hashes) "
          "VALUES (?, ?, ?, ?)")
      .bind(sync_id_)
      .bind_blob(bytes)
      .bind(sum_of(sync_id_, bytes, row.hashes))
      .bind_blob(row.hashes)
      .run();
}

void SqliteFields::drop(const IdentityHash& identity) {
  const std::string bytes = bytes_of(identity);
  connection_.prepare("DELETE FROM field_hashes WHERE sync_id = ? AND identity = ?")
      .bind(sync_id_)
      .bind_blob(bytes)
      .run();
}

void SqliteFields::drop_all() {
  connection_.prepare("DELETE FROM field_hashes WHERE sync_id = ?").bind(sync_id_).run();
}

void SqliteCounts::put(const ShardCount& count) {
  connection_
      .prepare(
          "INSERT OR REPLACE INTO shard_count (sync_id, shard, round, counts, at, sum) "
          "VALUES (?, ?, ?, ?, ?, ?)")
      .bind(sync_id_)
      .bind(count.shard)
      .bind(count.round)
      .bind(count.counts)
      .bind(count.at_ms)
      .bind(sum_of(sync_id_, count))
      .run();
}

std::vector<ShardCount> SqliteCounts::all() {
  SqliteStatement row = connection_.prepare(
      "SELECT shard, round, at, counts, sum FROM shard_count WHERE sync_id = ? ORDER BY shard");
  row.bind(sync_id_);
  std::vector<ShardCount> counts;
  while (row.step()) {
    counts.push_back({static_cast<int>(row.integer(0)), std::string(row.bytes(1)), row.integer(2),
                      std::string(row.bytes(3))});
    if (sum_of(sync_id_, counts.back()) != row.integer(4)) {
      throw StateLost("state: a row of table shard_count is corrupt");
    }
  }
  return counts;
}

}  // namespace tailrace
