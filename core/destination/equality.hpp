#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "row/schema.hpp"

namespace tailrace {

/// How a tool keeps values, as far as comparing needs to know.
struct Equality {
  bool empty_is_null = false;       // an empty text and no value are one
  bool epoch_ms = false;            // dates and times may be said in milliseconds since 1970
  std::int64_t resolution_us = 1;   // of times
};

/// Whether `theirs` is the value that ours (Cell::text) is written as: numbers by their value,
/// floats at the column's digits; times by the moment, whatever the zone it is said in; JSON by its
/// members; UUIDs whatever their case; all else as the text that is sent.
[[nodiscard]] bool equal_text(const Equality& equality, const Column& column, std::string_view ours,
                              const std::optional<std::string>& theirs);

}  // namespace tailrace
