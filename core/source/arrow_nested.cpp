// Dictionaries, and what becomes JSON text: lists, structs and maps.

#include <charconv>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "row/row_view.hpp"
#include "source/arrow_column.hpp"
#include "source/arrow_text.hpp"

namespace tailrace {
namespace {

/// Values that are written as JSON text, in a row escaped like any text.
class JsonColumn : public ArrowColumn {
 public:
  using ArrowColumn::ArrowColumn;

 protected:
  void append_text(std::string& out, std::int64_t slot) const override { append_json(out, slot); }
  void append_copy(std::string& out, std::int64_t slot) const override {
    scratch_.clear();
    append_json(scratch_, slot);
    append_escaped(out, scratch_);
  }
  void append_json(std::string& out, std::int64_t slot) const override = 0;

 private:
  mutable std::string scratch_;  // a source is read on one thread
};

/// Where the elements of list `slot` lie among the child's rows.
struct Extent {
  std::int64_t begin;
  std::int64_t end;
};

template <typename Offset>
class Offsets {
 public:
  static constexpr ArrowColumn::Layout kLayout{2, 1};

  void bind(const std::uint8_t* offsets) { offsets_ = offsets; }
  [[nodiscard]] Extent at(std::int64_t slot) const { return {offset(slot), offset(slot + 1)}; }
  [[nodiscard]] std::int64_t children(std::int64_t slots) const { return offset(slots); }

 private:
  [[nodiscard]] std::int64_t offset(std::int64_t index) const {
    Offset value;
    std::memcpy(&value, offsets_ + index * static_cast<std::int64_t>(sizeof value), sizeof value);
    return value;
  }

  const std::uint8_t* offsets_ = nullptr;
};

template <typename Offset>
class ListColumn : public JsonColumn {
 public:
  ListColumn(std::string path, std::unique_ptr<ArrowColumn> element)
      : JsonColumn(std::move(path), Offsets<Offset>::kLayout), element_(std::move(element)) {}

 protected:
  void bind_values(const ArrowArray& array, std::int64_t slots) override {
    offsets_.bind(buffer(array, 1));
    element_->bind(*array.children[0], offsets_.children(slots));
  }
  void append_json(std::string& out, std::int64_t slot) const override {
    const Extent extent = offsets_.at(slot);
    if (extent.begin < 0 || extent.end < extent.begin) fail_corrupt("its offsets go backwards");
    out.push_back('[');
    for (std::int64_t i = extent.begin; i < extent.end; ++i) {
      if (i > extent.begin) out.push_back(',');
      element_->write_json(out, i);
    }
    out.push_back(']');
  }

 private:
  std::unique_ptr<ArrowColumn> element_;
  Offsets<Offset> offsets_;
};

class FixedListColumn : public JsonColumn {
 public:
  FixedListColumn(std::string path, std::int64_t size, std::unique_ptr<ArrowColumn> element)
      : JsonColumn(std::move(path), {1, 1}), size_(size), element_(std::move(element)) {}

 protected:
  void bind_values(const ArrowArray& array, std::int64_t slots) override {
    element_->bind(*array.children[0], slots * size_);
  }
  void append_json(std::string& out, std::int64_t slot) const override {
    out.push_back('[');
    for (std::int64_t i = 0; i < size_; ++i) {
      if (i > 0) out.push_back(',');
      element_->write_json(out, slot * size_ + i);
    }
    out.push_back(']');
  }

 private:
  std::int64_t size_;
  std::unique_ptr<ArrowColumn> element_;
};

struct Member {
  std::string json_name;
  std::unique_ptr<ArrowColumn> column;
};

class StructColumn : public JsonColumn {
 public:
  StructColumn(std::string path, std::vector<Member> members)
      : JsonColumn(std::move(path), {1, static_cast<std::int64_t>(members.size())}),
        members_(std::move(members)) {}

 protected:
  void bind_values(const ArrowArray& array, std::int64_t slots) override {
    for (std::size_t i = 0; i < members_.size(); ++i) {
      members_[i].column->bind(*array.children[i], slots);
    }
  }
  void append_json(std::string& out, std::int64_t slot) const override {
    out.push_back('{');
    for (const Member& member : members_) {
      if (&member != members_.data()) out.push_back(',');
      out += member.json_name;
      out.push_back(':');
      member.column->write_json(out, slot);
    }
    out.push_back('}');
  }

 private:
  std::vector<Member> members_;
};

class MapColumn : public JsonColumn {
 public:
  MapColumn(std::string path, std::unique_ptr<ArrowColumn> key, std::unique_ptr<ArrowColumn> value)
      : JsonColumn(std::move(path), Offsets<std::int32_t>::kLayout),
        key_(std::move(key)),
        value_(std::move(value)) {}

 protected:
  void bind_values(const ArrowArray& array, std::int64_t slots) override {
    offsets_.bind(buffer(array, 1));
    const ArrowArray& entries = *array.children[0];
    entries_offset_ = entries.offset;
    const std::int64_t rows = entries_offset_ + offsets_.children(slots);
    if (entries.n_children != 2 || entries.offset < 0) fail_corrupt("its entries are no pairs");
    key_->bind(*entries.children[0], rows);
    value_->bind(*entries.children[1], rows);
  }
  void append_json(std::string& out, std::int64_t slot) const override {
    const Extent extent = offsets_.at(slot);
    if (extent.begin < 0 || extent.end < extent.begin) fail_corrupt("its offsets go backwards");
    out.push_back('{');
    for (std::int64_t i = extent.begin; i < extent.end; ++i) {
      if (i > extent.begin) out.push_back(',');
      append_key(out, i + entries_offset_);
      out.push_back(':');
      value_->write_json(out, i + entries_offset_);
    }
    out.push_back('}');
  }

 private:
  /// JSON knows strings as keys only; numbers and the like are put in quotes.
  void append_key(std::string& out, std::int64_t row) const {
    const std::size_t begin = out.size();
    key_->write_json(out, row);
    if (out[begin] == '"') return;
    const std::string json = out.substr(begin);
    out.resize(begin);
    append_json_string(out, json);
  }

  std::unique_ptr<ArrowColumn> key_;
  std::unique_ptr<ArrowColumn> value_;
  Offsets<std::int32_t> offsets_;
  std::int64_t entries_offset_ = 0;
};

template <typename Index>
class DictionaryColumn : public ArrowColumn {
 public:
  DictionaryColumn(std::string path, std::unique_ptr<ArrowColumn> values)
      : ArrowColumn(std::move(path), {2, 0}), values_(std::move(values)) {
    expect_nulls_behind();
  }

 protected:
  void bind_values(const ArrowArray& array, std::int64_t /*slots*/) override {
    if (array.dictionary == nullptr) fail_corrupt("its dictionary is missing");
    indexes_ = buffer(array, 1);
    size_ = array.dictionary->length;
    values_->bind(*array.dictionary, size_);
  }
  bool null_behind(std::int64_t slot) const override { return values_->is_null(index(slot)); }
  void append_text(std::string& out, std::int64_t slot) const override {
    values_->write(out, index(slot));
  }
  void append_json(std::string& out, std::int64_t slot) const override {
    values_->write_json(out, index(slot));
  }

 private:
  [[nodiscard]] std::int64_t index(std::int64_t slot) const {
    const Index stored = load<Index>(indexes_, slot);
    if (stored < 0 || std::cmp_greater_equal(stored, size_)) {
      fail_corrupt("an index is outside of its dictionary");
    }
    return static_cast<std::int64_t>(stored);  // NOLINT(bugprone-signed-char-misuse): no character
  }

  std::unique_ptr<ArrowColumn> values_;
  const std::uint8_t* indexes_ = nullptr;
  std::int64_t size_ = 0;
};

std::string name_of(const ArrowSchema& schema) {
  return schema.name == nullptr ? std::string{} : std::string(schema.name);
}

ArrowField make_child(const ArrowColumnAsk& ask, const ArrowSchema& child) {
  return make_arrow_column({child, ask.path + "." + name_of(child), ask.depth + 1});
}

const ArrowSchema& only_child(const ArrowColumnAsk& ask) {
  if (ask.schema.n_children != 1) refuse_arrow_type(ask, "list without an element");
  return *ask.schema.children[0];
}

ArrowField make_struct(const ArrowColumnAsk& ask) {
  std::vector<Member> members;
  for (std::int64_t i = 0; i < ask.schema.n_children; ++i) {
    const ArrowSchema& child = *ask.schema.children[i];
    std::string json_name;
    append_json_string(json_name, name_of(child));
    members.push_back({std::move(json_name), make_child(ask, child).column});
  }
  return {std::make_unique<StructColumn>(ask.path, std::move(members)), Type::json, "struct"};
}

ArrowField make_map(const ArrowColumnAsk& ask) {
  const ArrowSchema& entries = only_child(ask);
  if (entries.n_children != 2) refuse_arrow_type(ask, "map without keys and values");
  return {std::make_unique<MapColumn>(ask.path, make_child(ask, *entries.children[0]).column,
                                      make_child(ask, *entries.children[1]).column),
          Type::json, "map"};
}

ArrowField make_fixed_list(const ArrowColumnAsk& ask, std::string_view digits) {
  int size = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size);
  if (error != std::errc{} || end != digits.data() + digits.size() || size < 0) return {};
  return {
      std::make_unique<FixedListColumn>(ask.path, size, make_child(ask, only_child(ask)).column),
      Type::list, "list"};
}

template <typename Offset>
ArrowField make_list(const ArrowColumnAsk& ask) {
  return {std::make_unique<ListColumn<Offset>>(ask.path, make_child(ask, only_child(ask)).column),
          Type::list, "list"};
}

template <typename Index>
ArrowField make_dictionary(const ArrowColumnAsk& ask) {
  ArrowField values = make_arrow_column({*ask.schema.dictionary, ask.path, ask.depth + 1});
  return {std::make_unique<DictionaryColumn<Index>>(ask.path, std::move(values.column)),
          values.type, values.word};
}

ArrowField make_any_dictionary(const ArrowColumnAsk& ask) {
  const std::string_view format = ask.schema.format;
  switch (format.size() == 1 ? format.front() : '\0') {
    case 'c': return make_dictionary<std::int8_t>(ask);
    case 'C': return make_dictionary<std::uint8_t>(ask);
    case 's': return make_dictionary<std::int16_t>(ask);
    case 'S': return make_dictionary<std::uint16_t>(ask);
    case 'i': return make_dictionary<std::int32_t>(ask);
    case 'I': return make_dictionary<std::uint32_t>(ask);
    case 'l': return make_dictionary<std::int64_t>(ask);
    case 'L': return make_dictionary<std::uint64_t>(ask);
    default: return {};
  }
}

}  // namespace

ArrowField make_arrow_nested(const ArrowColumnAsk& ask) {
  const std::string_view format = ask.schema.format;
  if (ask.schema.dictionary != nullptr) return make_any_dictionary(ask);
  if (format == "+l") return make_list<std::int32_t>(ask);
  if (format == "+L") return make_list<std::int64_t>(ask);
  if (format == "+s") return make_struct(ask);
  if (format == "+m") return make_map(ask);
  return format.starts_with("+w:") ? make_fixed_list(ask, format.substr(3)) : ArrowField{};
}

}  // namespace tailrace
