#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "row/row_view.hpp"
#include "row/schema.hpp"

namespace tailrace::wire {

class JsonWriter;

/// The first `fields` cells of a row, as they stand in it. Throws std::out_of_range where the line
/// has fewer.
void split_fields(std::string_view line, std::size_t fields, std::vector<std::string_view>& cells);

/// Throws std::invalid_argument where `send`, if there is one, is not one byte for each field.
void check_marks(std::string_view send, std::size_t fields);

/// Why a cell cannot be written: the row is then invalid, nothing of it is sent.
enum class CellProblem : std::uint8_t {
  none,
  not_utf8,
  not_finite,  // NaN, an infinity, 'infinity' as a date, a number that no double can hold
  bad_json,    // not JSON, lone surrogates in it, or nested deeper than kJsonDepth
  bad_number,  // not a decimal number as JSON writes them
  nul,         // U+0000: most tools cut or refuse text there
  bad_time,    // outside of what RFC 3339 can say: BC, years above 9999, 24:00:00
  malformed,   // a boolean that is not t or f, bytes that are not hex
};
[[nodiscard]] std::string_view to_text(CellProblem problem);

/// Nesting that a JSON cell may have.
inline constexpr int kJsonDepth = 200;

/// Checks the value once, on the way into the changeset, so that encoders need not fail.
[[nodiscard]] CellProblem check_cell(const Cell& cell, const Column& column, std::string& scratch);

enum class NumberForm : std::uint8_t {
  number,       // JSON number, exact text (JSON itself has no width limit)
  string,       // "0.7": tools that take every value as text
  safe_number,  // a number where a double holds it exactly, else text
};

/// The value of a cell that check_cell passed, as plain text: true/false, the exact number,
/// RFC 3339 (date; time; timestamptz in UTC with Z, timestamp without; fractions without trailing
/// zeros, so that every source gives one form), bytes as base64, JSON as it is. A view of the row,
/// of `scratch` or of a constant. Call only where !cell.is_null().
[[nodiscard]] std::string_view cell_text(const Cell& cell, const Column& column,
                                         std::string& scratch);

/// The same for a value whose escapes are undone already (a key, a match value).
[[nodiscard]] std::string_view value_text(std::string_view value, const Column& column,
                                          std::string& scratch);

/// Writes the value of a cell that check_cell passed: null, true/false, a number by `numbers`,
/// JSON and lists as they are, everything else as the text of cell_text.
void write_cell(JsonWriter& json, const Cell& cell, const Column& column, NumberForm numbers,
                std::string& scratch);

/// Appends the same without a JsonWriter, and from what cell_text or value_text gave.
void append_json_value(std::string& out, std::string_view text, Type type, NumberForm numbers);

/// Appends cell_text (for string-valued tools and CSV). NULL appends nothing.
void append_cell_text(std::string& out, const Cell& cell, const Column& column,
                      std::string& scratch);

}  // namespace tailrace::wire
