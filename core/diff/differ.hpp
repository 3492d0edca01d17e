#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "diff/changeset.hpp"
#include "diff/fingerprint.hpp"
#include "diff/identify.hpp"
#include "diff/invalid_row.hpp"
#include "diff/removed.hpp"
#include "diff/seen_keys.hpp"
#include "row/chunk.hpp"
#include "row/hash.hpp"
#include "row/schema.hpp"
#include "state/table.hpp"

namespace tailrace {

enum class OnRemoved : std::uint8_t { ignore, delete_, archive, clear };

/// What a plan's fingerprint calls the change.
[[nodiscard]] PlannedOp planned_op(Change change, OnRemoved on_removed);

/// Rows, each counted where it was seen. Before finish() only `scanned` says something: a later
/// copy may still make an earlier row invalid.
struct DiffCounts {
  std::uint64_t scanned = 0;
  std::uint64_t unchanged = 0;
  std::uint64_t added = 0;
  std::uint64_t changed = 0;
  std::uint64_t refreshed = 0;  // of `changed`: sent only because everything is
  std::uint64_t removed = 0;    // rows of the changeset: 0 under on_removed: ignore
  std::uint64_t invalid = 0;
  std::uint64_t gone = 0;  // known keys that left the model, whatever on_removed says of them
};

struct DiffOptions {
  OnRemoved on_removed = OnRemoved::ignore;
  bool full_refresh = false;  // unchanged rows count and go as changed; never where identity_is_key
  bool identity_is_key = false;  // insert and append
  /// For comparing with the destination: unchanged rows come out as well, and whatever was
  /// delivered and has left the model, absent entries included. The counts are as ever.
  bool every_row = false;
  bool once = false;  // insert: a key that was created is unchanged, whatever the row says now
  bool count_only = false;  // nothing comes out but the counts, and no key is read
  std::size_t invalid_sample = 100;
  /// Set where the mapping has changed and the acknowledged fields are known: whether they are
  /// those of the row. Such a row is unchanged, and goes to `restated` (where set) for its new
  /// version.
  std::function<bool(const IdentityHash&, const RowView&)> same_fields;
  Changeset* restated = nullptr;
  /// Only rows whose identity belongs to this shard are looked at; rows without an identity are
  /// the first shard's.
  std::uint32_t shard = 0;
  std::uint32_t of = 1;
  /// Set: rows for which it says false are passed over, and nothing is known of them: no entry has
  /// left the model.
  std::function<bool(const RowView&)> only;
  /// Checked for rows about to be sent: returns the invalid row's reason where one cell cannot be
  /// encoded (its key may be left empty). Unset: nothing is checked.
  std::function<std::optional<InvalidRow>(const RowView&)> check;
  Normalise normalise;  // Destination::identity; unset: the match value's own bytes
};

/// Compares the model's rows with the state, chunk by chunk, and fills the changeset.
///
/// NULL, blank and duplicate identities and keys are invalid, every copy of them, unchanged rows
/// included; their entries have not left the model, and nothing is removed because of them. A row
/// in doubt is unchanged only if all its unknown sends carried the version that was since accepted.
/// `scanned = unchanged + added + changed + invalid` holds when finish() returned; it throws
/// std::logic_error where it does not.
class Differ {
 public:
  Differ(const Schema& schema, const Hasher& hasher, StateView& state, DiffOptions options,
         Changeset& out);

  /// Throws std::out_of_range for a line with too few columns, std::system_error where the
  /// changeset cannot be written.
  void consume(const Chunk& chunk);

  /// After the last chunk, once: settles duplicates, finds removed rows, seals the changeset.
  /// `keys` is asked for the keys of removed rows, and not at all under on_removed: ignore.
  void finish(const KeyReader& keys);

  [[nodiscard]] const DiffCounts& counts() const { return counts_; }
  [[nodiscard]] const std::vector<InvalidRow>& invalid_sample() const { return invalid_; }
  /// Identities that came twice: their rows in the changeset are not to be sent.
  [[nodiscard]] bool is_duplicate(const IdentityHash& identity) const;
  /// Rows that left the model under on_removed: ignore, and those that came back (for the fold).
  [[nodiscard]] const std::vector<IdentityHash>& newly_absent() const { return newly_absent_; }
  [[nodiscard]] const std::vector<IdentityHash>& returned() const { return returned_; }
  /// Rejected rows that are over without an acceptance: their key left the model with nothing to
  /// send for it, or the row is again as the destination has it.
  [[nodiscard]] const std::vector<IdentityHash>& forgotten() const { return forgotten_; }

  /// Order-independent sum over (operation, identity, version) of the changeset's rows, 32 hex
  /// digits. Valid after finish().
  [[nodiscard]] std::string plan_fingerprint() const { return fingerprint_.text(); }

  /// The same over (identity, version) of every row that was read, those of other shards too:
  /// equal for every shard that has read the same model under the same mapping. All zeros where
  /// the diff is of the whole.
  [[nodiscard]] std::string model_fingerprint() const { return model_.text(); }

 private:
  /// Rows go in small groups: while the table's slots of a group are on their way from memory,
  /// the versions of its rows are hashed.
  static constexpr std::size_t kGroupRows = 16;
  struct Incoming {
    std::string_view line;
    Identified who;
    Version version = 0;
  };

  [[nodiscard]] bool is_ours(const Incoming& row) const;
  void settle(const Incoming& row);
  void note_foreign(const Incoming& row, bool key_is_new);
  void settle_valid(const Incoming& row, StateTable::Slot slot);
  [[nodiscard]] bool is_restated(const Incoming& row, StateTable::Slot slot) const;
  [[nodiscard]] Seen compare(StateTable::Slot slot, Version version) const;
  [[nodiscard]] bool doubt_carried(StateTable::Slot slot, Version version) const;
  void invalidate(const Incoming& row, InvalidCode code, std::size_t column);
  void sample(std::string_view line, InvalidRow invalid);
  void spoil(StateTable::Slot slot);
  [[nodiscard]] std::size_t key_column() const;
  [[nodiscard]] PlannedOp planned_op(Change change) const {
    return tailrace::planned_op(change, options_.on_removed);
  }

  void settle_repeated_keys();
  void count_entry(StateTable::Slot slot, std::vector<IdentityHash>& gone);
  [[nodiscard]] bool is_parked(const IdentityHash& identity) const;
  void leave(StateTable::Slot slot, std::vector<IdentityHash>& gone);
  void emit(Change change, const Incoming& row);
  void append_gone(std::vector<IdentityHash>& gone, const KeyReader& reader);
  void append_removed(std::vector<IdentityHash>& gone, const KeyReader& reader);
  [[nodiscard]] std::unordered_set<std::uint64_t> unsent_identities() const;
  void sum_again();

  const Schema& schema_;
  const Hasher& hasher_;
  StateView& state_;
  DiffOptions options_;
  Changeset& out_;
  Identifier identifier_;
  SeenKeys keys_;
  // Of one shard where keys are tracked: the rows of other shards, and which of them are not sent.
  std::optional<StateTable> foreign_;
  std::unordered_set<std::uint64_t> foreign_unsent_;  // low halves of their identities
  std::array<Incoming, kGroupRows> group_;
  DiffCounts counts_;
  std::vector<InvalidRow> invalid_;
  std::vector<IdentityHash> newly_absent_;
  std::vector<IdentityHash> returned_;
  std::vector<IdentityHash> forgotten_;
  std::string version_scratch_;
  Fingerprint fingerprint_;
  Fingerprint model_;
  bool has_spoiled_ = false;  // the changeset has rows that turned out duplicate
};

}  // namespace tailrace
