#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tailrace {

/// What a column holds, as far as encoding cares. Sources map their own types to these.
enum class Type : std::uint8_t {
  text,
  boolean,    // `t` or `f`
  integer,    // decimal digits, any width
  floating,   // shortest text that reads back the same; NaN, Infinity, -Infinity
  decimal,    // exact decimal text
  date,       // YYYY-MM-DD
  time,       // HH:MM:SS[.ffffff]
  timestamp,  // YYYY-MM-DD HH:MM:SS[.ffffff], no zone
  timestamptz,  // the same with +00 behind it: always UTC
  interval,   // ISO 8601
  uuid,
  json,       // JSON text
  bytes,      // \x followed by lower-case hex
  list,       // JSON text of an array
};

/// What a NULL of the model does to the destination's field.
enum class Nulls : std::uint8_t { clear, keep };

/// How floats are compared. 0 = by every digit.
inline constexpr int kDefaultDigits = 12;

/// A record of another object of the same tool, which a row's record is linked to.
struct Link {
  std::string to;  // the other object
  std::string by;  // a field that is unique there: the column has its values
  std::string category = {};  // of the kind of link, where the tool has several; empty: its default
  int type = 0;  // its number, where a category is named

  friend bool operator==(const Link&, const Link&) = default;
};

/// One column of the SELECT. The first `Schema::field_count` columns are the destination's fields
/// in canonical order; key columns that are not mapped come after them.
struct Column {
  std::string name;  // the field's name at the destination; of an unmapped key column, its own
  Type type = Type::text;
  Nulls nulls = Nulls::clear;
  int digits = kDefaultDigits;
  /// Set: no field of the record, but compared as one. Such a column is the last of the fields.
  std::optional<Link> link = std::nullopt;
  bool trimmed = false;  // a text is written without space around it
};

struct Schema {
  std::vector<Column> columns;
  std::size_t field_count = 0;
  std::vector<std::size_t> key;  // indexes into columns, in the order of the sync's `key`
  std::size_t match = 0;  // index of the match field, below field_count

  [[nodiscard]] std::span<const Column> fields() const {
    return std::span(columns).first(field_count);
  }

  /// The column that is a link, where there is one.
  [[nodiscard]] const Column* link() const {
    const bool last = field_count > 0 && columns[field_count - 1].link.has_value();
    return last ? &columns[field_count - 1] : nullptr;
  }

  /// True where some field's compared form differs from its bytes (floats not set to `exact`).
  [[nodiscard]] bool has_rounded_fields() const {
    for (std::size_t i = 0; i < field_count; ++i) {
      if (columns[i].type == Type::floating && columns[i].digits > 0) return true;
    }
    return false;
  }
};

}  // namespace tailrace
