#include "reference_state.hpp"

#include <algorithm>
#include <utility>

#include "journal_script.hpp"
#include "state/clock.hpp"

namespace tailrace::test {
namespace {

bool resumable(const ReferenceState::Batch& batch) {
  if (batch.voided || batch.seq == 0) return false;
  if (batch.outcomes.empty()) return !batch.memo.empty() || !batch.body_sha256.empty();
  return !batch.body_sha256.empty();
}

bool unknown(const ReferenceState::Batch& batch, std::size_t row) {
  if (batch.voided || batch.ended.contains(row)) return false;
  return batch.outcomes.empty() || batch.outcomes[row] == RowOutcome::unknown;
}

}  // namespace

void ReferenceState::accept(const Batch& batch, std::size_t row, std::int64_t sent_at_ms,
                            const std::string& id) {
  const auto [key, version] = batch.rows[row];
  ++events_;
  if (batch.op == StateOp::insert) {
    inserted_[{key, version}] = events_;
  }
  const auto at = accepted_at_.try_emplace(key, sent_at_ms).first;
  at->second = std::max(at->second, sent_at_ms);
  if (batch.op == StateOp::remove) {
    entries_.erase(key);
    return;
  }
  Entry& entry = entries_[key];
  entry.version = version;
  entry.absent_day.reset();
  if (!id.empty()) entry.destination_id = id;
}

void ReferenceState::outcome(std::int64_t seq, std::uint32_t index, std::int64_t sent_at_ms,
                             const std::vector<RowResult>& results) {
  for (Batch& batch : batches_) {
    if (batch.seq != seq || batch.index != index || batch.voided) continue;
    const bool first = batch.outcomes.empty();
    bool any_unknown = first;
    for (std::size_t i = 0; i < batch.rows.size(); ++i) any_unknown |= unknown(batch, i);
    if (!any_unknown) return;
    if (first) {
      closed_rows_ += batch.rows.size();
      batch.outcomes.assign(batch.rows.size(), RowOutcome::unknown);
      batch.sent_by_ms = sent_at_ms;
    }
    batch.sent_by_ms = std::max(batch.sent_by_ms, sent_at_ms);
    for (std::size_t i = 0; i < batch.rows.size(); ++i) {
      const bool one_for_all = results.size() == 1;
      const RowResult& result = one_for_all ? results.front() : results[i];
      if (batch.outcomes[i] != RowOutcome::unknown) continue;
      const bool own_id = !one_for_all || batch.rows.size() == 1;
      const bool accepted = result.outcome == RowOutcome::accepted;
      if (accepted) accept(batch, i, sent_at_ms, own_id ? result.destination_id : "");
      if (first || !accepted) batch.outcomes[i] = result.outcome;
    }
    return;
  }
}

void ReferenceState::void_of(std::int64_t seq, std::uint32_t index) {
  for (Batch& batch : batches_) {
    if (batch.seq != seq || batch.index != index) continue;
    if (!batch.outcomes.empty() || batch.voided) return;
    batch.voided = true;
    closed_rows_ += batch.rows.size();
  }
}

bool ReferenceState::expired(const Entry& entry, std::int64_t now_ms) const {
  return entry.absent_day && *entry.absent_day + kAbsentDays < now_ms / kDayMs;
}

/// What neither time nor a person has ended yet.
bool ReferenceState::in_doubt_by_journal(const Batch& batch, std::size_t row,
                                         std::int64_t quiet_ms) const {
  if (!unknown(batch, row)) return false;
  const auto [key, version] = batch.rows[row];
  if (batch.op == StateOp::insert) {
    const auto told = inserted_.find({key, version});
    if (told != inserted_.end() && told->second > batch.announced) return false;
  }
  const auto accepted = accepted_at_.find(key);
  return accepted == accepted_at_.end() || accepted->second <= batch.sent_by_ms + quiet_ms;
}

/// Whether a batch that may be resumed has the key.
bool ReferenceState::is_awaited(Key key, std::int64_t quiet_ms) const {
  return std::any_of(batches_.begin(), batches_.end(), [&](const Batch& batch) {
    bool has = false;
    for (std::size_t i = 0; i < batch.rows.size(); ++i) {
      if (!in_doubt_by_journal(batch, i, quiet_ms)) return false;
      has = has || batch.rows[i].first == key;
    }
    return has && resumable(batch);
  });
}

bool ReferenceState::in_doubt(const Batch& batch, std::size_t row, std::int64_t now_ms,
                              std::int64_t quiet_ms) const {
  if (!in_doubt_by_journal(batch, row, quiet_ms)) return false;
  const auto [key, version] = batch.rows[row];
  const std::int64_t horizon_ms = batch.sent_by_ms + quiet_ms;
  if (batch.op == StateOp::insert) {
    const auto parked = parked_.find(key);
    return parked == parked_.end() || parked->second != version;
  }
  const auto entry = entries_.find(key);
  const bool there = entry != entries_.end() && !expired(entry->second, now_ms);
  const bool repeats =
      batch.op == StateOp::remove ? !there : there && entry->second.version == version;
  const bool own = resumable(batch) && [&] {
    for (std::size_t i = 0; i < batch.rows.size(); ++i) {
      if (!in_doubt_by_journal(batch, i, quiet_ms)) return false;
    }
    return true;
  }();
  if (!own && is_awaited(key, quiet_ms)) return true;
  return !(repeats && now_ms > horizon_ms);
}

ReferenceState::Loaded ReferenceState::load(std::int64_t now_ms, std::int64_t quiet_ms) const {
  Loaded loaded;
  for (const auto& [key, entry] : entries_) {
    if (expired(entry, now_ms)) continue;
    loaded.acknowledged[key] = entry.version;
    if (entry.absent_day) loaded.absent[key] = true;
  }
  std::map<Key, std::vector<std::pair<StateOp, Version>>> sends;
  for (const Batch& batch : batches_) {
    bool whole = !batch.rows.empty();
    for (std::size_t i = 0; i < batch.rows.size(); ++i) {
      if (!in_doubt(batch, i, now_ms, quiet_ms)) {
        whole = false;
        continue;
      }
      const auto [key, version] = batch.rows[i];
      sends[key].emplace_back(batch.op, version);
      Doubt& doubt = loaded.doubts[key];
      doubt.horizon_ms = std::max(doubt.horizon_ms, batch.sent_by_ms + quiet_ms);
      doubt.keys = {key_of(key), {}, {}};
    }
    if (whole && resumable(batch)) loaded.open.push_back(batch);
  }
  for (auto& [key, doubt] : loaded.doubts) {
    const auto& of_key = sends[key];
    for (const auto& [op, version] : of_key) {
      doubt.deleted |= op == StateOp::remove;
      doubt.written |= op != StateOp::remove;
      doubt.inserted |= op == StateOp::insert;
      doubt.mixed |= version != of_key.front().second || op == StateOp::remove;
    }
    doubt.version = doubt.mixed ? 0 : of_key.front().second;
  }
  std::map<Key, bool> known;
  for (const auto& [key, version] : loaded.acknowledged) known[key] = !loaded.absent.contains(key);
  for (const auto& [key, doubt] : loaded.doubts) {
    // What is not there, and may only be taken away once more, is not known.
    if (loaded.acknowledged.contains(key) || doubt.written) known[key] = true;
  }
  for (const auto& [key, counts] : known) loaded.known += counts ? 1 : 0;
  return loaded;
}

void ReferenceState::folded(const std::vector<Key>& newly_absent, const std::vector<Key>& returned,
                            std::int64_t now_ms, std::int64_t quiet_ms) {
  const std::vector<Batch> open = load(now_ms, quiet_ms).open;
  std::vector<std::set<std::size_t>> ended;  // of each batch, before any of them changes
  for (const Batch& batch : batches_) {
    std::set<std::size_t>& rows = ended.emplace_back();
    for (std::size_t i = 0; i < batch.rows.size(); ++i) {
      if (!in_doubt(batch, i, now_ms, quiet_ms)) rows.insert(i);
    }
  }
  auto of_batch = ended.begin();
  for (Batch& batch : batches_) {
    const bool carried = std::any_of(open.begin(), open.end(), [&](const Batch& other) {
      return other.seq == batch.seq && other.index == batch.index;
    });
    if (!carried) batch.seq = 0;
    batch.ended.merge(*of_batch++);
    if (carried) batch.outcomes.clear();
  }
  for (const Key key : newly_absent) {
    const auto entry = entries_.find(key);
    if (entry != entries_.end() && !entry->second.absent_day) {
      entry->second.absent_day = now_ms / kDayMs;
    }
  }
  for (const Key key : returned) {
    if (entries_.contains(key)) entries_[key].absent_day.reset();
  }
  std::erase_if(entries_, [&](const auto& entry) { return expired(entry.second, now_ms); });
  closed_rows_ = 0;
}

void ReferenceState::renumber(const std::string& memo, const std::string& body_sha256,
                              std::int64_t seq, std::uint32_t index) {
  for (Batch& batch : batches_) {
    if (batch.seq == 0 || batch.memo != memo || batch.body_sha256 != body_sha256) continue;
    batch.seq = seq;
    batch.index = index;
  }
}

}  // namespace tailrace::test
