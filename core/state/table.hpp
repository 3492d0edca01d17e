#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "row/hash.hpp"
#include "state/store.hpp"

namespace tailrace {

/// What the model had for an entry in this run.
enum class Seen : std::uint8_t {
  no,
  unchanged,
  refreshed,  // unchanged, and sent again because everything is
  changed,
  added,
  duplicate,  // looked well until another row came with its identity or key
  invalid,
};

/// The state of a sync while a run lasts: one open-addressing table, 24 bytes an entry and a byte
/// of marks, at most four fifths full. Slots stay where they are unless the table grows (insert may
/// grow it). An entry that is neither acknowledged nor in doubt is one that the destination is not
/// known to have: the row was deleted, was only ever rejected, or was put in by this run.
class StateTable {
 public:
  struct Marks {
    bool acknowledged : 1 = false;  // the destination has it with this version
    bool absent : 1 = false;        // left the model under on_removed: ignore
    bool in_doubt : 1 = false;  // may be other than acknowledged; details in StateView::doubts
    bool rejected : 1 = false;  // details in StateView::rejected
    Seen seen : 3 = Seen::no;
    bool used : 1 = false;
  };
  using Slot = std::size_t;
  static constexpr Slot kNone = static_cast<Slot>(-1);

  explicit StateTable(std::size_t expected = 0);

  [[nodiscard]] Slot find(const IdentityHash& identity) const;
  /// Finds, or inserts with version 0 and no marks but `used`.
  Slot insert(const IdentityHash& identity);
  void prefetch(const IdentityHash& identity) const;

  [[nodiscard]] const IdentityHash& identity(Slot slot) const { return entries_[slot].identity; }
  [[nodiscard]] Version& version(Slot slot) { return entries_[slot].version; }
  [[nodiscard]] Version version(Slot slot) const { return entries_[slot].version; }
  [[nodiscard]] Marks& marks(Slot slot) { return marks_[slot]; }
  [[nodiscard]] const Marks& marks(Slot slot) const { return marks_[slot]; }

  [[nodiscard]] std::size_t size() const { return size_; }
  /// Slots are 0 … capacity()-1; skip those not used.
  [[nodiscard]] std::size_t capacity() const { return entries_.size(); }

 private:
  struct Entry {
    IdentityHash identity;
    Version version;
  };
  static_assert(sizeof(Entry) == 24 && sizeof(Marks) == 1, "25 bytes a slot");
  void resize(std::size_t expected);
  void grow();
  [[nodiscard]] Slot home(const IdentityHash& identity) const;
  /// The slot that holds the identity, or the free one where it belongs.
  [[nodiscard]] Slot probe(const IdentityHash& identity) const;
  std::vector<Entry> entries_;
  std::vector<Marks> marks_;
  std::size_t size_ = 0;
  std::size_t full_at_ = 0;
};

struct HashOfIdentity {
  std::size_t operator()(const IdentityHash& h) const noexcept { return h.low; }
};

/// A key with an unknown outcome. An acceptance ends only the unknown sends that can no longer take
/// effect when it was sent: those whose horizon is earlier. An unknown insert is ended neither by
/// time nor by another insert, but by a keyed request after its horizon, by being told to have been
/// accepted after all, or by its row being parked. What is left of them is summed up here.
struct Doubt {
  std::int64_t horizon_ms = 0;  // latest send time (or send_by) of an unknown send + quiet time
  Version version = 0;  // that the unknown sends carried; 0 where they are mixed
  bool mixed = false;  // they carried more than one, or a delete
  bool deleted = false;  // a delete is among them
  bool inserted = false;  // an insert is among them
  EntryKeys keys;
  bool written = false;  // one that is no delete is among them

  bool operator==(const Doubt&) const = default;
};

using Doubts = std::unordered_map<IdentityHash, Doubt, HashOfIdentity>;

/// A batch that a later run can take up again: it has a memo, or the digest of a body that may be
/// sent once more under its idempotency key, and every row of it is still in doubt.
struct OpenBatch {
  std::int64_t seq = 0;  // with `batch`: what an outcome names to close it
  std::uint32_t batch = 0;
  std::string run_id;
  std::int64_t send_by_ms = 0;  // of the intent; where the outcome was unknown, when it was sent
  IntentBatch intent;

  /// Whether it was left in a job at the destination: a memo that is no more than the age of an
  /// idempotency key says nothing of one.
  [[nodiscard]] bool in_job() const { return !intent.memo.empty() && intent.body_sha256.empty(); }
};

/// Everything that a run knows of the past: snapshot, then the journal in seq order.
struct StateView {
  StateTable table;
  Doubts doubts;
  std::unordered_map<IdentityHash, RejectedRow, HashOfIdentity> rejected;
  std::vector<OpenBatch> open;  // in seq order
  std::size_t known = 0;  // acknowledged and not absent, or in doubt: the guards' base
  std::size_t journal_rows = 0;  // rows of closed batches in the journal, to decide on the fold
  bool has_baseline = false;  // anything is acknowledged or may have been sent
};

/// An entry that left the model under on_removed: ignore is forgotten after so many days.
inline constexpr std::uint32_t kAbsentDays = 90;

/// Loads it; what the clock decides is judged by the store's. `quiet_ms`: how long after its send
/// an unknown request may still take effect. A doubt is dropped where its horizon has passed and
/// every unknown send carried the version that is acknowledged, or took away what is acknowledged
/// to be gone. While only such deletes may still land, an entry is gone and not marked as in doubt.
[[nodiscard]] StateView load_state(StateStore& store, const Claim& claim, std::int64_t quiet_ms);

/// Rows that left the model or came back in this run under on_removed: ignore. Only a fold writes
/// them down, so a run that has some folds even where the journal is short.
struct FoldInput {
  std::vector<IdentityHash> newly_absent;
  std::vector<IdentityHash> returned;
};

/// What T4 has to write so that snapshot + journal say the same with a journal that holds nothing
/// but doubts. Fills the fields of `out` from `fold` to `carried`; `out.run.run_id` must be set.
/// Only buckets that something fell into are rewritten, unless their number changes. Doubts that
/// `now_ms` (the store's clock) has not ended are carried as intents with new seqs, open batches
/// with their memo. Absent entries older than 90 days are dropped from the buckets rewritten.
void fold_state(StateStore& store, const Claim& claim, const FoldInput& input, std::int64_t now_ms,
                std::int64_t quiet_ms, Finish& out);

}  // namespace tailrace
