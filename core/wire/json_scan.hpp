#pragma once

#include <cstddef>
#include <string_view>

namespace tailrace::wire {

/// What a look at JSON text found, without building anything from it.
struct JsonScan {
  bool valid = false;      // one JSON value of RFC 8259, UTF-8, no deeper than allowed
  bool finite = true;      // every number fits a double; what many readers refuse otherwise
  std::size_t values = 0;  // strings, numbers, literals, containers; keys not counted
};

inline constexpr int kScanDepth = 512;

/// Not recursive: depth costs a bit a level. `max_depth` is at most kScanDepth. Unpaired
/// surrogates in \u escapes are not valid here, since no reader can turn them into UTF-8.
[[nodiscard]] JsonScan scan_json(std::string_view text, int max_depth);

/// A number in JSON's grammar and nothing else.
[[nodiscard]] bool is_json_number(std::string_view text);

/// Whether a number in JSON's grammar is within a double's range (1e-400 is: it rounds to zero).
[[nodiscard]] bool fits_double(std::string_view number);

}  // namespace tailrace::wire
