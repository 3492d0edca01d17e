#pragma once

#include <cstddef>

namespace tailrace {

/// Writes an unsigned number to `at`, little end first on every machine; returns what follows it.
template <typename Number>
char* put_little(char* at, Number value) {
  for (std::size_t i = 0; i < sizeof value; ++i) *at++ = static_cast<char>(value >> (8 * i));
  return at;
}

/// Reads one and moves `at` behind it.
template <typename Number>
[[nodiscard]] Number get_little(const char*& at) {
  Number value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i) {
    const auto byte = static_cast<Number>(static_cast<unsigned char>(*at++));
    value = static_cast<Number>(value | static_cast<Number>(byte << (8 * i)));
  }
  return value;
}

}  // namespace tailrace
