#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "state/store.hpp"

namespace tailrace {

/// What a MemoryStore keeps: outlives the stores opened on it, as a file would.
class MemoryDisk {
 public:
  struct Shard {
    std::int64_t epoch = 0;
    std::int64_t lease_until_ms = 0;  // 0: released
    std::int64_t last_seq = 0;
    int bucket_bits = 0;
    std::string mapping_fingerprint;
    std::string encoding;
    std::weak_ptr<const void> holder;  // gone where the store that claimed it is
    std::map<std::uint32_t, SnapshotBucket> buckets;
    std::map<std::int64_t, JournalRow> journal;
    std::map<IdentityHash, RejectedRow> rejected;
  };
  struct Sync {
    SyncAddress address;
    std::vector<Shard> shards;
  };
  struct Run {
    RunRow row;
    Holder holder;
  };

  MemoryDisk();

  StoreIdentity identity;
  std::vector<Sync> syncs;  // sync_id - 1
  std::vector<Run> runs;    // oldest first
  std::recursive_mutex mutex;  // stores of several threads may share a disk
};

/// A store without a file: for simulators, tests, and runs whose state nobody needs. Follows the
/// same protocol as the others.
class MemoryStore : public StateStore {
 public:
  using Now = std::function<std::int64_t()>;

  /// `now`: milliseconds since 1970; the machine's wall clock where it is empty.
  explicit MemoryStore(std::shared_ptr<MemoryDisk> disk, Now now = {});

  [[nodiscard]] const StoreIdentity& identity() const override { return disk_->identity; }
  [[nodiscard]] std::int64_t now_ms() override;
  [[nodiscard]] std::optional<Claim> claim(const SyncAddress& address, const RunRow& run,
                                           std::int64_t lease_ms) override;
  [[nodiscard]] std::optional<Claim> peek(const SyncAddress& address) override;
  void renew(const Holder& holder, std::int64_t lease_ms) override;
  void read_snapshot(const Holder& holder, bool with_keys, const BucketVisitor& visit) override;
  [[nodiscard]] SnapshotBucket read_bucket(const Holder& holder, std::uint32_t bucket) override;
  void read_journal(const Holder& holder, const JournalVisitor& visit) override;
  [[nodiscard]] std::vector<RejectedRow> read_rejected(const Holder& holder) override;
  void append(const Holder& holder, const Commit& commit) override;
  void finish(const Holder& holder, const Finish& finish) override;
  [[nodiscard]] std::vector<RunRow> runs(const std::string& sync, std::size_t limit) override;
  [[nodiscard]] std::vector<RejectedRow> rejected_of(const SyncAddress& address) override;
  void reset(const SyncAddress& address) override;

 private:
  using Shard = MemoryDisk::Shard;
  using Sync = MemoryDisk::Sync;

  Shard& shard_of_epoch(const Holder& holder);
  Shard& held(const Holder& holder);
  Sync* find(const SyncAddress& address);
  [[nodiscard]] bool lives(const Shard& shard);
  void relayout(std::int64_t sync_id, Sync& sync, const SyncAddress& address,
                const std::string& run_id);
  void note_run(const Holder& holder, const SyncAddress& address, const RunRow& run);
  void fold(Shard& shard, const Finish& finish);

  std::shared_ptr<MemoryDisk> disk_;
  Now now_;
  std::int64_t last_ms_ = 0;
  std::shared_ptr<const void> alive_;
};

}  // namespace tailrace
