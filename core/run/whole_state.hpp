#pragma once

#include <cstdint>
#include <vector>

#include "diff/removed.hpp"
#include "state/store.hpp"
#include "state/table.hpp"

namespace tailrace {

/// A sync's shards as they are, by number, without claiming any; none where it has no state. The
/// holders may only read, each until another run claims its shard.
[[nodiscard]] std::vector<Claim> shards_of(StateStore& store, const SyncAddress& address);

/// What all shards have in common, as one claim of the whole: the latest epoch and seq, all
/// entries; fingerprint and encoding where every shard agrees. Its holder reads nothing. An empty
/// claim where there are no shards.
[[nodiscard]] Claim claim_of_whole(const std::vector<Claim>& shards);

/// Loads the state of a sync in whatever layout of shards it is kept (see load_state).
[[nodiscard]] StateView load_whole(StateStore& store, const std::vector<Claim>& shards,
                                   std::int64_t quiet_ms);

/// Reads the keys of removed rows from all of them. `store` must live as long as the reader.
[[nodiscard]] KeyReader whole_key_reader(StateStore& store, const std::vector<Claim>& shards);

}  // namespace tailrace
