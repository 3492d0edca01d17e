#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "row/hash.hpp"
#include "state/snapshot.hpp"
#include "state/table.hpp"

namespace tailrace {

/// The bucket as it would be after a fold: what the journal has accepted is in it, keys too.
using ReadBucket = std::function<SnapshotBucket(std::uint32_t)>;

/// Looks up the keys of entries that left the model, bucket by bucket, and visits each with them;
/// `gone` is sorted by it. Keys of entries that are only in doubt come from the doubt. Throws
/// StateLost where the store has an entry and not its keys: a removal that cannot be named cannot
/// be sent, and may not be dropped either.
using VisitKeys = std::function<void(const IdentityHash&, const EntryKeys&)>;
void visit_keys(std::vector<IdentityHash>& gone, const StateView& state, int bucket_bits,
                const ReadBucket& read_bucket, const VisitKeys& visit);

}  // namespace tailrace
