#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_set>

#include "row/hash.hpp"
#include "state/table.hpp"

namespace tailrace {

/// The keys that the model had in this run, with the row's identity behind each. Needed only where
/// the key is not part of what identifies the record: there two rows of one key look like two
/// records. Costs a table of its own, as large as the state's.
class SeenKeys {
 public:
  /// `expected` rows go in without growing the table.
  explicit SeenKeys(std::size_t expected) : table_(expected) {}

  void prefetch(const IdentityHash& key) const { table_.prefetch(key); }

  /// False where the key came before. `identity` is null for a row that has none.
  bool note(const IdentityHash& key, const IdentityHash* identity);

  /// Low halves of the identities that first came with a key that came again.
  [[nodiscard]] const std::unordered_set<std::uint64_t>& repeated() const { return repeated_; }

  /// True where the model has the key in a row that is not sent: without identity, or with one
  /// whose low half is in `unsent`.
  [[nodiscard]] bool held(const IdentityHash& key, const std::unordered_set<std::uint64_t>& unsent);

 private:
  // An entry's version is the low half of the identity: 64 bits are enough to find a row again,
  // because the other half is looked at where rows are judged.
  StateTable table_;
  std::unordered_set<std::uint64_t> repeated_;
};

}  // namespace tailrace
