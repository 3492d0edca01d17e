#include "run/whole_state.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "state/errors.hpp"

namespace tailrace {
namespace {

void merge(StateView& whole, StateView&& shard) {
  for (StateTable::Slot from = 0; from < shard.table.capacity(); ++from) {
    if (!shard.table.marks(from).used) continue;
    const StateTable::Slot to = whole.table.insert(shard.table.identity(from));
    whole.table.version(to) = shard.table.version(from);
    whole.table.marks(to) = shard.table.marks(from);
  }
  whole.doubts.merge(shard.doubts);
  whole.rejected.merge(shard.rejected);
  std::move(shard.open.begin(), shard.open.end(), std::back_inserter(whole.open));
  whole.known += shard.known;
  whole.journal_rows += shard.journal_rows;
  whole.has_baseline = whole.has_baseline || shard.has_baseline;
}

// A shard is claimed once and folded once in a run: it holds still in between.
constexpr int kReadings = 5;

std::size_t journal_rows(StateStore& store, const Holder& holder) {
  std::size_t rows = 0;
  store.read_journal(holder, [&](const JournalRow&) { ++rows; });
  return rows;
}

/// Its snapshot and its journal are read one after the other: where a fold comes in between, what
/// it took from the journal is in neither.
StateView load_sibling(StateStore& store, const SyncAddress& address, std::int64_t quiet_ms) {
  for (int reading = 1; reading <= kReadings; ++reading) {
    const std::optional<Claim> claim = store.peek(address);
    if (!claim) return StateView();
    try {
      const std::size_t before = journal_rows(store, claim->holder);
      StateView view = load_state(store, *claim, quiet_ms);
      if (journal_rows(store, claim->holder) >= before) return view;
    } catch (const Fenced&) {
      continue;  // another run has claimed it
    } catch (const StateLost&) {
      if (reading == kReadings) throw;  // buckets of two snapshots do not fit together either
    }
  }
  throw StoreUnavailable("state: shard " + std::to_string(address.shard) +
                         " was written to each time that it was read");
}

/// One bucket of the whole out of those that the shards have for the same bits.
SnapshotBucket joined_bucket(StateStore& store, const std::vector<Claim>& shards,
                             std::uint32_t number, int bits) {
  std::vector<std::pair<SnapshotEntry, EntryKeys>> found;
  for (const Claim& shard : shards) {
    // A shard of fewer bits has the entries of several of our buckets in one of its own.
    const SnapshotBucket packed =
        store.read_bucket(shard.holder, number >> (bits - shard.bucket_bits));
    if (packed.entries.empty()) continue;
    const std::vector<SnapshotEntry> entries = unpack_entries(packed.entries);
    std::vector<EntryKeys> keys = unpack_keys(packed.keys);
    if (keys.size() != entries.size()) {
      throw StateLost("state: a bucket has another number of keys than of entries");
    }
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (bucket_of(entries[i].identity, bits) != number) continue;
      found.emplace_back(entries[i], std::move(keys[i]));
    }
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.first.identity < b.first.identity; });
  std::vector<SnapshotEntry> entries;
  std::vector<EntryKeys> keys;
  for (auto& [entry, key] : found) {
    entries.push_back(entry);
    keys.push_back(std::move(key));
  }
  SnapshotBucket bucket{number, {}, {}, {}};
  if (entries.empty()) return bucket;
  bucket.entries = pack_entries(entries);
  bucket.keys = pack_keys(keys);
  return bucket;
}

}  // namespace

Claim claim_of_whole(const std::vector<Claim>& shards) {
  if (shards.empty()) return {};
  if (shards.size() == 1) return shards.front();
  Claim whole = shards.front();
  whole.holder.shard = 0;
  whole.holder.of = 1;
  for (std::size_t i = 1; i < shards.size(); ++i) {
    const Claim& shard = shards[i];
    whole.holder.epoch = std::max(whole.holder.epoch, shard.holder.epoch);
    whole.last_seq = std::max(whole.last_seq, shard.last_seq);
    whole.bucket_bits = std::max(whole.bucket_bits, shard.bucket_bits);
    whole.snapshot_entries += shard.snapshot_entries;
    whole.resynced_at_ms = std::min(whole.resynced_at_ms, shard.resynced_at_ms);
    whole.fields_changed_at_ms = std::max(whole.fields_changed_at_ms, shard.fields_changed_at_ms);
    if (whole.mapping_fingerprint != shard.mapping_fingerprint) whole.mapping_fingerprint.clear();
    if (whole.encoding != shard.encoding) whole.encoding.clear();
  }
  return whole;
}

StateView load_whole(StateStore& store, const std::vector<Claim>& shards, std::int64_t quiet_ms) {
  if (shards.empty()) return StateView();
  if (shards.size() == 1) return load_state(store, shards.front(), quiet_ms);
  StateView whole;
  whole.table = StateTable(claim_of_whole(shards).snapshot_entries);
  for (const Claim& shard : shards) merge(whole, load_state(store, shard, quiet_ms));
  return whole;
}

StateView load_beside(StateStore& store, const Claim& own, const SyncAddress& address,
                      std::int64_t quiet_ms) {
  StateView whole;
  whole.table = StateTable(own.snapshot_entries * static_cast<std::size_t>(address.of));
  for (int shard = 0; shard < address.of; ++shard) {
    SyncAddress one = address;
    one.shard = shard;
    const bool is_own = shard == address.shard;
    merge(whole, is_own ? load_state(store, own, quiet_ms) : load_sibling(store, one, quiet_ms));
  }
  return whole;
}

KeyReader whole_key_reader(StateStore& store, const std::vector<Claim>& shards) {
  if (shards.size() == 1) return key_reader(store, shards.front());
  KeyReader reader;
  reader.bucket_bits = claim_of_whole(shards).bucket_bits;
  reader.read_bucket = [&store, shards, bits = reader.bucket_bits](std::uint32_t number) {
    return joined_bucket(store, shards, number, bits);
  };
  reader.read_accepted = [&store, shards](const KeyReader::Accepted& visit) {
    for (const Claim& shard : shards) key_reader(store, shard).read_accepted(visit);
  };
  return reader;
}

}  // namespace tailrace
