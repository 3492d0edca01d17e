#include "destination/hubspot/questions.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <unordered_set>

#include "destination/hubspot/facts.hpp"
#include "destination/hubspot/lookup.hpp"
#include "destination/records.hpp"
#include "wire/json_reader.hpp"
#include "wire/rate_headers.hpp"

namespace tailrace::hubspot {
namespace {

using nlohmann::json;

[[nodiscard]] bool is_true(const json& value, std::string_view path) {
  const json* found = wire::at_path(value, path);
  return found != nullptr && found->is_boolean() && found->get<bool>();
}

/// An enumeration whose options are kept elsewhere, as owners are, takes more than it names.
[[nodiscard]] Takes takes_of(const FieldFact& field, const json& property) {
  if (field.type == "number") return Takes::number;
  if (field.options.empty() || is_true(property, "externalOptions")) return Takes::anything;
  return wire::text_at(property, "fieldType") == "checkbox" ? Takes::some_of : Takes::one_of;
}

[[nodiscard]] FieldFact field_of(const Target& target, const json& property) {
  FieldFact field;
  field.name = wire::text_at(property, "name");
  field.type = wire::text_at(property, "type");
  const bool read_only =
      is_true(property, "modificationMetadata.readOnlyValue") || is_true(property, "calculated");
  field.writable = !read_only;
  const bool matched_by_email = target.match_is_email && field.name == target.match;
  field.unique = is_true(property, "hasUniqueValue") || matched_by_email;
  const json* options = wire::member(property, "options");
  if (field.type == "enumeration" && options != nullptr && options->is_array()) {
    for (const json& option : *options) field.options.push_back(wire::text_at(option, "value"));
  }
  field.takes = takes_of(field, property);
  return field;
}

[[nodiscard]] Record record_of(const Target& target, const json& result) {
  Record record;
  record.destination_id = wire::text_at(result, "id");
  const json* properties = wire::member(result, "properties");
  if (properties == nullptr || !properties->is_object()) return record;
  for (const auto& [name, value] : properties->items()) {
    if (name == target.match) record.match = target.compared(wire::scalar_text(value));
    std::optional<std::string> text;
    if (!value.is_null()) text = wire::scalar_text(value);
    record.fields.emplace_back(name, std::move(text));
  }
  return record;
}

[[nodiscard]] Call list_page(const Target& target, const std::string& after) {
  std::string path(kObjects);
  wire::append_percent_encoded(path, target.type);
  Call call = question(std::move(path));
  call.request.query = "limit=" + std::to_string(kListPage) + "&properties=";
  wire::append_percent_encoded(call.request.query, target.match);
  if (!after.empty()) {
    call.request.query += "&after=";
    wire::append_percent_encoded(call.request.query, after);
  }
  return call;
}

/// Which objects there are is asked for once the one that is asked for is not there.
[[nodiscard]] ReadStep ask_for_objects() {
  ReadStep step;
  step.calls.push_back(question(std::string(kSchemas)));
  return step;
}

/// The portal's own objects by their names, beside those that every portal has. Without the right
/// to ask for them the others are told of.
[[nodiscard]] ReadStep read_objects(const Target& target, const wire::Reply& reply) {
  std::vector<std::string> names(kEveryPortals.begin(), kEveryPortals.end());
  const auto body = reply.status == 200 ? wire::read_json(reply) : std::nullopt;
  const json* results = body ? wire::member(*body, "results") : nullptr;
  if (results != nullptr && results->is_array()) {
    for (const json& one : *results) names.push_back(wire::text_at(one, "name"));
  }
  return no_such_object("HubSpot", target.type, names);
}

[[nodiscard]] ReadStep senseless() { return senseless_answer("HubSpot"); }

/// The values that a batch read names as not found.
[[nodiscard]] std::vector<std::string> not_found(const json& body) {
  std::vector<std::string> ids;
  const json* errors = wire::member(body, "errors");
  if (errors == nullptr || !errors->is_array()) return ids;
  for (const json& error : *errors) {
    const Problem problem = read_problem(error);
    if (problem.category != kNotFound) continue;
    ids.insert(ids.end(), problem.ids.begin(), problem.ids.end());
  }
  return ids;
}

/// What a batch read says of the values that its call asked for: their records, and those that are
/// absent. Records of others are nobody's; of a value that is told of more than once nothing is
/// known, since HubSpot keeps it unique.
void read_matches(ReadStep& step, const Target& target, const ReadAsk& ask, const json& body,
                  const json& results) {
  const std::unordered_set<std::string> asked(ask.match.begin(), ask.match.end());
  std::unordered_map<std::string, int> told;  // how often, by match value
  for (const json& result : results) {
    Record record = record_of(target, result);
    if (!asked.contains(record.match)) continue;
    ++told[record.match];
    step.records.push_back(std::move(record));
  }
  for (const std::string& id : not_found(body)) {
    std::string match = target.compared(id);
    if (asked.contains(match) && ++told[match] == 1) step.absent.push_back(std::move(match));
  }
  const auto contradictory = [&](const std::string& match) { return told[match] > 1; };
  std::erase_if(step.records, [&](const Record& one) { return contradictory(one.match); });
  std::erase_if(step.absent, contradictory);
}

/// A page that says where to go on must not send us where we are.
[[nodiscard]] ReadStep read_page(const Target& target, const Call& call, const json& body,
                                 const json& results) {
  ReadStep step;
  for (const json& result : results) step.records.push_back(record_of(target, result));
  const std::string after = wire::text_at(body, "paging.next.after");
  if (after.empty()) return step;
  Call next = list_page(target, after);
  if (results.empty() || next.request.query == call.request.query) return senseless();
  step.calls.push_back(std::move(next));
  return step;
}

}  // namespace

ReadStep first_questions(const Target& target, const std::vector<std::string>& properties,
                         const ReadAsk& ask) {
  ReadStep step;
  if (ask.kind == ReadAsk::Kind::describe) {
    std::string path(kProperties);
    wire::append_percent_encoded(path, target.type);
    step.calls.push_back(question(std::move(path)));
  } else if (ask.kind == ReadAsk::Kind::account) {
    step.calls.push_back(question(std::string(kAccount)));
  } else if (ask.kind == ReadAsk::Kind::all_ids) {
    step.calls.push_back(list_page(target, {}));
  } else {
    const std::span<const std::string> all(ask.match);
    for (std::size_t at = 0; at < all.size(); at += kMaxRows) {
      const std::size_t count = std::min(kMaxRows, all.size() - at);
      step.calls.push_back(ask_by_match(target, properties, all.subspan(at, count)));
    }
  }
  return step;
}

ReadStep read_answer(const Target& target, const ReadAsk& ask, const Call& call,
                     const wire::Reply& reply) {
  const bool describes =
      ask.kind == ReadAsk::Kind::describe && reply.failure == wire::Failure::none;
  if (describes && call.request.path == kSchemas) return read_objects(target, reply);
  if (describes && reply.status == 404) return ask_for_objects();
  const bool answered =
      reply.failure == wire::Failure::none && (reply.status == 200 || reply.status == 207);
  if (!answered) return end_question(judge(reply));
  const auto body = wire::read_json(reply);
  if (!body) return senseless();
  ReadStep step;
  if (ask.kind == ReadAsk::Kind::account) {
    step.account = wire::text_at(*body, "portalId");
    if (step.account.empty()) step = senseless();
  } else {
    const bool finished =
        ask.kind != ReadAsk::Kind::by_match || wire::text_at(*body, "status") == kComplete;
    const json* results = wire::member(*body, "results");
    if (!finished || results == nullptr || !results->is_array()) return senseless();
    if (ask.kind == ReadAsk::Kind::all_ids) {
      step = read_page(target, call, *body, *results);
    } else if (ask.kind == ReadAsk::Kind::by_match) {
      read_matches(step, target, ask, *body, *results);
    } else {
      for (const json& result : *results) step.fields.push_back(field_of(target, result));
    }
  }
  step.calls_left = wire::read_rate_headers(reply).calls_left;
  return step;
}

}  // namespace tailrace::hubspot
