#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "state/postgres_transaction.hpp"
#include "state/store.hpp"

namespace tailrace {

// Sums of rows, in PostgreSQL. Pages have checksums there only where the cluster was made with
// them, and nothing guards against a table that was truncated, restored from an older dump, or
// tidied by hand. So what a run decides by is summed as in a file: the rows of store, sync and
// sync_shard, and through the latter the number and content of buckets, journal and rejected rows.
// What changes with every renewal (lease, lock, latest time) stays outside: a wrong lease costs a
// wait, and epochs do the fencing. Tables run and row_log are history for people; nothing is
// decided by them, so they have none.

/// Table `store`, one row.
struct PostgresStoreRow {
  StoreIdentity identity;
  std::int64_t created_ms = 0;
  std::int64_t syncs = 0;   // rows in `sync`
  std::int64_t shards = 0;  // rows in `sync_shard`
};

/// Table `sync`.
struct PostgresSync {
  std::int64_t id = 0;
  std::string sync;
  std::string account;
  std::string object;
  std::int64_t created_ms = 0;
  std::string fields_noted;
  std::int64_t fields_changed_ms = 0;
};

/// Table `sync_shard`.
struct PostgresShard {
  std::int64_t sync_id = 0;
  int shard = 0;
  int of = 1;
  std::int64_t epoch = 0;
  std::int64_t lease_until_ms = 0;  // 0: released
  std::int64_t lock_key = 0;  // of the advisory lock that the holder's session has; 0: none
  std::string run_id;         // of the latest run
  std::int64_t last_seq = 0;
  std::int64_t folded_seq = 0;  // the journal holds the seqs after it, up to last_seq
  int bucket_bits = 0;
  std::int64_t entries = 0;  // in the snapshot
  std::int64_t snapshot_sum = 0;
  std::int64_t rejected_sum = 0;
  std::string mapping_fingerprint;
  std::string encoding;
  std::int64_t resynced_ms = 0;
  std::int64_t latest_ms = 0;  // latest time recorded

  /// As a run of this image's shard left it, released; without what belongs into other tables.
  static PostgresShard from(const ShardImage& image, std::int64_t sync_id, std::int64_t now_ms);

  [[nodiscard]] Holder holder() const { return {sync_id, shard, of, epoch}; }
  [[nodiscard]] Claim claim(const PostgresSync& sync) const;
  [[nodiscard]] std::int64_t sum() const;
  /// Nothing was ever written down under it.
  [[nodiscard]] bool is_blank() const { return last_seq == 0 && entries == 0 && rejected_sum == 0; }
};

/// The small tables that say what is in the large ones. A damaged row, or one that is missing, is
/// StateLost.
///
/// Rows are locked in the order sync, its shards, store, so that nobody waits in a ring. Shards'
/// rows come and go; rows of store never, and of sync only where a rename frees the name. So
/// whoever waited for the row of a sync has it, and sees with its next statement what the one
/// before it did to the rest.
class PostgresCatalogue {
 public:
  explicit PostgresCatalogue(PostgresTransaction& transaction) : transaction_(transaction) {}

  /// `lock`: nobody else makes or removes syncs and shards until the transaction ends.
  [[nodiscard]] PostgresStoreRow store(bool lock = false);
  /// The rows of sync and sync_shard are as many as the store's row says.
  void check_counts();
  void add(const PostgresStoreRow& row);
  void write(const PostgresStoreRow& row);

  /// `lock`: nobody else claims or resets the sync until the transaction ends.
  [[nodiscard]] std::optional<PostgresSync> sync(const SyncAddress& address, bool lock = false);
  [[nodiscard]] std::optional<PostgresSync> sync(std::int64_t id);
  [[nodiscard]] std::vector<PostgresSync> syncs();
  /// Locks the rows of two syncs, those that are there, in the order in which everybody does.
  void lock_both(const SyncAddress& a, const SyncAddress& b);
  /// Every shard of every sync.
  [[nodiscard]] std::vector<SyncAddress> addresses();
  /// Gives it the next number, which it also returns.
  std::int64_t add(PostgresSync row);
  void write(const PostgresSync& row);

  /// In order. Throws StateLost where one is missing.
  [[nodiscard]] std::vector<PostgresShard> shards(const PostgresSync& sync, bool lock);
  /// As many as there are of a sync that is being copied.
  [[nodiscard]] std::vector<PostgresShard> shards_there(std::int64_t sync_id, bool lock = false);
  /// The row of the holder's shard, whatever its epoch.
  [[nodiscard]] std::optional<PostgresShard> shard(const Holder& holder, bool lock);
  void add(const PostgresShard& row);
  void write(const PostgresShard& row);
  /// With its field hashes.
  void remove_sync(std::int64_t id);

  /// Snapshot, journal, rejected rows and counts of all its shards.
  void remove_content(std::int64_t sync_id);
  /// The shards' rows too.
  void remove_shards(std::int64_t sync_id);

  /// Advisory locks that sessions of this database hold.
  [[nodiscard]] std::set<std::int64_t> locks();

 private:
  PostgresTransaction& transaction_;
};

/// Why a holder has no row to write: another run took over (Fenced), or the row is gone
/// (StateLost).
[[noreturn]] void fail_without_shard(PostgresTransaction& transaction, const Holder& holder);

/// A row of sync_shard as the statements of the catalogue select it.
[[nodiscard]] PostgresShard shard_from(const PostgresResult& result, int row);

}  // namespace tailrace
