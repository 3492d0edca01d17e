#pragma once

#include <string>
#include <vector>

#include "state/store.hpp"

namespace tailrace {

/// A sync's whole state, split anew by identity hash: what each shard of the new layout starts
/// with, its epoch and seqs going on from the latest of the old shards. Fingerprints on which the
/// old shards do not agree are empty.
///
/// Reads the old shards, to be called inside the transaction that replaces them. No doubt is
/// judged: each is carried whole. Open batches lose their body digest, because a shard has only
/// some of their rows; those are in doubt then, and sent again. Throws JobsOpen where one was left
/// in a job.
[[nodiscard]] std::vector<ShardImage> resplit(StateStore& store, const std::vector<Claim>& old,
                                              int of, const std::string& run_id);

}  // namespace tailrace
