#pragma once

#include <string_view>

namespace tailrace::wire {

/// YYYY-MM-DD of a day that there was, years 0001 to 9999: what RFC 3339 can say.
[[nodiscard]] bool is_date(std::string_view text);

/// HH:MM:SS with an optional fraction, up to 23:59:59.
[[nodiscard]] bool is_time(std::string_view text);

/// A date and a time, with a space or a T between them and no zone behind.
[[nodiscard]] bool is_timestamp(std::string_view text);

/// A timestamp without the zone that says UTC; an empty view where it says another or none.
[[nodiscard]] std::string_view without_utc(std::string_view text);

/// Drops the zeros that end a fraction, and its point with the last of them.
[[nodiscard]] std::string_view without_zeros(std::string_view time);

}  // namespace tailrace::wire
