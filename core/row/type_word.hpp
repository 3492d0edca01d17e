#pragma once

#include <string_view>

#include "row/schema.hpp"

namespace tailrace {

/// A type's word, as Python has it.
[[nodiscard]] constexpr std::string_view to_text(Type type) {
  switch (type) {
    case Type::text: return "text";
    case Type::boolean: return "boolean";
    case Type::integer: return "integer";
    case Type::floating: return "floating";
    case Type::decimal: return "decimal";
    case Type::date: return "date";
    case Type::time: return "time";
    case Type::timestamp: return "timestamp";
    case Type::timestamptz: return "timestamptz";
    case Type::interval: return "interval";
    case Type::uuid: return "uuid";
    case Type::json: return "json";
    case Type::bytes: return "bytes";
    case Type::list: return "list";
  }
  return "text";
}

}  // namespace tailrace
