#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "row/hash.hpp"

namespace tailrace {

enum class JournalKind : std::uint8_t { intent = 1, outcome = 2, void_ = 3 };

/// One row of the append-only journal. `entries` is packed and checksummed (pack_*).
struct JournalRow {
  std::int64_t seq = 0;
  std::int64_t epoch = 0;
  std::string run_id;
  JournalKind kind = JournalKind::intent;
  std::int64_t send_by_ms = 0;  // intent: store's clock
  std::string entries;
};

/// What was done to the record, as far as state cares. A write or a removal that is done again ends
/// in the same; an insert makes another record each time.
enum class StateOp : std::uint8_t { write = 1, remove = 2, insert = 3 };

struct IntentRow {
  IdentityHash identity;
  Version version = 0;
  std::string key;
  std::string match;  // empty where it equals the key
};

/// One batch of an intent; a journal row carries a window of them.
struct IntentBatch {
  StateOp op = StateOp::write;
  std::uint32_t attempt = 1;
  std::string memo;         // ≤ 4 KiB, what resume() gets
  std::string body_sha256;  // unkeyed writes with an idempotency key: 32 raw bytes, else empty
  std::vector<IntentRow> rows;
};

enum class RowOutcome : std::uint8_t {
  accepted = 1,
  rejected = 2,
  unknown = 3,
  retryable = 4,  // proved not to have happened: closes the row without doubt
  skipped = 5,
};

struct RowResult {
  RowOutcome outcome = RowOutcome::unknown;
  std::string destination_id;  // where the tool told it
};

/// How the rows of one batch of one intent ended. `rows` is as long as the intent's batch, or has
/// one element that speaks for all.
struct OutcomeBatch {
  std::int64_t intent_seq = 0;
  std::uint32_t batch = 0;
  std::int64_t sent_at_ms = 0;  // store's clock
  std::vector<RowResult> rows;
};

/// An intent's batch proved not to have been sent.
struct VoidBatch {
  std::int64_t intent_seq = 0;
  std::uint32_t batch = 0;
};

[[nodiscard]] std::string pack_intents(const std::vector<IntentBatch>& batches);
[[nodiscard]] std::string pack_outcomes(const std::vector<OutcomeBatch>& batches);
[[nodiscard]] std::string pack_voids(const std::vector<VoidBatch>& batches);

/// Each throws StateLost where the checksum or the structure is wrong.
[[nodiscard]] std::vector<IntentBatch> unpack_intents(std::string_view entries);
[[nodiscard]] std::vector<OutcomeBatch> unpack_outcomes(std::string_view entries);
[[nodiscard]] std::vector<VoidBatch> unpack_voids(std::string_view entries);

}  // namespace tailrace
