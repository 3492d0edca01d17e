#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "state/store.hpp"
#include "state/table.hpp"

namespace tailrace {

/// What the journal says, apart from the accepted rows, which were handed out on the way.
struct Replayed {
  Doubts doubts;                // not yet judged against the acknowledged versions
  std::vector<OpenBatch> open;  // candidates: their rows may be out of doubt
  std::size_t closed_rows = 0;
  std::int64_t last_seq = 0;    // of the journal, or of the claim where it is empty
};

/// Called for each accepted row, in seq order. The last two may be empty.
using AcceptedVisitor = std::function<void(StateOp op, const IntentRow& row,
                                           const std::string& destination_id)>;

/// Reads the shard's journal once, and once more where batches were left open. Which unknown sends
/// are overruled does not depend on the order of the rows: those with a horizon before the latest
/// send time of an accepted row of the key. Throws StateLost where an outcome has no intent.
[[nodiscard]] Replayed replay_journal(StateStore& store, const Claim& claim, std::int64_t quiet_ms,
                                      const AcceptedVisitor& accepted);

/// Drops the doubts that time has ended: every unknown send carried the acknowledged version and
/// the horizon is past.
[[nodiscard]] bool ended_by_time(const Doubt& doubt, Version acknowledged, std::int64_t now_ms);

/// Leaves only batches whose rows are all in doubt.
void keep_resumable(std::vector<OpenBatch>& open, const Doubts& doubts);

}  // namespace tailrace
