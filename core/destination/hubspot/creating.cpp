#include "destination/hubspot/creating.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "destination/hubspot/facts.hpp"
#include "destination/settle.hpp"
#include "row/ascii.hpp"
#include "wire/json_writer.hpp"

namespace tailrace::hubspot {
namespace {

[[nodiscard]] const PropertyGroup* group_of(const Target& target) {
  const auto found = std::find_if(kGroups.begin(), kGroups.end(), [&](const PropertyGroup& one) {
    return is_one_of(target.type, one.objects);
  });
  return found == kGroups.end() ? nullptr : &*found;
}

[[nodiscard]] const PropertyType& property_type(std::string_view type) {
  const auto found = std::find_if(kPropertyTypes.begin(), kPropertyTypes.end(),
                                  [&](const PropertyType& one) { return one.type == type; });
  return found == kPropertyTypes.end() ? kPropertyTypes.front() : *found;
}

/// A time without a zone is a text: HubSpot's times are moments.
[[nodiscard]] std::string_view type_for(Type type) {
  switch (type) {
    case Type::integer:
    case Type::floating:
    case Type::decimal: return kNumber;
    case Type::boolean: return kBool;
    case Type::date: return kDate;
    case Type::timestamptz: return kDateTime;
    default: return kString;
  }
}

[[nodiscard]] bool is_property_name(std::string_view name) {
  const auto plain = [](char c) {
    return c == '_' || is_digit(c) || (is_letter(c) && !is_upper(c));
  };
  return !name.empty() && name.size() <= kLongestName && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(), plain);
}

/// churn_risk → Churn risk
[[nodiscard]] std::string label_of(std::string_view name) {
  std::string label(name);
  std::replace(label.begin(), label.end(), '_', ' ');
  if (label.front() >= 'a' && label.front() <= 'z') {
    label.front() = static_cast<char>(label.front() - 'a' + 'A');
  }
  return label;
}

void write_options(wire::JsonWriter& out) {
  out.key("options");
  out.begin_array();
  for (const auto& [value, label] : kYesAndNo) {
    out.begin_object();
    out.key("value");
    out.string(value);
    out.key("label");
    out.string(label);
    out.key("hidden");
    out.boolean(false);
    out.end_object();
  }
  out.end_array();
}

void write_property(std::string& body, const FieldFact& field, std::string_view group) {
  const PropertyType& type = property_type(field.type);
  wire::JsonWriter out(body);
  out.begin_object();
  const std::array<std::pair<const char*, std::string>, 5> texts{
      std::pair{"name", field.name}, std::pair{"label", label_of(field.name)},
      std::pair{"type", std::string(type.type)}, std::pair{"fieldType", std::string(type.shown_as)},
      std::pair{"groupName", std::string(group)}};
  for (const auto& [name, text] : texts) {
    out.key(name);
    out.string(text);
  }
  if (field.unique) {
    out.key("hasUniqueValue");
    out.boolean(true);
  }
  if (type.type == kBool) write_options(out);
  out.end_object();
}

}  // namespace

bool makes_properties(const Target& target) { return group_of(target) != nullptr; }

FieldFact new_property(const Target& target, const Column& column) {
  if (!is_property_name(column.name)) {
    throw std::invalid_argument(
        "create_fields: '" + column.name +
        "' is no name that HubSpot takes for a property: lower-case letters, digits and _, a "
        "letter first, at most " +
        std::to_string(kLongestName) + " in all");
  }
  FieldFact field;
  field.name = column.name;
  field.type = type_for(column.type);
  field.unique = column.name == target.match;
  if (field.unique && field.type != kString && field.type != kNumber) {
    throw std::invalid_argument("create_fields: records are matched by '" + column.name +
                                "', and HubSpot keeps texts and numbers unique, not a " +
                                field.type);
  }
  return field;
}

ReadStep make_properties(const Target& target, const ReadAsk& ask) {
  ReadStep step;
  const PropertyGroup* group = group_of(target);
  if (group == nullptr) return step;
  for (const FieldFact& field : ask.make) {
    Call& call = step.calls.emplace_back();
    call.effect = Effect::keyed_write;
    call.note = field.name;
    call.request.path = kProperties;
    wire::append_percent_encoded(call.request.path, target.type);
    call.request.content_type = "application/json";
    write_property(call.request.body, field, group->name);
  }
  return step;
}

ReadStep read_made(const Call& call, const wire::Reply& reply) {
  Refusal refusal = judge(reply);
  const bool is_there = reply.status == 409 && refusal.judgement.means == AnswerClass::record;
  if (is_there || refusal.judgement.means == AnswerClass::ok) {
    ReadStep step;
    step.fields.emplace_back().name = call.note;
    return step;
  }
  if (reply.status == 403) {
    refusal.advice =
        "Making properties takes the scope to write the object's schema: grant it to the private "
        "app that the token is of, or make the property by hand.";
  }
  return end_question(refusal);
}

}  // namespace tailrace::hubspot
