// Booleans, integers, floats and decimals.

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string_view>
#include <type_traits>

#include "source/arrow_column.hpp"
#include "source/arrow_metadata.hpp"
#include "source/arrow_text.hpp"

namespace tailrace {
namespace {

constexpr ArrowColumn::Layout kNumbers{2, 0};

template <typename Integer>
void append_integer(std::string& out, Integer value) {
  std::array<char, std::numeric_limits<Integer>::digits10 + 3> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  out.append(buffer.data(), end.ptr);
}

/// A column whose values lie one after another in the second buffer.
class ValuesColumn : public ArrowColumn {
 public:
  explicit ValuesColumn(std::string path) : ArrowColumn(std::move(path), kNumbers) {}

 protected:
  void bind_values(const ArrowArray& array, std::int64_t /*slots*/) override {
    values_ = buffer(array, 1);
  }
  [[nodiscard]] const std::uint8_t* values() const { return values_; }

 private:
  const std::uint8_t* values_ = nullptr;
};

template <typename Integer>
class IntegerColumn : public ValuesColumn {
 public:
  using ValuesColumn::ValuesColumn;

 protected:
  void append_text(std::string& out, std::int64_t slot) const override {
    append_integer(out, load<Integer>(values(), slot));
  }
  void append_json(std::string& out, std::int64_t slot) const override { append_text(out, slot); }
};

float float_of_half(std::uint16_t half) {
  const unsigned bits = half;
  const bool negative = (bits >> 15U) != 0;
  const auto exponent = static_cast<int>((bits >> 10U) & 0x1FU);
  const auto fraction = static_cast<float>(bits & 0x3FFU);
  float magnitude = 0;
  if (exponent == 0x1F) {
    magnitude = fraction == 0 ? std::numeric_limits<float>::infinity()
                              : std::numeric_limits<float>::quiet_NaN();
  } else if (exponent == 0) {
    magnitude = std::ldexp(fraction, -24);
  } else {
    magnitude = std::ldexp(1024 + fraction, exponent - 25);
  }
  return negative ? -magnitude : magnitude;
}

struct Half {
  std::uint16_t bits;
};

template <typename Stored>
class FloatColumn : public ValuesColumn {
 public:
  using ValuesColumn::ValuesColumn;

 protected:
  void append_text(std::string& out, std::int64_t slot) const override {
    append_float(out, value(slot));
  }
  void append_json(std::string& out, std::int64_t slot) const override {
    if (std::isfinite(value(slot))) {
      append_text(out, slot);
    } else {
      ArrowColumn::append_json(out, slot);
    }
  }

 private:
  [[nodiscard]] auto value(std::int64_t slot) const {
    if constexpr (std::is_same_v<Stored, Half>) {
      return float_of_half(load<std::uint16_t>(values(), slot));
    } else {
      return load<Stored>(values(), slot);
    }
  }
};

class BooleanColumn : public ValuesColumn {
 public:
  BooleanColumn(std::string path, bool as_bytes)
      : ValuesColumn(std::move(path)), as_bytes_(as_bytes) {}

 protected:
  void append_text(std::string& out, std::int64_t slot) const override {
    out.push_back(value(slot) ? 't' : 'f');
  }
  void append_json(std::string& out, std::int64_t slot) const override {
    out += value(slot) ? "true" : "false";
  }

 private:
  [[nodiscard]] bool value(std::int64_t slot) const {
    return as_bytes_ ? load<std::int8_t>(values(), slot) != 0 : bit(values(), slot);
  }

  bool as_bytes_;
};

struct DecimalFormat {
  int precision = 0;
  int scale = 0;
  int bits = 128;
};

class DecimalColumn : public ValuesColumn {
 public:
  DecimalColumn(std::string path, const DecimalFormat& format)
      : ValuesColumn(std::move(path)), bytes_(format.bits / 8), scale_(format.scale) {}

 protected:
  void append_text(std::string& out, std::int64_t slot) const override {
    const std::uint8_t* value = values() + slot * bytes_;
    append_decimal(out, {value, static_cast<std::size_t>(bytes_)}, scale_);
  }
  void append_json(std::string& out, std::int64_t slot) const override { append_text(out, slot); }

 private:
  std::int64_t bytes_;
  int scale_;
};

/// Reads up to three integers that commas separate; returns how many, 0 where the text is none.
std::size_t read_numbers(std::string_view text, std::span<int, 3> numbers) {
  std::size_t count = 0;
  while (count < numbers.size()) {
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), numbers[count]);
    if (error != std::errc{}) return 0;
    ++count;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.empty()) return count;
    if (text.front() != ',') return 0;
    text.remove_prefix(1);
  }
  return 0;
}

ArrowField make_decimal(const ArrowColumnAsk& ask, std::string_view arguments) {
  // A malformed scale must not become gigabytes of zeros.
  constexpr int kMaxScale = 1000;
  std::array<int, 3> numbers{0, 0, 128};
  const std::size_t count = read_numbers(arguments, numbers);
  const DecimalFormat format{numbers[0], numbers[1], numbers[2]};
  const bool known_width =
      format.bits == 32 || format.bits == 64 || format.bits == 128 || format.bits == 256;
  if (count < 2 || !known_width || std::abs(format.scale) > kMaxScale) {
    refuse_arrow_type(ask, "Arrow d:" + std::string(arguments));
  }
  return {
      std::make_unique<DecimalColumn>(ask.path, format), Type::decimal,
      "decimal(" + std::to_string(format.precision) + ", " + std::to_string(format.scale) + ")"};
}

template <typename Column>
ArrowField field_of(const ArrowColumnAsk& ask, Type type, const char* word) {
  return {std::make_unique<Column>(ask.path), type, word};
}

}  // namespace

ArrowField make_arrow_number(const ArrowColumnAsk& ask) {
  const std::string_view format = ask.schema.format;
  if (format.starts_with("d:")) return make_decimal(ask, format.substr(2));
  if (format.size() != 1) return {};
  if (extension_of(ask.schema).meaning == ArrowMeaning::boolean) {
    return {std::make_unique<BooleanColumn>(ask.path, true), Type::boolean, "bool8"};
  }
  switch (format.front()) {
    case 'b': return {std::make_unique<BooleanColumn>(ask.path, false), Type::boolean, "bool"};
    case 'c': return field_of<IntegerColumn<std::int8_t>>(ask, Type::integer, "int8");
    case 'C': return field_of<IntegerColumn<std::uint8_t>>(ask, Type::integer, "uint8");
    case 's': return field_of<IntegerColumn<std::int16_t>>(ask, Type::integer, "int16");
    case 'S': return field_of<IntegerColumn<std::uint16_t>>(ask, Type::integer, "uint16");
    case 'i': return field_of<IntegerColumn<std::int32_t>>(ask, Type::integer, "int32");
    case 'I': return field_of<IntegerColumn<std::uint32_t>>(ask, Type::integer, "uint32");
    case 'l': return field_of<IntegerColumn<std::int64_t>>(ask, Type::integer, "int64");
    case 'L': return field_of<IntegerColumn<std::uint64_t>>(ask, Type::integer, "uint64");
    case 'e': return field_of<FloatColumn<Half>>(ask, Type::floating, "float16");
    case 'f': return field_of<FloatColumn<float>>(ask, Type::floating, "float32");
    case 'g': return field_of<FloatColumn<double>>(ask, Type::floating, "float64");
    default: return {};
  }
}

}  // namespace tailrace
