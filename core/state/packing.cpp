#include "state/packing.hpp"

#include <array>
#include <utility>

#include <xxhash.h>

#include "state/errors.hpp"

namespace tailrace {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::size_t kHeadBytes = 2;

template <typename Number>
void put(std::string& bytes, Number value) {
  std::array<char, sizeof(Number)> out{};
  for (std::size_t i = 0; i < sizeof(Number); ++i) {
    out[i] = static_cast<char>((value >> (8 * i)) & 0xFF);
  }
  bytes.append(out.data(), out.size());
}

template <typename Number>
Number get(const char* at) {
  Number value = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i) {
    value |= static_cast<Number>(static_cast<unsigned char>(at[i])) << (8 * i);
  }
  return value;
}

std::string_view name_of(BlobKind kind) {
  switch (kind) {
    case BlobKind::entries: return "snapshot entries";
    case BlobKind::absent: return "absent entries";
    case BlobKind::keys: return "snapshot keys";
    case BlobKind::intents: return "intents";
    case BlobKind::outcomes: return "outcomes";
    case BlobKind::voids: return "voids";
    case BlobKind::sum: return "row";
  }
  return "blob";
}

}  // namespace

std::uint64_t checksum(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

BlobWriter::BlobWriter(BlobKind kind, std::size_t expected_bytes) {
  bytes_.reserve(expected_bytes + kHeadBytes + kSumBytes);
  byte(static_cast<std::uint8_t>(kind));
  byte(kFormat);
}

void BlobWriter::u32(std::uint32_t value) { put(bytes_, value); }
void BlobWriter::u64(std::uint64_t value) { put(bytes_, value); }

void BlobWriter::varint(std::uint64_t value) {
  while (value >= 0x80) {
    byte(static_cast<std::uint8_t>(value | 0x80));
    value >>= 7;
  }
  byte(static_cast<std::uint8_t>(value));
}

void BlobWriter::text(std::string_view value) {
  varint(value.size());
  bytes_.append(value);
}

void BlobWriter::identity(const IdentityHash& value) {
  u64(value.high);
  u64(value.low);
}

std::string BlobWriter::seal() {
  u64(checksum(bytes_));
  return std::move(bytes_);
}

BlobReader::BlobReader(BlobKind kind, std::string_view blob) : kind_(kind) {
  if (blob.size() < kHeadBytes + kSumBytes) fail("cut off");
  const std::string_view body = blob.substr(0, blob.size() - kSumBytes);
  if (get<std::uint64_t>(blob.data() + body.size()) != checksum(body)) fail("checksum is wrong");
  if (static_cast<std::uint8_t>(body[0]) != static_cast<std::uint8_t>(kind)) fail("other kind");
  if (static_cast<std::uint8_t>(body[1]) != kFormat) fail("unknown format");
  rest_ = body.substr(kHeadBytes);
}

void BlobReader::fail(std::string_view why) const {
  throw StateLost("state: packed " + std::string(name_of(kind_)) +
                  " are corrupt: " + std::string(why));
}

const char* BlobReader::take(std::size_t bytes) {
  if (bytes > rest_.size()) fail("cut off");
  const char* at = rest_.data();
  rest_.remove_prefix(bytes);
  return at;
}

std::uint8_t BlobReader::byte() { return static_cast<std::uint8_t>(*take(1)); }
std::uint32_t BlobReader::u32() { return get<std::uint32_t>(take(sizeof(std::uint32_t))); }
std::uint64_t BlobReader::u64() { return get<std::uint64_t>(take(sizeof(std::uint64_t))); }

std::uint64_t BlobReader::varint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const std::uint64_t next = byte();
    const std::uint64_t bits = next & 0x7F;
    if (shift == 63 && bits > 1) break;
    value |= bits << shift;
    if ((next & 0x80) == 0) return value;
  }
  fail("a number is too long");
}

std::string_view BlobReader::text() {
  const std::uint64_t size = varint();
  if (size > rest_.size()) fail("cut off");
  return {take(static_cast<std::size_t>(size)), static_cast<std::size_t>(size)};
}

IdentityHash BlobReader::identity() {
  const std::uint64_t high = u64();
  return {high, u64()};
}

std::size_t BlobReader::count(std::size_t least_bytes) {
  const std::uint64_t claimed = varint();
  if (claimed > rest_.size() / least_bytes) fail("count is larger than the blob");
  return static_cast<std::size_t>(claimed);
}

void BlobReader::end() const {
  if (!rest_.empty()) fail("bytes are left over");
}

}  // namespace tailrace
