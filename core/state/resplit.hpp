#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "state/store.hpp"

namespace tailrace {

/// What one shard of a new layout starts with.
struct ShardImage {
  std::vector<SnapshotBucket> buckets;
  std::size_t entries = 0;
  std::vector<JournalRow> carried;
  std::vector<RejectedRow> rejected;
};

/// A sync's whole state, split anew by identity hash.
struct Resplit {
  std::vector<ShardImage> shards;
  int bucket_bits = 0;
  std::int64_t epoch = 0;     // the latest of the old shards
  std::int64_t folded_seq = 0;  // the latest seq of the old shards; the carried rows follow
  std::string mapping_fingerprint;  // empty where the old shards do not agree
  std::string encoding;
};

/// Reads the old shards, to be called inside the transaction that replaces them. No doubt is
/// judged: each is carried whole. Open batches lose memo and body digest, because a shard has only
/// some of their rows; those are in doubt then, and sent again.
[[nodiscard]] Resplit resplit(StateStore& store, const std::vector<Claim>& old, int of,
                              const std::string& run_id);

}  // namespace tailrace
