#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "row/hash.hpp"

namespace tailrace {

/// What a sealed blob holds; its first byte.
enum class BlobKind : std::uint8_t {
  entries = 0xE1,
  absent = 0xE2,
  keys = 0xE3,
  intents = 0xE4,
  outcomes = 0xE5,
  voids = 0xE6,
  sum = 0xE7,  // never stored: the fields of a table's row, gathered for their checksum
};

/// The checksum at a blob's end.
inline constexpr std::size_t kSumBytes = 8;

/// XXH3 of 64 bits. Format 1 of the state rests on it.
[[nodiscard]] std::uint64_t checksum(std::string_view bytes);

/// Writes a blob: kind, format, fields in little-endian order, checksum. Sizes in bytes.
class BlobWriter {
 public:
  explicit BlobWriter(BlobKind kind, std::size_t expected_bytes = 0);

  void byte(std::uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
  void u32(std::uint32_t value);
  void u64(std::uint64_t value);
  void varint(std::uint64_t value);
  void text(std::string_view value);  // length, then the bytes
  void identity(const IdentityHash& value);

  /// The finished blob; the writer is empty afterwards.
  [[nodiscard]] std::string seal();
  /// The checksum that seal() would have written.
  [[nodiscard]] std::uint64_t sum() const { return checksum(bytes_); }

 private:
  std::string bytes_;
};

/// Reads a sealed blob. The constructor checks length, checksum, kind and format; reading past the
/// end, an overlong number or bytes left over throw StateLost as well. Views point into the blob.
class BlobReader {
 public:
  BlobReader(BlobKind kind, std::string_view blob);

  [[nodiscard]] std::uint8_t byte();
  [[nodiscard]] std::uint32_t u32();
  [[nodiscard]] std::uint64_t u64();
  [[nodiscard]] std::uint64_t varint();
  [[nodiscard]] std::string_view text();
  [[nodiscard]] IdentityHash identity();

  /// A number of things that take at least `least_bytes` each: a count that the blob cannot hold
  /// is refused before anything is allocated for it.
  [[nodiscard]] std::size_t count(std::size_t least_bytes);

  [[noreturn]] void fail(std::string_view why) const;
  /// Nothing may be left.
  void end() const;

 private:
  const char* take(std::size_t bytes);
  BlobKind kind_;
  std::string_view rest_;
};

}  // namespace tailrace
