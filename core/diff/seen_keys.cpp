#include "diff/seen_keys.hpp"

namespace tailrace {

bool SeenKeys::note(const IdentityHash& key, const IdentityHash* identity) {
  const StateTable::Slot slot = table_.insert(key);
  StateTable::Marks& marks = table_.marks(slot);
  if (marks.seen == Seen::no) {
    marks.seen = identity == nullptr ? Seen::invalid : Seen::added;
    table_.version(slot) = identity == nullptr ? 0 : identity->low;
    return true;
  }
  if (marks.seen == Seen::added) repeated_.insert(table_.version(slot));
  return false;
}

bool SeenKeys::held(const IdentityHash& key, const std::unordered_set<std::uint64_t>& unsent) {
  const StateTable::Slot slot = table_.find(key);
  if (slot == StateTable::kNone) return false;
  return table_.marks(slot).seen == Seen::invalid || unsent.contains(table_.version(slot));
}

}  // namespace tailrace
