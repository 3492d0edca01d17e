#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "row/hash.hpp"
#include "state/snapshot.hpp"

namespace tailrace {

enum class Change : std::uint8_t { added, changed, removed };

/// One row that a run will send.
struct ChangeRow {
  Change change = Change::added;
  IdentityHash identity;
  Version version = 0;  // 0 for removed rows
  std::string line;     // encoded row; empty for removed ones
  EntryKeys keys;       // removed rows only: all that is known of them
};

/// The rows a run will send, in the order found. Held in a bounded buffer that spills to an
/// unlinked file of mode 0600, because guards need the whole count before the first request.
/// Written once, then read once from the front; not for use from two threads.
class Changeset {
 public:
  static constexpr std::size_t kDefaultBufferBytes = 8u << 20;

  /// `directory`: where the spill file goes. Nothing is created before the buffer is full.
  explicit Changeset(std::string directory, std::size_t buffer_bytes = kDefaultBufferBytes);
  ~Changeset();
  Changeset(Changeset&&) noexcept;
  Changeset& operator=(Changeset&&) noexcept;

  /// Throws std::system_error where the disk is full or fails.
  void append(Change change, const IdentityHash& identity, Version version, std::string_view line);
  void append_removed(const IdentityHash& identity, const EntryKeys& keys);

  /// Ends writing; rewinds to the first row.
  void seal();
  /// The next row, false at the end. Buffers of `row` are reused.
  [[nodiscard]] bool next(ChangeRow& row);
  void rewind();

  [[nodiscard]] std::size_t rows() const;
  [[nodiscard]] std::size_t spilled_bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tailrace
