#include "destination/rest/record_form.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "wire/json_reader.hpp"

namespace tailrace::rest {
namespace {

using nlohmann::json;

/// A value as text; nothing where it is null.
[[nodiscard]] std::optional<std::string> text_of_value(const json& value) {
  if (value.is_null()) return std::nullopt;
  return value.is_structured() ? value.dump() : wire::scalar_text(value);
}

[[nodiscard]] std::vector<std::pair<std::string, std::string>> read_paths(const Settings& reader) {
  std::vector<std::pair<std::string, std::string>> paths;
  const json* given = reader.given("paths");
  if (given == nullptr) return paths;
  if (!given->is_object()) reader.refuse("paths", "must be a mapping of fields to dotted paths");
  for (const auto& [field, path] : given->items()) {
    if (!path.is_string()) reader.refuse("paths", "'" + field + "' must be a dotted path");
    paths.emplace_back(field, path.get<std::string>());
  }
  return paths;
}

[[nodiscard]] const json* value_of(const json& record, const RecordForm& form,
                                   const std::string& field) {
  const auto elsewhere = std::find_if(form.paths.begin(), form.paths.end(),
                                      [&](const auto& one) { return one.first == field; });
  if (elsewhere != form.paths.end()) return wire::at_path(record, elsewhere->second);
  const json* value = wire::at_path(record, field);
  for (const std::string& member : form.within) {
    if (value != nullptr) break;
    const json* inner = wire::at_path(record, member);
    if (inner != nullptr) value = wire::at_path(*inner, field);
  }
  return value;
}

}  // namespace

RecordForm read_record_form(const Settings& reader, const RecordForm& outer) {
  RecordForm form;
  form.record = reader.text("record", outer.record);
  form.match = reader.text("match", outer.match);
  form.id = reader.text("id", outer.id);
  form.within = reader.given("within") ? reader.texts("within", "dotted paths") : outer.within;
  form.paths = reader.given("paths") ? read_paths(reader) : outer.paths;
  return form;
}

std::optional<Record> record_of(const json& entry, const RecordForm& form,
                                const std::string& match_field, std::span<const Column> fields) {
  const json* values = wire::at_path(entry, form.record);
  if (values == nullptr || !values->is_object()) return std::nullopt;
  Record found;
  found.match = wire::text_at(*values, form.match.empty() ? match_field : form.match);
  if (!form.id.empty()) found.destination_id = wire::text_at(*values, form.id);
  for (const Column& field : fields) {
    const json* value = value_of(*values, form, field.name);
    if (value != nullptr) found.fields.emplace_back(field.name, text_of_value(*value));
  }
  return found;
}

}  // namespace tailrace::rest
