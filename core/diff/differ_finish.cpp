// The end of a diff: what can be said only when the whole model was seen.
#include <algorithm>
#include <stdexcept>

#include "diff/differ.hpp"
#include "row/mutant.hpp"

namespace tailrace {

void Differ::finish(const KeyReader& keys) {
  settle_repeated_keys();
  std::vector<IdentityHash> gone;
  for (StateTable::Slot slot = 0; slot < state_.table.capacity(); ++slot) {
    if (state_.table.marks(slot).used) count_entry(slot, gone);
  }
  std::erase_if(returned_, [this](const IdentityHash& id) { return is_duplicate(id); });
  if (options_.every_row) {
    append_gone(gone, keys);
  } else if (options_.on_removed == OnRemoved::ignore) {
    counts_.gone = gone.size();
  } else if (options_.count_only) {
    counts_.gone = counts_.removed = gone.size();
  } else {
    append_removed(gone, keys);
  }
  out_.seal();
  if (options_.restated != nullptr) options_.restated->seal();
  if (has_spoiled_ && !options_.every_row && !options_.count_only) sum_again();
  const std::uint64_t counted =
      counts_.unchanged + counts_.added + counts_.changed + counts_.invalid;
  if (counts_.scanned != counted) {
    throw std::logic_error("diff: " + std::to_string(counts_.scanned) + " rows were scanned and " +
                           std::to_string(counted) + " counted");
  }
}

void Differ::settle_repeated_keys() {
  if (keys_.repeated().empty()) return;
  for (StateTable::Slot slot = 0; slot < state_.table.capacity(); ++slot) {
    const Seen seen = state_.table.marks(slot).seen;
    const bool looked_well = seen != Seen::no && seen != Seen::invalid && seen != Seen::duplicate;
    if (looked_well && keys_.repeated().contains(state_.table.identity(slot).low)) spoil(slot);
  }
}

void Differ::count_entry(StateTable::Slot slot, std::vector<IdentityHash>& gone) {
  const StateTable::Marks& marks = state_.table.marks(slot);
  switch (marks.seen) {
    case Seen::no: return leave(slot, gone);
    case Seen::unchanged:
      ++counts_.unchanged;
      if (marks.rejected) forgotten_.push_back(state_.table.identity(slot));
      return;
    case Seen::refreshed:
      ++counts_.refreshed;
      ++counts_.changed;
      return;
    case Seen::changed: ++counts_.changed; return;
    case Seen::added: ++counts_.added; return;
    case Seen::duplicate:
      ++counts_.invalid;
      if (mutant(34)) leave(slot, gone);
      return;
    case Seen::invalid: break;  // counted when its rows came
  }
}

/// A parked insert may have happened: it waits for a person, also where its row comes back.
bool Differ::is_parked(const IdentityHash& identity) const {
  const auto found = state_.rejected.find(identity);
  return found != state_.rejected.end() && found->second.hold == Hold::parked;
}

/// An entry that no row of the model came for.
void Differ::leave(StateTable::Slot slot, std::vector<IdentityHash>& gone) {
  const StateTable::Marks& marks = state_.table.marks(slot);
  const IdentityHash& identity = state_.table.identity(slot);
  const bool present = marks.acknowledged && !marks.absent;
  const bool known = present || marks.in_doubt;
  if (options_.only) return;
  if (options_.every_row) {
    if (marks.acknowledged) gone.push_back(identity);
    return;
  }
  const bool stays = options_.on_removed == OnRemoved::ignore;
  if (known) gone.push_back(identity);
  if (present && stays) newly_absent_.push_back(identity);
  // A refused removal is remembered under the key that left: it is over when it was accepted.
  if (marks.rejected && (stays || !known) && !is_parked(identity)) forgotten_.push_back(identity);
}

void Differ::append_gone(std::vector<IdentityHash>& gone, const KeyReader& reader) {
  visit_keys(gone, state_, reader, [this](const IdentityHash& identity, const EntryKeys& keys) {
    out_.append_removed(identity, keys);
  });
}

void Differ::append_removed(std::vector<IdentityHash>& gone, const KeyReader& reader) {
  std::unordered_set<std::uint64_t> unsent;
  if (identifier_.tracks_keys() && !gone.empty()) unsent = unsent_identities();
  const auto remove = [&](const IdentityHash& identity, const EntryKeys& keys) {
    // The record's row is still in the model and only invalid this time: nothing is taken away.
    if (identifier_.tracks_keys() && keys_.held(hasher_.identity(keys.key), unsent)) return;
    ++counts_.gone;
    ++counts_.removed;
    out_.append_removed(identity, keys);
    fingerprint_.add(planned_op(Change::removed), identity, 0);
  };
  visit_keys(gone, state_, reader, remove);
}

/// Low halves of the identities whose rows are in the model and not sent.
std::unordered_set<std::uint64_t> Differ::unsent_identities() const {
  std::unordered_set<std::uint64_t> unsent = foreign_unsent_;
  if (foreign_) unsent.insert(keys_.repeated().begin(), keys_.repeated().end());
  for (StateTable::Slot slot = 0; slot < state_.table.capacity(); ++slot) {
    const Seen seen = state_.table.marks(slot).seen;
    if (seen == Seen::invalid || seen == Seen::duplicate) {
      unsent.insert(state_.table.identity(slot).low);
    }
  }
  return unsent;
}

/// The sum without the rows that turned out duplicate: their versions are in the changeset only.
void Differ::sum_again() {
  fingerprint_ = {};
  ChangeRow row;
  while (out_.next(row)) {
    if (row.change != Change::removed && is_duplicate(row.identity)) continue;
    fingerprint_.add(planned_op(row.change), row.identity, row.version);
  }
  out_.rewind();
}

}  // namespace tailrace
