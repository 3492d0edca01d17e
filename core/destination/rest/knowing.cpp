#include "destination/rest/knowing.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "destination/rest/settings.hpp"
#include "destination/rest/template.hpp"
#include "destination/settle.hpp"
#include "wire/json_reader.hpp"

namespace tailrace::rest {
namespace {

using nlohmann::json;

constexpr std::array kTaken{Word<Takes>{"number", Takes::number},
                            Word<Takes>{"whole_number", Takes::whole_number},
                            Word<Takes>{"yes_or_no", Takes::yes_or_no},
                            Word<Takes>{"date", Takes::date}, Word<Takes>{"moment", Takes::moment}};

/// An address that names nothing of a row.
[[nodiscard]] std::string plain_path(const Settings& reader) {
  std::string path = reader.text("path", "");
  if (Template::of_path(path, reader.place("path")).has_placeholder()) {
    reader.refuse("path", "asks for no row, and holds no placeholder");
  }
  return path;
}

[[nodiscard]] std::vector<std::pair<std::string, Takes>> read_takes(const Settings& reader) {
  std::vector<std::pair<std::string, Takes>> takes;
  const json* given = reader.given("takes");
  if (given == nullptr) return takes;
  if (!given->is_object()) reader.refuse("takes", "must be a mapping of the API's words for types");
  std::vector<std::string_view> words;
  for (const auto& [word, unused] : given->items()) words.push_back(word);
  const Settings inner(*given, reader.place("takes"), words);
  for (const std::string_view word : words) {
    takes.emplace_back(word, inner.word(word, kTaken, ""));
  }
  return takes;
}

[[nodiscard]] Takes taken_by(const DescribeForm& form, const std::string& type) {
  const auto found = std::find_if(form.takes.begin(), form.takes.end(),
                                  [&type](const auto& one) { return one.first == type; });
  return found == form.takes.end() ? Takes::anything : found->second;
}

void take_options(FieldFact& fact, const json* options) {
  if (options == nullptr || !options->is_array()) return;
  for (const json& one : *options) fact.options.push_back(wire::scalar_text(one));
  // What is told of in another form says nothing.
  if (is_one_of(std::string(), fact.options)) fact.options.clear();
  if (!fact.options.empty()) fact.takes = Takes::one_of;
}

[[nodiscard]] FieldFact fact_of(const DescribeForm& form, std::string name, const json& entry) {
  FieldFact fact;
  fact.name = std::move(name);
  fact.type = entry.is_object() ? wire::text_at(entry, form.type) : wire::scalar_text(entry);
  fact.takes = taken_by(form, fact.type);
  const json* writable = form.writable.empty() ? nullptr : wire::at_path(entry, form.writable);
  fact.writable = writable == nullptr || *writable != false;
  if (!form.options.empty()) take_options(fact, wire::at_path(entry, form.options));
  return fact;
}

}  // namespace

DescribeForm read_describe(const json& settings, const std::string& where) {
  const Settings reader(
      settings, where,
      {"path", "results", "name", "type", "writable", "options", "takes", "standard", "makes"});
  DescribeForm form;
  form.path = plain_path(reader);
  form.results = reader.text("results", "");
  form.name = reader.text("name", "name");
  form.type = reader.text("type", "type");
  form.writable = reader.text("writable", "");
  form.options = reader.text("options", "");
  form.takes = read_takes(reader);
  form.standard = reader.texts("standard", "fields");
  form.makes = reader.flag("makes").value_or(false);
  return form;
}

OwnerForm read_owner(const json& settings, const std::string& where) {
  const Settings reader(settings, where, {"path", "id"});
  OwnerForm form;
  form.path = plain_path(reader);
  form.id = reader.text("id", "");
  if (form.id.empty()) reader.refuse("id", "is needed: the member that names the account");
  return form;
}

std::optional<std::vector<FieldFact>> fields_of(const DescribeForm& form, const json& body,
                                                std::string_view match_field) {
  const json* told = wire::at_path(body, form.results);
  if (told == nullptr || !told->is_structured()) return std::nullopt;
  std::vector<FieldFact> fields;
  for (const std::string& name : form.standard) fields.emplace_back().name = name;
  for (const auto& [key, entry] : told->items()) {
    if (told->is_array() && !entry.is_object()) return std::nullopt;
    std::string name = told->is_array() ? wire::text_at(entry, form.name) : key;
    if (name.empty()) return std::nullopt;
    if (!is_one_of(name, form.standard)) fields.push_back(fact_of(form, std::move(name), entry));
  }
  for (FieldFact& one : fields) one.unique = one.name == match_field;
  return fields;
}

}  // namespace tailrace::rest
