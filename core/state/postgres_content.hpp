#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "state/postgres_rows.hpp"
#include "state/postgres_transaction.hpp"
#include "state/store.hpp"

namespace tailrace {

/// The large tables of one shard. Keeps the sums in its row up to date, which the caller writes,
/// and checks what is read against them. What is written goes with the transaction's next round
/// trip, so the data it is given must live until then.
class PostgresContent {
 public:
  PostgresContent(PostgresTransaction& transaction, PostgresShard& shard)
      : transaction_(transaction), shard_(shard) {}

  /// A page of buckets at a time is in memory, however large the snapshot.
  void read_snapshot(bool with_keys, const StateStore::BucketVisitor& visit);
  [[nodiscard]] SnapshotBucket read_bucket(std::uint32_t bucket);
  /// Replaces buckets, or removes those without entries.
  void put_buckets(const std::vector<SnapshotBucket>& buckets);
  void drop_snapshot();

  void read_journal(const StateStore::JournalVisitor& visit);
  /// All of the rows are in the journal as they are here.
  [[nodiscard]] bool has_journal_rows(const std::vector<JournalRow>& rows);
  void add_journal(const std::vector<JournalRow>& rows);
  /// Removes rows up to and including the seq.
  void drop_journal(std::int64_t folded_seq);

  /// Into a shard that has nothing.
  void fill(const ShardImage& image);

  [[nodiscard]] std::vector<RejectedRow> read_rejected();
  /// Inserts them, or counts one more attempt of each; removes those of `dropped`.
  void change_rejected(const std::vector<RejectedRow>& put,
                       const std::vector<IdentityHash>& dropped);
  /// Into a shard that has none.
  void write_rejected(const std::vector<RejectedRow>& rows);

 private:
  PostgresTransaction& transaction_;
  PostgresShard& shard_;
};

/// The append of journal rows that changes nothing else, in one statement: the row of the shard is
/// changed only where it is still as in `before`, sum and epoch and all, and the journal only where
/// it was. `after` is what it becomes. The data must live until the statement was sent.
[[nodiscard]] PostgresStatement append_if_unchanged(const PostgresShard& before,
                                                    const PostgresShard& after,
                                                    const std::vector<JournalRow>& rows);

}  // namespace tailrace
