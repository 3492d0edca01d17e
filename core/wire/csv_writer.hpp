#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "row/line_store.hpp"
#include "row/schema.hpp"
#include "wire/body.hpp"

namespace tailrace::wire {

/// How one tool wants its CSV files.
struct CsvForm {
  char delimiter = ',';
  enum class LineEnd : std::uint8_t { lf, crlf } line_end = LineEnd::lf;
  /// What a NULL that clears its field is written as, "#N/A" for example; empty: nothing.
  std::string null = {};
  /// What a text without a character is written as: "" in quotes, nothing at all, or as NULL is.
  enum class EmptyText : std::uint8_t { quoted, bare, as_null } empty_text = EmptyText::quoted;
};

/// Room that is reused from row to row. One for each thread.
struct CsvScratch {
  std::vector<std::string_view> cells;
  std::string text;
  std::string row;
};

/// Writes rows as CSV (RFC 4180): a header with the fields' names, then one record a row, values
/// as cell_text has them, quotes only where they are needed. Fields that are not sent, and NULLs
/// of a column with nulls: keep, are empty cells. Bytes that are no UTF-8 become U+FFFD.
class CsvRowWriter {
 public:
  /// Throws std::invalid_argument for a delimiter that is a quote or a line break.
  CsvRowWriter(const Schema& schema, CsvForm form);

  void header(std::string& out) const;
  /// Appends the record with its line end. Cells must have passed check_cell. `send` as in
  /// RowWriter::write, and the same is thrown.
  void write(std::string& out, std::string_view line, CsvScratch& scratch,
             std::string_view send = {}) const;
  /// Appends the record of a row that is to be emptied: NULL for every field, those that keep on
  /// NULL too, and the match field with `match` (the model's text).
  void write_cleared(std::string& out, std::string_view match, CsvScratch& scratch) const;

  /// Exactly what write() appends.
  [[nodiscard]] std::size_t bytes(std::string_view line, CsvScratch& scratch,
                                  std::string_view send = {}) const;
  [[nodiscard]] std::size_t header_bytes() const { return header_.size(); }

  /// The first field whose text the tool would take for NULL: such a row cannot be sent.
  [[nodiscard]] std::optional<std::size_t> misread(std::string_view line,
                                                   CsvScratch& scratch) const;

 private:
  void append_cell(std::string& out, std::string_view text) const;
  void append_text(std::string& out, std::string_view text) const;
  void end_line(std::string& out, std::size_t begin) const;

  std::vector<Column> columns_;  // the fields alone
  std::size_t match_ = 0;
  CsvForm form_;
  std::string special_;  // what makes quotes needed
  std::string header_;
};

/// A file that begins with a header: how many of the rows fit, and its size with them.
struct CsvFit {
  std::size_t rows = 0;
  std::uint64_t bytes = 0;
};

/// How many of the rows that `next` gives, from the first on, make a file of at most `limit`
/// bytes. A row is in it whole or not at all; 0 where the first alone is too long.
[[nodiscard]] CsvFit fit_csv(const CsvRowWriter& writer,
                             const std::function<std::optional<std::string_view>()>& next,
                             std::uint64_t limit);

/// The file of a batch, written from its stored lines while it is sent.
class CsvSource final : public BodySource {
 public:
  /// `bytes`: of the whole file where that is known (see csv_bytes).
  CsvSource(std::shared_ptr<const CsvRowWriter> writer, std::shared_ptr<const StoredLines> lines,
            std::optional<std::uint64_t> bytes = std::nullopt)
      : writer_(std::move(writer)), lines_(std::move(lines)), bytes_(bytes) {}
  [[nodiscard]] std::optional<std::uint64_t> size() const override { return bytes_; }
  [[nodiscard]] std::unique_ptr<BodyReader> open() const override;

 private:
  std::shared_ptr<const CsvRowWriter> writer_;
  std::shared_ptr<const StoredLines> lines_;
  std::optional<std::uint64_t> bytes_;
};

/// The size of a batch's file, found by writing it once.
[[nodiscard]] std::uint64_t csv_bytes(const CsvRowWriter& writer,
                                      const std::shared_ptr<const StoredLines>& lines);

}  // namespace tailrace::wire
