#include "state/carry.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "row/mutant.hpp"

namespace tailrace {
namespace {

constexpr std::size_t kRowsPerIntent = 50'000;

using Sends = std::vector<UnknownSend>;

/// Of sends that did the same to a key only the latest counts.
void keep_latest(Sends& sends) {
  const auto what = [](const UnknownSend& send) {
    return std::tie(send.identity, send.op, send.version);
  };
  std::sort(sends.begin(), sends.end(), [&](const UnknownSend& a, const UnknownSend& b) {
    return std::tuple(what(a), b.horizon_ms) < std::tuple(what(b), a.horizon_ms);
  });
  const auto last =
      std::unique(sends.begin(), sends.end(),
                  [&](const UnknownSend& a, const UnknownSend& b) { return what(a) == what(b); });
  sends.erase(last, sends.end());
}

/// As many of the sends as go into one intent: those with one horizon.
std::vector<IntentBatch> next_batches(Sends::iterator& from, Sends::iterator end) {
  std::vector<IntentBatch> batches;
  const std::int64_t horizon_ms = from->horizon_ms;
  for (std::size_t n = 0; n < kRowsPerIntent && from != end && from->horizon_ms == horizon_ms;
       ++n, ++from) {
    if (batches.empty() || batches.back().op != from->op) {
      batches.push_back({from->op, 1, {}, {}, {}});
    }
    batches.back().rows.push_back(
        {from->identity, from->version, std::move(from->keys.key), std::move(from->keys.match)});
  }
  return batches;
}

}  // namespace

std::vector<JournalRow> carry_doubts(const CarryInto& into, Sends sends,
                                     const std::vector<OpenBatch>& open) {
  std::vector<JournalRow> carried;
  std::int64_t seq = into.last_seq;
  const auto carry = [&](const std::string& run_id, std::int64_t send_by_ms,
                         const std::vector<IntentBatch>& batches) {
    carried.push_back(
        {++seq, into.epoch, run_id, JournalKind::intent, send_by_ms, pack_intents(batches)});
  };
  if (mutant(21)) return carried;
  for (const OpenBatch& batch : open) carry(batch.run_id, batch.send_by_ms, {batch.intent});
  std::erase_if(sends, [](const UnknownSend& send) { return send.open != UnknownSend::kNotOpen; });
  keep_latest(sends);
  std::stable_sort(sends.begin(), sends.end(), [](const UnknownSend& a, const UnknownSend& b) {
    return std::tie(a.horizon_ms, a.op) < std::tie(b.horizon_ms, b.op);
  });
  for (auto from = sends.begin(); from != sends.end();) {
    const std::int64_t send_by_ms = from->horizon_ms - into.quiet_ms;
    carry(into.run_id, send_by_ms, next_batches(from, sends.end()));
  }
  return carried;
}

}  // namespace tailrace
