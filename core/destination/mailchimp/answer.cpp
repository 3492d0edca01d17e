#include "destination/mailchimp/answer.hpp"

#include <charconv>
#include <nlohmann/json.hpp>

#include "destination/mailchimp/facts.hpp"
#include "wire/json_reader.hpp"

namespace tailrace::mailchimp {
namespace {

using nlohmann::json;

/// "members.item:7.merge_fields.AGE": item 7, field merge_fields.AGE.
[[nodiscard]] FieldProblem field_problem(const json& error) {
  FieldProblem problem{std::nullopt, wire::text_at(error, "field"),
                       wire::text_at(error, "message")};
  std::string_view field = problem.field;
  if (!field.starts_with(kItem)) return problem;
  field.remove_prefix(kItem.size());
  std::size_t item = 0;
  const auto read = std::from_chars(field.data(), field.data() + field.size(), item);
  if (read.ec != std::errc{}) return problem;
  field.remove_prefix(static_cast<std::size_t>(read.ptr - field.data()));
  if (!field.empty() && field.front() != '.') return problem;
  problem.item = item;
  problem.field = std::string(field.substr(field.empty() ? 0 : 1));
  return problem;
}

[[nodiscard]] std::string_view advice_for(int status) {
  if (status == 403) {
    return "Check the connection's server, which is what the key ends with, and the key's rights.";
  }
  if (status == 404) return "Check the connection's list_id: Mailchimp knows no such audience.";
  return {};
}

}  // namespace

Problem read_problem(const wire::Reply& reply) {
  Problem problem;
  if (reply.failure != wire::Failure::none || reply.status < 400) return problem;
  const auto body = wire::read_json(reply);
  if (!body) return problem;
  problem.code = wire::text_at(*body, "title");
  problem.detail = wire::text_at(*body, "detail");
  const json* errors = wire::member(*body, "errors");
  if (errors == nullptr || !errors->is_array()) return problem;
  for (const json& error : *errors) problem.fields.push_back(field_problem(error));
  return problem;
}

Reason reason_in(const Problem& problem) {
  std::string message = problem.detail;
  std::string field;
  if (!problem.fields.empty()) {
    field = problem.fields.front().field;
    message.append(message.empty() ? "" : " ").append(problem.fields.front().message);
  }
  return reason_of(problem.code, message, field);
}

Refusal judge(const wire::Reply& reply) {
  Refusal refusal;
  refusal.reason = reason_of(reply);
  const Problem problem = read_problem(reply);
  if (!problem.code.empty()) refusal.reason = reason_in(problem);
  refusal.judgement = classify(kAnswers, reply, problem.code);
  refusal.advice = advice_for(reply.status);
  return refusal;
}

bool says_not_found(const wire::Reply& reply) {
  return reply.failure == wire::Failure::none && reply.status == 404 &&
         !read_problem(reply).code.empty();
}

Reason unreadable_answer() {
  return reason_of("unreadable_answer", "a success whose body is not an answer of Mailchimp's");
}

}  // namespace tailrace::mailchimp
