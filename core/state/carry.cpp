#include "state/carry.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace tailrace {
namespace {

constexpr std::size_t kRowsPerIntent = 50'000;

/// A doubt as rows of an intent that stays open; their send time gives its horizon back.
struct CarriedRow {
  std::int64_t send_by_ms = 0;
  StateOp op = StateOp::write;
  IntentRow row;
};

/// True where the batch, carried as it is, says all that the doubt says.
bool says(const OpenBatch& batch, const IntentRow& row, const Doubt& doubt, std::int64_t quiet_ms) {
  const bool same_version = batch.intent.op == StateOp::remove
                                ? doubt.deleted
                                : !doubt.mixed && doubt.version == row.version;
  return same_version && batch.send_by_ms + quiet_ms == doubt.horizon_ms &&
         doubt.keys == EntryKeys{row.key, row.match, {}};
}

void carry_doubt(const IdentityHash& identity, const Doubt& doubt, std::int64_t quiet_ms,
                 std::vector<CarriedRow>& out) {
  const std::int64_t send_by_ms = doubt.horizon_ms - quiet_ms;
  const auto add = [&](StateOp op, Version version) {
    out.push_back({send_by_ms, op, {identity, version, doubt.keys.key, doubt.keys.match}});
  };
  if (doubt.deleted) {
    add(StateOp::remove, 0);
  } else if (doubt.mixed) {
    // Which versions were sent no longer matters, only that they differ.
    add(StateOp::write, 0);
    add(StateOp::write, 1);
  } else {
    add(StateOp::write, doubt.version);
  }
}

std::vector<CarriedRow> carried_rows(Doubts doubts, const std::vector<OpenBatch>& open,
                                     std::int64_t quiet_ms) {
  for (const OpenBatch& batch : open) {
    for (const IntentRow& row : batch.intent.rows) {
      const auto doubt = doubts.find(row.identity);
      if (doubt != doubts.end() && says(batch, row, doubt->second, quiet_ms)) doubts.erase(doubt);
    }
  }
  std::vector<CarriedRow> rows;
  for (const auto& [identity, doubt] : doubts) carry_doubt(identity, doubt, quiet_ms, rows);
  std::sort(rows.begin(), rows.end(), [](const CarriedRow& a, const CarriedRow& b) {
    return std::tie(a.send_by_ms, a.op, a.row.identity, a.row.version) <
           std::tie(b.send_by_ms, b.op, b.row.identity, b.row.version);
  });
  return rows;
}

/// As many of the rows as go into one intent: those sent by the same time.
std::vector<IntentBatch> next_batches(std::vector<CarriedRow>::iterator& from,
                                      std::vector<CarriedRow>::iterator end) {
  std::vector<IntentBatch> batches;
  const std::int64_t send_by_ms = from->send_by_ms;
  for (std::size_t n = 0; n < kRowsPerIntent && from != end && from->send_by_ms == send_by_ms;
       ++n, ++from) {
    if (batches.empty() || batches.back().op != from->op) {
      batches.push_back({from->op, 1, {}, {}, {}});
    }
    batches.back().rows.push_back(std::move(from->row));
  }
  return batches;
}

}  // namespace

std::vector<JournalRow> carry_doubts(const CarryInto& into, Doubts doubts,
                                     const std::vector<OpenBatch>& open, std::int64_t quiet_ms) {
  std::vector<JournalRow> carried;
  std::int64_t seq = into.last_seq;
  const auto carry = [&](const std::string& run_id, std::int64_t send_by_ms,
                         const std::vector<IntentBatch>& batches) {
    carried.push_back({++seq, into.epoch, run_id, JournalKind::intent, send_by_ms,
                       pack_intents(batches)});
  };
  for (const OpenBatch& batch : open) carry(batch.run_id, batch.send_by_ms, {batch.intent});
  std::vector<CarriedRow> rows = carried_rows(std::move(doubts), open, quiet_ms);
  for (auto from = rows.begin(); from != rows.end();) {
    const std::int64_t send_by_ms = from->send_by_ms;
    carry(into.run_id, send_by_ms, next_batches(from, rows.end()));
  }
  return carried;
}

}  // namespace tailrace
