#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "row/hash.hpp"
#include "state/errors.hpp"
#include "state/journal.hpp"
#include "state/rejected.hpp"
#include "state/snapshot.hpp"

namespace tailrace {

struct StoreIdentity {
  std::string id;  // random, made with the store; lets an orchestrator notice a swapped one
  Hasher::Secret secret{};
  int format = 1;
};

/// State belongs to (sync, account, object), and of it to one shard of n.
struct SyncAddress {
  std::string sync;
  std::string account;
  std::string object;
  int shard = 0;
  int of = 1;
};

/// One run's right to write one shard.
struct Holder {
  std::int64_t sync_id = 0;
  int shard = 0;
  int of = 1;
  std::int64_t epoch = 0;
};

struct Claim {
  Holder holder;
  std::int64_t last_seq = 0;
  int bucket_bits = 0;
  std::size_t snapshot_entries = 0;
  std::string mapping_fingerprint;  // of the last finished run; empty before the first
  std::string encoding;
  std::int64_t resynced_at_ms = 0;      // when a run last sent everything; 0 never
  std::int64_t fields_changed_at_ms = 0;  // when note_fields() last saw another list; 0 never
};

/// Opt-in: what was done with one row, succeeded rows too.
struct LogRow {
  std::string key;
  std::string op;
  std::string status;
  std::string code;
  std::string message;

  bool operator==(const LogRow&) const = default;
};

/// Opt-in: a hash of each field as it was acknowledged, so that a run can send only what changed.
/// The bytes are the caller's, kFieldHashesBytes at most.
struct FieldHashes {
  IdentityHash identity;
  std::string hashes;
};
inline constexpr std::size_t kFieldHashesBytes = 65'536;

/// One commit of the settle thread: outcomes of finished batches and intents of the next ones.
/// Everything in it becomes durable together, or nothing.
struct Commit {
  std::vector<JournalRow> journal;  // seq set by the caller, rising without gaps from last_seq
  std::vector<RejectedRow> rejected;  // inserted, or attempts + 1 and the rest replaced
  std::vector<IdentityHash> no_longer_rejected;
  std::vector<LogRow> log;
  std::vector<FieldHashes> fields;  // replaced; empty hashes remove them
  std::vector<IdentityHash> fields_forgotten;
};

struct RunRow {
  std::string run_id;
  std::string sync;
  std::string status;  // running, or the status of the report
  std::int64_t started_at_ms = 0;
  std::int64_t ended_at_ms = 0;
  std::string counts;  // JSON, the report's counts
  std::string report;  // JSON, the run report
};

/// T4. Buckets are replaced whole; journal rows up to and including `folded_seq` are deleted.
struct Finish {
  RunRow run;
  std::string mapping_fingerprint;  // empty: what an earlier run left stays (with the encoding)
  std::string encoding;
  bool fold = false;
  int bucket_bits = 0;
  bool replace_all_buckets = false;  // bucket_bits changed
  std::vector<SnapshotBucket> buckets;  // an empty `entries` deletes the bucket
  std::int64_t folded_seq = 0;
  std::vector<JournalRow> carried;  // open doubts written again with new seqs
  std::vector<IdentityHash> forgotten;  // rejected rows whose key left the model
  bool resynced = false;  // the run sent everything: sets Claim::resynced_at_ms to the store's now
};

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
  /// What a claim would find, without the lease and without changing anything: for plans. The
  /// holder in it may only read, and only until another run claims. nullopt: this sync has no state
  /// in this layout of shards.
  [[nodiscard]] virtual std::optional<Claim> peek(const SyncAddress& address) = 0;
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
};

/// Opens (and makes, where `create`) the store at `url`: sqlite:///relative/path,
/// sqlite:////absolute/path, or memory: for one that ends with the object. Throws StateLost
/// (missing though expected, corrupt, newer format), StoreUnavailable, or std::invalid_argument
/// for a URL of another kind.
[[nodiscard]] std::unique_ptr<StateStore> open_store(const std::string& url, bool create);

}  // namespace tailrace
