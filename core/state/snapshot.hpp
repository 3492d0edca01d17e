#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "row/hash.hpp"

namespace tailrace {

struct SnapshotEntry {
  IdentityHash identity;
  Version version = 0;
};

/// Marks an entry whose row left the model under `on_removed: ignore`.
struct AbsentEntry {
  std::uint32_t index = 0;  // into the bucket's entries
  std::uint32_t day = 0;    // days since 1970-01-01 of the store's clock
};

/// What deletes and reports need of an entry; read only for buckets with removed rows.
struct EntryKeys {
  std::string key;
  std::string match;  // empty where it equals the key
  std::string destination_id;

  bool operator==(const EntryKeys&) const = default;
};

/// One bucket as the store keeps it: all entries whose hash begins with the bucket's bits, sorted.
struct SnapshotBucket {
  std::uint32_t bucket = 0;
  std::string entries;  // packed: count, 24 bytes an entry, checksum
  std::string absent;   // packed; empty blob = none
  std::string keys;     // packed in the order of the entries
};

/// Bits of the hash that name the bucket: about 4,096 entries a bucket.
[[nodiscard]] int bucket_bits_for(std::size_t entries);
[[nodiscard]] std::uint32_t bucket_of(const IdentityHash& identity, int bits);

/// Which of `of` shards an identity belongs to. Taken from the low word: a shard's identities then
/// still fill the whole range of the high word, which StateTable and the buckets rest on.
[[nodiscard]] std::uint32_t shard_of(const IdentityHash& identity, std::uint32_t of);

[[nodiscard]] std::string pack_entries(const std::vector<SnapshotEntry>& entries);
[[nodiscard]] std::string pack_absent(const std::vector<AbsentEntry>& absent);
[[nodiscard]] std::string pack_keys(const std::vector<EntryKeys>& keys);

/// Each throws StateLost where the checksum, the structure or the order is wrong.
[[nodiscard]] std::vector<SnapshotEntry> unpack_entries(std::string_view blob);
[[nodiscard]] std::vector<AbsentEntry> unpack_absent(std::string_view blob);
[[nodiscard]] std::vector<EntryKeys> unpack_keys(std::string_view blob);

}  // namespace tailrace
