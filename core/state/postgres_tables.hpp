#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tailrace {

/// The tables of schema tailrace. `run`, `rejected_row` and `row_log` are for users to query; the
/// rest is private.
struct PostgresTable {
  int since;  // the format that brought it
  std::string_view name;
  std::string_view columns;   // "name type" each, as format_type() writes it, in order, by ", "
  std::string_view nullable;  // names of those that may be NULL, with a space around each
  std::string_view numbered;  // the column that the server numbers
  std::string_view more;      // constraints, and what follows the columns
  std::string_view after;     // a statement: index or storage
};

[[nodiscard]] std::span<const PostgresTable> postgres_tables();

/// CREATE TABLE and what belongs to it: statements that do nothing where it is there already.
[[nodiscard]] std::vector<std::string> ddl_of(const PostgresTable& table);

}  // namespace tailrace
