#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "state/postgres_link.hpp"
#include "state/postgres_rows.hpp"
#include "state/postgres_schema.hpp"
#include "state/postgres_transaction.hpp"
#include "state/store.hpp"

namespace tailrace {

struct PostgresOptions {
  bool create = false;
  /// An expression of type timestamptz: the store's clock. Tests have one that they move.
  std::string clock = "pg_catalog.clock_timestamp()";
};

/// The store in schema `tailrace` of a PostgreSQL database, for any number of machines.
///
/// A commit returns when the server has it on disk. A connection that breaks is made anew, once,
/// and the call made again: what the first did is found by seqs and epoch. The session of a live
/// holder has an advisory lock whose key its row names, so a dead one is seen at once; a new
/// connection takes a new lock and writes its key down before anything else, or finds the epoch
/// taken. Behind a pooler a session says nothing of the run that uses it: no lock then, the lease
/// counts.
class PostgresStore : public StateStore {
 public:
  /// `url`: as libpq understands it. Throws as open_store() does.
  PostgresStore(std::string url, PostgresOptions options);
  ~PostgresStore() override;
  PostgresStore(const PostgresStore&) = delete;
  PostgresStore& operator=(const PostgresStore&) = delete;

  [[nodiscard]] const StoreIdentity& identity() const override { return identity_; }
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
  using Place = std::pair<std::int64_t, int>;  // sync_id, shard
  using Kind = PostgresTransaction::Kind;

  /// A claim whose commit was not answered.
  struct Unanswered {
    Holder holder;
    std::string run_id;
  };

  void open();
  void take_locks_again();
  /// Runs `work` on an open connection; again where the connection broke or others were in the way,
  /// unless it has shown something to a visitor already. Inside another call's work it joins that.
  void with_link(const std::function<void(PostgresLink&)>& work, const bool* shown = nullptr);
  void explain_rights();
  void check_process() const;

  [[nodiscard]] PostgresStatement reading_clock() const;
  /// Reads the clock into latest_ms_, which it also returns.
  std::int64_t clock_in(PostgresTransaction& transaction);
  [[nodiscard]] PostgresShard shard_of_epoch(PostgresTransaction& transaction, const Holder& holder,
                                             bool lock = false);
  [[nodiscard]] PostgresShard held(PostgresTransaction& transaction, const Holder& holder);
  void read(const Holder& holder, const bool* shown,
            const std::function<void(PostgresTransaction&, PostgresShard&)>& work);
  bool append_at_once(PostgresLink& link, const Holder& holder, const Commit& commit);
  void append_in_steps(PostgresLink& link, const Holder& holder, const Commit& commit);
  static void fold(PostgresTransaction& transaction, PostgresShard& shard, const Finish& finish);

  [[nodiscard]] std::int64_t lock_key_for(const Holder& holder) const;
  [[nodiscard]] std::int64_t take_lock(PostgresTransaction& transaction, const Holder& holder);
  [[nodiscard]] bool lives(const PostgresShard& shard, const std::set<std::int64_t>& locks,
                           const std::string& asking_run_id) const;
  [[nodiscard]] std::optional<Claim> claim_in(PostgresLink& link, const SyncAddress& address,
                                              const RunRow& run, std::int64_t lease_ms);
  /// Throws Fenced where a run holds one of the shards.
  void check_free(PostgresTransaction& transaction, const std::vector<PostgresShard>& shards,
                  const SyncAddress& address);
  [[nodiscard]] PostgresSync new_sync(PostgresTransaction& transaction, const SyncAddress& address);
  [[nodiscard]] PostgresSync make_sync(PostgresTransaction& transaction,
                                       const SyncAddress& address);
  [[nodiscard]] PostgresShard write_shard(PostgresTransaction& transaction, const ShardImage& image,
                                          std::int64_t sync_id);
  [[nodiscard]] std::vector<PostgresShard> relayout(PostgresTransaction& transaction,
                                                    const PostgresSync& sync,
                                                    const std::vector<PostgresShard>& old, int of,
                                                    const std::string& run_id);
  [[nodiscard]] std::optional<std::int64_t> free_name(PostgresTransaction& transaction,
                                                      const SyncAddress& address,
                                                      const PostgresSync& taken,
                                                      std::int64_t heir_id);
  void write_notes(PostgresTransaction& transaction, const PostgresShard& shard,
                   const Commit& commit);
  [[nodiscard]] RateGrant draw_in(PostgresTransaction& transaction, const RateAsk& ask);

  PostgresAddress address_;
  PostgresOptions options_;
  std::string now_sql_;  // milliseconds since 1970, never less than $1
  std::string clock_sql_;
  pid_t process_;
  std::unique_ptr<PostgresLink> link_;
  int depth_ = 0;     // of with_link()
  int backend_ = 0;   // process number of the server's session; 0 behind a pooler
  StoreIdentity identity_;
  std::optional<StoreIdentity> adopting_;  // found by a new connection where the answer was lost
  std::int64_t latest_ms_ = 0;  // no time before it is told any more
  std::optional<Unanswered> unanswered_;
  LastGrants grants_;
  std::map<Place, PostgresShard> held_;  // as this store last wrote them, of holders that live
};

/// Whether the URL is one for this kind of store.
[[nodiscard]] bool is_postgres_url(const std::string& url);

}  // namespace tailrace
