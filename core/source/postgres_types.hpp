#pragma once

#include <cstdint>

#include "row/schema.hpp"

namespace tailrace {

/// What a column of this pg_type oid is to us. Domains never arrive here: the server describes
/// result columns by the domain's base type. Enums, arrays, composites, ranges, hstore and every
/// other type whose COPY text is neither a number, a time nor JSON are `text`, as PostgreSQL
/// writes them ({a,b} for an array): a model that wants JSON says to_jsonb(column).
[[nodiscard]] Type type_of_oid(std::uint32_t oid);

}  // namespace tailrace
