#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string_view>

#include "wire/request.hpp"

namespace tailrace::wire {

/// Retry-After in seconds or as an HTTP date (RFC 9110 §10.2.3 and §5.6.7: IMF-fixdate, and the
/// obsolete RFC 850 and asctime forms), as a wait from `now`. A date in the past is zero; garbage
/// and more than 2^32 seconds are nullopt. Fractions are rounded up, those of seconds to whole
/// seconds and those of a date's distance to whole milliseconds, so that no request is early.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_retry_after(
    std::string_view value, std::chrono::system_clock::time_point now);

/// The longest wait of all Retry-After headers (names in lower case): of two, obeying the longer
/// obeys both. nullopt where none can be read.
[[nodiscard]] std::optional<std::chrono::milliseconds> longest_retry_after(
    std::span<const Header> headers, std::chrono::system_clock::time_point now);

}  // namespace tailrace::wire
