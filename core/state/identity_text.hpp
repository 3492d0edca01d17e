#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "row/ascii.hpp"
#include "row/hash.hpp"

namespace tailrace {

/// What hex() has written; nothing unless `digits` are 1 to 16 hexadecimal ones and no more.
[[nodiscard]] std::optional<std::uint64_t> from_hex(std::string_view digits);

/// 32 digits.
[[nodiscard]] std::string text_of(const IdentityHash& identity);
[[nodiscard]] std::optional<IdentityHash> identity_from(std::string_view digits);
/// 16 bytes that sort as the identities do.
[[nodiscard]] std::string bytes_of(const IdentityHash& identity);

}  // namespace tailrace
