#pragma once

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "row/row_view.hpp"
#include "row/schema.hpp"

namespace tailrace::wire {

/// A file of tests/data/wire: what Python's csv module wrote, or the table that it wrote.
inline std::string data_file(const std::string& name) {
  std::ifstream file(TAILRACE_TEST_DATA "/wire/" + name, std::ios::binary);
  if (!file) throw std::runtime_error("no test data " + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

using Table = std::vector<std::vector<std::string>>;

/// Header first.
inline Table table_of(const std::string& name) {
  const nlohmann::json document = nlohmann::json::parse(data_file(name));
  Table table{document.at("columns").get<std::vector<std::string>>()};
  for (const auto& row : document.at("rows")) table.push_back(row.get<std::vector<std::string>>());
  return table;
}

inline Schema text_schema(const std::vector<std::string>& names) {
  Schema schema;
  for (const std::string& name : names) schema.columns.push_back({name, Type::text});
  schema.field_count = names.size();
  return schema;
}

inline std::string line_of(const std::vector<std::string>& cells) {
  std::string line;
  for (const std::string& cell : cells) {
    if (&cell != cells.data()) line += '\t';
    append_escaped(line, cell);
  }
  return line;
}

}  // namespace tailrace::wire
