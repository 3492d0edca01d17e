#include "diff/differ.hpp"

#include <algorithm>
#include <utility>

#include "row/mutant.hpp"

namespace tailrace {

Differ::Differ(const Schema& schema, const Hasher& hasher, StateView& state, DiffOptions options,
               Changeset& out)
    : schema_(schema),
      hasher_(hasher),
      state_(state),
      options_(std::move(options)),
      out_(out),
      identifier_(schema, hasher, options_.identity_is_key, options_.normalise),
      // The model is most often about as large as what is known.
      keys_(identifier_.tracks_keys() ? state.table.size() + state.table.size() / 16 : 0) {
  if (options_.of > 1 && identifier_.tracks_keys()) foreign_.emplace();
}

void Differ::consume(const Chunk& chunk) {
  const std::size_t rows = chunk.rows();
  for (std::size_t first = 0; first < rows; first += kGroupRows) {
    const std::size_t n = std::min(kGroupRows, rows - first);
    for (std::size_t i = 0; i < n; ++i) {
      Incoming& row = group_[i];
      row.line = chunk.line(first + i);
      row.who = identifier_.identify(row.line);
      if (row.who.has_identity) state_.table.prefetch(row.who.identity);
      if (row.who.has_key) keys_.prefetch(row.who.key);
    }
    for (std::size_t i = 0; i < n; ++i) {
      group_[i].version = hasher_.version(RowView(group_[i].line, schema_), version_scratch_);
    }
    for (std::size_t i = 0; i < n; ++i) settle(group_[i]);
  }
}

bool Differ::is_ours(const Incoming& row) const {
  if (options_.of > 1) {
    const std::uint32_t shard = row.who.has_identity ? shard_of(row.who.identity, options_.of) : 0;
    if (shard != options_.shard) return false;
  }
  return !options_.only || options_.only(RowView(row.line, schema_));
}

void Differ::settle(const Incoming& row) {
  const Identified& who = row.who;
  const bool key_is_new =
      !who.has_key || keys_.note(who.key, who.has_identity ? &who.identity : nullptr);
  // Rows without an identity are told apart by their versions alone.
  if (options_.of > 1) model_.add(PlannedOp::add, who.identity, row.version);
  // Its key counts all the same: a copy of it may be ours.
  if (!is_ours(row)) return note_foreign(row, key_is_new);
  ++counts_.scanned;
  if (!who.has_identity) return invalidate(row, who.fault, who.column);

  const StateTable::Slot slot = state_.table.insert(who.identity);
  StateTable::Marks& marks = state_.table.marks(slot);
  if (marks.seen != Seen::no) {
    if (marks.seen != Seen::invalid) spoil(slot);
    const InvalidCode code =
        options_.identity_is_key ? InvalidCode::duplicate_key : InvalidCode::duplicate_match;
    return invalidate(row, code, options_.identity_is_key ? key_column() : schema_.match);
  }
  if (who.fault != InvalidCode::none) {
    marks.seen = Seen::invalid;
    return invalidate(row, who.fault, who.column);
  }
  if (!key_is_new) {
    marks.seen = Seen::invalid;
    return invalidate(row, InvalidCode::duplicate_key, key_column());
  }
  settle_valid(row, slot);
}

/// A record of ours whose key is in such a row is not taken away unless the row is sent.
void Differ::note_foreign(const Incoming& row, bool key_is_new) {
  if (!foreign_ || !row.who.has_identity) return;
  StateTable::Marks& marks = foreign_->marks(foreign_->insert(row.who.identity));
  const bool repeated = marks.seen != Seen::no;
  marks.seen = Seen::added;
  const bool valid = row.who.fault == InvalidCode::none && key_is_new && !repeated;
  if (!valid) foreign_unsent_.insert(row.who.identity.low);
}

void Differ::settle_valid(const Incoming& row, StateTable::Slot slot) {
  StateTable::Marks& marks = state_.table.marks(slot);
  Seen seen = compare(slot, row.version);
  if (seen == Seen::changed && is_restated(row, slot)) {
    if (options_.restated != nullptr) {
      options_.restated->append(Change::changed, row.who.identity, row.version, row.line);
    }
    seen = Seen::unchanged;
  }
  if (seen != Seen::unchanged) {
    const RowView view(row.line, schema_);
    if (options_.check) {
      if (std::optional<InvalidRow> invalid = options_.check(view)) {
        marks.seen = Seen::invalid;
        ++counts_.invalid;
        return sample(row.line, std::move(*invalid));
      }
    }
    const Change change = seen == Seen::added ? Change::added : Change::changed;
    emit(change, row);
  } else if (options_.every_row) {
    out_.append(Change::changed, row.who.identity, row.version, row.line);
  }
  marks.seen = seen;
  if (marks.absent) returned_.push_back(row.who.identity);
}

void Differ::emit(Change change, const Incoming& row) {
  if (options_.count_only) return;
  out_.append(change, row.who.identity, row.version, row.line);
  fingerprint_.add(planned_op(change), row.who.identity, row.version);
}

/// The destination has these very fields, acknowledged under another mapping.
bool Differ::is_restated(const Incoming& row, StateTable::Slot slot) const {
  if (!options_.same_fields || options_.full_refresh) return false;
  if (state_.table.marks(slot).in_doubt) return false;
  return options_.same_fields(row.who.identity, RowView(row.line, schema_));
}

Seen Differ::compare(StateTable::Slot slot, Version version) const {
  const StateTable::Marks& marks = state_.table.marks(slot);
  if (!marks.acknowledged) return Seen::added;
  if (options_.once) return Seen::unchanged;
  if (state_.table.version(slot) != version) return Seen::changed;
  // What may land of another version is a record of its own: this one is there. It is not refreshed
  // either, since it cannot be written a second time without making a second one.
  if (options_.identity_is_key && !mutant(24)) return Seen::unchanged;
  if (marks.in_doubt && !doubt_carried(slot, version)) return Seen::changed;
  return options_.full_refresh ? Seen::refreshed : Seen::unchanged;
}

/// True where whatever may still land late can only write what is there already.
bool Differ::doubt_carried(StateTable::Slot slot, Version version) const {
  const auto found = state_.doubts.find(state_.table.identity(slot));
  if (found == state_.doubts.end()) return false;
  const Doubt& doubt = found->second;
  return !doubt.mixed && !doubt.deleted && doubt.version == version;
}

void Differ::invalidate(const Incoming& row, InvalidCode code, std::size_t column) {
  ++counts_.invalid;
  if (invalid_.size() >= options_.invalid_sample) return;
  sample(row.line, describe_invalid(code, schema_, column));
}

void Differ::sample(std::string_view line, InvalidRow invalid) {
  if (invalid_.size() >= options_.invalid_sample) return;
  if (invalid.key.empty()) key_text(RowView(line, schema_), invalid.key);
  invalid_.push_back(std::move(invalid));
}

/// The first row of what turned out to come more than once. Counted as invalid at the end.
void Differ::spoil(StateTable::Slot slot) {
  StateTable::Marks& marks = state_.table.marks(slot);
  const bool sent = marks.seen != Seen::unchanged;
  has_spoiled_ = has_spoiled_ || sent;
  marks.seen = Seen::duplicate;
}

std::size_t Differ::key_column() const {
  return schema_.key.empty() ? schema_.match : schema_.key.front();
}

PlannedOp planned_op(Change change, OnRemoved on_removed) {
  switch (change) {
    case Change::added: return PlannedOp::add;
    case Change::changed: return PlannedOp::change;
    case Change::removed: break;
  }
  switch (on_removed) {
    case OnRemoved::archive: return PlannedOp::archive;
    case OnRemoved::clear: return PlannedOp::clear;
    case OnRemoved::delete_:
    case OnRemoved::ignore: break;
  }
  return PlannedOp::delete_;
}

bool Differ::is_duplicate(const IdentityHash& identity) const {
  const StateTable::Slot slot = state_.table.find(identity);
  return slot != StateTable::kNone && state_.table.marks(slot).seen == Seen::duplicate;
}

}  // namespace tailrace
