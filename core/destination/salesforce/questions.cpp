#include "destination/salesforce/questions.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "destination/records.hpp"
#include "destination/salesforce/answer.hpp"
#include "destination/salesforce/facts.hpp"
#include "destination/salesforce/lookup.hpp"
#include "destination/settle.hpp"
#include "row/ascii.hpp"
#include "wire/json_reader.hpp"
#include "wire/rate_headers.hpp"

namespace tailrace::salesforce {
namespace {

using nlohmann::json;

// Of by_match: the number of the part of the list that a call asks for, and one more than a
// thousand where its values are written as numbers.
constexpr int kBare = 1000;

[[nodiscard]] ReadStep senseless() { return senseless_answer("Salesforce"); }

/// Calls come back as those of a day ago leave the window.
[[nodiscard]] ReadStep refused(const wire::Reply& reply) {
  const Refusal refusal = judge(reply);
  ReadStep step = end_question(refusal);
  const bool spent = refusal.judgement.means == AnswerClass::stop;
  if (spent && !step.stop->retry_after) step.stop->retry_after = kQuotaWindow;
  return step;
}

[[nodiscard]] std::vector<std::string> names_of(const std::vector<Column>& fields) {
  std::vector<std::string> names;
  for (const Column& field : fields) names.push_back(field.name);
  return names;
}

// --- fields ----------------------------------------------------------------------------------

[[nodiscard]] bool is_true(const json& field, std::string_view name) {
  const json* value = wire::member(field, name);
  return value != nullptr && value->is_boolean() && value->get<bool>();
}

[[nodiscard]] Takes takes_of(std::string_view type) {
  if (type == "int") return Takes::whole_number;
  if (type == "double" || type == "currency" || type == "percent") return Takes::number;
  if (type == "boolean") return Takes::yes_or_no;
  if (type == "date") return Takes::date;
  if (type == "datetime") return Takes::moment;
  return Takes::anything;
}

[[nodiscard]] FieldFact fact_of(const json& described) {
  FieldFact field;
  field.name = wire::text_at(described, "name");
  field.type = wire::text_at(described, "type");
  const bool id = field.name == kId;
  const bool open = is_true(described, "createable") || is_true(described, "updateable");
  field.writable = id || (open && !is_true(described, "calculated"));
  // A required reference may be given by a field of the record that it refers to.
  field.required = is_true(described, "createable") && !is_true(described, "nillable") &&
                   !is_true(described, "defaultedOnCreate") && field.type != "reference";
  field.unique = id || is_true(described, "externalId") || is_true(described, "idLookup");
  const json* length = wire::member(described, "length");
  constexpr std::array<std::string_view, 6> kTexts{"string", "textarea", "phone",
                                                   "url",    "email",    "encryptedstring"};
  const bool text = std::find(kTexts.begin(), kTexts.end(), field.type) != kTexts.end();
  if (text && length != nullptr && length->is_number_unsigned() && *length > 0u) {
    field.max_length = length->get<std::size_t>();
  }
  field.takes = takes_of(field.type);
  const json* options = wire::member(described, "picklistValues");
  if (!is_true(described, "restrictedPicklist") || options == nullptr || !options->is_array()) {
    return field;
  }
  field.takes = field.type == "multipicklist" ? Takes::some_of : Takes::one_of;
  for (const json& option : *options) {
    if (is_true(option, "active")) field.options.push_back(wire::text_at(option, "value"));
  }
  return field;
}

/// Whoever is related is named by a field of theirs, Owner.Email for example. Which fields the
/// other object has is not asked for.
void add_relation(ReadStep& step, const json& described) {
  const std::string relationship = wire::text_at(described, "relationshipName");
  if (relationship.empty()) return;
  FieldFact field = fact_of(described);
  field.name = relationship + std::string(kAnyField);
  field.required = field.unique = false;
  field.takes = Takes::anything;
  field.max_length.reset();
  step.fields.push_back(std::move(field));
}

[[nodiscard]] std::string objects_path(const Target& target) { return target.path("sobjects"); }

/// Which objects there are is asked for once the one that is asked for is not there.
[[nodiscard]] ReadStep ask_for_objects(const Target& target) {
  ReadStep step;
  step.calls.push_back(question(objects_path(target)));
  return step;
}

[[nodiscard]] ReadStep read_objects(const Target& target, const wire::Reply& reply) {
  std::vector<std::string> names;
  const auto body = reply.status == 200 ? wire::read_json(reply) : std::nullopt;
  const json* listed = body ? wire::member(*body, "sobjects") : nullptr;
  if (listed != nullptr && listed->is_array()) {
    for (const json& one : *listed) names.push_back(wire::text_at(one, "name"));
  }
  return no_such_object("Salesforce", target.object, names);
}

[[nodiscard]] ReadStep read_fields(const json& body) {
  const json* described = wire::member(body, "fields");
  if (described == nullptr || !described->is_array()) return senseless();
  ReadStep step;
  for (const json& one : *described) {
    step.fields.push_back(fact_of(one));
    add_relation(step, one);
  }
  return step;
}

// --- records ---------------------------------------------------------------------------------

[[nodiscard]] Record record_of(const Target& target, const std::vector<Column>& fields,
                               const json& body) {
  Record record;
  record.destination_id = whole_id(wire::text_at(body, kId)).value_or(std::string());
  record.match = target.by_id ? record.destination_id : match_of(target, body);
  record.fields = values_of(body, fields);
  return record;
}

/// Which values the calls ask for, in their order: made from the list again each time.
[[nodiscard]] std::vector<std::vector<std::string>> questions_of(
    const Target& target, const std::vector<std::string>& fields, const ReadAsk& ask) {
  std::vector<std::vector<std::string>> all;
  std::span<const std::string> rest(ask.match);
  while (!rest.empty()) {
    const std::size_t count = that_fit(target, fields, rest);
    all.emplace_back(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(count));
    rest = rest.subspan(count);
  }
  return all;
}

/// The next page, which must not be where we are.
[[nodiscard]] bool add_next(ReadStep& step, const Target& target, const Call& call,
                            const json& body) {
  if (body.at("done").get<bool>()) return true;
  const std::string url = wire::text_at(body, "nextRecordsUrl");
  const std::string locator = url.substr(url.rfind('/') + 1);
  const auto plain = [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; };
  const bool known = !locator.empty() && locator.size() < 200 &&
                     std::all_of(locator.begin(), locator.end(), plain);
  Call next = question(target.path("query/" + locator));
  next.tag = call.tag;
  if (!known || records_in(body)->empty() || next.request.path == call.request.path) return false;
  step.calls.push_back(std::move(next));
  return true;
}

/// Records of the values that a call asked for, and those that are absent. A record in another
/// spelling than the one asked for is nobody's, and says nothing of absence either; several of one
/// value are none, where the field is not unique.
[[nodiscard]] ReadStep read_matches(const Target& target, const std::vector<Column>& fields,
                                    const std::vector<std::string>& asked, const json& body) {
  const auto found = Found::read(target, body, asked);
  if (!found) return senseless();
  ReadStep step;
  for (const std::string& match : asked) {
    const Looked looked = found->of(match);
    if (looked.sight == Looked::Sight::missing) step.absent.push_back(match);
    if (looked.sight != Looked::Sight::found) continue;
    for (const json& one : *records_in(body)) {
      if (whole_id(wire::text_at(one, kId)) != looked.id) continue;
      step.records.push_back(record_of(target, fields, one));
      break;
    }
  }
  return step;
}

[[nodiscard]] ReadStep read_page(const Target& target, const std::vector<Column>& fields,
                                 const Call& call, const json& body) {
  const json* records = records_in(body);
  if (records == nullptr) return senseless();
  ReadStep step;
  std::vector<Column> match;
  for (const Column& field : fields) {
    if (field.name == target.match) match.push_back(field);
  }
  for (const json& one : *records) {
    Record record = record_of(target, match, one);
    if (!record.match.empty()) step.records.push_back(std::move(record));
  }
  return add_next(step, target, call, body) ? step : senseless();
}

[[nodiscard]] ReadStep read_account(const json& body) {
  const json* records = records_in(body);
  if (records == nullptr || records->size() != 1) return senseless();
  const auto id = whole_id(wire::text_at(records->front(), kId));
  if (!id) return senseless();
  ReadStep step;
  step.account = *id;
  return step;
}

[[nodiscard]] ReadStep read_limits(const json& body) {
  const json* left = wire::at_path(body, "DailyApiRequests.Remaining");
  if (left == nullptr || !left->is_number()) return senseless();
  ReadStep step;
  step.calls_left = left->get<double>();
  return step;
}

[[nodiscard]] ReadStep read_matches_of(const Target& target, const std::vector<Column>& fields,
                                       const ReadAsk& ask, const Call& call,
                                       const wire::Reply& reply) {
  const auto questions = questions_of(target, names_of(fields), ask);
  const auto place = static_cast<std::size_t>(call.tag % kBare);
  if (place >= questions.size()) return senseless();
  const std::vector<std::string>& asked = questions[place];
  if (call.tag < kBare && wants_bare(reply, asked)) {
    ReadStep step;
    step.calls.push_back(ask_by_match(target, names_of(fields), asked, Literals::bare));
    step.calls.back().tag = call.tag + kBare;
    return step;
  }
  if (judge(reply).judgement.means != AnswerClass::ok) return refused(reply);
  const auto body = wire::read_json(reply);
  return body ? read_matches(target, fields, asked, *body) : senseless();
}

}  // namespace

ReadStep first_questions(const Target& target, const std::vector<Column>& fields,
                         const ReadAsk& ask) {
  ReadStep step;
  switch (ask.kind) {
    case ReadAsk::Kind::describe:
      step.calls.push_back(question(target.path("sobjects/" + target.object + "/describe")));
      break;
    case ReadAsk::Kind::account:
      step.calls.push_back(query_call(target, "SELECT Id FROM Organization LIMIT 1"));
      break;
    case ReadAsk::Kind::limits: step.calls.push_back(question(target.path("limits"))); break;
    case ReadAsk::Kind::all_ids: {
      std::string soql("SELECT Id");
      if (!target.by_id) soql.append(",").append(target.match);
      step.calls.push_back(query_call(target, soql.append(" FROM ").append(target.object)));
      break;
    }
    case ReadAsk::Kind::by_match: {
      const std::vector<std::string> names = names_of(fields);
      for (const auto& values : questions_of(target, names, ask)) {
        Call call = ask_by_match(target, names, values, Literals::quoted);
        call.tag = static_cast<int>(step.calls.size());
        step.calls.push_back(std::move(call));
      }
      break;
    }
    case ReadAsk::Kind::prepare:
    case ReadAsk::Kind::make_fields: break;
  }
  return step;
}

ReadStep read_answer(const Target& target, const std::vector<Column>& fields, const ReadAsk& ask,
                     const Call& call, const wire::Reply& reply) {
  if (ask.kind == ReadAsk::Kind::by_match) {
    return read_matches_of(target, fields, ask, call, reply);
  }
  const bool describes =
      ask.kind == ReadAsk::Kind::describe && reply.failure == wire::Failure::none;
  if (describes && call.request.path == objects_path(target)) return read_objects(target, reply);
  if (describes && reply.status == 404) return ask_for_objects(target);
  const bool answered = reply.failure == wire::Failure::none && reply.status == 200;
  if (!answered) return refused(reply);
  const auto body = wire::read_json(reply);
  if (!body) return senseless();
  ReadStep step;
  switch (ask.kind) {
    case ReadAsk::Kind::describe: step = read_fields(*body); break;
    case ReadAsk::Kind::account: step = read_account(*body); break;
    case ReadAsk::Kind::limits: step = read_limits(*body); break;
    case ReadAsk::Kind::all_ids: step = read_page(target, fields, call, *body); break;
    case ReadAsk::Kind::by_match:
    case ReadAsk::Kind::prepare:
    case ReadAsk::Kind::make_fields: break;
  }
  if (!step.calls_left) step.calls_left = wire::read_rate_headers(reply).calls_left;
  return step;
}

}  // namespace tailrace::salesforce
