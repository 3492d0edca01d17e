#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "row/schema.hpp"
#include "wire/cell.hpp"

namespace tailrace::wire {

/// How one destination wants its rows.
struct RowForm {
  NumberForm numbers = NumberForm::number;
  enum class Clear : std::uint8_t { json_null, empty_text } clear = Clear::json_null;
  bool text_values = false;  // every value as a string: true is "true", JSON is text
  bool nested = true;  // "address.city" is {"address": {"city": …}}; else a name with a dot
  bool with_match = true;  // false: the match field stands elsewhere in the body, and not here
};

/// Room that write() reuses from row to row. One for each thread.
struct RowScratch {
  std::vector<std::string_view> cells;
  std::vector<std::size_t> opened;  // where objects that are still empty begin
  std::string text;
};

/// Writes the fields of a row as one JSON object. Where the fields go is worked out once: fields
/// of one parent are brought together, wherever the schema has them. NULL is the form's clear, or
/// no member at all where the column says nulls: keep; an object that is left without members is
/// left out too. A column that is a link is no field, and never written.
class RowWriter {
 public:
  /// Throws std::invalid_argument for names that cannot be one object: "a" beside "a.b", empty
  /// parts ("a..b"), more than 32 parts.
  RowWriter(const Schema& schema, RowForm form);

  /// Appends the object. Cells must have passed check_cell. No allocation once `out` and `scratch`
  /// have grown. `send` has a byte for each field, '\1' where it is written; the match field always
  /// is (where the form has it), and empty means all. Throws std::out_of_range where the line has
  /// fewer columns than fields, std::invalid_argument where `send` has another length.
  void write(std::string& out, std::string_view line, RowScratch& scratch,
             std::string_view send = {}) const;

  /// Appends the object of a row that is to be emptied: the form's clear for every field, those
  /// that keep on NULL too, and the match field with `match` (the model's text).
  void write_cleared(std::string& out, std::string_view match, RowScratch& scratch) const;

  /// Upper bound of what write() appends for this line (whose cells passed check_cell). A bound
  /// that is at most `enough` may be a rough one; above it the line is looked through.
  [[nodiscard]] std::size_t bound(std::string_view line, std::size_t enough = 0) const;

 private:
  struct Piece {
    enum class Kind : std::uint8_t { field, open, close } kind = Kind::field;
    std::string key;  // escaped, with quotes and colon; of open with the brace
    std::size_t column = 0;  // field
  };
  struct Node;

  void add_node(const Node& node);
  /// `fill(out, column)` appends a field's value; false: the field is left out.
  template <typename Fill>
  void write_pieces(std::string& out, RowScratch& scratch, Fill&& fill) const;
  void append_value(std::string& out, std::string_view text, const Column& column) const;
  [[nodiscard]] std::string_view clear_value() const;

  std::vector<Column> columns_;  // the fields alone
  std::size_t match_ = 0;
  RowForm form_;
  std::vector<Piece> pieces_;
  std::size_t fixed_bytes_ = 2;
};

}  // namespace tailrace::wire
