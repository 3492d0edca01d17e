#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "row/hash.hpp"

namespace tailrace {

/// Whether and when a rejected row is tried again.
enum class Hold : std::uint8_t {
  permanent = 0,  // when row, mapping or the destination's fields change, after a day, or released
  transient = 1,  // at every run, until it was tried often enough; then as permanent, without a day
  parked = 2,  // an insert that may have happened: only when released, or told to be delivered
  released = 3,  // somebody asked for it: at the next run
};

/// The enumerator's name, as users see it.
[[nodiscard]] std::string_view word_of(Hold hold);
[[nodiscard]] std::optional<Hold> hold_from(std::string_view word);

/// Code of a row that was parked. It stays when a person releases the row: that says that the
/// insert which may have happened did not, while another row that is released was only refused.
inline constexpr std::string_view kParkedCode = "parked";

struct RejectedRow {
  IdentityHash identity;
  std::string key;
  Version version = 0;
  std::string code;
  std::string message;
  std::string field;
  Hold hold = Hold::permanent;
  std::int32_t attempts = 1;
  std::int64_t first_at_ms = 0;
  std::int64_t last_at_ms = 0;

  bool operator==(const RejectedRow&) const = default;
};

}  // namespace tailrace
