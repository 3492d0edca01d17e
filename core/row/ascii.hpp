#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace tailrace {

// Of ASCII alone and the same in every locale, which <cctype> is not.

[[nodiscard]] constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

[[nodiscard]] constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

[[nodiscard]] constexpr bool is_letter(char c) { return is_upper(c) || (c >= 'a' && c <= 'z'); }

[[nodiscard]] constexpr bool is_alphanumeric(char c) { return is_letter(c) || is_digit(c); }

[[nodiscard]] constexpr char lower(char c) {
  return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}

inline void make_lower(std::string& text) {
  for (char& c : text) c = lower(c);
}

[[nodiscard]] inline std::string lowered(std::string_view text) {
  std::string out(text);
  make_lower(out);
  return out;
}

[[nodiscard]] inline bool same_but_for_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

inline constexpr std::string_view kHexDigits = "0123456789abcdef";

/// 16 digits, the largest first.
[[nodiscard]] inline std::string hex(std::uint64_t value) {
  std::string out(16, '0');
  for (auto at = out.rbegin(); at != out.rend(); ++at, value >>= 4U) *at = kHexDigits[value & 15U];
  return out;
}

/// Two digits for each byte, in lower case.
template <class Bytes>
void append_hex(std::string& out, const Bytes& bytes) {
  for (const auto one : bytes) {
    const auto byte = static_cast<unsigned char>(one);
    out.push_back(kHexDigits[byte >> 4U]);
    out.push_back(kHexDigits[byte & 15U]);
  }
}

template <class Bytes>
[[nodiscard]] std::string hex_of(const Bytes& bytes) {
  std::string out;
  append_hex(out, bytes);
  return out;
}

}  // namespace tailrace
