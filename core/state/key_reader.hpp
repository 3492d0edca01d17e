#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "state/merge.hpp"
#include "state/store.hpp"

namespace tailrace {

/// Finds the keys of acknowledged entries, which the table does not hold: those of the snapshot
/// and, over them, those that the journal has taken in since. For deletes and reports.
///
///     KeyReader keys(store, claim, [&](const IdentityHash& h) { … unseen in this run … });
///     differ.finish(keys.bits(), [&](std::uint32_t bucket) { return keys.bucket(bucket); });
class KeyReader {
 public:
  using Wanted = std::function<bool(const IdentityHash&)>;

  /// `wanted` bounds memory: of the journal only the keys of identities it says yes to are held.
  /// Nothing is read before the first bucket() is asked for.
  KeyReader(StateStore& store, const Claim& claim, Wanted wanted);

  [[nodiscard]] int bits() const { return claim_.bucket_bits; }
  /// The bucket as a fold would now write it, as far as the wanted identities are concerned.
  [[nodiscard]] SnapshotBucket bucket(std::uint32_t number);

 private:
  void read_journal();

  StateStore& store_;
  Claim claim_;
  Wanted wanted_;
  std::unique_ptr<EntryChanges> changes_;
};

}  // namespace tailrace
