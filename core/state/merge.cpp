#include "state/merge.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "state/errors.hpp"
#include "state/table.hpp"

namespace tailrace {
namespace {

constexpr std::size_t kBlockBytes = 1u << 20;

using Length = std::uint32_t;

char* put(char* at, std::string_view text) {
  const auto length = static_cast<Length>(text.size());
  std::memcpy(at, &length, sizeof length);
  std::memcpy(at + sizeof length, text.data(), text.size());
  return at + sizeof length + text.size();
}

std::string_view get(const char*& at) {
  Length length = 0;
  std::memcpy(&length, at, sizeof length);
  const std::string_view text(at + sizeof length, length);
  at += sizeof length + length;
  return text;
}

EntryChange kind_of(const EntryChanges::Change& change) {
  return static_cast<EntryChange>(*change.packed);
}

void write(const EntryChanges::Change& change, std::optional<FullEntry>& entry) {
  const char* at = change.packed + 1;
  if (!entry) entry.emplace();
  entry->identity = change.identity;
  entry->version = change.version;
  entry->absent_day.reset();
  entry->keys.key = get(at);
  entry->keys.match = get(at);
  // Not every acceptance tells the destination's id; one told earlier stays right.
  if (const std::string_view id = get(at); !id.empty()) entry->keys.destination_id = id;
}

}  // namespace

char* EntryChanges::room(std::size_t bytes) {
  if (bytes > left_) {
    left_ = std::max(bytes, kBlockBytes);
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(left_));
    at_ = blocks_.back().get();
  }
  char* room = at_;
  at_ += bytes;
  left_ -= bytes;
  return room;
}

void EntryChanges::add(EntryChange change, const IdentityHash& identity, Version version,
                       const EntryKeys& keys) {
  const bool keyed = change == EntryChange::write;
  const std::size_t bytes =
      keyed ? 3 * sizeof(Length) + keys.key.size() + keys.match.size() + keys.destination_id.size()
            : 0;
  char* at = room(1 + bytes);
  changes_.push_back({identity, version, at});
  *at++ = static_cast<char>(change);
  if (keyed) put(put(put(at, keys.key), keys.match), keys.destination_id);
}

void EntryChanges::sort() {
  std::stable_sort(changes_.begin(), changes_.end(),
                   [](const Change& a, const Change& b) { return a.identity < b.identity; });
}

std::size_t EntryChanges::written() const {
  std::size_t written = 0;
  const Change* last = nullptr;
  for (const Change& change : changes_) {
    if (kind_of(change) != EntryChange::write) continue;
    if (last == nullptr || last->identity != change.identity) ++written;
    last = &change;
  }
  return written;
}

void EntryChanges::apply(const Change& change, std::optional<FullEntry>& entry) {
  switch (kind_of(change)) {
    case EntryChange::write: write(change, entry); break;
    case EntryChange::remove: entry.reset(); break;
    case EntryChange::leave:
      if (entry && !entry->absent_day) {
        entry->absent_day = static_cast<std::uint32_t>(change.version);
      }
      break;
    case EntryChange::come_back:
      if (entry) entry->absent_day.reset();
      break;
    case EntryChange::look: break;
  }
}

std::vector<FullEntry> open_bucket(const SnapshotBucket& bucket) {
  if (bucket.entries.empty()) return {};
  const std::vector<SnapshotEntry> entries = unpack_entries(bucket.entries);
  std::vector<EntryKeys> keys = unpack_keys(bucket.keys);
  const std::vector<AbsentEntry> absent = unpack_absent(bucket.absent);
  if (keys.size() != entries.size() || (!absent.empty() && absent.back().index >= entries.size())) {
    throw StateLost("state: the parts of bucket " + std::to_string(bucket.bucket) +
                    " do not fit together");
  }
  std::vector<FullEntry> full(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    full[i].identity = entries[i].identity;
    full[i].version = entries[i].version;
    full[i].keys = std::move(keys[i]);
  }
  for (const AbsentEntry& entry : absent) full[entry.index].absent_day = entry.day;
  return full;
}

void BucketBuilder::add(FullEntry&& entry) {
  const std::uint32_t bucket = bucket_of(entry.identity, bits_);
  if (bucket != bucket_) close();
  bucket_ = bucket;
  if (entry.absent_day) {
    absent_.push_back({static_cast<std::uint32_t>(entries_.size()), *entry.absent_day});
  }
  entries_.push_back({entry.identity, entry.version});
  keys_.push_back(std::move(entry.keys));
}

void BucketBuilder::close() {
  if (entries_.empty()) return;
  out_.push_back({bucket_, pack_entries(entries_), pack_absent(absent_), pack_keys(keys_)});
  entries_.clear();
  absent_.clear();
  keys_.clear();
}

void Merge::settle(std::optional<FullEntry> entry, const IdentityHash& identity) {
  for (; next_ != end_ && next_->identity == identity; ++next_) {
    EntryChanges::apply(*next_, entry);
  }
  const bool expired = entry && entry->absent_day && *entry->absent_day + kAbsentDays < today_;
  if (entry && !expired) out_(std::move(*entry));
}

void Merge::feed(FullEntry&& entry) {
  const IdentityHash identity = entry.identity;
  flush([&](const IdentityHash& other) { return other < identity; });
  settle(std::move(entry), identity);
}

void Merge::flush(const std::function<bool(const IdentityHash&)>& belongs) {
  while (next_ != end_ && belongs(next_->identity)) {
    const IdentityHash identity = next_->identity;
    settle(std::nullopt, identity);
  }
}

}  // namespace tailrace
