#include "wire/cell.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <stdexcept>

#include "row/ascii.hpp"
#include "wire/json_scan.hpp"
#include "wire/json_writer.hpp"
#include "wire/rfc3339.hpp"
#include "wire/utf8.hpp"

namespace tailrace::wire {
namespace {

// --- dates and times -------------------------------------------------------------------------

[[nodiscard]] bool says_infinity(std::string_view text) {
  return text == "infinity" || text == "-infinity";
}

[[nodiscard]] CellProblem check_time(std::string_view text, Type type) {
  if (says_infinity(text)) return CellProblem::not_finite;
  bool good = false;
  if (type == Type::date) good = is_date(text);
  if (type == Type::time) good = is_time(text);
  if (type == Type::timestamp) good = is_timestamp(text);
  if (type == Type::timestamptz) good = is_timestamp(without_utc(text));
  return good ? CellProblem::none : CellProblem::bad_time;
}

[[nodiscard]] std::string_view shape_timestamp(std::string_view value, bool utc,
                                               std::string& scratch) {
  if (utc) value = without_utc(value);
  value = without_zeros(value);
  if (value.data() == scratch.data()) {
    scratch.resize(value.size());
  } else {
    scratch.assign(value);
  }
  if (scratch.size() > 10) scratch[10] = 'T';
  if (utc) scratch.push_back('Z');
  return scratch;
}

// --- numbers ---------------------------------------------------------------------------------

[[nodiscard]] bool says_not_finite(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return text == "NaN" || text == "Infinity" || text == "nan" || text == "inf";
}

[[nodiscard]] CellProblem check_number(std::string_view text) {
  if (!is_json_number(text)) {
    return says_not_finite(text) ? CellProblem::not_finite : CellProblem::bad_number;
  }
  return fits_double(text) ? CellProblem::none : CellProblem::not_finite;
}

/// Whole numbers up to 2^53, and up to 15 significant digits of others, come back from a double as
/// they went in.
[[nodiscard]] bool is_exact_in_double(std::string_view number, Type type) {
  constexpr long long kLargest = 1LL << 53;
  if (type == Type::floating) return true;
  long long whole = 0;
  const auto read = std::from_chars(number.data(), number.data() + number.size(), whole);
  if (read.ec == std::errc{} && read.ptr == number.data() + number.size()) {
    return whole >= -kLargest && whole <= kLargest;
  }
  const std::string_view digits = number.substr(0, number.find_first_of("eE"));
  const std::size_t first = digits.find_first_of("123456789");
  if (first == std::string_view::npos) return true;
  const auto count =
      std::count_if(digits.begin() + static_cast<std::ptrdiff_t>(first), digits.end(), is_digit);
  return count <= 15;
}

/// Whether the plain text of a value is its JSON form too, or needs quotes.
[[nodiscard]] bool is_json_itself(std::string_view text, Type type, NumberForm numbers) {
  switch (type) {
    case Type::boolean:
    case Type::json:
    case Type::list: return true;
    case Type::integer:
    case Type::floating:
    case Type::decimal:
      return numbers == NumberForm::number ||
             (numbers == NumberForm::safe_number && is_exact_in_double(text, type));
    default: return false;
  }
}

// --- bytes -----------------------------------------------------------------------------------

[[nodiscard]] int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

[[nodiscard]] bool is_hex_bytes(std::string_view text) {
  return text.starts_with("\\x") && text.size() % 2 == 0 &&
         std::all_of(text.begin() + 2, text.end(), [](char c) { return hex_value(c) >= 0; });
}

/// `\x…` as base64, over itself: three bytes are six digits to read and four characters to write.
[[nodiscard]] std::string_view shape_bytes(std::string_view value, std::string& scratch) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (!is_hex_bytes(value)) return value;
  if (value.data() != scratch.data()) scratch.assign(value);
  std::size_t written = 0;
  const std::size_t size = scratch.size();
  for (std::size_t at = 2; at < size; at += 6) {
    unsigned bits = 0;
    const std::size_t digits = std::min<std::size_t>(6, size - at);
    for (std::size_t i = 0; i < 6; ++i) {
      bits = bits << 4u | (i < digits ? static_cast<unsigned>(hex_value(scratch[at + i])) : 0u);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      const bool padding = i > digits / 2;
      scratch[written++] = padding ? '=' : kAlphabet[bits >> (18u - 6u * i) & 0x3Fu];
    }
  }
  scratch.resize(written);
  return scratch;
}

// --- text and JSON ---------------------------------------------------------------------------

[[nodiscard]] CellProblem check_text(std::string_view text) {
  if (!is_utf8(text)) return CellProblem::not_utf8;
  return text.find('\0') == std::string_view::npos ? CellProblem::none : CellProblem::nul;
}

[[nodiscard]] CellProblem check_json(std::string_view text) {
  if (!is_utf8(text)) return CellProblem::not_utf8;
  const JsonScan scan = scan_json(text, kJsonDepth);
  if (!scan.valid) return CellProblem::bad_json;
  return scan.finite ? CellProblem::none : CellProblem::not_finite;
}

}  // namespace

void split_fields(std::string_view line, std::size_t fields, std::vector<std::string_view>& cells) {
  cells.clear();
  CellCursor cursor(line);
  while (cells.size() < fields) {
    const std::optional<Cell> cell = cursor.next();
    if (!cell) throw std::out_of_range("wire: a row has fewer columns than the sync has fields");
    cells.push_back(cell->raw());
  }
}

void check_marks(std::string_view send, std::size_t fields) {
  if (!send.empty() && send.size() != fields) {
    throw std::invalid_argument("wire: the marks of fields to be sent are not one for each field");
  }
}

std::string_view to_text(CellProblem problem) {
  switch (problem) {
    case CellProblem::none: return "none";
    case CellProblem::not_utf8: return "not_utf8";
    case CellProblem::not_finite: return "not_finite";
    case CellProblem::bad_json: return "bad_json";
    case CellProblem::bad_number: return "bad_number";
    case CellProblem::nul: return "nul";
    case CellProblem::bad_time: return "bad_time";
    case CellProblem::malformed: return "malformed";
  }
  return "malformed";
}

CellProblem check_cell(const Cell& cell, const Column& column, std::string& scratch) {
  if (cell.is_null()) return CellProblem::none;
  const std::string_view text = cell.text(scratch);
  switch (column.type) {
    case Type::boolean:
      return text == "t" || text == "f" ? CellProblem::none : CellProblem::malformed;
    case Type::integer:
    case Type::floating:
    case Type::decimal: return check_number(text);
    case Type::date:
    case Type::time:
    case Type::timestamp:
    case Type::timestamptz: return check_time(text, column.type);
    case Type::json:
    case Type::list: return check_json(text);
    case Type::bytes: return is_hex_bytes(text) ? CellProblem::none : CellProblem::malformed;
    case Type::interval:
      if (says_infinity(text)) return CellProblem::not_finite;
      return check_text(text);
    case Type::text:
    case Type::uuid: return check_text(text);
  }
  return CellProblem::malformed;
}

std::string_view value_text(std::string_view value, const Column& column, std::string& scratch) {
  switch (column.type) {
    case Type::boolean: return value == "t" ? "true" : value == "f" ? "false" : value;
    case Type::time: return without_zeros(value);
    case Type::timestamp: return shape_timestamp(value, false, scratch);
    case Type::timestamptz: return shape_timestamp(value, true, scratch);
    case Type::bytes: return shape_bytes(value, scratch);
    case Type::text: return column.trimmed ? trimmed(value) : value;
    default: return value;
  }
}

std::string_view cell_text(const Cell& cell, const Column& column, std::string& scratch) {
  return value_text(cell.text(scratch), column, scratch);
}

void append_json_value(std::string& out, std::string_view text, Type type, NumberForm numbers) {
  if (is_json_itself(text, type, numbers)) {
    out.append(text);
  } else {
    append_json_string(out, text);
  }
}

void write_cell(JsonWriter& json, const Cell& cell, const Column& column, NumberForm numbers,
                std::string& scratch) {
  if (cell.is_null()) {
    json.null();
    return;
  }
  const std::string_view text = cell_text(cell, column, scratch);
  if (is_json_itself(text, column.type, numbers)) {
    json.raw(text);
  } else {
    json.string(text);
  }
}

void append_cell_text(std::string& out, const Cell& cell, const Column& column,
                      std::string& scratch) {
  if (!cell.is_null()) out.append(cell_text(cell, column, scratch));
}

}  // namespace tailrace::wire
