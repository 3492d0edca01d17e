#include "state/replay.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "row/mutant.hpp"
#include "state/errors.hpp"

namespace tailrace {
namespace {

/// A batch that was announced, and how its rows ended so far.
struct Announced {
  IntentBatch intent;
  std::vector<RowOutcome> outcomes;  // empty while the batch is open
  std::int64_t sent_at_ms = 0;
  bool voided = false;

  [[nodiscard]] bool open() const { return outcomes.empty() && !voided; }
  [[nodiscard]] bool unknown(std::size_t row) const {
    return open() || (!voided && outcomes[row] == RowOutcome::unknown);
  }
  [[nodiscard]] bool settled() const {
    return !open() &&
           std::find(outcomes.begin(), outcomes.end(), RowOutcome::unknown) == outcomes.end();
  }
};

/// The batches of one intent row.
struct Window {
  std::int64_t send_by_ms = 0;
  std::string run_id;
  std::vector<Announced> batches;
  std::size_t left = 0;  // batches not settled

  /// The latest moment at which the batch can have been sent.
  [[nodiscard]] std::int64_t sent_by_ms(const Announced& batch) const {
    return batch.open() ? send_by_ms : batch.sent_at_ms;
  }
};

using Windows = std::map<std::int64_t, Window>;

/// Follows the journal. Only windows with rows that are open or unknown are held, so memory does
/// not grow with the journal.
class JournalWalk {
 public:
  using AcceptedRow = std::function<void(const Announced& batch, std::size_t row,
                                         const OutcomeBatch& from, const RowResult& result)>;

  explicit JournalWalk(AcceptedRow accepted) : accepted_(std::move(accepted)) {}

  void visit(const JournalRow& row) {
    if (first_seq_ == 0) first_seq_ = row.seq;
    last_seq_ = row.seq;
    switch (row.kind) {
      case JournalKind::intent: announce(row); break;
      case JournalKind::outcome:
        for (const OutcomeBatch& batch : unpack_outcomes(row.entries)) close(batch);
        break;
      case JournalKind::void_:
        for (const VoidBatch& batch : unpack_voids(row.entries)) close(batch);
        break;
    }
  }

  [[nodiscard]] Windows& windows() { return windows_; }
  [[nodiscard]] std::size_t closed_rows() const { return closed_rows_; }
  [[nodiscard]] std::int64_t last_seq() const { return last_seq_; }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw StateLost("state: journal row " + std::to_string(last_seq_) + " " + why);
  }

  void announce(const JournalRow& row) {
    Window window{row.send_by_ms, row.run_id, {}, 0};
    for (IntentBatch& batch : unpack_intents(row.entries)) {
      window.batches.push_back({std::move(batch), {}, 0, false});
    }
    for (const Announced& batch : window.batches) {
      for (std::size_t i = 0; i < batch.intent.rows.size() && mutant(1); ++i) {
        accepted_(batch, i, {}, {RowOutcome::accepted, {}});
      }
    }
    window.left = window.batches.size();
    if (window.left > 0) windows_.emplace(row.seq, std::move(window));
  }

  /// Null where the batch was settled before: what comes later says nothing new.
  Announced* unsettled(std::int64_t seq, std::uint32_t index) {
    if (seq < first_seq_ || seq >= last_seq_) fail("closes an intent that is not there");
    const auto window = windows_.find(seq);
    if (window == windows_.end()) return nullptr;
    if (index >= window->second.batches.size()) fail("closes a batch that is not there");
    Announced& batch = window->second.batches[index];
    return batch.settled() ? nullptr : &batch;
  }

  void close(const OutcomeBatch& from) {
    Announced* batch = unsettled(from.intent_seq, from.batch);
    if (batch == nullptr) return;
    const std::size_t rows = batch->intent.rows.size();
    if (from.rows.size() != rows && from.rows.size() != 1)
      fail("has not as many rows as its intent");
    const bool first = batch->open();
    if (first) closed_rows_ += rows;
    if (first) batch->outcomes.assign(rows, RowOutcome::unknown);
    batch->sent_at_ms = std::max(batch->sent_at_ms, from.sent_at_ms);
    for (std::size_t i = 0; i < rows; ++i) {
      RowResult result = from.rows.size() == rows ? from.rows[i] : from.rows.front();
      if (rows > 1 && from.rows.size() == 1) result.destination_id.clear();
      settle(*batch, i, from, result, first);
    }
    release(from.intent_seq, *batch);
  }

  void settle(Announced& batch, std::size_t row, const OutcomeBatch& from, const RowResult& result,
              bool first) {
    if (batch.outcomes[row] != RowOutcome::unknown) return;
    if (result.outcome == RowOutcome::accepted) accepted_(batch, row, from, result);
    // A late acceptance (a job asked again) moves the version; but as another request may have been
    // sent meanwhile, the doubt stays until its horizon or a later acceptance ends it.
    if (first || result.outcome != RowOutcome::accepted) batch.outcomes[row] = result.outcome;
  }

  void close(const VoidBatch& from) {
    Announced* batch = unsettled(from.intent_seq, from.batch);
    if (batch == nullptr || !batch->open()) return;
    batch->voided = true;
    closed_rows_ += batch->intent.rows.size();
    release(from.intent_seq, *batch);
  }

  void release(std::int64_t seq, const Announced& batch) {
    if (!batch.settled()) return;
    const auto window = windows_.find(seq);
    if (--window->second.left == 0) windows_.erase(window);
  }

  AcceptedRow accepted_;
  Windows windows_;
  std::size_t closed_rows_ = 0;
  std::int64_t first_seq_ = 0;
  std::int64_t last_seq_ = 0;
};

/// What the journal accepted of one key.
struct Accepted {
  static constexpr std::int64_t kNever = INT64_MIN;

  std::int64_t sent_ms = kNever;        // when the last accepted request was sent
  std::map<Version, std::int64_t> inserted;  // and the seq of the last row that told it

  void note(StateOp op, Version version, std::int64_t at_ms, std::int64_t seq) {
    sent_ms = std::max(sent_ms, at_ms);
    if (op == StateOp::insert) inserted[version] = seq;
  }

  [[nodiscard]] bool ends(StateOp op, Version version, std::int64_t seq,
                          std::int64_t horizon_ms) const {
    if (sent_ms > horizon_ms) return true;
    if (op != StateOp::insert) return false;
    const auto told = inserted.find(version);
    return told != inserted.end() && told->second > seq;
  }
};

using Acceptances = std::unordered_map<IdentityHash, Accepted, HashOfIdentity>;

/// Of each key with an unknown send.
Acceptances acceptances_of(StateStore& store, const Claim& claim, const Windows& windows) {
  Acceptances of_key;
  for (const auto& [seq, window] : windows) {
    for (const Announced& batch : window.batches) {
      for (std::size_t i = 0; i < batch.intent.rows.size(); ++i) {
        if (batch.unknown(i)) of_key.try_emplace(batch.intent.rows[i].identity);
      }
    }
  }
  if (of_key.empty()) return of_key;
  std::int64_t seq = 0;
  JournalWalk walk(
      [&](const Announced& batch, std::size_t i, const OutcomeBatch& from, const RowResult&) {
        const IntentRow& row = batch.intent.rows[i];
        const auto accepted = of_key.find(row.identity);
        if (accepted == of_key.end()) return;
        accepted->second.note(batch.intent.op, row.version, from.sent_at_ms, seq);
      });
  store.read_journal(claim.holder, [&](const JournalRow& row) {
    seq = row.seq;
    walk.visit(row);
  });
  return of_key;
}

bool may_be_resumed(const Announced& batch) {
  if (batch.open()) return !batch.intent.memo.empty() || !batch.intent.body_sha256.empty();
  return !batch.voided && !batch.intent.body_sha256.empty();
}

void collect(Window& window, std::int64_t seq, std::uint32_t index, const Acceptances& accepted,
             std::int64_t quiet_ms, Replayed& out) {
  Announced& batch = window.batches[index];
  if (mutant(2) && batch.open()) return;
  const std::int64_t wait_ms = mutant(12) && batch.open() ? 0 : quiet_ms;
  const std::int64_t horizon_ms = window.sent_by_ms(batch) + wait_ms;
  const std::int64_t until_ms = mutant(8) ? window.sent_by_ms(batch) : horizon_ms;
  const auto in_doubt = [&](std::size_t i) {
    const IntentRow& row = batch.intent.rows[i];
    return batch.unknown(i) &&
           !accepted.at(row.identity).ends(batch.intent.op, row.version, seq, until_ms);
  };
  bool whole = !batch.intent.rows.empty() && may_be_resumed(batch);
  for (std::size_t i = 0; i < batch.intent.rows.size() && whole; ++i) whole = in_doubt(i);
  const std::uint32_t open =
      whole ? static_cast<std::uint32_t>(out.open.size()) : UnknownSend::kNotOpen;
  for (std::size_t i = 0; i < batch.intent.rows.size(); ++i) {
    if (!in_doubt(i)) continue;
    const IntentRow& row = batch.intent.rows[i];
    out.sends.push_back(
        {row.identity, row.version, horizon_ms, batch.intent.op, open, {row.key, row.match, {}}});
  }
  if (!whole) return;
  out.open.push_back(
      {seq, index, window.run_id, window.sent_by_ms(batch), std::move(batch.intent)});
}

void add_unknown(Doubts& doubts, UnknownSend&& send) {
  const auto [at, fresh] = doubts.try_emplace(send.identity);
  Doubt& doubt = at->second;
  const bool removes = send.op == StateOp::remove;
  if (fresh) doubt.version = send.version;
  if (removes || doubt.mixed || doubt.version != send.version) {
    doubt.mixed = true;
    doubt.version = 0;
  }
  doubt.deleted = doubt.deleted || removes;
  doubt.written = doubt.written || !removes;
  doubt.inserted = doubt.inserted || send.op == StateOp::insert;
  if (!fresh && send.horizon_ms < doubt.horizon_ms) return;
  doubt.horizon_ms = send.horizon_ms;
  doubt.keys = std::move(send.keys);
}

/// Takes sends out, and the batches that have lost one.
void take_out(Replayed& replayed, const std::function<bool(const UnknownSend&)>& ended) {
  std::vector<bool> broken(replayed.open.size());
  std::erase_if(replayed.sends, [&](const UnknownSend& send) {
    if (!ended(send)) return false;
    if (send.open != UnknownSend::kNotOpen) broken[send.open] = true;
    return true;
  });
  std::vector<std::uint32_t> moved(replayed.open.size());
  std::uint32_t kept = 0;
  for (std::size_t i = 0; i < moved.size(); ++i) {
    moved[i] = broken[i] ? UnknownSend::kNotOpen : kept++;
  }
  for (UnknownSend& send : replayed.sends) {
    if (send.open != UnknownSend::kNotOpen) send.open = moved[send.open];
  }
  std::size_t index = 0;
  std::erase_if(replayed.open, [&](const OpenBatch&) { return broken[index++]; });
}

}  // namespace

Replayed replay_journal(StateStore& store, const Claim& claim, std::int64_t quiet_ms,
                        const AcceptedVisitor& accepted) {
  JournalWalk walk(
      [&](const Announced& batch, std::size_t row, const OutcomeBatch&, const RowResult& result) {
        accepted(batch.intent.op, batch.intent.rows[row], result.destination_id);
      });
  store.read_journal(claim.holder, [&](const JournalRow& row) { walk.visit(row); });
  Replayed out;
  out.closed_rows = walk.closed_rows();
  out.last_seq = std::max(walk.last_seq(), claim.last_seq);
  const Acceptances acceptances = acceptances_of(store, claim, walk.windows());
  for (auto& [seq, window] : walk.windows()) {
    for (std::uint32_t i = 0; i < window.batches.size(); ++i) {
      collect(window, seq, i, acceptances, quiet_ms, out);
    }
  }
  return out;
}

void end_by_time(Replayed& replayed, const Acknowledged& acknowledged, std::int64_t now_ms) {
  // What a job has written meanwhile, and nobody was told of yet, may have been overwritten late.
  std::set<IdentityHash> awaited;
  for (const UnknownSend& send : replayed.sends) {
    if (send.open != UnknownSend::kNotOpen) awaited.insert(send.identity);
  }
  take_out(replayed, [&](const UnknownSend& send) {
    const bool overtaken = send.open == UnknownSend::kNotOpen && awaited.contains(send.identity);
    if (overtaken || !can_end_by_time(send, now_ms)) return false;
    const std::optional<Version> there = acknowledged(send.identity);
    return send.op == StateOp::remove ? !there : there == send.version;
  });
}

bool holds(const RejectedRow& row, const UnknownSend& insert, std::int64_t quiet_ms) {
  if (row.hold == Hold::released) {
    // What was only refused leaves another insert of it in doubt, and so does one that came later.
    const bool looked_at = row.code == kParkedCode || mutant(36);
    if (!looked_at || insert.horizon_ms - quiet_ms > row.last_at_ms) return false;
  } else if (row.hold != Hold::parked) {
    return false;
  }
  return row.version == insert.version || mutant(31);
}

void end_held(Replayed& replayed, const IsHeld& is_held) {
  take_out(replayed,
           [&](const UnknownSend& send) { return send.op == StateOp::insert && is_held(send); });
}

Doubts doubts_of(std::vector<UnknownSend>&& sends) {
  Doubts doubts;
  for (UnknownSend& send : sends) add_unknown(doubts, std::move(send));
  return doubts;
}

}  // namespace tailrace
