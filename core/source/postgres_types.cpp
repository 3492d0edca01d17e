#include "source/postgres_types.hpp"

#include <algorithm>
#include <array>

namespace tailrace {
namespace {

struct Known {
  std::uint32_t oid;
  Type type;
};

// Object ids of built-in types are fixed: src/include/catalog/pg_type.dat of PostgreSQL.
constexpr std::array kKnown{
    Known{16, Type::boolean},       Known{17, Type::bytes},      Known{20, Type::integer},
    Known{21, Type::integer},       Known{23, Type::integer},    Known{26, Type::integer},
    Known{114, Type::json},         Known{700, Type::floating},  Known{701, Type::floating},
    Known{1082, Type::date},        Known{1083, Type::time},     Known{1114, Type::timestamp},
    Known{1184, Type::timestamptz}, Known{1186, Type::interval}, Known{1700, Type::decimal},
    Known{2950, Type::uuid},        Known{3802, Type::json},
};

}  // namespace

Type type_of_oid(std::uint32_t oid) {
  const auto* known = std::find_if(kKnown.begin(), kKnown.end(),
                                   [oid](const Known& candidate) { return candidate.oid == oid; });
  return known == kKnown.end() ? Type::text : known->type;
}

}  // namespace tailrace
