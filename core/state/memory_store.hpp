#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
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
    std::int64_t resynced_ms = 0;
    bool missing = false;              // while the sync is imported
    std::weak_ptr<const void> holder;  // gone where the store that claimed it is
    std::map<std::uint32_t, SnapshotBucket> buckets;
    std::map<std::int64_t, JournalRow> journal;
    std::map<IdentityHash, RejectedRow> rejected;

    void fill(ShardImage image);
  };
  struct Sync {
    SyncAddress address;
    std::vector<Shard> shards;  // none where another sync took its name over
    std::string fields_noted;
    std::int64_t fields_changed_ms = 0;
    std::map<IdentityHash, std::string> field_hashes;
    std::map<int, ShardCount> counts;
  };
  struct Run {
    RunRow row;
    Holder holder;
  };

  MemoryDisk();

  StoreIdentity identity;
  std::vector<Sync> syncs;  // sync_id - 1
  std::vector<Run> runs;    // oldest first
  std::deque<LogEntry> log;  // oldest first
  using Limit = std::pair<std::string, std::string>;  // account, rule
  std::map<Limit, std::map<std::int64_t, double>> budgets;  // what was used, by RateSlot::until_ms
  std::map<std::string, LoginRow> logins;
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
  [[nodiscard]] std::vector<Claim> shards(const SyncAddress& address) override;
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
  void note_fields(const SyncAddress& address, const std::string& fingerprint) override;
  [[nodiscard]] std::vector<std::string> read_fields(
      const Holder& holder, std::span<const IdentityHash> identities) override;
  [[nodiscard]] std::vector<LogEntry> log_of(const std::string& sync, const std::string& key,
                                             std::size_t limit) override;
  [[nodiscard]] RateGrant draw(const RateAsk& ask) override;
  [[nodiscard]] LoginLease take_login(const std::string& login, std::int64_t lease_ms) override;
  bool end_login(const std::string& login, std::int64_t number,
                 const std::optional<std::string>& sealed) override;
  [[nodiscard]] std::vector<LoginRow> logins() override;
  void put_shard_count(const Holder& holder, const std::string& round,
                       const std::string& counts) override;
  [[nodiscard]] std::vector<ShardCount> shard_counts(const Holder& holder,
                                                     const std::string& round) override;
  bool rename(const SyncAddress& from, const SyncAddress& to) override;
  [[nodiscard]] std::vector<SyncAddress> addresses() override;
  void adopt(const StoreIdentity& identity) override;
  void import_shard(const ShardImage& image) override;
  void import_runs(std::span<const RunRow> runs) override;
  void import_logins(std::span<const LoginRow> rows) override;

 private:
  using Shard = MemoryDisk::Shard;
  using Sync = MemoryDisk::Sync;
  using Lock = std::lock_guard<std::recursive_mutex>;

  Shard& shard_of_epoch(const Holder& holder);
  Shard& held(const Holder& holder);
  Sync* find(const SyncAddress& address);
  [[nodiscard]] bool lives(const Shard& shard);
  [[nodiscard]] std::int64_t id_of(const Sync& sync) const;
  [[nodiscard]] Sync& sync_of(const Holder& holder);
  [[nodiscard]] static Claim claim_of(const Sync& sync, const Shard& shard, const Holder& holder);
  void relayout(Sync& sync, const SyncAddress& address, const std::string& run_id);
  void note_log(const Sync& sync, const Holder& holder, const std::vector<LogRow>& log);
  /// Throws Fenced where a run holds a shard of it.
  void check_free(const Sync& sync);
  void check_unused() const;
  void note_run(const Holder& holder, const SyncAddress& address, const RunRow& run);
  void fold(Shard& shard, const Finish& finish);

  std::shared_ptr<MemoryDisk> disk_;
  Now now_;
  std::int64_t last_ms_ = 0;
  std::shared_ptr<const void> alive_;
  LastGrants grants_;
};

}  // namespace tailrace
