#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "state/budget.hpp"
#include "state/errors.hpp"
#include "state/login.hpp"
#include "state/records.hpp"

namespace tailrace {

/// Keeps what destinations have acknowledged. All methods throw StateLost, StoreUnavailable; those
/// that take a Holder also throw Fenced: when another run took a newer epoch, or finish() was
/// called. One object is used by one thread at a time and in the process that opened it; append()
/// is called from the settle thread while nothing else is.
///
/// After StoreUnavailable the same call may be made again. What it did is then found by its seqs or
/// its epoch, so a commit whose answer was lost is not made twice.
class StateStore {
 public:
  virtual ~StateStore() = default;

  [[nodiscard]] virtual const StoreIdentity& identity() const = 0;

  /// The store's clock, milliseconds since 1970. Never goes back.
  [[nodiscard]] virtual std::int64_t now_ms() = 0;

  /// T1: takes the next epoch and the lease; nullopt while another run holds it. A holder that is
  /// proved dead (its process lock is free) does not count. A whole run and shards of it exclude
  /// each other; another number of shards splits anew what the old ones left. Writes the run down
  /// as running, and runs of older epochs that never ended as interrupted.
  [[nodiscard]] virtual std::optional<Claim> claim(const SyncAddress& address, const RunRow& run,
                                                   std::int64_t lease_ms) = 0;
  /// What claims of the sync's shards would find, in their order and as they stand at one moment,
  /// without the lease and without changing anything: for plans. The holders in it may only read,
  /// and only until another run claims. Empty: this sync has no state. Of the address, neither the
  /// shard nor the number of shards counts.
  [[nodiscard]] virtual std::vector<Claim> shards(const SyncAddress& address) = 0;
  /// One of them. nullopt: this sync has no state in the address's layout of shards.
  [[nodiscard]] std::optional<Claim> peek(const SyncAddress& address);
  virtual void renew(const Holder& holder, std::int64_t lease_ms) = 0;

  using BucketVisitor = std::function<void(const SnapshotBucket&)>;
  /// Visits buckets in order; `keys` is filled only where asked for.
  virtual void read_snapshot(const Holder& holder, bool with_keys, const BucketVisitor& visit) = 0;
  /// One bucket with its keys; empty entries where there is none.
  [[nodiscard]] virtual SnapshotBucket read_bucket(const Holder& holder, std::uint32_t bucket) = 0;

  using JournalVisitor = std::function<void(const JournalRow&)>;
  /// Visits the shard's journal in seq order.
  virtual void read_journal(const Holder& holder, const JournalVisitor& visit) = 0;
  [[nodiscard]] virtual std::vector<RejectedRow> read_rejected(const Holder& holder) = 0;

  /// T2 and T3: durable when it returns. Checks the epoch. Throws std::logic_error where the seqs
  /// do not follow on.
  virtual void append(const Holder& holder, const Commit& commit) = 0;

  /// T4: fold, run row, lease released, in one transaction.
  virtual void finish(const Holder& holder, const Finish& finish) = 0;

  /// Newest first; every sync's where `sync` is empty. For `status`; takes no lease. A store keeps
  /// the last thousand of each sync.
  [[nodiscard]] virtual std::vector<RunRow> runs(const std::string& sync, std::size_t limit) = 0;
  [[nodiscard]] virtual std::vector<RejectedRow> rejected_of(const SyncAddress& address) = 0;

  /// Drops baseline and journal of the sync (all shards): the next run sends everything again and
  /// deletes nothing. Epochs and seqs go on. Throws Fenced where a run holds the lease.
  virtual void reset(const SyncAddress& address) = 0;

  /// The destination's fields as a run or a check saw them. Where they are not those noted last,
  /// Claim::fields_changed_at_ms is now. Does nothing where the sync has no state.
  virtual void note_fields(const SyncAddress& address, const std::string& fingerprint) = 0;
  /// Field hashes of the identities, in their order; an empty text where none are kept.
  [[nodiscard]] virtual std::vector<std::string> read_fields(
      const Holder& holder, std::span<const IdentityHash> identities) = 0;
  /// Newest first; of every sync where `sync` is empty. Kept for kLogDays.
  [[nodiscard]] virtual std::vector<LogEntry> log_of(const std::string& sync,
                                                     const std::string& key, std::size_t limit) = 0;

  /// Takes tokens of a limit that all runs of an account share, or gives some back. A machine that
  /// loses its power may forget what was drawn last; a call made again after StoreUnavailable may
  /// take tokens twice. Throws std::invalid_argument where the ask makes no sense.
  [[nodiscard]] virtual RateGrant draw(const RateAsk& ask) = 0;

  /// The right to renew the token of a login, for at most so long: whoever has it alone may use the
  /// refresh token that is kept. A call made again after StoreUnavailable may find its own lease.
  [[nodiscard]] virtual LoginLease take_login(const std::string& login, std::int64_t lease_ms) = 0;
  /// Ends the lease, and replaces what is kept where `sealed` is set: durable when it returns.
  /// False where another has taken the lease since; then nothing has changed.
  virtual bool end_login(const std::string& login, std::int64_t number,
                         const std::optional<std::string>& sealed) = 0;
  /// By name.
  [[nodiscard]] virtual std::vector<LoginRow> logins() = 0;

  /// Replaces what this shard counted before.
  virtual void put_shard_count(const Holder& holder, const std::string& round,
                               const std::string& counts) = 0;
  /// Of this round, by every shard of the holder's layout that has counted; where the round is an
  /// empty text, not those older than an hour. By shard.
  [[nodiscard]] virtual std::vector<ShardCount> shard_counts(const Holder& holder,
                                                             const std::string& round) = 0;

  /// Gives the state of `from`, in all its shards, to the sync `to`, unless that has some. False
  /// where nothing was carried. Throws Fenced where a run holds one of the two.
  virtual bool rename(const SyncAddress& from, const SyncAddress& to) = 0;

  /// Every shard of every sync.
  [[nodiscard]] virtual std::vector<SyncAddress> addresses() = 0;
  /// For a store that another is copied into (copy_store): takes over id and secret. Throws
  /// std::logic_error unless the store is empty.
  virtual void adopt(const StoreIdentity& identity) = 0;
  /// Puts in one shard. A sync of which a shard is missing cannot be claimed. Throws
  /// std::logic_error where the shard is there, or a run has used the store.
  virtual void import_shard(const ShardImage& image) = 0;
  /// Puts in runs, oldest first. Throws std::logic_error where a run has used the store.
  virtual void import_runs(std::span<const RunRow> runs) = 0;
  /// Puts in what another store keeps of logins.
  virtual void import_logins(std::span<const LoginRow> rows) = 0;
};

/// Opens (and makes, where `create`) the store at `url`: sqlite:///relative/path,
/// sqlite:////absolute/path, postgresql://… as libpq understands it, or memory: for one that ends
/// with the object. Throws StateLost (missing though expected, corrupt, newer format),
/// StoreUnavailable, or std::invalid_argument for a URL of another kind, a refused login, missing
/// rights.
[[nodiscard]] std::unique_ptr<StateStore> open_store(const std::string& url, bool create);

}  // namespace tailrace
