#include "destination/zendesk/answer.hpp"

#include <nlohmann/json.hpp>

#include "destination/zendesk/facts.hpp"
#include "wire/json_reader.hpp"
#include "wire/rate_headers.hpp"

namespace tailrace::zendesk {
namespace {

using nlohmann::json;

/// `details`: {"name": [{"description": "Name: cannot be blank", "error": "BlankValue"}]}. The
/// first counts.
void read_details(Problem& problem, const json& body) {
  const json* details = wire::member(body, "details");
  if (details == nullptr || !details->is_object()) return;
  for (const auto& [field, list] : details->items()) {
    if (!list.is_array() || list.empty()) continue;
    const std::string code = wire::text_at(list.front(), "error");
    const std::string message = wire::text_at(list.front(), "description");
    problem.field = field;
    if (!code.empty()) problem.code = code;
    if (!message.empty()) problem.message = message;
    return;
  }
}

[[nodiscard]] std::string_view advice_for(int status) {
  if (status == 403) {
    return "Bulk import of users and organizations is off until Zendesk's support turns it on for "
           "the account; besides, the login's role must be allowed to manage these records (to "
           "delete users it must be an admin's).";
  }
  if (status == 404) return "Check the connection's subdomain and the sync's object.";
  return {};
}

}  // namespace

Problem read_problem(const json& body) {
  Problem problem;
  if (!body.is_object()) return problem;
  const json* error = wire::member(body, "error");
  if (error != nullptr && error->is_object()) {
    problem.code = wire::text_at(*error, "title");
    problem.message = wire::text_at(*error, "message");
  } else {
    problem.code = wire::text_at(body, "error");
    problem.message = wire::text_at(body, "description");
  }
  if (problem.message.empty()) problem.message = wire::text_at(body, "message");
  read_details(problem, body);
  return problem;
}

Refusal judge(const wire::Reply& reply) {
  Refusal refusal;
  refusal.reason = reason_of(reply);
  std::string code;
  // The body of a 429 may be plain text: status and headers say enough.
  const auto body = reply.status >= 400 ? wire::read_json(reply) : std::nullopt;
  if (reply.failure == wire::Failure::none && body) {
    const Problem problem = read_problem(*body);
    code = problem.code;
    if (!code.empty()) refusal.reason = reason_of(code, problem.message, problem.field);
  }
  refusal.judgement = classify(kAnswers, reply, code);
  refusal.advice = advice_for(reply.status);
  return refusal;
}

bool says_jobs_full(const wire::Reply& reply, const Refusal& refusal) {
  return reply.status == 429 && refusal.reason.code == kTooManyJobs;
}

wire::RateHint hint_of(const wire::Reply& reply) {
  wire::RateHint hint = wire::read_rate_headers(reply);
  if (hint.limit) hint.window = kRateWindow;
  return hint;
}

Reason unreadable_answer() {
  return reason_of("unreadable_answer", "a success whose body is not an answer of Zendesk's");
}

}  // namespace tailrace::zendesk
