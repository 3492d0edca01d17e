#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "row/hash.hpp"
#include "state/snapshot.hpp"
#include "state/store.hpp"
#include "state/table.hpp"

namespace tailrace {

/// Where the keys of removed rows are read: they are not in the table. Both are called only when
/// there are removed rows.
struct KeyReader {
  int bucket_bits = 0;
  /// One bucket of the snapshot with its keys (StateStore::read_bucket).
  std::function<SnapshotBucket(std::uint32_t)> read_bucket;
  /// Calls `visit` for each row that the journal has accepted, in seq order: they are newer than
  /// the snapshot. May be unset where the journal is empty.
  using Accepted =
      std::function<void(StateOp, const IntentRow&, const std::string& destination_id)>;
  std::function<void(const Accepted& visit)> read_accepted;
};

/// Reads from the claimed shard of `store`, which must live as long as the reader.
[[nodiscard]] KeyReader key_reader(StateStore& store, const Claim& claim);

/// Finds the keys of entries that left the model and visits each with them, `gone` sorted by
/// identity. Keys of entries that are only in doubt come from the doubt. Throws StateLost where the
/// store has an entry and not its keys: a removal that cannot be named cannot be sent, and may not
/// be dropped either.
using VisitKeys = std::function<void(const IdentityHash&, const EntryKeys&)>;
void visit_keys(std::vector<IdentityHash>& gone, const StateView& state, const KeyReader& reader,
                const VisitKeys& visit);

}  // namespace tailrace
