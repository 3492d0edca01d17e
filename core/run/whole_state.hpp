#pragma once

#include <cstdint>
#include <vector>

#include "diff/removed.hpp"
#include "state/store.hpp"
#include "state/table.hpp"

namespace tailrace {

/// What all shards have in common, as one claim of the whole: the latest epoch and seq, all
/// entries; fingerprint and encoding where every shard agrees. Its holder reads nothing. An empty
/// claim where there are no shards.
[[nodiscard]] Claim claim_of_whole(const std::vector<Claim>& shards);

/// Loads the state of a sync in whatever layout of shards it is kept (see load_state).
[[nodiscard]] StateView load_whole(StateStore& store, const std::vector<Claim>& shards,
                                   std::int64_t quiet_ms);

/// The same for one that holds one of the shards, while runs of the others may be at work: each as
/// it was at some moment. `address` is that of `own`. Throws StoreUnavailable where one of them
/// does not hold still for as long as it takes to read it.
[[nodiscard]] StateView load_beside(StateStore& store, const Claim& own, const SyncAddress& address,
                                    std::int64_t quiet_ms);

/// Reads the keys of removed rows from all of them. `store` must live as long as the reader.
[[nodiscard]] KeyReader whole_key_reader(StateStore& store, const std::vector<Claim>& shards);

}  // namespace tailrace
