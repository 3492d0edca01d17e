#include "destination/hubspot/target.hpp"

#include <nlohmann/json.hpp>

#include "destination/hubspot/facts.hpp"
#include "row/ascii.hpp"
#include "wire/json_reader.hpp"
#include "wire/utf8.hpp"

namespace tailrace::hubspot {
namespace {

/// What to do about an answer that stops the run.
[[nodiscard]] std::string_view advice_for(int status, const Problem& problem) {
  if (problem.code == kNoSuchProperty) {
    return "Correct the sync's fields (`tailrace check` names the nearest property), make the "
           "property in HubSpot, or let the run make it: create_fields: true.";
  }
  if (is_schema_problem(problem)) return "Correct the sync's fields, or the property in HubSpot.";
  if (status == 403) return "Grant the scope to the private app that the token is of.";
  if (status == 404) return "Check the sync's object: HubSpot knows no such type.";
  return {};
}

}  // namespace

Target::Target(std::string object_type, std::string match_property)
    : type(std::move(object_type)),
      match(std::move(match_property)),
      match_is_email(is_email(match)) {}

bool Target::is_email(std::string_view property) const {
  return property == "email" && (type == "contacts" || type == "contact" || type == "0-1");
}

std::string Target::address_of(std::string_view value) {
  std::string address(wire::trimmed(value));
  make_lower(address);
  return address;
}

bool Target::identity_into(std::string_view value, std::string& out) const {
  value = wire::trimmed(value);
  if (value.empty()) return false;
  out.assign(value);
  if (match_is_email) make_lower(out);
  return true;
}

std::string Target::compared(std::string_view value) const {
  std::string found;
  if (!identity_into(value, found)) found.clear();
  return found;
}

RowNames Target::names(const Batch& batch) const {
  RowNames names;
  names.match_property = match;
  names.normalise = [this](std::string_view value) { return compared(value); };
  names.matches.reserve(batch.rows.size());
  for (const BatchRow& row : batch.rows) names.matches.push_back(compared(row.match));
  return names;
}

std::string Target::path(std::string_view verb) const {
  std::string path(kObjects);
  wire::append_percent_encoded(path, type);
  return path.append("/batch/").append(verb);
}

Refusal judge(const wire::Reply& reply) {
  Refusal refusal;
  refusal.reason = reason_of(reply);
  Problem problem;
  std::string code;
  const auto body = reply.status >= 400 ? wire::read_json(reply) : std::nullopt;
  if (reply.failure == wire::Failure::none && body && body->is_object()) {
    problem = read_problem(*body);
    code = problem.code;
    if (reply.status == 429) code = wire::text_at(*body, "policyName");
    if (!problem.code.empty()) {
      refusal.reason = reason_of(problem.code, problem.message, problem.field);
    }
  }
  refusal.judgement = classify(kAnswers, reply, code);
  refusal.advice = advice_for(reply.status, problem);
  return refusal;
}

Stop schema_stop(const Problem& problem) {
  return stop_for(Stop::Kind::configuration,
                  reason_of(problem.code, problem.message, problem.field),
                  advice_for(400, problem));
}

Reason unreadable_answer() {
  return reason_of("unreadable_answer",
                   "a success whose body is not a finished answer of HubSpot's");
}

Reason not_in_answer() {
  return reason_of("not_in_answer", "neither in the results nor in the errors of the answer");
}

}  // namespace tailrace::hubspot
