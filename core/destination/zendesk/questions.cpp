#include "destination/zendesk/questions.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <unordered_set>

#include "destination/records.hpp"
#include "destination/zendesk/answer.hpp"
#include "destination/zendesk/lookup.hpp"
#include "wire/json_reader.hpp"

namespace tailrace::zendesk {
namespace {

using nlohmann::json;

[[nodiscard]] Call page(std::string path, const std::string& after) {
  Call call;
  call.effect = Effect::none;
  call.request.method = wire::Method::get;
  call.request.path = std::move(path);
  call.request.query = "page%5Bsize%5D=" + std::to_string(kPage);
  if (!after.empty()) {
    call.request.query += "&page%5Bafter%5D=";
    wire::append_percent_encoded(call.request.query, after);
  }
  return call;
}

[[nodiscard]] ReadStep senseless() { return senseless_answer("Zendesk"); }

/// Where an answer is a page of several: the next one, which must not be the same again.
[[nodiscard]] bool add_next(ReadStep& step, const Call& call, const json& body, bool is_empty) {
  const json* more = wire::at_path(body, "meta.has_more");
  if (more == nullptr || !more->is_boolean() || !more->get<bool>()) return true;
  const std::string after = wire::text_at(body, "meta.after_cursor");
  Call next = page(call.request.path, after);
  if (after.empty() || is_empty || next.request.query == call.request.query) return false;
  step.calls.push_back(std::move(next));
  return true;
}

[[nodiscard]] FieldFact fact_of(const Standard& standard) {
  FieldFact field;
  field.name = standard.name;
  field.type = standard.type;
  field.writable = standard.writable;
  field.required = standard.required;
  field.unique = standard.unique;
  return field;
}

[[nodiscard]] Takes takes_of(std::string_view type) {
  if (type == "decimal") return Takes::number;
  if (type == "integer") return Takes::whole_number;
  if (type == "checkbox") return Takes::yes_or_no;
  if (type == "dropdown" || type == "tagger") return Takes::one_of;
  return Takes::anything;
}

/// A field of the account's own. An option is sent by its value, which is its tag.
[[nodiscard]] FieldFact fact_of(const Target& target, const json& custom) {
  FieldFact field;
  const char* name = target.kind == Kind::tickets ? "id" : "key";
  field.name = std::string(target.custom_prefix()) + wire::text_at(custom, name);
  field.type = wire::text_at(custom, "type");
  field.takes = takes_of(field.type);
  const json* active = wire::member(custom, "active");
  field.writable = active == nullptr || !active->is_boolean() || active->get<bool>();
  const json* options = wire::member(custom, "custom_field_options");
  if (options != nullptr && options->is_array()) {
    for (const json& option : *options) field.options.push_back(wire::text_at(option, "value"));
  }
  return field;
}

/// Tickets take their own fields as one list, so that no name of theirs can be mapped.
[[nodiscard]] ReadStep read_fields(const Target& target, const Call& call, const json& body) {
  const json* list = wire::member(body, target.field_path());
  if (list == nullptr || !list->is_array()) return senseless();
  ReadStep step;
  if (call.request.query.find("after") == std::string::npos) {
    for (const Standard& one : target.standard_fields()) step.fields.push_back(fact_of(one));
  }
  if (target.kind != Kind::tickets) {
    for (const json& one : *list) step.fields.push_back(fact_of(target, one));
  }
  return add_next(step, call, body, list->empty()) ? step : senseless();
}

[[nodiscard]] Record record_of(const Target& target, const std::vector<Column>& fields,
                               const json& body) {
  Record record;
  record.destination_id = wire::text_at(body, "id");
  record.match = target.compared(wire::text_at(body, target.match));
  record.fields = values_of(body, fields);
  return record;
}

/// Which values a call asked for, by the place of the first one's: calls are made from the list
/// again, so that their addresses tell them apart.
[[nodiscard]] std::vector<std::vector<std::string>> questions_of(const Target& target,
                                                                 const ReadAsk& ask) {
  std::vector<std::string> values;
  for (const std::string& one : ask.match) {
    if (target.can_ask(one)) values.push_back(one);
  }
  std::vector<std::vector<std::string>> all;
  for (std::size_t at = 0; at < values.size();) {
    const std::size_t count = that_fit(values, at);
    const auto from = values.begin() + static_cast<std::ptrdiff_t>(at);
    all.emplace_back(from, from + static_cast<std::ptrdiff_t>(count));
    at += count;
  }
  return all;
}

/// An answer names the records that there are. What was asked for and is not named is absent; of a
/// value that several records have, nothing is known.
[[nodiscard]] ReadStep read_matches(const Target& target, const std::vector<Column>& fields,
                                    const ReadAsk& ask, const Call& call, const json& body) {
  const json* list = records_in(target, body);
  if (list == nullptr) return senseless();
  ReadStep step;
  std::unordered_map<std::string, int> told;
  const auto questions = questions_of(target, ask);
  const auto asked = std::find_if(questions.begin(), questions.end(), [&](const auto& values) {
    return show_many(target, values).request.query == call.request.query;
  });
  if (asked == questions.end()) return senseless();
  const std::unordered_set<std::string> values(asked->begin(), asked->end());
  for (const json& one : *list) {
    Record record = record_of(target, fields, one);
    if (!values.contains(record.match)) continue;
    ++told[record.match];
    step.records.push_back(std::move(record));
  }
  for (const std::string& value : *asked) {
    if (!told.contains(value)) step.absent.push_back(value);
  }
  std::erase_if(step.records, [&](const Record& one) { return told[one.match] > 1; });
  return step;
}

[[nodiscard]] ReadStep read_page(const Target& target, const std::vector<Column>& fields,
                                 const Call& call, const json& body) {
  const json* list = wire::member(body, target.object);
  if (list == nullptr || !list->is_array()) return senseless();
  ReadStep step;
  for (const json& one : *list) {
    Record record = record_of(target, fields, one);
    if (!record.match.empty()) step.records.push_back(std::move(record));
  }
  return add_next(step, call, body, list->empty()) ? step : senseless();
}

/// The host of our own user's address: there is one for each account. Nobody's has no id.
[[nodiscard]] ReadStep read_account(const json& body) {
  constexpr std::string_view kScheme = "://";
  if (!is_numeric_id(wire::text_at(body, "user.id"))) {
    ReadStep step;
    step.stop =
        Stop{Stop::Kind::configuration,
             "Zendesk takes this login for nobody's: check the connection's auth", std::nullopt};
    return step;
  }
  const std::string url = wire::text_at(body, "user.url");
  const std::size_t at = url.find(kScheme);
  if (at == std::string::npos) return senseless();
  const std::size_t from = at + kScheme.size();
  ReadStep step;
  step.account = url.substr(from, url.find('/', from) - from);
  return step.account.empty() ? senseless() : step;
}

}  // namespace

ReadStep first_questions(const Target& target, const ReadAsk& ask) {
  ReadStep step;
  if (ask.kind == ReadAsk::Kind::describe) {
    step.calls.push_back(page(std::string(kApi) + std::string(target.field_path()), {}));
  } else if (ask.kind == ReadAsk::Kind::account) {
    Call call;
    call.effect = Effect::none;
    call.request.method = wire::Method::get;
    call.request.path = kMe;
    step.calls.push_back(std::move(call));
  } else if (ask.kind == ReadAsk::Kind::all_ids) {
    step.calls.push_back(page(target.path({}), {}));
  } else {
    for (const auto& values : questions_of(target, ask)) {
      step.calls.push_back(show_many(target, values));
    }
  }
  return step;
}

ReadStep read_answer(const Target& target, const std::vector<Column>& fields, const ReadAsk& ask,
                     const Call& call, const wire::Reply& reply) {
  if (reply.failure != wire::Failure::none || reply.status != 200)
    return end_question(judge(reply));
  const auto body = wire::read_json(reply);
  if (!body) return senseless();
  switch (ask.kind) {
    case ReadAsk::Kind::describe: return read_fields(target, call, *body);
    case ReadAsk::Kind::account: return read_account(*body);
    case ReadAsk::Kind::by_match: return read_matches(target, fields, ask, call, *body);
    case ReadAsk::Kind::all_ids: return read_page(target, fields, call, *body);
    case ReadAsk::Kind::limits:
    case ReadAsk::Kind::prepare:
    case ReadAsk::Kind::make_fields: break;
  }
  return senseless();
}

}  // namespace tailrace::zendesk
