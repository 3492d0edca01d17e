#pragma once

#include <string>
#include <string_view>

#include "source/source.hpp"

namespace tailrace {

/// SQLSTATE query_canceled: the code of what a source throws after its cancel().
inline constexpr std::string_view kCancelledState = "57014";

/// The error that every source throws after its cancel().
[[nodiscard]] SourceError cancelled_error();

/// A warehouse's message without what stands before it in logs and without trailing newlines, cut
/// at 1 KiB between characters.
[[nodiscard]] std::string tidy_message(std::string_view message);

}  // namespace tailrace
