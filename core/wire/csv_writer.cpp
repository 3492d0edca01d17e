#include "wire/csv_writer.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "row/row_view.hpp"
#include "wire/cell.hpp"
#include "wire/utf8.hpp"

namespace tailrace::wire {
namespace {

constexpr std::size_t kPieceOfFile = 64u << 10;

/// `text` with each byte that is in no UTF-8 sequence replaced.
std::string as_utf8(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_sequence(text.substr(at));
    out.append(length == 0 ? kReplacement : text.substr(at, length));
    at += std::max<std::size_t>(length, 1);
  }
  return out;
}

}  // namespace

CsvRowWriter::CsvRowWriter(const Schema& schema, CsvForm form)
    : columns_(schema.fields().begin(), schema.fields().end()),
      match_(schema.match),
      form_(std::move(form)),
      special_("\"\r\n") {
  if (special_.find(form_.delimiter) != std::string::npos) {
    throw std::invalid_argument("csv: a quote or a line break cannot separate cells");
  }
  special_ += form_.delimiter;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (i > 0) header_ += form_.delimiter;
    append_text(header_, columns_[i].name);
  }
  end_line(header_, 0);
}

void CsvRowWriter::header(std::string& out) const { out += header_; }

void CsvRowWriter::append_text(std::string& out, std::string_view text) const {
  if (!is_utf8(text)) return append_text(out, as_utf8(text));
  if (text.find_first_of(special_) == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (std::size_t at = 0;;) {
    const std::size_t quote = text.find('"', at);
    out += text.substr(at, quote - at);
    if (quote == std::string_view::npos) break;
    out += "\"\"";
    at = quote + 1;
  }
  out += '"';
}

/// A value that is not NULL.
void CsvRowWriter::append_cell(std::string& out, std::string_view text) const {
  if (!text.empty()) return append_text(out, text);
  switch (form_.empty_text) {
    case CsvForm::EmptyText::quoted: out += "\"\""; return;
    case CsvForm::EmptyText::bare: return;
    case CsvForm::EmptyText::as_null: append_text(out, form_.null); return;
  }
}

/// A line without a character is no record to those who read it: one empty cell needs its quotes.
void CsvRowWriter::end_line(std::string& out, std::size_t begin) const {
  if (out.size() == begin) out += "\"\"";
  out += form_.line_end == CsvForm::LineEnd::crlf ? "\r\n" : "\n";
}

void CsvRowWriter::write(std::string& out, std::string_view line, CsvScratch& scratch,
                         std::string_view send) const {
  check_marks(send, columns_.size());
  split_fields(line, columns_.size(), scratch.cells);
  const std::size_t begin = out.size();
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (i > 0) out += form_.delimiter;
    if (!send.empty() && send[i] != '\1' && i != match_) continue;
    const Cell cell(scratch.cells[i]);
    if (!cell.is_null()) {
      append_cell(out, cell_text(cell, columns_[i], scratch.text));
    } else if (columns_[i].nulls == Nulls::clear) {
      append_text(out, form_.null);
    }
  }
  end_line(out, begin);
}

void CsvRowWriter::write_cleared(std::string& out, std::string_view match,
                                 CsvScratch& scratch) const {
  const std::size_t begin = out.size();
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (i > 0) out += form_.delimiter;
    if (i == match_) {
      append_cell(out, value_text(match, columns_[i], scratch.text));
    } else {
      append_text(out, form_.null);
    }
  }
  end_line(out, begin);
}

std::size_t CsvRowWriter::bytes(std::string_view line, CsvScratch& scratch,
                                std::string_view send) const {
  scratch.row.clear();
  write(scratch.row, line, scratch, send);
  return scratch.row.size();
}

std::optional<std::size_t> CsvRowWriter::misread(std::string_view line, CsvScratch& scratch) const {
  if (form_.null.empty()) return std::nullopt;
  split_fields(line, columns_.size(), scratch.cells);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const Cell cell(scratch.cells[i]);
    if (!cell.is_null() && cell_text(cell, columns_[i], scratch.text) == form_.null) return i;
  }
  return std::nullopt;
}

CsvFit fit_csv(const CsvRowWriter& writer,
               const std::function<std::optional<std::string_view>()>& next, std::uint64_t limit) {
  CsvFit fit{0, writer.header_bytes()};
  CsvScratch scratch;
  while (const std::optional<std::string_view> line = next()) {
    const std::size_t row = writer.bytes(*line, scratch);
    if (fit.bytes + row > limit) break;
    fit.bytes += row;
    ++fit.rows;
  }
  return fit;
}

namespace {

class CsvFileReader final : public BodyReader {
 public:
  CsvFileReader(std::shared_ptr<const CsvRowWriter> writer,
                std::shared_ptr<const StoredLines> lines)
      : writer_(std::move(writer)), lines_(std::move(lines)) {
    writer_->header(piece_);
  }

  std::size_t read(std::span<char> into) override {
    if (at_ == piece_.size()) refill();
    const std::size_t take = std::min(into.size(), piece_.size() - at_);
    if (take > 0) std::memcpy(into.data(), piece_.data() + at_, take);
    at_ += take;
    return take;
  }

 private:
  void refill() {
    piece_.clear();
    at_ = 0;
    while (piece_.size() < kPieceOfFile) {
      const std::optional<std::string_view> line = lines_.next();
      if (!line) return;
      writer_->write(piece_, *line, scratch_, lines_.send());
    }
  }

  std::shared_ptr<const CsvRowWriter> writer_;
  LineCursor lines_;
  CsvScratch scratch_;
  std::string piece_;
  std::size_t at_ = 0;
};

}  // namespace

std::unique_ptr<BodyReader> CsvSource::open() const {
  return std::make_unique<CsvFileReader>(writer_, lines_);
}

std::uint64_t csv_bytes(const CsvRowWriter& writer,
                        const std::shared_ptr<const StoredLines>& lines) {
  std::uint64_t sum = writer.header_bytes();
  CsvScratch scratch;
  LineCursor cursor(lines);
  while (const std::optional<std::string_view> line = cursor.next()) {
    sum += writer.bytes(*line, scratch, cursor.send());
  }
  return sum;
}

}  // namespace tailrace::wire
