#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tailrace::wire {

/// What a file from outside may cost us.
struct CsvLimits {
  std::size_t max_field_bytes = 1u << 20;
  std::size_t max_row_bytes = 8u << 20;
  std::size_t max_columns = 8192;
  std::uint64_t max_rows = 200'000'000;
};

/// Why a file is not read on. What was read before is right.
enum class CsvProblem : std::uint8_t {
  none,
  after_quote,    // text behind a closing quote
  lone_return,    // a carriage return outside of quotes without a line feed behind it
  cut,            // the file ends within quotes
  columns,        // a row has more or fewer cells than the header
  no_header,      // nothing in the file
  field_too_long,
  row_too_long,
  too_many_columns,
  too_many_rows,
  stopped,        // by the one who takes the rows
};
[[nodiscard]] std::string_view to_text(CsvProblem problem);

/// Reads CSV (RFC 4180) in pieces, however they are cut: quoted cells with line breaks and doubled
/// quotes, LF or CRLF, an UTF-8 byte order mark before the header, no line end behind the last
/// row. Lines without a character are passed over; nothing is trimmed. Cells are bytes: whether
/// they are UTF-8 is not looked at.
class CsvReader {
 public:
  /// A row's cells, as many as the header has; views that hold during the call. False: stop.
  using TakeRow = std::function<bool(std::span<const std::string_view>)>;

  explicit CsvReader(TakeRow take_row, CsvLimits limits = {}, char delimiter = ',');

  /// False once there is a problem.
  bool take(std::string_view bytes);
  /// The file is over: gives its last row. False where there is a problem.
  bool end();

  [[nodiscard]] CsvProblem problem() const { return problem_; }
  /// Names of the columns; none before the first line has been read.
  [[nodiscard]] const std::vector<std::string>& header() const { return header_; }
  [[nodiscard]] std::optional<std::size_t> column(std::string_view name) const;
  [[nodiscard]] std::uint64_t rows() const { return rows_; }  // without the header

 private:
  enum class State : std::uint8_t { field, bare, quoted, quote, returned };

  void pass_mark(std::string_view& bytes);
  void read(std::string_view bytes);
  [[nodiscard]] std::size_t step(std::string_view rest);
  [[nodiscard]] bool separate(char c);
  void append(std::string_view text);
  void end_field();
  void end_row();
  void give_row();
  void fail(CsvProblem problem);

  TakeRow take_row_;
  CsvLimits limits_;
  char delimiter_;
  State state_ = State::field;
  CsvProblem problem_ = CsvProblem::none;
  std::string begin_;        // bytes that may be a byte order mark
  bool began_ = false;
  std::string text_;         // of the row's cells, one behind the other
  std::vector<std::size_t> ends_;
  std::size_t field_begin_ = 0;
  bool quotes_ = false;      // the row has a quoted cell
  std::vector<std::string_view> cells_;
  std::vector<std::string> header_;
  std::uint64_t rows_ = 0;
};

}  // namespace tailrace::wire
