#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "row/hash.hpp"
#include "state/snapshot.hpp"

namespace tailrace {

/// One entry of the snapshot with all that belongs to it.
struct FullEntry {
  IdentityHash identity;
  Version version = 0;
  std::optional<std::uint32_t> absent_day;
  EntryKeys keys;
};

/// What happens to an entry. `leave` has the day in the place of the version. `look` changes
/// nothing: the entry is only read.
enum class EntryChange : std::uint8_t { write = 1, remove = 2, leave = 3, come_back = 4, look = 5 };

/// Changes of entries, held in 32 bytes each and those of their keys: a fold has as many as the
/// journal has accepted rows.
class EntryChanges {
 public:
  struct Change {
    IdentityHash identity;
    Version version = 0;
    const char* packed = nullptr;  // kind, then the keys; rises with the order of adding
  };
  using Cursor = std::deque<Change>::const_iterator;

  void add(EntryChange change, const IdentityHash& identity, Version version = 0,
           const EntryKeys& keys = {});

  /// By identity, and in the order of adding within one. To be called once, after the last add().
  void sort();
  [[nodiscard]] Cursor begin() const { return changes_.begin(); }
  [[nodiscard]] Cursor end() const { return changes_.end(); }
  [[nodiscard]] bool empty() const { return changes_.empty(); }
  /// Identities that are written; only after sort().
  [[nodiscard]] std::size_t written() const;

  /// Applies one to the entry, which is empty where there is none.
  static void apply(const Change& change, std::optional<FullEntry>& entry);

 private:
  char* room(std::size_t bytes);

  std::deque<Change> changes_;
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* at_ = nullptr;
  std::size_t left_ = 0;
};

/// A bucket's entries with keys and absent days. Throws StateLost where the parts do not fit.
[[nodiscard]] std::vector<FullEntry> open_bucket(const SnapshotBucket& bucket);

/// Takes entries in rising order and makes buckets of them.
class BucketBuilder {
 public:
  BucketBuilder(int bits, std::vector<SnapshotBucket>& out) : bits_(bits), out_(out) {}

  void add(FullEntry&& entry);
  /// Closes the bucket that is being filled, if any.
  void close();

 private:
  int bits_;
  std::vector<SnapshotBucket>& out_;
  std::uint32_t bucket_ = 0;
  std::vector<SnapshotEntry> entries_;
  std::vector<AbsentEntry> absent_;
  std::vector<EntryKeys> keys_;
};

/// Merges sorted entries with sorted changes. `out` gets every entry that is left, in order.
class Merge {
 public:
  using Out = std::function<void(FullEntry&&)>;

  Merge(EntryChanges::Cursor first, EntryChanges::Cursor last, std::uint32_t today, Out out)
      : next_(first), end_(last), today_(today), out_(std::move(out)) {}

  /// The next entry of the old snapshot; changes of identities before it are settled first.
  void feed(FullEntry&& entry);
  /// Settles the changes that are left of identities for which `belongs` says yes.
  void flush(const std::function<bool(const IdentityHash&)>& belongs);

  [[nodiscard]] bool at_end() const { return next_ == end_; }
  [[nodiscard]] const IdentityHash& next_identity() const { return next_->identity; }

 private:
  void settle(std::optional<FullEntry> entry, const IdentityHash& identity);

  EntryChanges::Cursor next_;
  EntryChanges::Cursor end_;
  std::uint32_t today_;
  Out out_;
};

}  // namespace tailrace
