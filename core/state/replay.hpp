#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "state/store.hpp"
#include "state/table.hpp"

namespace tailrace {

/// One row of one request that may have taken effect, or may do so until its horizon.
struct UnknownSend {
  static constexpr std::uint32_t kNotOpen = UINT32_MAX;

  IdentityHash identity;
  Version version = 0;
  std::int64_t horizon_ms = 0;
  StateOp op = StateOp::write;
  std::uint32_t open = kNotOpen;  // index of its batch in Replayed::open
  EntryKeys keys;
};

/// What the journal says, apart from the accepted rows, which were handed out on the way.
struct Replayed {
  std::vector<UnknownSend> sends;  // that no later acceptance has overruled
  std::vector<OpenBatch> open;  // batches that could be taken up again, were they all in doubt
  std::size_t closed_rows = 0;
  std::int64_t last_seq = 0;  // of the journal, or of the claim where it is empty
};

/// Called for each accepted row, in seq order. `destination_id` may be empty.
using AcceptedVisitor =
    std::function<void(StateOp op, const IntentRow& row, const std::string& destination_id)>;

/// Reads the shard's journal once, and once more where rows were left open or unknown. Overruled
/// are the sends whose horizon lies before the latest send time of an accepted row of the key, and
/// inserts whose version was told to be inserted in a later row of the journal. (Nobody inserts
/// after an insert in doubt without having looked.) Throws StateLost where an outcome has no
/// intent.
[[nodiscard]] Replayed replay_journal(StateStore& store, const Claim& claim, std::int64_t quiet_ms,
                                      const AcceptedVisitor& accepted);

/// True where only what is acknowledged can still tell whether the send matters.
[[nodiscard]] inline bool can_end_by_time(const UnknownSend& send, std::int64_t now_ms) {
  return send.op != StateOp::insert && now_ms > send.horizon_ms;
}

/// Takes out the sends that time has ended: they carried the version that is acknowledged, or were
/// deletes of what is not there, and their horizon is past. Not so where a batch that may be
/// resumed has the row as well. Leaves in `open` the batches whose rows are all in doubt by this
/// very send.
using Acknowledged = std::function<std::optional<Version>(const IdentityHash&)>;
void end_by_time(Replayed& replayed, const Acknowledged& acknowledged, std::int64_t now_ms);

/// Whether what is known of an unknown insert is in the rejected row: that is parked in the
/// insert's version, or a person has released it after the insert was sent. (One that was sent
/// since is in doubt by itself.)
[[nodiscard]] bool holds(const RejectedRow& row, const UnknownSend& insert, std::int64_t quiet_ms);

/// Takes out the inserts that are held by a rejected row. Batches they are in are not left in
/// `open`.
using IsHeld = std::function<bool(const UnknownSend&)>;
void end_held(Replayed& replayed, const IsHeld& is_held);

/// What is left, summed up by key.
[[nodiscard]] Doubts doubts_of(std::vector<UnknownSend>&& sends);

}  // namespace tailrace
