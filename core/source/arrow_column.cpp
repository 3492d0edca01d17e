#include "source/arrow_column.hpp"

#include <string_view>

#include "source/arrow_metadata.hpp"

namespace tailrace {
namespace {

// Nested types recurse, in building the readers and in every value.
constexpr int kMaxDepth = 64;

class NullColumn : public ArrowColumn {
 public:
  explicit NullColumn(std::string path) : ArrowColumn(std::move(path), {}) {
    expect_nulls_behind();
  }

 protected:
  void bind_values(const ArrowArray& /*array*/, std::int64_t /*slots*/) override {}
  void append_text(std::string& /*out*/, std::int64_t /*slot*/) const override {}
  bool null_behind(std::int64_t /*slot*/) const override { return true; }
};

}  // namespace

void ArrowColumn::bind(const ArrowArray& array, std::int64_t rows) {
  if (array.offset < 0 || array.length < rows) fail_corrupt("it is too short");
  if (array.n_buffers < layout_.buffers) fail_corrupt("it lacks buffers");
  if (array.n_children != layout_.children) fail_corrupt("it has another number of children");
  offset_ = array.offset;
  validity_ = nullptr;
  if (rows == 0) return;
  if (layout_.buffers > 0 && array.null_count != 0) {
    validity_ = static_cast<const std::uint8_t*>(array.buffers[0]);
  }
  bind_values(array, offset_ + rows);
}

void ArrowColumn::write(std::string& out, std::int64_t row) const {
  if (is_null(row)) {
    out += "\\N";
  } else {
    append_copy(out, row + offset_);
  }
}

void ArrowColumn::write_json(std::string& out, std::int64_t row) const {
  if (is_null(row)) {
    out += "null";
  } else {
    append_json(out, row + offset_);
  }
}

void ArrowColumn::append_json(std::string& out, std::int64_t slot) const {
  out.push_back('"');
  append_text(out, slot);
  out.push_back('"');
}

bool ArrowColumn::null_behind(std::int64_t /*slot*/) const { return false; }

const std::uint8_t* ArrowColumn::buffer(const ArrowArray& array, std::int64_t index) const {
  const void* bytes = array.buffers[index];
  if (bytes == nullptr) fail_corrupt("a buffer is missing");
  return static_cast<const std::uint8_t*>(bytes);
}

void ArrowColumn::fail_corrupt(const char* what) const {
  throw SourceError("source: column \"" + path_ +
                        "\": the driver sent an Arrow array that does not fit its schema: " + what,
                    false);
}

void refuse_arrow_type(const ArrowColumnAsk& ask, const std::string& word) {
  throw SourceError("source: column \"" + ask.path + "\": values of type " + word +
                        " cannot be read; cast the column to text, or to a plain type, in the "
                        "model's SQL",
                    true);
}

ArrowField make_arrow_column(const ArrowColumnAsk& ask) {
  if (ask.schema.format == nullptr) refuse_arrow_type(ask, "(none)");
  if (ask.depth > kMaxDepth) refuse_arrow_type(ask, "list or struct, nested too deeply,");
  if (std::string_view(ask.schema.format) == "n") {
    return {std::make_unique<NullColumn>(ask.path), Type::text, "null"};
  }
  // First, because a dictionary's own format is the one of its indexes.
  if (ask.schema.dictionary == nullptr) {
    for (auto* make : {make_arrow_number, make_arrow_time, make_arrow_bytes}) {
      ArrowField field = make(ask);
      if (field.column) return field;
    }
  }
  ArrowField field = make_arrow_nested(ask);
  if (!field.column) refuse_arrow_type(ask, std::string("Arrow ") + ask.schema.format);
  return field;
}

}  // namespace tailrace
