#pragma once

#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "row/schema.hpp"

namespace tailrace {

/// One value of a row, still in the encoding of PostgreSQL's COPY text format.
class Cell {
 public:
  explicit Cell(std::string_view raw) : raw_(raw) {}

  [[nodiscard]] bool is_null() const { return raw_ == "\\N"; }
  [[nodiscard]] std::string_view raw() const { return raw_; }

  /// The value with the escapes undone that COPY FROM knows: letters, octal, hexadecimal. Returns
  /// a view of the row itself where nothing is escaped, else of `scratch`. Call only where
  /// !is_null().
  [[nodiscard]] std::string_view text(std::string& scratch) const;

 private:
  std::string_view raw_;
};

/// A row as every source hands it over: one line of COPY text format without its newline
/// (columns separated by tabs, NULL is \N, backslash escapes). Arrow rows are written in the same
/// form, so that one diff, one changeset and one encoder serve all sources.
class RowView {
 public:
  RowView(std::string_view line, const Schema& schema) : line_(line), schema_(&schema) {}

  [[nodiscard]] std::string_view line() const { return line_; }
  [[nodiscard]] const Schema& schema() const { return *schema_; }

  /// The i-th column; walks the line. Throws std::out_of_range where the line is too short.
  [[nodiscard]] Cell cell(std::size_t index) const;

  /// The bytes of the mapped fields alone (key columns behind them left out). Throws
  /// std::out_of_range where the line has too few columns for that.
  [[nodiscard]] std::string_view fields() const;

 private:
  std::string_view line_;
  const Schema* schema_;
};

/// Walks the columns of a row from left to right, each looked at once.
class CellCursor {
 public:
  explicit CellCursor(std::string_view line) : rest_(line), more_(true) {}

  [[nodiscard]] std::optional<Cell> next() {
    if (!more_) return std::nullopt;
    const auto tab = rest_.find('\t');
    const std::string_view raw = rest_.substr(0, tab);
    if (tab == std::string_view::npos) {
      more_ = false;
    } else {
      rest_.remove_prefix(tab + 1);
    }
    return Cell{raw};
  }

 private:
  std::string_view rest_;
  bool more_;
};

/// Appends `text` with the escapes that COPY TO writes: the same value has one encoded form.
void append_escaped(std::string& out, std::string_view text);

}  // namespace tailrace
