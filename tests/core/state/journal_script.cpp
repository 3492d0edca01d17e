#include "journal_script.hpp"

#include <utility>

namespace tailrace::test {
namespace {

// The finaliser of SplitMix64: a bijection whose results look random.
std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9U;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBU;
  return value ^ (value >> 31);
}

}  // namespace

IdentityHash identity_of(std::uint64_t number) {
  return {mix(number + 1), mix(number + 0x9E3779B97F4A7C15U)};
}

std::string key_of(std::uint64_t number) { return "key-" + std::to_string(number); }

IntentRow intent_row(std::uint64_t number, Version version) {
  return {identity_of(number), version, key_of(number), {}};
}

RunRow run_row(const std::string& id, std::int64_t started_at_ms) {
  RunRow run;
  run.run_id = id;
  run.sync = kAccounts.sync;
  run.started_at_ms = started_at_ms;
  return run;
}

JournalRow Journalist::row(JournalKind kind, std::int64_t send_by_ms, std::string entries) {
  return {++seq_, claim_.holder.epoch, run_id_, kind, send_by_ms, std::move(entries)};
}

std::int64_t Journalist::append(JournalRow row) {
  Commit commit;
  commit.journal.push_back(std::move(row));
  store_.append(claim_.holder, commit);
  return seq_;
}

std::int64_t Journalist::intent(std::vector<IntentBatch> batches, std::int64_t send_by_ms) {
  return append(row(JournalKind::intent, send_by_ms, pack_intents(batches)));
}

std::int64_t Journalist::outcome(std::vector<OutcomeBatch> batches) {
  return append(row(JournalKind::outcome, 0, pack_outcomes(batches)));
}

std::int64_t Journalist::void_of(std::vector<VoidBatch> batches) {
  return append(row(JournalKind::void_, 0, pack_voids(batches)));
}

void Journalist::accept(const std::vector<IntentRow>& rows, std::int64_t sent_at_ms, StateOp op) {
  const std::int64_t seq = intent({{op, 1, {}, {}, rows}}, sent_at_ms + 30'000);
  outcome({{seq, 0, sent_at_ms, {{RowOutcome::accepted, {}}}}});
}

void finish_with_fold(StateStore& store, const Claim& claim, const RunRow& run,
                      const FoldInput& input, std::int64_t quiet_ms) {
  Finish finish;
  finish.run = run;
  finish.run.status = "done";
  finish.run.ended_at_ms = store.now_ms();
  fold_state(store, claim, input, store.now_ms(), quiet_ms, finish);
  store.finish(claim.holder, finish);
}

void finish_plain(StateStore& store, const Claim& claim, const RunRow& run) {
  Finish finish;
  finish.run = run;
  finish.run.status = "done";
  finish.run.ended_at_ms = store.now_ms();
  store.finish(claim.holder, finish);
}

}  // namespace tailrace::test
