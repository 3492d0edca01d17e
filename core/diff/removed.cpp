#include "diff/removed.hpp"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "state/errors.hpp"
#include "state/replay.hpp"

namespace tailrace {
namespace {

/// What the journal has accepted of one entry.
struct Accepted {
  EntryKeys keys;
  bool created_anew = false;  // removed meanwhile: the snapshot's id is another record's
};
using AcceptedRows = std::unordered_map<IdentityHash, Accepted, HashOfIdentity>;

/// The keys of the bucket looked at last.
class BucketKeys {
 public:
  explicit BucketKeys(const KeyReader& reader) : reader_(reader) {}

  [[nodiscard]] const EntryKeys* find(const IdentityHash& identity) {
    const std::uint32_t bucket = bucket_of(identity, reader_.bucket_bits);
    if (bucket != bucket_) load(bucket);
    const auto at = std::lower_bound(
        entries_.begin(), entries_.end(), identity,
        [](const SnapshotEntry& entry, const IdentityHash& id) { return entry.identity < id; });
    if (at == entries_.end() || at->identity != identity) return nullptr;
    return &keys_[static_cast<std::size_t>(at - entries_.begin())];
  }

 private:
  void load(std::uint32_t bucket) {
    const SnapshotBucket packed = reader_.read_bucket(bucket);
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

  const KeyReader& reader_;
  std::optional<std::uint32_t> bucket_;
  std::vector<SnapshotEntry> entries_;
  std::vector<EntryKeys> keys_;
};

/// What the journal says of the entries that are gone, and of no other.
[[nodiscard]] AcceptedRows accepted_rows(const std::vector<IdentityHash>& gone,
                                         const KeyReader& reader) {
  AcceptedRows found;
  if (!reader.read_accepted || gone.empty()) return found;
  reader.read_accepted([&](StateOp op, const IntentRow& row, const std::string& destination_id) {
    if (!std::binary_search(gone.begin(), gone.end(), row.identity)) return;
    Accepted& accepted = found[row.identity];
    if (op == StateOp::remove) {
      accepted = {{}, true};
      return;
    }
    accepted.keys.key = row.key;
    accepted.keys.match = row.match;
    if (!destination_id.empty()) accepted.keys.destination_id = destination_id;
  });
  return found;
}

/// Everything that is known of one entry; the later word holds.
class KeySearch {
 public:
  KeySearch(const std::vector<IdentityHash>& gone, const StateView& state, const KeyReader& reader)
      : state_(state), journal_(accepted_rows(gone, reader)), buckets_(reader) {}

  [[nodiscard]] EntryKeys find(const IdentityHash& identity) {
    const bool acknowledged = state_.table.marks(state_.table.find(identity)).acknowledged;
    const auto accepted = journal_.find(identity);
    const EntryKeys* const old = acknowledged ? buckets_.find(identity) : nullptr;
    if (acknowledged && accepted != journal_.end()) {
      EntryKeys keys = accepted->second.keys;
      const bool same_record = old != nullptr && !accepted->second.created_anew;
      if (keys.destination_id.empty() && same_record) keys.destination_id = old->destination_id;
      return keys;
    }
    if (old != nullptr) return *old;
    const auto doubt = state_.doubts.find(identity);
    if (doubt != state_.doubts.end()) return doubt->second.keys;
    throw StateLost(
        "diff: the state has an entry without its key, so its removal cannot be sent;"
        " restore the store or reset the sync");
  }

 private:
  const StateView& state_;
  AcceptedRows journal_;
  BucketKeys buckets_;
};

}  // namespace

KeyReader key_reader(StateStore& store, const Claim& claim) {
  KeyReader reader;
  reader.bucket_bits = claim.bucket_bits;
  reader.read_bucket = [&store, holder = claim.holder](std::uint32_t bucket) {
    return store.read_bucket(holder, bucket);
  };
  reader.read_accepted = [&store, claim](const KeyReader::Accepted& visit) {
    // Doubts are not asked for here, so how long they last does not matter.
    static_cast<void>(replay_journal(store, claim, 0, visit));
  };
  return reader;
}

void visit_keys(std::vector<IdentityHash>& gone, const StateView& state, const KeyReader& reader,
                const VisitKeys& visit) {
  std::sort(gone.begin(), gone.end());
  KeySearch search(gone, state, reader);
  for (const IdentityHash& identity : gone) visit(identity, search.find(identity));
}

}  // namespace tailrace
