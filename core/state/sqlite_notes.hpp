#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "state/sqlite.hpp"
#include "state/store.hpp"

namespace tailrace {

/// Table `row_log`.
class SqliteLog {
 public:
  explicit SqliteLog(SqliteConnection& connection) : connection_(connection) {}

  void add(const LogEntry& entry);
  /// Newest first.
  [[nodiscard]] std::vector<LogEntry> of_key(const std::string& sync, const std::string& key,
                                             std::size_t limit);
  void drop_older(std::int64_t than_ms);

 private:
  SqliteConnection& connection_;
};

/// Table `field_hashes`.
class SqliteFields {
 public:
  SqliteFields(SqliteConnection& connection, std::int64_t sync_id)
      : connection_(connection), sync_id_(sync_id) {}

  [[nodiscard]] std::string read(const IdentityHash& identity);
  void put(const FieldHashes& row);
  void drop(const IdentityHash& identity);
  void drop_all();

 private:
  SqliteConnection& connection_;
  std::int64_t sync_id_;
};

/// Table `shard_count`.
class SqliteCounts {
 public:
  SqliteCounts(SqliteConnection& connection, std::int64_t sync_id)
      : connection_(connection), sync_id_(sync_id) {}

  void put(const ShardCount& count);
  /// By shard.
  [[nodiscard]] std::vector<ShardCount> all();

 private:
  SqliteConnection& connection_;
  std::int64_t sync_id_;
};

}  // namespace tailrace
