// Text and bytes in their four layouts, and what is stored as one of them: UUID, JSON, decimals.

#include <charconv>
#include <cstddef>
#include <string_view>

#include <nlohmann/json.hpp>

#include "row/ascii.hpp"
#include "row/row_view.hpp"
#include "source/arrow_column.hpp"
#include "source/arrow_metadata.hpp"
#include "source/arrow_text.hpp"

namespace tailrace {
namespace {

constexpr std::int64_t kViewBytes = 16;
constexpr std::int64_t kInlineBytes = 12;
constexpr std::size_t kUuidBytes = 16;

enum class Content : std::uint8_t { text, json, decimal, bytes, uuid };

/// A column of byte sequences; the derived classes know where those lie.
class SequenceColumn : public ArrowColumn {
 public:
  SequenceColumn(std::string path, Layout layout, Content content)
      : ArrowColumn(std::move(path), layout), content_(content) {}

 protected:
  [[nodiscard]] virtual std::string_view at(std::int64_t slot) const = 0;

  void append_text(std::string& out, std::int64_t slot) const override {
    const std::string_view value = at(slot);
    switch (content_) {
      case Content::bytes:
        out += "\\x";
        append_hex(out, value);
        return;
      case Content::uuid:
        if (value.size() != kUuidBytes) fail_corrupt("a uuid has not 16 bytes");
        append_uuid(out, value);
        return;
      default: out += value;
    }
  }
  void append_copy(std::string& out, std::int64_t slot) const override {
    if (content_ == Content::uuid) {
      append_text(out, slot);
    } else if (content_ == Content::bytes) {
      out.push_back('\\');  // the backslash of \x is itself escaped in a row
      append_text(out, slot);
    } else {
      append_escaped(out, at(slot));
    }
  }
  void append_json(std::string& out, std::int64_t slot) const override {
    switch (content_) {
      case Content::uuid: ArrowColumn::append_json(out, slot); return;
      case Content::bytes:
        out += "\"\\\\x";
        append_hex(out, at(slot));
        out.push_back('"');
        return;
      case Content::json:
      case Content::decimal: append_embedded(out, at(slot)); return;
      case Content::text: append_json_string(out, at(slot)); return;
    }
  }

 private:
  /// JSON and numbers as they stand; NaN, and what is no JSON after all, as a string.
  static void append_embedded(std::string& out, std::string_view value) {
    if (nlohmann::json::accept(value)) {
      out += value;
    } else {
      append_json_string(out, value);
    }
  }

  Content content_;
};

template <typename Offset>
class OffsetsColumn : public SequenceColumn {
 public:
  OffsetsColumn(std::string path, Content content)
      : SequenceColumn(std::move(path), {3, 0}, content) {}

 protected:
  void bind_values(const ArrowArray& array, std::int64_t slots) override {
    offsets_ = buffer(array, 1);
    // Where all values are empty some producers leave the third buffer out.
    const bool any = load<Offset>(offsets_, slots) > 0;
    bytes_ = any ? buffer(array, 2) : offsets_;
  }
  std::string_view at(std::int64_t slot) const override {
    const auto begin = load<Offset>(offsets_, slot);
    const auto end = load<Offset>(offsets_, slot + 1);
    if (begin < 0 || end < begin) fail_corrupt("its offsets go backwards");
    return {reinterpret_cast<const char*>(bytes_) + begin, static_cast<std::size_t>(end - begin)};
  }

 private:
  const std::uint8_t* offsets_ = nullptr;
  const std::uint8_t* bytes_ = nullptr;
};

/// Views of 16 bytes: the length, then the bytes themselves up to 12, else the first four, the
/// number of a data buffer and the place in it.
class ViewColumn : public SequenceColumn {
 public:
  ViewColumn(std::string path, Content content)
      : SequenceColumn(std::move(path), {3, 0}, content) {}

 protected:
  void bind_values(const ArrowArray& array, std::int64_t /*slots*/) override {
    views_ = buffer(array, 1);
    array_ = &array;
  }
  std::string_view at(std::int64_t slot) const override {
    const std::uint8_t* view = views_ + slot * kViewBytes;
    const auto length = load<std::int32_t>(view, 0);
    if (length < 0) fail_corrupt("a view has a negative length");
    const auto size = static_cast<std::size_t>(length);
    if (length <= kInlineBytes) return {reinterpret_cast<const char*>(view) + 4, size};
    const auto index = load<std::int32_t>(view, 2);
    const auto begin = load<std::int32_t>(view, 3);
    // The last buffer holds the lengths of the data buffers, the first two are not data.
    if (index < 0 || index + 2 >= array_->n_buffers - 1 || begin < 0) {
      fail_corrupt("a view points outside of its buffers");
    }
    return {reinterpret_cast<const char*>(buffer(*array_, index + 2)) + begin, size};
  }

 private:
  const std::uint8_t* views_ = nullptr;
  const ArrowArray* array_ = nullptr;
};

class FixedColumn : public SequenceColumn {
 public:
  FixedColumn(std::string path, std::size_t width, Content content)
      : SequenceColumn(std::move(path), {2, 0}, content), width_(width) {}

 protected:
  void bind_values(const ArrowArray& array, std::int64_t /*slots*/) override {
    values_ = width_ == 0 ? nullptr : buffer(array, 1);
  }
  std::string_view at(std::int64_t slot) const override {
    if (width_ == 0) return {};
    return {reinterpret_cast<const char*>(values_) + slot * static_cast<std::int64_t>(width_),
            width_};
  }

 private:
  std::size_t width_;
  const std::uint8_t* values_ = nullptr;
};

std::unique_ptr<ArrowColumn> make_fixed(const ArrowColumnAsk& ask, Content content) {
  const std::string_view digits = std::string_view(ask.schema.format).substr(2);
  int width = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), width);
  if (error != std::errc{} || end != digits.data() + digits.size() || width < 0) return nullptr;
  return std::make_unique<FixedColumn>(ask.path, static_cast<std::size_t>(width), content);
}

std::unique_ptr<ArrowColumn> make_layout(const ArrowColumnAsk& ask, Content content) {
  const std::string_view format = ask.schema.format;
  if (format == "u" || format == "z") {
    return std::make_unique<OffsetsColumn<std::int32_t>>(ask.path, content);
  }
  if (format == "U" || format == "Z") {
    return std::make_unique<OffsetsColumn<std::int64_t>>(ask.path, content);
  }
  if (format == "vu" || format == "vz") return std::make_unique<ViewColumn>(ask.path, content);
  return format.starts_with("w:") ? make_fixed(ask, content) : nullptr;
}

ArrowField make_sequence(const ArrowColumnAsk& ask, Content content, Type type, std::string word) {
  return {make_layout(ask, content), type, std::move(word)};
}

}  // namespace

ArrowField make_arrow_bytes(const ArrowColumnAsk& ask) {
  const ArrowExtension extension = extension_of(ask.schema);
  switch (extension.meaning) {
    case ArrowMeaning::uuid: return make_sequence(ask, Content::uuid, Type::uuid, "uuid");
    case ArrowMeaning::json: return make_sequence(ask, Content::json, Type::json, extension.name);
    case ArrowMeaning::decimal:
      return make_sequence(ask, Content::decimal, Type::decimal, extension.name);
    case ArrowMeaning::foreign:
      refuse_arrow_type(ask, extension.name.empty() ? "arrow.opaque" : extension.name);
    default: break;
  }
  const std::string_view format = ask.schema.format;
  if (format == "u" || format == "U" || format == "vu") {
    return make_sequence(ask, Content::text, Type::text,
                         extension.name.empty() ? "utf8" : extension.name);
  }
  return make_sequence(ask, Content::bytes, Type::bytes, "binary");
}

}  // namespace tailrace
