#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace tailrace::wire {

/// Retry-After in seconds or as an HTTP date (RFC 9110 §10.2.3 and §5.6.7: IMF-fixdate, and the
/// obsolete RFC 850 and asctime forms), as a wait from `now`. A date in the past is zero; garbage
/// and more than 2^32 seconds are nullopt. Fractions are rounded up, those of seconds to whole
/// seconds and those of a date's distance to whole milliseconds, so that no request is early.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_retry_after(
    std::string_view value, std::chrono::system_clock::time_point now);

}  // namespace tailrace::wire
