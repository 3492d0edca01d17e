#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "state/clock.hpp"
#include "state/holder_lock.hpp"
#include "state/sqlite.hpp"
#include "state/sqlite_rows.hpp"
#include "state/store.hpp"

namespace tailrace {

struct SqliteOptions {
  bool create = false;
  ClockSource clock = read_machine_clock;
  std::string vfs;  // SQLite's name of a file layer; for tests that make it fail
};

/// The store in one file on a local disk. Beside it lie SQLite's -wal and -shm, and .lock, in which
/// live holders show themselves; all 0600.
///
/// A commit returns when it is synced. After an error that leaves it unsure what is on the disk the
/// connection is closed; the next call opens a new one, checks the whole file and writes out what
/// its log holds before anything else.
class SqliteStore : public StateStore {
 public:
  SqliteStore(const std::string& path, SqliteOptions options);
  ~SqliteStore() override;
  SqliteStore(const SqliteStore&) = delete;
  SqliteStore& operator=(const SqliteStore&) = delete;

  [[nodiscard]] const StoreIdentity& identity() const override { return identity_; }
  [[nodiscard]] std::int64_t now_ms() override { return clock_.now_ms(); }
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
  /// A claim whose commit was not answered.
  struct Unanswered {
    Holder holder;
    std::string run_id;
  };
  /// What the small tables say at the beginning of a claim.
  struct Catalogue {
    StoreRow store;
    std::vector<SyncRow> syncs;
    std::vector<ShardRow> shards;

    /// Null where there is none.
    [[nodiscard]] const SyncRow* find(const SyncAddress& address) const;
    [[nodiscard]] std::vector<ShardRow> shards_of(const SyncRow& sync) const;
  };

  void open();
  void migrate(SqliteConnection& connection);
  void recover(SqliteConnection& connection) const;
  /// Runs `work` on an open connection, which is closed where it becomes suspect.
  void with_connection(const std::function<void(SqliteConnection&)>& work);
  void check_process() const;

  [[nodiscard]] Catalogue read_catalogue(SqliteCatalogue& tables);
  void adopt_clock(SqliteCatalogue& tables, const Catalogue& catalogue, bool write);
  [[nodiscard]] bool lives(const ShardRow& shard, const std::string& asking_run_id);
  /// Throws Fenced where a run holds one of them.
  void check_free(const std::vector<ShardRow>& shards, const SyncAddress& address);
  /// Removes a sync under which nothing was ever written down, and gives its runs to another.
  /// Returns its latest epoch; nullopt where it has state.
  [[nodiscard]] std::optional<std::int64_t> free_name(const SyncAddress& name, std::int64_t runs_to,
                                                      Catalogue& catalogue);
  /// Makes the sync, without shards.
  [[nodiscard]] SyncRow new_sync(const SyncAddress& address, Catalogue& catalogue);
  /// Makes the sync with shards that hold nothing.
  void make_sync(const SyncAddress& address, Catalogue& catalogue);
  [[nodiscard]] std::vector<ShardRow> relayout(const SyncRow& sync,
                                               const std::vector<ShardRow>& old, int of,
                                               const std::string& run_id, Catalogue& catalogue);
  ShardRow write_shard(const ShardImage& image, std::int64_t sync_id);
  void write_notes(const ShardRow& shard, const Commit& commit);
  [[nodiscard]] ShardRow shard_of_epoch(const Holder& holder);
  [[nodiscard]] ShardRow held(const Holder& holder);

  std::string path_;
  SqliteOptions options_;
  pid_t process_;
  std::unique_ptr<SqliteConnection> connection_;
  bool suspect_ = false;
  StoreIdentity identity_;
  StoreClock clock_;
  HolderLock lock_;
  std::optional<Unanswered> unanswered_;
  LastGrants grants_;
};

/// The path that a URL names: sqlite:///relative, sqlite:////absolute. Throws
/// std::invalid_argument.
[[nodiscard]] std::string sqlite_path_of(const std::string& url);

}  // namespace tailrace
