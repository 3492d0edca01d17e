#include "run/by_hand.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

#include "state/journal.hpp"

namespace tailrace {
namespace {

constexpr std::int64_t kLeaseMs = 30'000;
constexpr const char* kStatus = "by_hand";

bool is_meant(const RejectedRow& row, const ByHand& hand) {
  if (hand.key && row.key != *hand.key) return false;
  if (hand.kind == ByHand::Kind::delivered) return row.hold == Hold::parked;
  if (row.hold == Hold::released) return false;
  return hand.key || row.hold != Hold::parked;
}

std::vector<RejectedRow> meant_rows(StateStore& store, const Holder& holder, const ByHand& hand) {
  std::vector<RejectedRow> rows = store.read_rejected(holder);
  std::erase_if(rows, [&](const RejectedRow& row) { return !is_meant(row, hand); });
  return rows;
}

JournalRow journal_row(const Claim& claim, const std::string& run_id, JournalKind kind) {
  JournalRow row;
  row.epoch = claim.holder.epoch;
  row.run_id = run_id;
  row.kind = kind;
  return row;
}

/// An intent and its acceptance, as if a request had just been answered: an insert's, which ends
/// the doubt about the one that was parked whether or not its horizon has passed. The record is
/// there.
std::vector<JournalRow> acceptance(const Claim& claim, const RunRow& run,
                                   const std::vector<RejectedRow>& rows) {
  IntentBatch batch;
  batch.op = StateOp::insert;
  for (const RejectedRow& row : rows) {
    batch.rows.push_back({row.identity, row.version, row.key, {}});
  }
  JournalRow intent = journal_row(claim, run.run_id, JournalKind::intent);
  intent.seq = claim.last_seq + 1;
  intent.send_by_ms = run.started_at_ms;
  intent.entries = pack_intents({batch});
  JournalRow outcome = journal_row(claim, run.run_id, JournalKind::outcome);
  outcome.seq = intent.seq + 1;
  outcome.entries = pack_outcomes(
      {OutcomeBatch{intent.seq, 0, run.started_at_ms, {RowResult{RowOutcome::accepted, {}}}}});
  return {std::move(intent), std::move(outcome)};
}

Commit commit_of(const Claim& claim, ByHand::Kind kind, const RunRow& run,
                 std::vector<RejectedRow> rows) {
  Commit commit;
  if (kind == ByHand::Kind::delivered) {
    commit.journal = acceptance(claim, run, rows);
    for (const RejectedRow& row : rows) commit.no_longer_rejected.push_back(row.identity);
  } else {
    for (RejectedRow& row : rows) {
      row.hold = Hold::released;
      row.last_at_ms = run.started_at_ms;  // what is sent later is not covered by the release
    }
    commit.rejected = std::move(rows);
  }
  return commit;
}

/// nullopt: busy.
std::optional<std::size_t> settle_shard(StateStore& store, const SyncAddress& shard,
                                        const ByHand& hand) {
  // Looked at without the lease first: most shards have none of the rows.
  const std::optional<Claim> seen = store.peek(shard);
  if (!seen) return std::nullopt;  // a run has just split it
  if (meant_rows(store, seen->holder, hand).empty()) return 0;
  RunRow run{hand.run_id, shard.sync, "running", store.now_ms(), 0, "{}", "null"};
  if (shard.of > 1) run.run_id += "-" + std::to_string(shard.shard);
  const std::optional<Claim> claim = store.claim(shard, run, kLeaseMs);
  if (!claim) return std::nullopt;
  std::vector<RejectedRow> rows = meant_rows(store, claim->holder, hand);
  const std::size_t count = rows.size();
  if (count > 0) store.append(claim->holder, commit_of(*claim, hand.kind, run, std::move(rows)));
  Finish finish;
  finish.run = std::move(run);
  finish.run.status = kStatus;
  finish.run.ended_at_ms = store.now_ms();
  finish.bucket_bits = claim->bucket_bits;
  store.finish(claim->holder, finish);
  return count;
}

}  // namespace

std::optional<std::size_t> settle_by_hand(StateStore& store, const SyncAddress& sync,
                                          const ByHand& hand) {
  if (hand.kind == ByHand::Kind::delivered && !hand.key) {
    throw std::invalid_argument("which row was delivered has to be said by its key");
  }
  std::size_t settled = 0;
  for (const SyncAddress& shard : store.addresses()) {
    if (shard.sync != sync.sync || shard.account != sync.account || shard.object != sync.object) {
      continue;
    }
    const std::optional<std::size_t> rows = settle_shard(store, shard, hand);
    if (!rows) return std::nullopt;
    settled += *rows;
  }
  return settled;
}

}  // namespace tailrace
