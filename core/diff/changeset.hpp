#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "diff/spill_file.hpp"
#include "row/hash.hpp"
#include "row/line_store.hpp"
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
  LinePlace place = {};  // of the line in Changeset::lines()
};

/// Appends the row as the changeset's buffer, its spill file and plan files hold it: little-endian,
/// without padding. Throws std::system_error for a text of 4 GiB or more.
void append_packed(std::string& out, Change change, const IdentityHash& identity, Version version,
                   std::string_view line, const EntryKeys& keys);

/// How many bytes that appends.
[[nodiscard]] std::size_t packed_bytes(const ChangeRow& row);

/// The rows a run will send, in the order found. Held in a bounded buffer that spills to an
/// unlinked file of mode 0600, because guards need the whole count before the first request.
/// Written once, then read once from the front; not for use from two threads.
class Changeset {
 public:
  static constexpr std::size_t kDefaultBufferBytes = 8u << 20;

  /// `directory`: where the spill file goes. Nothing is created before the buffer is full.
  explicit Changeset(std::string directory, std::size_t buffer_bytes = kDefaultBufferBytes);
  /// Sealed already: `rows` packed rows that are in memory, or in `file` from `begin` on to its
  /// end.
  [[nodiscard]] static Changeset sealed(std::string packed, std::size_t rows);
  [[nodiscard]] static Changeset sealed(SpillFile file, std::uint64_t begin, std::size_t rows,
                                        std::size_t buffer_bytes = kDefaultBufferBytes);
  ~Changeset();
  Changeset(Changeset&&) noexcept;
  Changeset& operator=(Changeset&&) noexcept;

  /// Throws std::system_error where the disk is full or fails.
  void append(Change change, const IdentityHash& identity, Version version, std::string_view line);
  void append_removed(const IdentityHash& identity, const EntryKeys& keys);

  /// Ends writing; rewinds to the first row.
  void seal();
  /// The next row, false at the end. Buffers of `row` are reused. Throws std::system_error where
  /// the bytes end too early or are no row.
  [[nodiscard]] bool next(ChangeRow& row);
  void rewind();

  /// Where the lines of a sealed changeset are: for batches that are too long to be held. May
  /// outlive it.
  [[nodiscard]] std::shared_ptr<const LineStore> lines() const;

  [[nodiscard]] std::size_t rows() const;
  [[nodiscard]] std::size_t spilled_bytes() const;

 private:
  Changeset();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tailrace
