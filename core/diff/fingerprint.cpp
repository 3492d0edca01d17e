#include "diff/fingerprint.hpp"

#include <array>
#include <cstddef>

#include "row/ascii.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tailrace {
namespace {

/// Little end first on every machine.
std::uint8_t* put(std::uint8_t* at, std::uint64_t value) {
  for (unsigned shift = 0; shift < 64; shift += 8)
    *at++ = static_cast<std::uint8_t>(value >> shift);
  return at;
}

}  // namespace

void Fingerprint::add(PlannedOp op, const IdentityHash& identity, Version version) {
  std::array<std::uint8_t, 25> bytes{};
  bytes[0] = static_cast<std::uint8_t>(op);
  put(put(put(bytes.data() + 1, identity.high), identity.low), version);
  const XXH128_hash_t term = XXH3_128bits(bytes.data(), bytes.size());
  low_ += term.low64;
  high_ += term.high64 + (low_ < term.low64 ? 1 : 0);
}

std::string Fingerprint::text() const { return hex(high_) + hex(low_); }

}  // namespace tailrace
