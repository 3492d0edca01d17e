#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "state/sqlite.hpp"
#include "state/sqlite_rows.hpp"
#include "state/store.hpp"

namespace tailrace {

/// The large tables of one shard. Keeps the sums in its row up to date, which the caller writes,
/// and checks what is read against them. All of it inside a transaction of the caller.
class SqliteContent {
 public:
  SqliteContent(SqliteConnection& connection, ShardRow& shard)
      : connection_(connection), shard_(shard) {}

  /// Writes what the image holds into an empty shard.
  void fill(const ShardImage& image);

  void read_snapshot(bool with_keys, const StateStore::BucketVisitor& visit);
  [[nodiscard]] SnapshotBucket read_bucket(std::uint32_t bucket);
  /// Replaces a bucket, or removes it where it has no entries.
  void put_bucket(const SnapshotBucket& bucket);
  void drop_snapshot();

  void read_journal(const StateStore::JournalVisitor& visit);
  [[nodiscard]] bool has_journal_row(const JournalRow& row);
  void add_journal(const std::vector<JournalRow>& rows);
  /// Removes rows up to and including the seq.
  void drop_journal(std::int64_t folded_seq);

  [[nodiscard]] std::vector<RejectedRow> read_rejected();
  /// Inserts, or counts one more attempt.
  void put_rejected(const RejectedRow& row);
  void write_rejected(const RejectedRow& row);
  void drop_rejected(const IdentityHash& identity);

 private:
  void remove_bucket(std::uint32_t bucket);
  [[nodiscard]] std::optional<RejectedRow> rejected(const IdentityHash& identity);

  SqliteConnection& connection_;
  ShardRow& shard_;
};

}  // namespace tailrace
