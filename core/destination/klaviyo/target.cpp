#include "destination/klaviyo/target.hpp"

#include <algorithm>
#include <stdexcept>

#include "destination/connection.hpp"
#include "destination/klaviyo/facts.hpp"
#include "row/ascii.hpp"
#include "wire/utf8.hpp"

namespace tailrace::klaviyo {
namespace {

constexpr std::string_view kListPrefix = "list:";
constexpr std::string_view kEventPrefix = "event:";
constexpr std::string_view kAttributes = "attributes.";
constexpr std::string_view kId = "id";

/// Characters that a person sees, without space around them, and no more than Klaviyo takes.
[[nodiscard]] bool is_metric(std::string_view name) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; };
  const auto begins = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
  return !name.empty() && wire::trimmed(name) == name && wire::is_utf8(name) &&
         std::none_of(name.begin(), name.end(), is_control) &&
         static_cast<std::size_t>(std::count_if(name.begin(), name.end(), begins)) <= kMaxMetric;
}

/// What follows the prefix of an object; empty where it is of another kind.
[[nodiscard]] std::string behind(std::string_view prefix, std::string_view object) {
  return std::string(object.starts_with(prefix) ? object.substr(prefix.size()) : "");
}

[[nodiscard]] const Standard* standard(std::string_view name) {
  const auto found = std::find_if(kStandard.begin(), kStandard.end(),
                                  [&](const Standard& one) { return one.name == name; });
  return found == kStandard.end() ? nullptr : &*found;
}

[[nodiscard]] std::string meant(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Standard& one : kStandard) names.push_back(one.name);
  return meant_of(name, names);
}

/// A property is written whole: of one below it, others of the same would be lost.
[[nodiscard]] bool is_property(std::string_view name) {
  if (!name.starts_with(kProperties) || name.size() <= kProperties.size() + 1) return false;
  return name[kProperties.size()] == '.' &&
         name.find('.', kProperties.size() + 1) == std::string_view::npos;
}

/// Klaviyo takes no number where it has text, and keys are often numbers.
[[nodiscard]] bool is_number(const Column& column) {
  return column.type == Type::integer || column.type == Type::decimal ||
         column.type == Type::floating;
}

}  // namespace

bool is_plain_id(std::string_view text) {
  constexpr std::size_t kLongest = 200;
  const auto plain = [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; };
  return !text.empty() && text != "-" && text.size() <= kLongest &&
         std::all_of(text.begin(), text.end(), plain);
}

Target::Target(std::string_view object, std::string_view match_field)
    : list(behind(kListPrefix, object)),
      metric(behind(kEventPrefix, object)),
      match(match_field),
      by_id(match_field == kId),
      by_email(match_field == "email") {
  if (object != "profiles" && !is_plain_id(list) && !is_metric(metric)) {
    throw std::invalid_argument("object: Klaviyo has profiles, list:ID and event:METRIC, not '" +
                                std::string(object) + "'");
  }
  if (is_identifier(match)) return;
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
                                  "'" + meant(column.name) +
                                  "; what is your own stands below properties, as in "
                                  "'properties.plan', one level deep");
    }
    if (field != nullptr && field->is_text && is_number(column)) column.type = Type::text;
    if (column.name != kId) column.name.insert(0, kAttributes);
  }
  return document;
}

Schema in_event(const Schema& schema) {
  Schema document = schema;
  for (std::size_t i = 0; i < document.field_count; ++i) {
    Column& column = document.columns[i];
    const auto own =
        std::find_if(kEventAttributes.begin(), kEventAttributes.end(),
                     [&](const EventAttribute& one) { return one.name == column.name; });
    const bool identifies = is_identifier(column.name);
    const bool is_own = own != kEventAttributes.end();
    if (!identifies && !is_own && !is_property(column.name)) {
      throw std::invalid_argument(
          "fields: an event of Klaviyo's has its profile's email, phone_number, external_id and "
          "id, and time, value, value_currency, unique_id and backfill, but no '" +
          column.name +
          "'; what is your own stands below properties, as in 'properties.plan', one level deep");
    }
    if ((identifies || (is_own && own->type == "string")) && is_number(column)) {
      column.type = Type::text;
    }
    // A new event has nothing to be emptied, and a profile is not to lose what it is known by.
    column.nulls = Nulls::keep;
    if (identifies && column.name != kId) column.name.insert(0, kAttributes);
  }
  return document;
}

bool is_identifier(std::string_view field) {
  const Standard* found = standard(field);
  return found != nullptr && found->unique;
}

bool is_kept(const Column& column) {
  std::string_view name = column.name;
  if (name.starts_with(kAttributes)) name.remove_prefix(kAttributes.size());
  return std::find(kNeverCleared.begin(), kNeverCleared.end(), name) != kNeverCleared.end();
}

}  // namespace tailrace::klaviyo
