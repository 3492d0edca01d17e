#include "state/replay.hpp"

#include <algorithm>
#include <map>
#include <utility>

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
  using Accepted = std::function<void(const Announced& batch, std::size_t row,
                                      const OutcomeBatch& from, const RowResult& result)>;

  explicit JournalWalk(Accepted accepted) : accepted_(std::move(accepted)) {}

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
    if (from.rows.size() != rows && from.rows.size() != 1) fail("has not as many rows as its intent");
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

  Accepted accepted_;
  Windows windows_;
  std::size_t closed_rows_ = 0;
  std::int64_t first_seq_ = 0;
  std::int64_t last_seq_ = 0;
};

using Moments = std::unordered_map<IdentityHash, std::int64_t, HashOfIdentity>;

/// When the last accepted request of each key with an unknown send was sent.
Moments last_acceptances(StateStore& store, const Claim& claim, const Windows& windows) {
  constexpr std::int64_t never = INT64_MIN;
  Moments moments;
  for (const auto& [seq, window] : windows) {
    for (const Announced& batch : window.batches) {
      for (std::size_t i = 0; i < batch.intent.rows.size(); ++i) {
        if (batch.unknown(i)) moments.emplace(batch.intent.rows[i].identity, never);
      }
    }
  }
  if (moments.empty()) return moments;
  JournalWalk walk([&](const Announced& batch, std::size_t row, const OutcomeBatch& from,
                       const RowResult&) {
    const auto moment = moments.find(batch.intent.rows[row].identity);
    if (moment != moments.end()) moment->second = std::max(moment->second, from.sent_at_ms);
  });
  store.read_journal(claim.holder, [&](const JournalRow& row) { walk.visit(row); });
  return moments;
}

void add_unknown(Doubts& doubts, StateOp op, const IntentRow& row, std::int64_t horizon_ms) {
  const auto [at, fresh] = doubts.try_emplace(row.identity);
  Doubt& doubt = at->second;
  const bool removes = op == StateOp::remove;
  if (fresh) doubt.version = row.version;
  if (removes || doubt.mixed || doubt.version != row.version) {
    doubt.mixed = true;
    doubt.version = 0;
  }
  doubt.deleted = doubt.deleted || removes;
  if (fresh || horizon_ms >= doubt.horizon_ms) doubt.keys = {row.key, row.match, {}};
  doubt.horizon_ms = fresh ? horizon_ms : std::max(doubt.horizon_ms, horizon_ms);
}

bool may_be_resumed(const Announced& batch) {
  if (batch.open()) return !batch.intent.memo.empty() || !batch.intent.body_sha256.empty();
  return !batch.voided && !batch.intent.body_sha256.empty();
}

/// The windows that are left, as doubts and as batches to resume.
void sum_up(Windows& windows, const Moments& accepted_at, std::int64_t quiet_ms, Replayed& out) {
  for (auto& [seq, window] : windows) {
    for (std::size_t index = 0; index < window.batches.size(); ++index) {
      Announced& batch = window.batches[index];
      const std::int64_t horizon_ms = window.sent_by_ms(batch) + quiet_ms;
      bool all = !batch.intent.rows.empty();
      for (std::size_t i = 0; i < batch.intent.rows.size(); ++i) {
        const IntentRow& row = batch.intent.rows[i];
        const bool in_doubt = batch.unknown(i) && accepted_at.at(row.identity) <= horizon_ms;
        if (in_doubt) add_unknown(out.doubts, batch.intent.op, row, horizon_ms);
        all = all && in_doubt;
      }
      if (!all || !may_be_resumed(batch)) continue;
      out.open.push_back({seq, static_cast<std::uint32_t>(index), window.run_id,
                          window.sent_by_ms(batch), std::move(batch.intent)});
    }
  }
}

}  // namespace

Replayed replay_journal(StateStore& store, const Claim& claim, std::int64_t quiet_ms,
                        const AcceptedVisitor& accepted) {
  JournalWalk walk([&](const Announced& batch, std::size_t row, const OutcomeBatch&,
                       const RowResult& result) {
    accepted(batch.intent.op, batch.intent.rows[row], result.destination_id);
  });
  store.read_journal(claim.holder, [&](const JournalRow& row) { walk.visit(row); });
  Replayed out;
  out.closed_rows = walk.closed_rows();
  out.last_seq = std::max(walk.last_seq(), claim.last_seq);
  const Moments moments = last_acceptances(store, claim, walk.windows());
  sum_up(walk.windows(), moments, quiet_ms, out);
  return out;
}

bool ended_by_time(const Doubt& doubt, Version acknowledged, std::int64_t now_ms) {
  return !doubt.mixed && doubt.version == acknowledged && now_ms > doubt.horizon_ms;
}

void keep_resumable(std::vector<OpenBatch>& open, const Doubts& doubts) {
  std::erase_if(open, [&](const OpenBatch& batch) {
    return !std::all_of(batch.intent.rows.begin(), batch.intent.rows.end(),
                        [&](const IntentRow& row) { return doubts.contains(row.identity); });
  });
}

}  // namespace tailrace
