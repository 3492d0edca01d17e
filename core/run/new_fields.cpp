#include "run/new_fields.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace tailrace {

std::vector<FieldFact> new_fields(const Destination& destination, const Schema& schema,
                                  const std::vector<FieldFact>& known) {
  std::vector<FieldFact> made;
  for (const Column& column : schema.fields()) {
    const bool is_there = std::any_of(known.begin(), known.end(), [&](const FieldFact& fact) {
      return fact.name == column.name;
    });
    if (is_there || column.link) continue;
    std::optional<FieldFact> field = destination.new_field(column);
    if (!field) {
      throw std::invalid_argument("create_fields: this object's fields are not made by a run");
    }
    made.push_back(std::move(*field));
  }
  return made;
}

nlohmann::json to_json(const std::vector<FieldFact>& made) {
  nlohmann::json all = nlohmann::json::array();
  for (const FieldFact& one : made) all.push_back({{"name", one.name}, {"type", one.type}});
  return all;
}

}  // namespace tailrace
