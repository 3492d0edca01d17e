#include "destination/classify.hpp"

#include <algorithm>

namespace tailrace {
namespace {

[[nodiscard]] AnswerClass of_failure(wire::Failure failure) {
  switch (failure) {
    case wire::Failure::not_sent:
    case wire::Failure::expired:
    case wire::Failure::cancelled: return AnswerClass::retry;
    case wire::Failure::untrusted: return AnswerClass::terminal;
    case wire::Failure::none:
    case wire::Failure::lost:
    case wire::Failure::too_large: return AnswerClass::unknown;
  }
  return AnswerClass::unknown;
}

[[nodiscard]] bool fits(const AnswerRule& rule, int status, std::string_view code) {
  if (status < rule.first_status || status > rule.last_status) return false;
  if (!rule.code.ends_with('*')) return rule.code.empty() || rule.code == code;
  return !code.empty() && code.starts_with(rule.code.substr(0, rule.code.size() - 1));
}

}  // namespace

Judgement classify(std::span<const AnswerRule> table, const wire::Reply& reply,
                   std::string_view code) {
  if (reply.failure != wire::Failure::none) return {of_failure(reply.failure), {}};
  const auto rule = std::find_if(table.begin(), table.end(), [&](const AnswerRule& candidate) {
    return fits(candidate, reply.status, code);
  });
  if (rule == table.end())
    return {AnswerClass::unknown, reply.retry_after.value_or(wire::Milliseconds(0))};
  if (rule->means == AnswerClass::ok) return {AnswerClass::ok, {}};
  return {rule->means, reply.retry_after.value_or(rule->wait)};
}

}  // namespace tailrace
