#pragma once

#include <cstddef>
#include <string_view>

namespace tailrace::wire {

/// Bytes of the well-formed UTF-8 sequence that `text` begins with (1 to 4), or 0 where it begins
/// with none: stray and overlong bytes, surrogates, code points above U+10FFFF, a cut sequence.
[[nodiscard]] std::size_t utf8_sequence(std::string_view text);

/// U+FFFD, in place of a byte that is in no UTF-8 sequence.
inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

[[nodiscard]] bool is_utf8(std::string_view text);

/// At most `limit` bytes of `text`, cut between characters.
[[nodiscard]] std::string_view utf8_prefix(std::string_view text, std::size_t limit);

/// `text` without ASCII white space at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text);

}  // namespace tailrace::wire
