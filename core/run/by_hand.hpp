#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "state/store.hpp"

namespace tailrace {

/// What a person says of a sync's rejected rows, between runs.
struct ByHand {
  enum class Kind : std::uint8_t {
    retry,      // to be tried at the next run
    delivered,  // a parked row has arrived at the destination, as somebody saw there
  } kind = Kind::retry;
  std::optional<std::string> key;  // retry, none: every row that is not parked
  std::string run_id;              // under which it is written down
};

/// Does it under the sync's lease, in every shard that has such rows. Gives their number; nullopt
/// while a run holds the lease. Throws std::invalid_argument where `delivered` has no key, and what
/// a store throws.
[[nodiscard]] std::optional<std::size_t> settle_by_hand(StateStore& store, const SyncAddress& sync,
                                                        const ByHand& hand);

}  // namespace tailrace
