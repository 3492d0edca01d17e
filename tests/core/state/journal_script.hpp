#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "state/store.hpp"
#include "state/table.hpp"

namespace tailrace::test {

/// An identity spread over the whole range, as hashes are; the same for the same number.
[[nodiscard]] IdentityHash identity_of(std::uint64_t number);
[[nodiscard]] std::string key_of(std::uint64_t number);
[[nodiscard]] IntentRow intent_row(std::uint64_t number, Version version);

[[nodiscard]] RunRow run_row(const std::string& id, std::int64_t started_at_ms = 0);
inline const SyncAddress kAccounts{"accounts", "crm:acme", "Account", 0, 1};
inline constexpr std::int64_t kLeaseMs = 60'000;
inline constexpr std::int64_t kQuietMs = 120'000;

/// Writes journal rows as a run does, and keeps count of the seqs.
class Journalist {
 public:
  Journalist(StateStore& store, const Claim& claim, std::string run_id)
      : store_(store), claim_(claim), run_id_(std::move(run_id)), seq_(claim.last_seq) {}

  /// Each returns the seq of its row.
  std::int64_t intent(std::vector<IntentBatch> batches, std::int64_t send_by_ms);
  std::int64_t outcome(std::vector<OutcomeBatch> batches);
  std::int64_t void_of(std::vector<VoidBatch> batches);

  /// Intent and outcome of one batch: the rows are accepted with these versions.
  void accept(const std::vector<IntentRow>& rows, std::int64_t sent_at_ms,
              StateOp op = StateOp::write);

  [[nodiscard]] std::int64_t seq() const { return seq_; }
  [[nodiscard]] JournalRow row(JournalKind kind, std::int64_t send_by_ms, std::string entries);

 private:
  std::int64_t append(JournalRow row);

  StateStore& store_;
  Claim claim_;
  std::string run_id_;
  std::int64_t seq_;
};

/// Ends the run with a fold.
void finish_with_fold(StateStore& store, const Claim& claim, const RunRow& run,
                      const FoldInput& input = {}, std::int64_t quiet_ms = kQuietMs);
/// Ends the run and leaves the journal as it is.
void finish_plain(StateStore& store, const Claim& claim, const RunRow& run);

}  // namespace tailrace::test
