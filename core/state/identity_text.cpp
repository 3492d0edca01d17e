#include "state/identity_text.hpp"

#include <charconv>
#include <system_error>

namespace tailrace {
namespace {

constexpr std::size_t kWordDigits = 16;

}  // namespace

std::optional<std::uint64_t> from_hex(std::string_view digits) {
  std::uint64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [read, code] = std::from_chars(digits.data(), end, value, 16);
  if (code != std::errc() || read != end) return std::nullopt;
  return value;
}

std::string text_of(const IdentityHash& identity) { return hex(identity.high) + hex(identity.low); }

std::optional<IdentityHash> identity_from(std::string_view digits) {
  if (digits.size() != 2 * kWordDigits) return std::nullopt;
  const auto high = from_hex(digits.substr(0, kWordDigits));
  const auto low = from_hex(digits.substr(kWordDigits));
  if (!high || !low) return std::nullopt;
  return IdentityHash{*high, *low};
}

std::string bytes_of(const IdentityHash& identity) {
  std::string bytes;
  for (const std::uint64_t word : {identity.high, identity.low}) {
    for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(word >> shift));
  }
  return bytes;
}

}  // namespace tailrace
