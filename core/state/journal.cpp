#include "state/journal.hpp"

#include "state/packing.hpp"

namespace tailrace {
namespace {

constexpr std::size_t kShaBytes = 32;
constexpr std::size_t kLeastIntentRowBytes = 26;  // identity, version, two lengths
constexpr std::size_t kLeastIntentBatchBytes = 5;
constexpr std::size_t kLeastOutcomeRowBytes = 2;
constexpr std::size_t kLeastOutcomeBatchBytes = 11;
constexpr std::size_t kLeastVoidBytes = 2;

StateOp op_of(BlobReader& in) {
  const std::uint8_t op = in.byte();
  if (op < static_cast<std::uint8_t>(StateOp::write) ||
      op > static_cast<std::uint8_t>(StateOp::insert)) {
    in.fail("unknown operation");
  }
  return static_cast<StateOp>(op);
}

RowOutcome outcome_of(BlobReader& in) {
  const std::uint8_t outcome = in.byte();
  if (outcome < static_cast<std::uint8_t>(RowOutcome::accepted) ||
      outcome > static_cast<std::uint8_t>(RowOutcome::skipped)) {
    in.fail("unknown outcome");
  }
  return static_cast<RowOutcome>(outcome);
}

std::int64_t seq_of(BlobReader& in) {
  const std::uint64_t seq = in.varint();
  if (seq > static_cast<std::uint64_t>(INT64_MAX)) in.fail("sequence number is too large");
  return static_cast<std::int64_t>(seq);
}

std::uint32_t index_of(BlobReader& in) {
  const std::uint64_t index = in.varint();
  if (index > UINT32_MAX) in.fail("index is too large");
  return static_cast<std::uint32_t>(index);
}

IntentBatch intent_batch_of(BlobReader& in) {
  IntentBatch batch;
  batch.op = op_of(in);
  batch.attempt = index_of(in);
  batch.memo = in.text();
  batch.body_sha256 = in.text();
  if (!batch.body_sha256.empty() && batch.body_sha256.size() != kShaBytes) in.fail("body digest");
  batch.rows.resize(in.count(kLeastIntentRowBytes));
  for (IntentRow& row : batch.rows) {
    row.identity = in.identity();
    row.version = in.u64();
    row.key = in.text();
    row.match = in.text();
  }
  return batch;
}

std::size_t bytes_of(const std::vector<IntentBatch>& batches) {
  std::size_t bytes = 10;
  for (const IntentBatch& batch : batches) {
    bytes += 30 + batch.memo.size() + batch.body_sha256.size();
    for (const IntentRow& row : batch.rows) bytes += 34 + row.key.size() + row.match.size();
  }
  return bytes;
}

}  // namespace

std::string pack_intents(const std::vector<IntentBatch>& batches) {
  BlobWriter out(BlobKind::intents, bytes_of(batches));
  out.varint(batches.size());
  for (const IntentBatch& batch : batches) {
    out.byte(static_cast<std::uint8_t>(batch.op));
    out.varint(batch.attempt);
    out.text(batch.memo);
    out.text(batch.body_sha256);
    out.varint(batch.rows.size());
    for (const IntentRow& row : batch.rows) {
      out.identity(row.identity);
      out.u64(row.version);
      out.text(row.key);
      out.text(row.match);
    }
  }
  return out.seal();
}

std::string pack_outcomes(const std::vector<OutcomeBatch>& batches) {
  BlobWriter out(BlobKind::outcomes);
  out.varint(batches.size());
  for (const OutcomeBatch& batch : batches) {
    out.varint(static_cast<std::uint64_t>(batch.intent_seq));
    out.varint(batch.batch);
    out.u64(static_cast<std::uint64_t>(batch.sent_at_ms));
    out.varint(batch.rows.size());
    for (const RowResult& row : batch.rows) {
      out.byte(static_cast<std::uint8_t>(row.outcome));
      out.text(row.destination_id);
    }
  }
  return out.seal();
}

std::string pack_voids(const std::vector<VoidBatch>& batches) {
  BlobWriter out(BlobKind::voids);
  out.varint(batches.size());
  for (const VoidBatch& batch : batches) {
    out.varint(static_cast<std::uint64_t>(batch.intent_seq));
    out.varint(batch.batch);
  }
  return out.seal();
}

std::vector<IntentBatch> unpack_intents(std::string_view entries) {
  BlobReader in(BlobKind::intents, entries);
  const std::size_t count = in.count(kLeastIntentBatchBytes);
  std::vector<IntentBatch> batches;
  batches.reserve(count);
  for (std::size_t i = 0; i < count; ++i) batches.push_back(intent_batch_of(in));
  in.end();
  return batches;
}

std::vector<OutcomeBatch> unpack_outcomes(std::string_view entries) {
  BlobReader in(BlobKind::outcomes, entries);
  std::vector<OutcomeBatch> batches(in.count(kLeastOutcomeBatchBytes));
  for (OutcomeBatch& batch : batches) {
    batch.intent_seq = seq_of(in);
    batch.batch = index_of(in);
    batch.sent_at_ms = static_cast<std::int64_t>(in.u64());
    batch.rows.resize(in.count(kLeastOutcomeRowBytes));
    for (RowResult& row : batch.rows) {
      row.outcome = outcome_of(in);
      row.destination_id = in.text();
    }
  }
  in.end();
  return batches;
}

std::vector<VoidBatch> unpack_voids(std::string_view entries) {
  BlobReader in(BlobKind::voids, entries);
  std::vector<VoidBatch> batches(in.count(kLeastVoidBytes));
  for (VoidBatch& batch : batches) {
    batch.intent_seq = seq_of(in);
    batch.batch = index_of(in);
  }
  in.end();
  return batches;
}

}  // namespace tailrace
