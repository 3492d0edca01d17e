#include "destination/klaviyo/target.hpp"

#include <algorithm>
#include <stdexcept>

#include "destination/klaviyo/facts.hpp"
#include "row/ascii.hpp"
#include "wire/utf8.hpp"

namespace tailrace::klaviyo {
namespace {

constexpr std::string_view kListPrefix = "list:";
constexpr std::string_view kAttributes = "attributes.";
constexpr std::string_view kId = "id";

[[nodiscard]] std::string list_of(std::string_view object) {
  if (object == "profiles") return {};
  const bool is_list = object.starts_with(kListPrefix);
  const std::string_view id = is_list ? object.substr(kListPrefix.size()) : std::string_view();
  if (is_plain_id(id)) return std::string(id);
  throw std::invalid_argument("object: Klaviyo has profiles and list:ID, not '" +
                              std::string(object) + "'");
}

[[nodiscard]] const Standard* standard(std::string_view name) {
  const auto found = std::find_if(kStandard.begin(), kStandard.end(),
                                  [&](const Standard& one) { return one.name == name; });
  return found == kStandard.end() ? nullptr : &*found;
}

/// A property is written whole: of one below it, others of the same would be lost.
[[nodiscard]] bool is_property(std::string_view name) {
  if (!name.starts_with(kProperties) || name.size() <= kProperties.size() + 1) return false;
  return name[kProperties.size()] == '.' &&
         name.find('.', kProperties.size() + 1) == std::string_view::npos;
}

}  // namespace

bool is_plain_id(std::string_view text) {
  constexpr std::size_t kLongest = 200;
  const auto plain = [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; };
  return !text.empty() && text != "-" && text.size() <= kLongest &&
         std::all_of(text.begin(), text.end(), plain);
}

Target::Target(std::string_view object, std::string_view match_field)
    : list(list_of(object)),
      match(match_field),
      by_id(match_field == kId),
      by_email(match_field == "email") {
  const Standard* field = standard(match);
  if (field != nullptr && field->unique) return;
  throw std::invalid_argument(
      "match: Klaviyo finds profiles by email, phone_number, external_id or id, not by '" + match +
      "'");
}

bool Target::identity_into(std::string_view value, std::string& out) const {
  const std::string_view text = wire::trimmed(value);
  if (text.empty() || (by_id && !is_plain_id(text))) return false;
  // An external id is sent as it is, spaces and all, so that they count here too.
  out.assign(match == "external_id" ? value : text);
  if (by_email) make_lower(out);
  return true;
}

std::string Target::compared(std::string_view value) const {
  std::string found;
  if (!identity_into(value, found)) found.clear();
  return found;
}

Schema in_document(const Schema& schema) {
  Schema document = schema;
  for (std::size_t i = 0; i < document.field_count; ++i) {
    Column& column = document.columns[i];
    const Standard* field = standard(column.name);
    if (field == nullptr && !is_property(column.name)) {
      throw std::invalid_argument("fields: Klaviyo's profiles have no attribute '" + column.name +
                                  "'; what is your own stands below properties, as in "
                                  "'properties.plan', one level deep");
    }
    // Klaviyo takes no number where it has text, and keys are often numbers.
    const bool is_number = column.type == Type::integer || column.type == Type::decimal ||
                           column.type == Type::floating;
    if (field != nullptr && field->is_text && is_number) column.type = Type::text;
    if (column.name != kId) column.name.insert(0, kAttributes);
  }
  return document;
}

bool is_kept(const Column& column) {
  std::string_view name = column.name;
  if (name.starts_with(kAttributes)) name.remove_prefix(kAttributes.size());
  return std::find(kNeverCleared.begin(), kNeverCleared.end(), name) != kNeverCleared.end();
}

}  // namespace tailrace::klaviyo
