#include "wire/utf8.hpp"

#include <cstdint>
#include <cstring>

namespace tailrace::wire {
namespace {

[[nodiscard]] unsigned byte_at(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

[[nodiscard]] bool continues(std::string_view text, std::size_t from, std::size_t count) {
  for (std::size_t i = from; i < from + count; ++i) {
    if ((byte_at(text, i) & 0xC0u) != 0x80u) return false;
  }
  return true;
}

/// Bytes of ASCII at the start of `text`, looked at eight at a time.
[[nodiscard]] std::size_t ascii_run(std::string_view text) {
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + i, 8);
    if ((word & 0x8080808080808080u) != 0) break;
  }
  while (i < text.size() && byte_at(text, i) < 0x80u) ++i;
  return i;
}

[[nodiscard]] bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

}  // namespace

std::size_t utf8_sequence(std::string_view text) {
  if (text.empty()) return 0;
  const unsigned lead = byte_at(text, 0);
  if (lead < 0x80u) return 1;
  if (lead < 0xC2u || lead > 0xF4u) return 0;
  if (lead < 0xE0u) return text.size() >= 2 && continues(text, 1, 1) ? 2 : 0;
  if (text.size() < 3) return 0;
  const unsigned second = byte_at(text, 1);
  if (lead < 0xF0u) {
    const bool overlong = lead == 0xE0u && second < 0xA0u;
    const bool surrogate = lead == 0xEDu && second > 0x9Fu;
    return !overlong && !surrogate && continues(text, 1, 2) ? 3 : 0;
  }
  if (text.size() < 4) return 0;
  const bool overlong = lead == 0xF0u && second < 0x90u;
  const bool beyond = lead == 0xF4u && second > 0x8Fu;
  return !overlong && !beyond && continues(text, 1, 3) ? 4 : 0;
}

bool is_utf8(std::string_view text) {
  for (;;) {
    text.remove_prefix(ascii_run(text));
    if (text.empty()) return true;
    const std::size_t length = utf8_sequence(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
}

std::string_view utf8_prefix(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  std::size_t end = limit;
  // A sequence has at most three continuation bytes; text that is not UTF-8 is cut where it is.
  for (int back = 0; back < 3 && end > 0 && (byte_at(text, end) & 0xC0u) == 0x80u; ++back) --end;
  return text.substr(0, end);
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace tailrace::wire
