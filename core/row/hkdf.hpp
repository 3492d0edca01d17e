#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace tailrace {

/// HKDF-Expand of RFC 5869 with SHA-256: keys for one use each out of one secret. `key` is random
/// and at least 32 bytes long, so that the extraction step is not needed. Throws
/// std::runtime_error where OpenSSL has no HMAC-SHA-256.
void hkdf_expand(std::span<const std::uint8_t> key, std::string_view info,
                 std::span<std::uint8_t> out);

}  // namespace tailrace
