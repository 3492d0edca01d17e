#include "destination/mailchimp/questions.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "destination/mailchimp/answer.hpp"
#include "destination/mailchimp/facts.hpp"
#include "destination/records.hpp"
#include "wire/json_reader.hpp"

namespace tailrace::mailchimp {
namespace {

using nlohmann::json;

[[nodiscard]] ReadStep senseless() { return senseless_answer("Mailchimp"); }

[[nodiscard]] Call page_of_members(const Target& target, std::size_t offset) {
  Call call = question(target.path("/members"));
  call.tag = static_cast<int>(offset);
  call.request.query = "count=" + std::to_string(kPage) + "&offset=" + std::to_string(offset);
  return call;
}

[[nodiscard]] FieldFact fact_of(const Standard& standard) {
  FieldFact field;
  field.name = standard.name;
  field.type = standard.type;
  field.unique = field.name == kMatch;
  if (standard.type == "status") {
    field.takes = Takes::one_of;
    field.options.assign(kStatuses.begin(), kStatuses.end());
  } else if (standard.type == "boolean") {
    field.takes = Takes::yes_or_no;
  }
  return field;
}

[[nodiscard]] FieldFact fact_of(const json& merge_field) {
  FieldFact field;
  field.name = std::string(kMergeFields) + wire::text_at(merge_field, "tag");
  field.type = wire::text_at(merge_field, "type");
  const json* required = wire::member(merge_field, "required");
  field.required = required != nullptr && required->is_boolean() && required->get<bool>();
  const json* choices = wire::at_path(merge_field, "options.choices");
  if (field.type == "radio" || field.type == "dropdown") {
    field.takes = Takes::one_of;
    if (choices != nullptr && choices->is_array()) {
      for (const json& one : *choices) field.options.push_back(wire::scalar_text(one));
    }
  } else if (field.type == "number") {
    field.takes = Takes::number;
  } else if (field.type == "date") {
    field.takes = Takes::date;
  } else if (field.type == "text") {
    field.max_length = kMaxValueChars;
  }
  return field;
}

/// Groups of interests are known to the tool by ids that nobody here asks for.
[[nodiscard]] ReadStep read_fields(const json& body) {
  const json* list = wire::member(body, "merge_fields");
  const json* total = wire::member(body, "total_items");
  const bool whole = list != nullptr && list->is_array() && total != nullptr &&
                     total->is_number_unsigned() && total->get<std::size_t>() == list->size();
  if (!whole) return senseless();
  ReadStep step;
  for (const Standard& one : kStandard) step.fields.push_back(fact_of(one));
  for (const json& one : *list) {
    step.fields.push_back(fact_of(one));
    // An address has parts.
    if (step.fields.back().type != "address") continue;
    FieldFact part = step.fields.back();
    part.name += kAnyField;
    part.required = false;
    step.fields.push_back(std::move(part));
  }
  FieldFact interest;
  interest.name = std::string(kInterests) + std::string(kAnyField.substr(1));
  interest.type = "boolean";
  interest.takes = Takes::yes_or_no;
  step.fields.push_back(std::move(interest));
  return step;
}

/// Tags are told of with their numbers, and written by their names.
[[nodiscard]] Record record_of(const std::vector<Column>& fields, const json& member) {
  Record record;
  record.destination_id = wire::text_at(member, "id");
  record.match = Target::compared(wire::text_at(member, kMatch));
  json values = member;
  json names = json::array();
  if (const json* tags = wire::member(member, kTags); tags != nullptr && tags->is_array()) {
    for (const json& tag : *tags) names.push_back(wire::text_at(tag, "name"));
  }
  values[std::string(kTags)] = std::move(names);
  record.fields = values_of(values, fields);
  return record;
}

[[nodiscard]] const std::string* asked_by(const Target& target, const ReadAsk& ask,
                                          const Call& call) {
  const auto found = std::find_if(ask.match.begin(), ask.match.end(), [&](const auto& match) {
    return target.member_path(match) == call.request.path;
  });
  return found == ask.match.end() ? nullptr : &*found;
}

[[nodiscard]] ReadStep read_member(const std::vector<Column>& fields, const std::string& match,
                                   const json& body) {
  Record record = record_of(fields, body);
  if (record.match != match) return senseless();
  ReadStep step;
  if (wire::text_at(body, "status") == kArchived) {
    step.absent.push_back(match);
  } else {
    step.records.push_back(std::move(record));
  }
  return step;
}

[[nodiscard]] ReadStep read_page(const Target& target, const std::vector<Column>& fields,
                                 const Call& call, const json& body) {
  const json* members = wire::member(body, "members");
  const json* total = wire::member(body, "total_items");
  if (members == nullptr || !members->is_array() || members->size() > kPage || total == nullptr ||
      !total->is_number_unsigned()) {
    return senseless();
  }
  ReadStep step;
  for (const json& one : *members) {
    Record record = record_of(fields, one);
    if (!record.match.empty()) step.records.push_back(std::move(record));
  }
  const std::size_t next = static_cast<std::size_t>(call.tag) + members->size();
  if (next >= total->get<std::size_t>()) return step;
  if (members->empty()) return senseless();
  step.calls.push_back(page_of_members(target, next));
  return step;
}

}  // namespace

ReadStep first_questions(const Target& target, const ReadAsk& ask) {
  ReadStep step;
  if (ask.kind == ReadAsk::Kind::describe) {
    step.calls.push_back(question(target.path("/merge-fields")));
    step.calls.back().request.query = "count=" + std::to_string(kPage);
  } else if (ask.kind == ReadAsk::Kind::account) {
    step.calls.push_back(question(std::string(kAccount)));
  } else if (ask.kind == ReadAsk::Kind::all_ids) {
    step.calls.push_back(page_of_members(target, 0));
  } else {
    for (const std::string& match : ask.match) {
      step.calls.push_back(question(target.member_path(match)));
    }
  }
  return step;
}

ReadStep read_answer(const Target& target, const std::vector<Column>& fields, const ReadAsk& ask,
                     const Call& call, const wire::Reply& reply) {
  const std::string* match =
      ask.kind == ReadAsk::Kind::by_match ? asked_by(target, ask, call) : nullptr;
  if (match != nullptr && says_not_found(reply)) {
    ReadStep step;
    step.absent.push_back(*match);
    return step;
  }
  if (reply.failure != wire::Failure::none || reply.status != 200) {
    return end_question(judge(reply));
  }
  const auto body = wire::read_json(reply);
  if (!body) return senseless();
  ReadStep step;
  switch (ask.kind) {
    case ReadAsk::Kind::describe: return read_fields(*body);
    case ReadAsk::Kind::by_match:
      return match == nullptr ? senseless() : read_member(fields, *match, *body);
    case ReadAsk::Kind::all_ids: return read_page(target, fields, call, *body);
    case ReadAsk::Kind::account:
      step.account = wire::text_at(*body, "account_id");
      return step.account.empty() ? senseless() : step;
    case ReadAsk::Kind::limits:
    case ReadAsk::Kind::prepare:
    case ReadAsk::Kind::make_fields: break;
  }
  return senseless();
}

}  // namespace tailrace::mailchimp
