#include "state/store.hpp"

#include <utility>

namespace tailrace {

std::optional<Claim> StateStore::peek(const SyncAddress& address) {
  for (Claim& claim : shards(address)) {
    const Holder& holder = claim.holder;
    if (holder.shard == address.shard && holder.of == address.of) return std::move(claim);
  }
  return std::nullopt;
}

}  // namespace tailrace
