#include "diff/removed.hpp"

#include <algorithm>
#include <optional>

#include "state/errors.hpp"

namespace tailrace {
namespace {

/// The keys of the bucket looked at last.
class BucketKeys {
 public:
  BucketKeys(int bits, const ReadBucket& read) : bits_(bits), read_(read) {}

  [[nodiscard]] const EntryKeys* find(const IdentityHash& identity) {
    if (const std::uint32_t bucket = bucket_of(identity, bits_); bucket != bucket_) load(bucket);
    const auto at = std::lower_bound(
        entries_.begin(), entries_.end(), identity,
        [](const SnapshotEntry& entry, const IdentityHash& id) { return entry.identity < id; });
    if (at == entries_.end() || at->identity != identity) return nullptr;
    return &keys_[static_cast<std::size_t>(at - entries_.begin())];
  }

 private:
  void load(std::uint32_t bucket) {
    const SnapshotBucket packed = read_(bucket);
    entries_.clear();
    keys_.clear();
    bucket_ = bucket;
    if (packed.entries.empty()) return;
    entries_ = unpack_entries(packed.entries);
    keys_ = unpack_keys(packed.keys);
    if (keys_.size() != entries_.size()) {
      throw StateLost("diff: bucket " + std::to_string(bucket) +
                      " of the state has another number of keys than of entries");
    }
  }

  int bits_;
  const ReadBucket& read_;
  std::optional<std::uint32_t> bucket_;
  std::vector<SnapshotEntry> entries_;
  std::vector<EntryKeys> keys_;
};

}  // namespace

void visit_keys(std::vector<IdentityHash>& gone, const StateView& state, int bucket_bits,
                const ReadBucket& read_bucket, const VisitKeys& visit) {
  std::sort(gone.begin(), gone.end());
  BucketKeys buckets(bucket_bits, read_bucket);
  for (const IdentityHash& identity : gone) {
    const bool acknowledged = state.table.marks(state.table.find(identity)).acknowledged;
    const EntryKeys* keys = acknowledged ? buckets.find(identity) : nullptr;
    if (keys == nullptr) {
      const auto doubt = state.doubts.find(identity);
      if (doubt == state.doubts.end()) {
        throw StateLost("diff: the state has an entry without its key, so its removal cannot be"
                        " sent; restore the store or reset the sync");
      }
      keys = &doubt->second.keys;
    }
    visit(identity, *keys);
  }
}

}  // namespace tailrace
