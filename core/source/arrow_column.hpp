#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "row/schema.hpp"
#include "source/arrow_abi.hpp"
#include "source/source.hpp"

namespace tailrace {

/// Turns the values of one Arrow column into canonical text. Bound to one array after another;
/// bound arrays must stay alive until the next bind(). Rows are counted from the array's own
/// offset, as the specification's children are.
class ArrowColumn {
 public:
  /// What an array must bring to be read as this column.
  struct Layout {
    std::int64_t buffers = 0;
    std::int64_t children = 0;
  };

  ArrowColumn(std::string path, Layout layout) : path_(std::move(path)), layout_(layout) {}
  virtual ~ArrowColumn() = default;
  ArrowColumn(const ArrowColumn&) = delete;
  ArrowColumn& operator=(const ArrowColumn&) = delete;

  /// Rows [0, rows) will be read. Throws SourceError where the array does not fit.
  void bind(const ArrowArray& array, std::int64_t rows);

  [[nodiscard]] bool is_null(std::int64_t row) const {
    const std::int64_t slot = row + offset_;
    if (validity_ != nullptr && !bit(validity_, slot)) return true;
    return nulls_behind_ && null_behind(slot);
  }
  /// In COPY text format, \N for NULL. Throws SourceError where the array is corrupt.
  void write(std::string& out, std::int64_t row) const;
  /// As a JSON value, null for NULL.
  void write_json(std::string& out, std::int64_t row) const;

  [[nodiscard]] static bool bit(const std::uint8_t* bitmap, std::int64_t index) {
    return ((unsigned{bitmap[index / 8]} >> static_cast<unsigned>(index % 8)) & 1U) != 0;
  }

 protected:
  /// `slots`: how many values the array has from its very beginning, its offset counted in.
  virtual void bind_values(const ArrowArray& array, std::int64_t slots) = 0;

  // `slot`: the row with the array's offset added.
  virtual void append_text(std::string& out, std::int64_t slot) const = 0;
  virtual void append_copy(std::string& out, std::int64_t slot) const { append_text(out, slot); }
  virtual void append_json(std::string& out, std::int64_t slot) const;
  [[nodiscard]] virtual bool null_behind(std::int64_t slot) const;

  /// Nulls that the validity bitmap does not show: all of them, or the dictionary's.
  void expect_nulls_behind() { nulls_behind_ = true; }

  [[nodiscard]] const std::uint8_t* buffer(const ArrowArray& array, std::int64_t index) const;
  [[noreturn]] void fail_corrupt(const char* what) const;

  // Buffers of foreign producers need not be aligned.
  template <typename T>
  [[nodiscard]] static T load(const std::uint8_t* values, std::int64_t index) {
    T value;
    std::memcpy(&value, values + index * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
    return value;
  }

 private:
  std::string path_;
  Layout layout_;
  std::int64_t offset_ = 0;
  const std::uint8_t* validity_ = nullptr;
  bool nulls_behind_ = false;
};

struct ArrowField {
  std::unique_ptr<ArrowColumn> column;
  Type type = Type::text;
  std::string word;  // the type in Arrow's or the warehouse's words
};

/// What every maker below gets: the column's schema and how messages call it.
struct ArrowColumnAsk {
  const ArrowSchema& schema;
  std::string path;
  int depth = 0;
};

/// Chooses the reader of a column. Throws SourceError (configuration) that names the column where
/// its type cannot be read.
[[nodiscard]] ArrowField make_arrow_column(const ArrowColumnAsk& ask);

// The families of types; each returns an empty field for formats that are not its own.
[[nodiscard]] ArrowField make_arrow_number(const ArrowColumnAsk& ask);
[[nodiscard]] ArrowField make_arrow_time(const ArrowColumnAsk& ask);
[[nodiscard]] ArrowField make_arrow_bytes(const ArrowColumnAsk& ask);
[[nodiscard]] ArrowField make_arrow_nested(const ArrowColumnAsk& ask);

[[noreturn]] void refuse_arrow_type(const ArrowColumnAsk& ask, const std::string& word);

}  // namespace tailrace
