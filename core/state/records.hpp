#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "row/hash.hpp"
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

  bool operator==(const SyncAddress&) const = default;
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
inline constexpr std::size_t kFieldHashesBytes = 65'544;

/// One commit of the settle thread: outcomes of finished batches and intents of the next ones.
/// Everything in it becomes durable together, or nothing. One without journal rows cannot be found
/// again: it is made as often as it is asked for.
struct Commit {
  std::vector<JournalRow> journal;  // seq set by the caller, rising without gaps from last_seq
  std::vector<RejectedRow> rejected;  // inserted, or the rest replaced and, unless it is released,
                                      // attempts + 1
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

inline constexpr int kLogDays = 90;

/// A row of the log, as it is read back.
struct LogEntry {
  std::string run_id;
  std::string sync;
  LogRow row;
  std::int64_t at_ms = 0;
};

/// What one shard counted before it sends, so that each can guard the whole sync.
struct ShardCount {
  int shard = 0;
  std::string round;  // a text that all shards of one round share; may be empty
  std::int64_t at_ms = 0;
  std::string counts;  // JSON
};

/// All that a store keeps of one shard, but for the log, the field hashes and the counts: what is
/// lost with those is only sent again.
struct ShardImage {
  SyncAddress address;
  Claim claim;  // of its holder only the epoch: the next one claimed is later
  std::vector<SnapshotBucket> buckets;
  std::vector<JournalRow> journal;  // the seqs up to the claim's last
  std::vector<RejectedRow> rejected;
};

}  // namespace tailrace
