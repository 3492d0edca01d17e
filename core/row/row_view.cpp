#include "row/row_view.hpp"

#include <stdexcept>

namespace tailrace {
namespace {

[[nodiscard]] int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

[[nodiscard]] bool is_octal(char c) { return c >= '0' && c <= '7'; }

/// Reads \ooo: `first` has been consumed, up to two digits more are taken from `rest`.
char read_octal(char first, std::string_view& rest) {
  int value = first - '0';
  for (int i = 0; i < 2 && !rest.empty() && is_octal(rest.front()); ++i) {
    value = value * 8 + (rest.front() - '0');
    rest.remove_prefix(1);
  }
  return static_cast<char>(value % 256);
}

/// Reads \xhh: the x has been consumed. An x that no hex digit follows stands for itself.
char read_hex(std::string_view& rest) {
  if (rest.empty() || hex_digit(rest.front()) < 0) return 'x';
  int value = 0;
  for (int i = 0; i < 2 && !rest.empty() && hex_digit(rest.front()) >= 0; ++i) {
    value = value * 16 + hex_digit(rest.front());
    rest.remove_prefix(1);
  }
  return static_cast<char>(value);
}

char read_escape(std::string_view& rest) {
  const char c = rest.front();
  rest.remove_prefix(1);
  switch (c) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'v': return '\v';
    case 'x': return read_hex(rest);
    default: return is_octal(c) ? read_octal(c, rest) : c;
  }
}

/// The letter that stands for `c` behind a backslash, or 0 where `c` is written as it is.
[[nodiscard]] char escape_letter(char c) {
  switch (c) {
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    case '\v': return 'v';
    case '\\': return '\\';
    default: return 0;
  }
}

[[noreturn]] void throw_too_short(const Schema& schema) {
  throw std::out_of_range("row: a line has fewer columns than the query's " +
                          std::to_string(schema.columns.size()));
}

}  // namespace

std::string_view Cell::text(std::string& scratch) const {
  std::size_t backslash = raw_.find('\\');
  if (backslash == std::string_view::npos) return raw_;
  scratch.clear();
  std::string_view rest = raw_;
  while (backslash != std::string_view::npos) {
    scratch.append(rest.substr(0, backslash));
    rest.remove_prefix(backslash + 1);
    // COPY FROM drops a backslash that ends the value; so do we.
    if (rest.empty()) return scratch;
    scratch.push_back(read_escape(rest));
    backslash = rest.find('\\');
  }
  scratch.append(rest);
  return scratch;
}

Cell RowView::cell(std::size_t index) const {
  CellCursor cursor(line_);
  for (std::size_t i = 0; i < index; ++i) {
    if (!cursor.next()) throw_too_short(*schema_);
  }
  const std::optional<Cell> cell = cursor.next();
  if (!cell) throw_too_short(*schema_);
  return *cell;
}

std::string_view RowView::fields() const {
  std::size_t end = line_.size();
  for (std::size_t i = schema_->columns.size(); i > schema_->field_count; --i) {
    const void* tab = ::memrchr(line_.data(), '\t', end);
    if (tab == nullptr) throw_too_short(*schema_);
    end = static_cast<std::size_t>(static_cast<const char*>(tab) - line_.data());
  }
  return line_.substr(0, end);
}

void append_escaped(std::string& out, std::string_view text) {
  std::size_t plain = 0;  // start of what has not been copied yet
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char letter = escape_letter(text[i]);
    if (letter == 0) continue;
    out.append(text.substr(plain, i - plain));
    out.push_back('\\');
    out.push_back(letter);
    plain = i + 1;
  }
  out.append(text.substr(plain));
}

}  // namespace tailrace
