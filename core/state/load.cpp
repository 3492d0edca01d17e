#include <optional>
#include <string>
#include <utility>

#include "row/mutant.hpp"
#include "state/clock.hpp"
#include "state/errors.hpp"
#include "state/replay.hpp"
#include "state/table.hpp"

namespace tailrace {
namespace {

// Rows that the run will add need no growth as long as they are fewer than this share.
constexpr std::size_t kHeadroom = 16;

void load_bucket(const Claim& claim, const SnapshotBucket& bucket, std::uint32_t today,
                 StateTable& table) {
  const std::vector<SnapshotEntry> entries = unpack_entries(bucket.entries);
  const std::vector<AbsentEntry> absent = unpack_absent(bucket.absent);
  auto next_absent = absent.begin();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const bool is_absent = next_absent != absent.end() && next_absent->index == i;
    const bool expired = is_absent && next_absent->day + kAbsentDays < today;
    if (is_absent) ++next_absent;
    if (expired) continue;
    const StateTable::Slot slot = table.insert(entries[i].identity);
    table.version(slot) = entries[i].version;
    table.marks(slot).acknowledged = true;
    table.marks(slot).absent = is_absent;
  }
  if (next_absent != absent.end()) {
    throw StateLost("state: absent entries point past bucket " + std::to_string(bucket.bucket));
  }
  const auto outside = [&](const SnapshotEntry& entry) {
    return bucket_of(entry.identity, claim.bucket_bits) != bucket.bucket;
  };
  // Sorted, so the first and the last speak for all.
  if (!entries.empty() && (outside(entries.front()) || outside(entries.back()))) {
    throw StateLost("state: bucket " + std::to_string(bucket.bucket) + " holds entries of another");
  }
}

void apply(StateTable& table, StateOp op, const IntentRow& row) {
  const StateTable::Slot slot = table.insert(row.identity);
  StateTable::Marks& marks = table.marks(slot);
  marks.acknowledged = op != StateOp::remove;
  marks.absent = false;
  table.version(slot) = marks.acknowledged ? row.version : 0;
}

void count(StateView& view) {
  for (StateTable::Slot slot = 0; slot < view.table.capacity(); ++slot) {
    const StateTable::Marks& marks = view.table.marks(slot);
    const bool in_doubt = marks.in_doubt && !mutant(13);
    view.known += ((marks.acknowledged && !marks.absent) || in_doubt) ? 1 : 0;
    view.has_baseline = view.has_baseline || marks.acknowledged || marks.in_doubt;
  }
}

}  // namespace

StateView load_state(StateStore& store, const Claim& claim, std::int64_t quiet_ms) {
  const std::int64_t now_ms = store.now_ms();
  const auto today = static_cast<std::uint32_t>(now_ms / kDayMs);
  StateView view;
  view.table = StateTable(claim.snapshot_entries + claim.snapshot_entries / kHeadroom);
  store.read_snapshot(claim.holder, false, [&](const SnapshotBucket& bucket) {
    load_bucket(claim, bucket, today, view.table);
  });
  Replayed replayed = replay_journal(
      store, claim, quiet_ms,
      [&](StateOp op, const IntentRow& row, const std::string&) { apply(view.table, op, row); });
  view.journal_rows = replayed.closed_rows;
  const auto acknowledged = [&](const IdentityHash& identity) -> std::optional<Version> {
    const StateTable::Slot slot = view.table.find(identity);
    if (slot == StateTable::kNone || !view.table.marks(slot).acknowledged) return std::nullopt;
    return view.table.version(slot);
  };
  end_by_time(replayed, acknowledged, now_ms);
  for (RejectedRow& row : store.read_rejected(claim.holder)) {
    view.table.marks(view.table.insert(row.identity)).rejected = true;
    const IdentityHash identity = row.identity;
    view.rejected.insert_or_assign(identity, std::move(row));
  }
  end_held(replayed, [&](const UnknownSend& insert) {
    const auto row = view.rejected.find(insert.identity);
    return row != view.rejected.end() && holds(row->second, insert, quiet_ms);
  });
  view.doubts = doubts_of(std::move(replayed.sends));
  view.open = std::move(replayed.open);
  for (const auto& [identity, doubt] : view.doubts) {
    StateTable::Marks& marks = view.table.marks(view.table.insert(identity));
    marks.in_doubt = marks.acknowledged || doubt.written;
  }
  count(view);
  return view;
}

}  // namespace tailrace
