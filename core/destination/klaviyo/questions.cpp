#include "destination/klaviyo/questions.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "destination/klaviyo/answer.hpp"
#include "destination/klaviyo/facts.hpp"
#include "destination/klaviyo/finding.hpp"
#include "destination/records.hpp"
#include "wire/json_reader.hpp"

namespace tailrace::klaviyo {
namespace {

using nlohmann::json;

[[nodiscard]] ReadStep senseless() { return senseless_answer("Klaviyo"); }

/// The attributes to ask for; of one's own properties all come, or none.
[[nodiscard]] std::string attributes_of(const Target& target, const std::vector<Column>& fields) {
  std::vector<std::string> names{target.match};
  for (const Column& field : fields) {
    const bool own = field.name.starts_with(kProperties);
    std::string name = own ? std::string(kProperties) : field.name;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  std::string joined;
  for (const std::string& name : names) joined.append(joined.empty() ? "" : ",").append(name);
  return joined;
}

[[nodiscard]] Call page(const std::string& attributes, std::size_t size,
                        const std::string& cursor) {
  Call call = call_of(kFind, wire::Method::get, std::string(kProfiles));
  std::string& query = call.request.query;
  query = "fields%5Bprofile%5D=";
  wire::append_percent_encoded(query, attributes);
  query.append("&page%5Bsize%5D=").append(std::to_string(size));
  if (!cursor.empty()) query.append("&page%5Bcursor%5D=").append(cursor);
  return call;
}

/// Which values each call asks for: calls are made from the list again, so that their addresses
/// tell them apart.
[[nodiscard]] std::vector<std::span<const std::string>> questions_of(const ReadAsk& ask) {
  std::vector<std::span<const std::string>> all;
  std::span<const std::string> rest(ask.match);
  while (!rest.empty()) {
    const std::size_t count = that_fit(rest);
    all.push_back(rest.first(count));
    rest = rest.subspan(count);
  }
  return all;
}

[[nodiscard]] Record record_of(const Target& target, const std::vector<Column>& fields,
                               const json& profile) {
  Record record;
  record.destination_id = wire::text_at(profile, "id");
  record.match = match_of(target, profile);
  const json* attributes = wire::member(profile, "attributes");
  json values = attributes != nullptr && attributes->is_object() ? *attributes : json::object();
  values["id"] = record.destination_id;
  record.fields = values_of(values, fields);
  return record;
}

/// An answer names the profiles that there are. What was asked for and is not named is absent.
[[nodiscard]] ReadStep read_matches(const Target& target, const std::vector<Column>& fields,
                                    const ReadAsk& ask, const Call& call, const json& body) {
  const auto ids = read_ids(target, body);
  const auto questions = questions_of(ask);
  const auto asked = std::find_if(questions.begin(), questions.end(), [&](const auto& values) {
    return find_profiles(target, values, attributes_of(target, fields)).request.query ==
           call.request.query;
  });
  if (!ids || asked == questions.end()) return senseless();
  ReadStep step;
  for (const json& profile : *profiles_in(body)) {
    Record record = record_of(target, fields, profile);
    const bool wanted = std::find(asked->begin(), asked->end(), record.match) != asked->end();
    if (wanted) step.records.push_back(std::move(record));
  }
  for (const std::string& value : *asked) {
    if (!ids->contains(value)) step.absent.push_back(value);
  }
  return step;
}

[[nodiscard]] ReadStep read_page(const Target& target, const std::vector<Column>& fields,
                                 const Call& call, const json& body) {
  const json* profiles = profiles_in(body);
  const auto cursor = next_cursor(body);
  if (profiles == nullptr || !cursor) return senseless();
  ReadStep step;
  for (const json& profile : *profiles) {
    Record record = record_of(target, fields, profile);
    if (!record.match.empty()) step.records.push_back(std::move(record));
  }
  if (cursor->empty()) return step;
  Call next = page(attributes_of(target, fields), kPage, *cursor);
  if (profiles->empty() || next.request.query == call.request.query) return senseless();
  step.calls.push_back(std::move(next));
  return step;
}

/// An event has its profile's identifiers and what is its own.
void add_attributes(ReadStep& step, bool of_event) {
  for (const Standard& one : kStandard) {
    if (of_event && !one.unique) continue;
    FieldFact field;
    field.name = one.name;
    field.type = one.is_text ? "string" : "number";
    field.unique = one.unique;
    step.fields.push_back(std::move(field));
  }
  for (const EventAttribute& one : kEventAttributes) {
    if (!of_event) continue;
    FieldFact field;
    field.name = one.name;
    field.type = one.type;
    field.takes = one.takes;
    step.fields.push_back(std::move(field));
  }
}

[[nodiscard]] ReadStep read_fields(const Target& target, const json& body) {
  const json* data = wire::member(body, "data");
  const bool fits =
      data != nullptr &&
      (target.list.empty() ? data->is_array() : wire::text_at(*data, "id") == target.list);
  if (!fits) return senseless();
  ReadStep step;
  add_attributes(step, !target.metric.empty());
  FieldFact own;
  own.name = std::string(kProperties) + std::string(kAnyField);
  own.type = "any";
  step.fields.push_back(std::move(own));
  return step;
}

/// A private key is of one account.
[[nodiscard]] ReadStep read_account(const json& body) {
  const json* data = wire::member(body, "data");
  if (data == nullptr || !data->is_array() || data->size() != 1) return senseless();
  ReadStep step;
  step.account = wire::text_at(data->front(), "id");
  return is_plain_id(step.account) ? step : senseless();
}

}  // namespace

ReadStep first_questions(const Target& target, const std::vector<Column>& fields,
                         const ReadAsk& ask) {
  ReadStep step;
  const std::string attributes = attributes_of(target, fields);
  if (ask.kind == ReadAsk::Kind::account) {
    step.calls.push_back(call_of(kAccount, wire::Method::get, std::string(kAccounts)));
  } else if (ask.kind == ReadAsk::Kind::describe && !target.list.empty()) {
    step.calls.push_back(call_of(kFind, wire::Method::get, std::string(kLists) + target.list));
  } else if (ask.kind == ReadAsk::Kind::describe && !target.metric.empty()) {
    step.calls.push_back(call_of(kFindEvents, wire::Method::get, std::string(kEvents)));
    step.calls.back().request.query = "fields%5Bevent%5D=datetime&page%5Bsize%5D=1";
  } else if (ask.kind == ReadAsk::Kind::describe) {
    step.calls.push_back(page("email", 1, {}));
  } else if (ask.kind == ReadAsk::Kind::all_ids) {
    step.calls.push_back(page(attributes, kPage, {}));
  } else {
    for (const auto& values : questions_of(ask)) {
      step.calls.push_back(find_profiles(target, values, attributes));
    }
  }
  return step;
}

ReadStep read_answer(const Target& target, const std::vector<Column>& fields, const ReadAsk& ask,
                     const Call& call, const wire::Reply& reply) {
  if (reply.failure != wire::Failure::none || reply.status != 200) {
    ReadStep step = end_question(judge(reply));
    const bool of_list = ask.kind == ReadAsk::Kind::describe && !target.list.empty();
    step.stop->no_object = of_list && reply.failure == wire::Failure::none && reply.status == 404;
    return step;
  }
  const auto body = wire::read_json(reply);
  if (!body) return senseless();
  switch (ask.kind) {
    case ReadAsk::Kind::describe: return read_fields(target, *body);
    case ReadAsk::Kind::account: return read_account(*body);
    case ReadAsk::Kind::by_match: return read_matches(target, fields, ask, call, *body);
    case ReadAsk::Kind::all_ids: return read_page(target, fields, call, *body);
    case ReadAsk::Kind::limits:
    case ReadAsk::Kind::prepare:
    case ReadAsk::Kind::make_fields: break;
  }
  return senseless();
}

}  // namespace tailrace::klaviyo
