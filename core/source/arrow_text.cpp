#include "source/arrow_text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>

#include "row/ascii.hpp"

namespace tailrace {
namespace {

template <typename Float>
void append_shortest(std::string& out, Float value, Float fixed_below) {
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    out += value > 0 ? "Infinity" : "-Infinity";
    return;
  }
  const Float magnitude = std::fabs(value);
  const bool fixed = magnitude == 0 || (magnitude >= Float(1e-4) && magnitude < fixed_below);
  std::array<char, 40> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 fixed ? std::chars_format::fixed : std::chars_format::scientific);
  out.append(buffer.data(), end.ptr);
}

}  // namespace

// PostgreSQL writes exponents from 1e+15 (float8) and 1e+06 (float4) on.
void append_float(std::string& out, double value) { append_shortest(out, value, 1e15); }
void append_float(std::string& out, float value) { append_shortest(out, value, 1e6F); }

void append_uuid(std::string& out, std::string_view bytes) {
  std::size_t at = 0;
  for (const std::size_t group : {4U, 2U, 2U, 2U, 6U}) {
    if (at > 0) out.push_back('-');
    append_hex(out, bytes.substr(at, group));
    at += group;
  }
}

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      default:
        if (static_cast<unsigned char>(c) < ' ') {
          out += "\\u00";
          append_hex(out, std::string_view(&c, 1));
        } else {
          out.push_back(c);
        }
    }
  }
  out.push_back('"');
}

}  // namespace tailrace
