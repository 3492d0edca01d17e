#include "wire/json_writer.hpp"

#include <array>
#include <charconv>
#include <cstring>

namespace tailrace::wire {
namespace {

/// Per byte: 0 as it is, 'u' as \u00XX, 'x' begins (or fails to begin) a multi-byte sequence,
/// else the letter behind the backslash.
constexpr std::array<char, 256> make_escapes() {
  std::array<char, 256> table{};
  for (std::size_t i = 0; i < 0x20; ++i) table[i] = 'u';
  for (std::size_t i = 0x80; i < 0x100; ++i) table[i] = 'x';
  table['\b'] = 'b';
  table['\f'] = 'f';
  table['\n'] = 'n';
  table['\r'] = 'r';
  table['\t'] = 't';
  table['"'] = '"';
  table['\\'] = '\\';
  return table;
}
constexpr std::array<char, 256> kEscapes = make_escapes();

constexpr std::uint64_t kOnes = 0x0101010101010101u;
constexpr std::uint64_t kHighs = 0x8080808080808080u;

/// True where one of eight bytes is a control character, a quote, a backslash or not ASCII.
[[nodiscard]] bool word_needs_look(std::uint64_t word) {
  const std::uint64_t quote = word ^ (kOnes * '"');
  const std::uint64_t backslash = word ^ (kOnes * '\\');
  // (x - 0x01..) & ~x & 0x80.. marks zero bytes, (x - 0x20..) & ~x those below 0x20. A borrow from
  // a marked neighbour can mark a byte too many; the bytes are then looked at one by one.
  const std::uint64_t found = ((quote - kOnes) & ~quote) | ((backslash - kOnes) & ~backslash) |
                              ((word - kOnes * 0x20) & ~word) | word;
  return (found & kHighs) != 0;
}

/// Bytes at the start of `text` that stand for themselves within a JSON string.
[[nodiscard]] std::size_t plain_run(std::string_view text) {
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + i, 8);
    if (word_needs_look(word)) break;
  }
  while (i < text.size() && kEscapes[static_cast<unsigned char>(text[i])] == 0) ++i;
  return i;
}

/// Appends the ASCII character that has to be escaped.
void append_escape(std::string& out, char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  const char escape = kEscapes[byte];
  out.push_back('\\');
  out.push_back(escape);
  if (escape == 'u') {
    out.append("00");
    out.push_back(kHex[byte >> 4u]);
    out.push_back(kHex[byte & 0xFu]);
  }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  std::size_t copied = 0;
  for (std::size_t at = 0;;) {
    at += plain_run(text.substr(at));
    if (at == text.size()) break;
    const bool multi_byte = kEscapes[static_cast<unsigned char>(text[at])] == 'x';
    const std::size_t length = multi_byte ? utf8_sequence(text.substr(at)) : 0;
    if (length > 0) {
      at += length;
      continue;
    }
    out.append(text, copied, at - copied);
    if (multi_byte) {
      out.append(kReplacement);
    } else {
      append_escape(out, text[at]);
    }
    copied = ++at;
  }
  out.append(text, copied, text.size() - copied);
  out.push_back('"');
}

void JsonWriter::separate() {
  if (!first_ && !after_key_) out_.push_back(',');
  first_ = false;
  after_key_ = false;
}

void JsonWriter::begin_object() {
  separate();
  out_.push_back('{');
  first_ = true;
}

void JsonWriter::end_object() {
  out_.push_back('}');
  first_ = false;
}

void JsonWriter::begin_array() {
  separate();
  out_.push_back('[');
  first_ = true;
}

void JsonWriter::end_array() {
  out_.push_back(']');
  first_ = false;
}

void JsonWriter::key(std::string_view name) {
  separate();
  append_json_string(out_, name);
  out_.push_back(':');
  after_key_ = true;
}

void JsonWriter::string(std::string_view text) {
  separate();
  append_json_string(out_, text);
}

void JsonWriter::integer(std::int64_t value) {
  separate();
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out_.append(digits.data(), end);
}

void JsonWriter::boolean(bool value) {
  separate();
  out_.append(value ? "true" : "false");
}

void JsonWriter::null() {
  separate();
  out_.append("null");
}

void JsonWriter::raw(std::string_view json) {
  separate();
  out_.append(json);
}

}  // namespace tailrace::wire
