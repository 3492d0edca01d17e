#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "row/schema.hpp"

namespace tailrace {

/// Why a row of the model is not sent at all.
struct InvalidRow {
  std::string key;
  std::string code;     // a word of InvalidCode, or what DiffOptions::check gave
  std::string message;
  std::string field;    // the column at fault, may be empty
};

/// What the diff itself finds. The text form of each (`null_key`) is InvalidRow::code.
enum class InvalidCode : std::uint8_t {
  none,
  null_key,
  blank_key,
  long_key,
  float_key,
  separator_in_key,
  duplicate_key,
  null_match,
  blank_match,
  long_match,
  float_match,
  unusable_match,
  duplicate_match,
};

/// Keys and match values above this many encoded bytes name no record in any tool.
inline constexpr std::size_t kMaxIdentityBytes = 4096;

/// Code, message and field for a fault in `column`; the key is left empty.
[[nodiscard]] InvalidRow describe_invalid(InvalidCode code, const Schema& schema,
                                          std::size_t column);

}  // namespace tailrace
