#include "state/snapshot.hpp"

#include "state/packing.hpp"

namespace tailrace {
namespace {

constexpr std::size_t kEntryBytes = 24;
constexpr std::size_t kAbsentBytes = 8;
constexpr std::size_t kLeastKeyBytes = 3;  // three lengths

// With this bound the mean lies between 3,072 and 6,144.
constexpr std::size_t kMostPerBucket = 6144;
constexpr int kMostBits = 24;

}  // namespace

int bucket_bits_for(std::size_t entries) {
  int bits = 0;
  while (bits < kMostBits && (entries >> bits) > kMostPerBucket) ++bits;
  return bits;
}

std::uint32_t bucket_of(const IdentityHash& identity, int bits) {
  return bits == 0 ? 0 : static_cast<std::uint32_t>(identity.high >> (64 - bits));
}

std::uint32_t shard_of(const IdentityHash& identity, std::uint32_t of) {
  return static_cast<std::uint32_t>(((identity.low >> 32) * of) >> 32);
}

std::string pack_entries(const std::vector<SnapshotEntry>& entries) {
  BlobWriter out(BlobKind::entries, entries.size() * kEntryBytes + 10);
  out.varint(entries.size());
  for (const SnapshotEntry& entry : entries) {
    out.identity(entry.identity);
    out.u64(entry.version);
  }
  return out.seal();
}

std::string pack_absent(const std::vector<AbsentEntry>& absent) {
  if (absent.empty()) return {};
  BlobWriter out(BlobKind::absent, absent.size() * kAbsentBytes + 10);
  out.varint(absent.size());
  for (const AbsentEntry& entry : absent) {
    out.u32(entry.index);
    out.u32(entry.day);
  }
  return out.seal();
}

std::string pack_keys(const std::vector<EntryKeys>& keys) {
  std::size_t bytes = 10;
  for (const EntryKeys& entry : keys) {
    bytes += entry.key.size() + entry.match.size() + entry.destination_id.size() + 6;
  }
  BlobWriter out(BlobKind::keys, bytes);
  out.varint(keys.size());
  for (const EntryKeys& entry : keys) {
    out.text(entry.key);
    out.text(entry.match);
    out.text(entry.destination_id);
  }
  return out.seal();
}

std::vector<SnapshotEntry> unpack_entries(std::string_view blob) {
  BlobReader in(BlobKind::entries, blob);
  std::vector<SnapshotEntry> entries(in.count(kEntryBytes));
  for (std::size_t i = 0; i < entries.size(); ++i) {
    entries[i].identity = in.identity();
    entries[i].version = in.u64();
    if (i > 0 && !(entries[i - 1].identity < entries[i].identity)) in.fail("not sorted");
  }
  in.end();
  return entries;
}

std::vector<AbsentEntry> unpack_absent(std::string_view blob) {
  if (blob.empty()) return {};
  BlobReader in(BlobKind::absent, blob);
  std::vector<AbsentEntry> absent(in.count(kAbsentBytes));
  for (std::size_t i = 0; i < absent.size(); ++i) {
    absent[i].index = in.u32();
    absent[i].day = in.u32();
    if (i > 0 && absent[i - 1].index >= absent[i].index) in.fail("not sorted");
  }
  in.end();
  return absent;
}

std::vector<EntryKeys> unpack_keys(std::string_view blob) {
  BlobReader in(BlobKind::keys, blob);
  std::vector<EntryKeys> keys(in.count(kLeastKeyBytes));
  for (EntryKeys& entry : keys) {
    entry.key = in.text();
    entry.match = in.text();
    entry.destination_id = in.text();
  }
  in.end();
  return keys;
}

}  // namespace tailrace
