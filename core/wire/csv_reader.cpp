#include "wire/csv_reader.hpp"

#include <algorithm>
#include <utility>

namespace tailrace::wire {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

std::string_view to_text(CsvProblem problem) {
  switch (problem) {
    case CsvProblem::none: return "none";
    case CsvProblem::after_quote: return "text behind a closing quote";
    case CsvProblem::lone_return: return "a carriage return without a line feed";
    case CsvProblem::cut: return "the file ends within quotes";
    case CsvProblem::columns: return "a row with more or fewer cells than the header";
    case CsvProblem::no_header: return "an empty file";
    case CsvProblem::field_too_long: return "a cell that is too long";
    case CsvProblem::row_too_long: return "a row that is too long";
    case CsvProblem::too_many_columns: return "too many columns";
    case CsvProblem::too_many_rows: return "too many rows";
    case CsvProblem::stopped: return "stopped";
  }
  return "";
}

CsvReader::CsvReader(TakeRow take_row, CsvLimits limits, char delimiter)
    : take_row_(std::move(take_row)), limits_(limits), delimiter_(delimiter) {}

bool CsvReader::take(std::string_view bytes) {
  if (!began_) pass_mark(bytes);
  read(bytes);
  return problem_ == CsvProblem::none;
}

/// Waits until it is seen whether the file begins with a byte order mark.
void CsvReader::pass_mark(std::string_view& bytes) {
  while (!bytes.empty() && begin_.size() < kByteOrderMark.size() &&
         kByteOrderMark.starts_with(begin_)) {
    begin_ += bytes.front();
    bytes.remove_prefix(1);
  }
  const bool may_be_one = kByteOrderMark.starts_with(begin_);
  if (may_be_one && begin_.size() < kByteOrderMark.size()) return;
  began_ = true;
  if (!may_be_one) read(begin_);
}

void CsvReader::read(std::string_view bytes) {
  while (!bytes.empty() && problem_ == CsvProblem::none) bytes.remove_prefix(step(bytes));
}

/// Takes some of the bytes, and says how many.
std::size_t CsvReader::step(std::string_view rest) {
  const char c = rest.front();
  switch (state_) {
    case State::field:
      if (separate(c)) return 1;
      if (c == '"') {
        quotes_ = true;
        state_ = State::quoted;
        return 1;
      }
      state_ = State::bare;
      return 0;
    case State::bare: {
      if (separate(c)) return 1;
      const auto ends = [this](char x) { return x == delimiter_ || x == '\n' || x == '\r'; };
      const auto end = std::find_if(rest.begin(), rest.end(), ends);
      append(rest.substr(0, static_cast<std::size_t>(end - rest.begin())));
      return static_cast<std::size_t>(end - rest.begin());
    }
    case State::quoted: {
      const std::size_t quote = rest.find('"');
      append(rest.substr(0, quote));
      if (quote == std::string_view::npos) return rest.size();
      state_ = State::quote;
      return quote + 1;
    }
    case State::quote:
      if (separate(c)) return 1;
      if (c != '"') {
        fail(CsvProblem::after_quote);
        return 1;
      }
      append("\"");
      state_ = State::quoted;
      return 1;
    case State::returned:
      if (c != '\n') {
        fail(CsvProblem::lone_return);
      } else {
        end_row();
      }
      return 1;
  }
  return 1;
}

/// True where the byte ends a cell.
bool CsvReader::separate(char c) {
  if (c == delimiter_) {
    end_field();
  } else if (c == '\n') {
    end_row();
  } else if (c == '\r') {
    state_ = State::returned;
  } else {
    return false;
  }
  return true;
}

void CsvReader::append(std::string_view text) {
  text_ += text;
  if (text_.size() - field_begin_ > limits_.max_field_bytes) fail(CsvProblem::field_too_long);
  if (text_.size() > limits_.max_row_bytes) fail(CsvProblem::row_too_long);
}

void CsvReader::end_field() {
  ends_.push_back(text_.size());
  field_begin_ = text_.size();
  state_ = State::field;
  if (ends_.size() > limits_.max_columns) fail(CsvProblem::too_many_columns);
}

void CsvReader::end_row() {
  const bool nothing = ends_.empty() && text_.empty() && !quotes_;
  state_ = State::field;
  if (nothing) return;
  end_field();
  if (problem_ == CsvProblem::none) give_row();
  text_.clear();
  ends_.clear();
  field_begin_ = 0;
  quotes_ = false;
}

void CsvReader::give_row() {
  cells_.clear();
  std::size_t begin = 0;
  for (const std::size_t end : ends_) {
    cells_.push_back(std::string_view(text_).substr(begin, end - begin));
    begin = end;
  }
  if (header_.empty()) {
    header_.assign(cells_.begin(), cells_.end());
    return;
  }
  if (cells_.size() != header_.size()) return fail(CsvProblem::columns);
  if (++rows_ > limits_.max_rows) return fail(CsvProblem::too_many_rows);
  if (!take_row_(cells_)) fail(CsvProblem::stopped);
}

void CsvReader::fail(CsvProblem problem) {
  if (problem_ == CsvProblem::none) problem_ = problem;
}

bool CsvReader::end() {
  if (!began_) {
    began_ = true;
    if (begin_.size() < kByteOrderMark.size()) read(begin_);
  }
  if (problem_ != CsvProblem::none) return false;
  if (state_ == State::quoted) {
    fail(CsvProblem::cut);
  } else {
    end_row();
  }
  if (header_.empty()) fail(CsvProblem::no_header);
  return problem_ == CsvProblem::none;
}

std::optional<std::size_t> CsvReader::column(std::string_view name) const {
  const auto found = std::find(header_.begin(), header_.end(), name);
  if (found == header_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - header_.begin());
}

}  // namespace tailrace::wire
