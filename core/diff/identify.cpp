#include "diff/identify.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace tailrace {
namespace {

constexpr char kKeySeparator = '\x1f';

/// Spaces of Unicode beyond ASCII that a person cannot see, in UTF-8.
constexpr std::array<std::string_view, 5> kWideSpaces = {
    "\xc2\xa0",      // U+00A0 no-break space
    "\xe2\x80\x8b",  // U+200B zero width space
    "\xe2\x80\xaf",  // U+202F narrow no-break space
    "\xe3\x80\x80",  // U+3000 ideographic space
    "\xef\xbb\xbf",  // U+FEFF byte order mark
};

[[nodiscard]] std::size_t space_length(std::string_view text) {
  const auto c = static_cast<unsigned char>(text.front());
  if (c <= ' ' || c == 0x7f) return 1;
  // U+2000 … U+200A; the third byte of well-formed UTF-8 is never below 0x80.
  if (text.size() >= 3 && text.starts_with("\xe2\x80") &&
      static_cast<unsigned char>(text[2]) <= 0x8a) {
    return 3;
  }
  for (const std::string_view space : kWideSpaces) {
    if (text.starts_with(space)) return space.size();
  }
  return 0;
}

[[nodiscard]] bool is_blank(std::string_view text) {
  while (!text.empty()) {
    const std::size_t n = space_length(text);
    if (n == 0) return false;
    text.remove_prefix(n);
  }
  return true;
}

[[noreturn]] void throw_too_short() {
  throw std::out_of_range("diff: a line has fewer columns than the query");
}

}  // namespace

Identifier::Identifier(const Schema& schema, const Hasher& hasher, bool identity_is_key,
                       Normalise normalise)
    : schema_(schema),
      hasher_(hasher),
      normalise_(std::move(normalise)),
      identity_is_key_(identity_is_key),
      back_(schema.columns.size()),
      raw_(schema.columns.size()) {
  const bool key_is_match =
      schema.key.empty() || (schema.key.size() == 1 && schema.key.front() == schema.match);
  reads_key_ = identity_is_key || !key_is_match;
  const auto need = [this](std::size_t column) {
    if (column < schema_.field_count) front_ = std::max(front_, column + 1);
    if (column >= schema_.field_count) back_ = std::min(back_, column);
  };
  if (!identity_is_key || schema.key.empty()) need(schema.match);
  if (reads_key_) std::for_each(schema.key.begin(), schema.key.end(), need);
  // Where the match field is one of several key columns, equal keys have equal identities.
  tracks_keys_ = !identity_is_key && !key_is_match &&
                 std::find(schema.key.begin(), schema.key.end(), schema.match) == schema.key.end();
}

void Identifier::locate(std::string_view line) {
  CellCursor cursor(line);
  for (std::size_t i = 0; i < front_; ++i) {
    const std::optional<Cell> cell = cursor.next();
    if (!cell) throw_too_short();
    raw_[i] = cell->raw();
  }
  std::size_t end = line.size();
  for (std::size_t i = schema_.columns.size(); i > back_; --i) {
    const void* tab = ::memrchr(line.data(), '\t', end);
    if (tab == nullptr) throw_too_short();
    const auto at = static_cast<std::size_t>(static_cast<const char*>(tab) - line.data());
    raw_[i - 1] = line.substr(at + 1, end - at - 1);
    end = at;
  }
}

InvalidCode Identifier::fault_of_key(Cell cell, bool floating) {
  if (cell.is_null()) return InvalidCode::null_key;
  if (floating) return InvalidCode::float_key;
  if (cell.raw().size() > kMaxIdentityBytes) return InvalidCode::long_key;
  const bool joined = schema_.key.size() > 1;
  if (joined && cell.raw().find(kKeySeparator) != std::string_view::npos) {
    return InvalidCode::separator_in_key;
  }
  return InvalidCode::none;
}

void Identifier::read_key(Identified& row) {
  joined_.clear();
  bool blank = true;
  const std::size_t columns = std::max<std::size_t>(schema_.key.size(), 1);
  for (std::size_t i = 0; i < columns; ++i) {
    const std::size_t column = schema_.key.empty() ? schema_.match : schema_.key[i];
    const Cell cell(raw_[column]);
    const bool floating = schema_.columns[column].type == Type::floating;
    if (const InvalidCode fault = fault_of_key(cell, floating); fault != InvalidCode::none) {
      row.fault = fault;
      row.column = column;
      // Without every part there is no key; of a whole one the hash still tells whose row it is.
      if (fault == InvalidCode::null_key || fault == InvalidCode::separator_in_key) return;
    }
    const std::string_view text = cell.text(value_);
    blank = blank && is_blank(text);
    if (i != 0) joined_.push_back(kKeySeparator);
    joined_.append(text);
  }
  if (blank) {
    row.fault = InvalidCode::blank_key;
    row.column = schema_.key.empty() ? schema_.match : schema_.key.front();
    return;
  }
  if (identity_is_key_) {
    row.identity = hasher_.identity(joined_);
    row.has_identity = true;
  } else if (tracks_keys_) {
    row.key = hasher_.identity(joined_);
    row.has_key = true;
  }
}

void Identifier::read_match(Identified& row) {
  const auto fault = [&](InvalidCode code) {
    row.fault = code;
    row.column = schema_.match;
  };
  const Cell cell(raw_[schema_.match]);
  if (cell.is_null()) return fault(InvalidCode::null_match);
  std::string_view text = cell.text(value_);
  if (is_blank(text)) return fault(InvalidCode::blank_match);
  if (normalise_) {
    normalised_.clear();
    if (!normalise_(text, normalised_)) return fault(InvalidCode::unusable_match);
    text = normalised_;
  }
  row.identity = hasher_.identity(text);
  row.has_identity = true;
  if (schema_.columns[schema_.match].type == Type::floating) {
    fault(InvalidCode::float_match);
  } else if (cell.raw().size() > kMaxIdentityBytes) {
    fault(InvalidCode::long_match);
  }
}

Identified Identifier::identify(std::string_view line) {
  locate(line);
  Identified row;
  if (reads_key_) read_key(row);
  if (!identity_is_key_) read_match(row);
  return row;
}

void key_text(const RowView& row, std::string& out) {
  out.clear();
  const Schema& schema = row.schema();
  const std::size_t columns = std::max<std::size_t>(schema.key.size(), 1);
  std::string scratch;
  for (std::size_t i = 0; i < columns; ++i) {
    if (i != 0) out.push_back(kKeySeparator);
    const Cell cell = row.cell(schema.key.empty() ? schema.match : schema.key[i]);
    if (!cell.is_null()) out.append(cell.text(scratch));
  }
}

}  // namespace tailrace
