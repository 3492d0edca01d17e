#include "run/mapping.hpp"

#include <nlohmann/json.hpp>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "destination/connection.hpp"

namespace tailrace {
namespace {

using ByName = std::unordered_map<std::string_view, const FieldFact*>;

[[nodiscard]] const FieldFact* known_as(const ByName& by_name, const std::string& field) {
  const auto found = by_name.find(field);
  if (found != by_name.end()) return found->second;
  const std::size_t dot = field.rfind('.');
  if (dot == std::string::npos) return nullptr;
  const auto related = by_name.find(field.substr(0, dot) + ".*");
  return related == by_name.end() ? nullptr : related->second;
}

[[nodiscard]] std::string hint_among(const std::string& field,
                                     const std::vector<FieldFact>& known) {
  std::vector<std::string_view> names;
  for (const FieldFact& one : known) names.emplace_back(one.name);
  return hint_of(field, std::move(names));
}

}  // namespace

std::vector<MappingFlaw> mapping_flaws(const Schema& schema, const std::string& object,
                                       const std::vector<FieldFact>& known,
                                       const MappingRules& rules) {
  ByName by_name;
  for (const FieldFact& one : known) by_name.emplace(one.name, &one);
  std::vector<MappingFlaw> flaws;
  std::unordered_set<std::string_view> mapped;
  for (const Column& column : schema.fields()) {
    if (column.link) continue;  // no field
    mapped.insert(column.name);
    const FieldFact* fact = known_as(by_name, column.name);
    if (fact == nullptr) {
      if (rules.makes_fields) continue;
      std::string message = object + " has no field '" + column.name + "'";
      message += hint_among(column.name, known);
      if (rules.offers_making) message += "; with `create_fields: true` the run makes it";
      flaws.push_back({"fields", column.name, std::move(message)});
    } else if (!fact->writable) {
      flaws.push_back({"fields", column.name, object + "." + column.name + " cannot be written"});
    }
  }
  const auto match = by_name.find(schema.columns[schema.match].name);
  if (rules.finds_records && match != by_name.end() && !match->second->unique) {
    flaws.push_back(
        {"match",
         {},
         object + "." + match->second->name + " is not unique, so that it identifies no record"});
  }
  for (const FieldFact& one : known) {
    if (!rules.makes_records || !one.required || mapped.contains(one.name)) continue;
    flaws.push_back({"fields", {}, object + " requires the field '" + one.name + "'"});
  }
  return flaws;
}

nlohmann::json to_json(const std::vector<MappingFlaw>& flaws) {
  nlohmann::json all = nlohmann::json::array();
  for (const MappingFlaw& one : flaws) {
    all.push_back({{"key", one.key}, {"field", one.field}, {"message", one.message}});
  }
  return all;
}

}  // namespace tailrace
