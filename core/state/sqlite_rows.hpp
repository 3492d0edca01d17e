#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "state/clock.hpp"
#include "state/row_sum.hpp"
#include "state/sqlite.hpp"
#include "state/store.hpp"

namespace tailrace {

/// Table `store`, one row.
struct StoreRow {
  StoreIdentity identity;
  std::int64_t created_ms = 0;
  std::int64_t syncs = 0;   // rows in `sync`
  std::int64_t shards = 0;  // rows in `sync_shard`
};

/// Table `sync`.
struct SyncRow {
  std::int64_t id = 0;
  std::string sync;
  std::string account;
  std::string object;
  std::int64_t created_ms = 0;
  std::string fields_noted;
  std::int64_t fields_changed_ms = 0;

  [[nodiscard]] bool is(const SyncAddress& address) const;
};

/// Table `sync_shard`.
struct ShardRow {
  std::int64_t sync_id = 0;
  int shard = 0;
  int of = 1;
  std::int64_t epoch = 0;
  std::int64_t lease_until_ms = 0;  // 0: released
  std::string lock_boot_id;  // start of the machine on which the holder has its process lock
  std::string run_id;  // of the latest run
  std::int64_t last_seq = 0;
  std::int64_t folded_seq = 0;  // the journal holds the seqs after it, up to last_seq
  int bucket_bits = 0;
  std::int64_t entries = 0;  // in the snapshot
  std::int64_t snapshot_sum = 0;
  std::int64_t rejected_sum = 0;
  std::string mapping_fingerprint;
  std::string encoding;
  std::int64_t latest_ms = 0;  // latest time recorded
  std::int64_t resynced_ms = 0;

  /// As a run of this image's shard left it, released.
  static ShardRow from(const ShardImage& image, std::int64_t sync_id, std::int64_t now_ms);

  [[nodiscard]] Holder holder() const { return {sync_id, shard, of, epoch}; }
  [[nodiscard]] Claim claim(const SyncRow& sync) const;
  /// Nothing was ever written down under it.
  [[nodiscard]] bool is_blank() const { return last_seq == 0 && entries == 0 && rejected_sum == 0; }
};

/// The small tables that say what is in the large ones. Each row has a checksum, and the store's
/// row says how many there are: a damaged or missing one is StateLost.
class SqliteCatalogue {
 public:
  explicit SqliteCatalogue(SqliteConnection& connection) : connection_(connection) {}

  [[nodiscard]] StoreRow store();
  void write(const StoreRow& row);

  [[nodiscard]] ClockAnchor clock();
  void write(const ClockAnchor& anchor);

  /// All of them, counted against the store's row.
  [[nodiscard]] std::vector<SyncRow> syncs(const StoreRow& store);
  [[nodiscard]] std::vector<ShardRow> shards(const StoreRow& store);

  void write(const SyncRow& row);
  void write(const ShardRow& row);
  [[nodiscard]] SyncRow sync(std::int64_t id);
  void remove_sync(std::int64_t id);
  /// With all that is in them, but for the field hashes: those are of no shard.
  void remove_shards(std::int64_t sync_id);
  /// The row of the holder's shard, whatever its epoch.
  [[nodiscard]] std::optional<ShardRow> shard(const Holder& holder);

 private:
  SqliteConnection& connection_;
};

}  // namespace tailrace
