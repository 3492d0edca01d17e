#include "state/table.hpp"

#include <algorithm>

namespace tailrace {
namespace {

constexpr std::size_t kLeastCapacity = 64;

// Linear probing stays short up to here: about 3 slots for a hit, 13 for a miss, next to each
// other.
constexpr std::size_t kFullNumerator = 4;
constexpr std::size_t kFullDenominator = 5;

}  // namespace

StateTable::StateTable(std::size_t expected) { resize(expected); }

void StateTable::resize(std::size_t expected) {
  const std::size_t capacity =
      std::max(kLeastCapacity, expected / kFullNumerator * kFullDenominator + kFullDenominator);
  entries_.resize(capacity);
  marks_.resize(capacity);
  full_at_ = capacity / kFullDenominator * kFullNumerator;
}

// The range of the high word is laid over the slots in order, so that entries which come sorted are
// written front to back, and growing copies front to back.
StateTable::Slot StateTable::home(const IdentityHash& identity) const {
  __extension__ using Wide = unsigned __int128;
  return static_cast<Slot>((static_cast<Wide>(identity.high) * entries_.size()) >> 64);
}

StateTable::Slot StateTable::probe(const IdentityHash& identity) const {
  Slot slot = home(identity);
  while (marks_[slot].used && entries_[slot].identity != identity) {
    if (++slot == entries_.size()) slot = 0;
  }
  return slot;
}

StateTable::Slot StateTable::find(const IdentityHash& identity) const {
  const Slot slot = probe(identity);
  return marks_[slot].used ? slot : kNone;
}

StateTable::Slot StateTable::insert(const IdentityHash& identity) {
  Slot slot = probe(identity);
  if (marks_[slot].used) return slot;
  if (size_ >= full_at_) {
    grow();
    slot = probe(identity);
  }
  entries_[slot] = {identity, 0};
  marks_[slot] = Marks{};
  marks_[slot].used = true;
  ++size_;
  return slot;
}

void StateTable::prefetch(const IdentityHash& identity) const {
  const Slot slot = home(identity);
  __builtin_prefetch(&marks_[slot]);
  __builtin_prefetch(&entries_[slot]);
}

void StateTable::grow() {
  std::vector<Entry> entries;
  std::vector<Marks> marks;
  entries.swap(entries_);
  marks.swap(marks_);
  resize(full_at_ + full_at_ / 2);
  for (Slot old = 0; old < entries.size(); ++old) {
    if (!marks[old].used) continue;
    const Slot slot = probe(entries[old].identity);
    entries_[slot] = entries[old];
    marks_[slot] = marks[old];
  }
}

}  // namespace tailrace
