#include "destination/marketo/answer.hpp"

#include <algorithm>

#include "destination/marketo/facts.hpp"
#include "row/ascii.hpp"
#include "wire/json_reader.hpp"
#include "wire/retry_after.hpp"

namespace tailrace::marketo {
namespace {

using nlohmann::json;

/// Codes are digits, three or four of them.
[[nodiscard]] bool is_code(std::string_view text) {
  return (text.size() == 3 || text.size() == 4) && std::all_of(text.begin(), text.end(), is_digit);
}

[[nodiscard]] bool says(const json& body, std::string_view name) {
  const json* value = wire::member(body, name);
  return value != nullptr && value->is_boolean() && value->get<bool>();
}

/// The first entry of a list in `body`, or nullptr.
[[nodiscard]] const json* first_of(const json& body, std::string_view name) {
  const json* list = wire::member(body, name);
  return list != nullptr && list->is_array() && !list->empty() ? &list->front() : nullptr;
}

[[nodiscard]] std::string_view advice_for(std::string_view code) {
  if (code == "603") {
    return "The role of the API user needs 'Read-Write Person'; lists need 'Read-Write Assets' "
           "too.";
  }
  if (code == "610") return "Check the connection's base_url: https://MUNCHKIN.mktorest.com.";
  if (code == kUnknownField) {
    return "Correct the sync's fields: names are those of the REST API, as in firstName.";
  }
  if (code == "1011") return "`match` has to be a field that leads are searched by.";
  return {};
}

/// From the answer's own date to the next midnight of Central Standard Time, when the day's count
/// begins anew; an hour where it has no date.
[[nodiscard]] wire::Milliseconds until_midnight(const wire::Reply& reply) {
  constexpr std::chrono::system_clock::time_point kEpoch{};
  const auto now = wire::parse_retry_after(reply.header("date"), kEpoch);
  if (!now || *now == wire::Milliseconds(0)) return 1h;
  return wire::kDay - (*now - kDayBegins) % wire::kDay;
}

[[nodiscard]] Step with_marks(Step step, const Answer& answer, const wire::Reply& reply) {
  const std::string& code = answer.refusal.reason.code;
  step.rate_limited = code == kTooFast || code == kTooManyAtOnce;
  if (step.stop && step.stop->kind == Stop::Kind::quota) {
    step.stop->retry_after = until_midnight(reply);
    step.pause = wire::Milliseconds(0);
  }
  return step;
}

}  // namespace

Answer read_answer(const wire::Reply& reply) {
  Answer answer;
  answer.refusal.reason = reason_of(reply);
  std::string code;
  if (reply.failure == wire::Failure::none && reply.status == 200) {
    answer.body = wire::read_json(reply);
    if (!answer.body) answer.refusal.reason = unreadable_answer();
  }
  if (answer.body) {
    const json* error = first_of(*answer.body, "errors");
    if (error != nullptr) {
      code = wire::text_at(*error, "code");
      if (!is_code(code)) code.clear();
      answer.refusal.reason = reason_of(code, wire::text_at(*error, "message"));
    } else {
      answer.refusal.reason = unreadable_answer();
      if (says(*answer.body, "success")) code = kSuccess;
    }
  }
  answer.refusal.judgement = classify(kAnswers, reply, code);
  answer.refusal.advice = advice_for(code);
  return answer;
}

const json* Answer::results() const {
  if (refusal.judgement.means != AnswerClass::ok || !body) return nullptr;
  const json* list = wire::member(*body, "result");
  return list != nullptr && list->is_array() ? list : nullptr;
}

bool Answer::has_more() const {
  return body && (says(*body, "moreResult") || !wire::text_at(*body, "nextPageToken").empty());
}

Step settle(const Answer& answer, const wire::Reply& reply, const std::vector<RowIndex>& rows,
            Operation operation) {
  return with_marks(settle_refusal(answer.refusal, rows, operation), answer, reply);
}

Step settle_asked(Answer answer, const wire::Reply& reply, const std::vector<RowIndex>& rows,
                  Operation operation) {
  return with_marks(settle_unanswered(answer.refusal, rows, operation), answer, reply);
}

ReadStep refused_question(const Answer& answer, const wire::Reply& reply) {
  const AnswerClass means = answer.refusal.judgement.means;
  ReadStep step =
      means == AnswerClass::ok ? senseless_answer("Marketo") : end_question(answer.refusal);
  step.reauthenticate = means == AnswerClass::reauth;
  if (means == AnswerClass::retry) step.again_after = answer.refusal.judgement.pause;
  if (means == AnswerClass::stop) step.stop->retry_after = until_midnight(reply);
  return step;
}

Reason reason_in(const json& result) {
  const json* reason = first_of(result, "reasons");
  if (reason == nullptr) reason = wire::member(result, "reason");  // as the Swagger file has it
  if (reason == nullptr) return reason_of({}, {});
  std::string code = wire::text_at(*reason, "code");
  if (!is_code(code)) code.clear();
  return reason_of(code, wire::text_at(*reason, "message"));
}

Reason unreadable_answer() {
  return reason_of("unreadable_answer", "a success whose body is not an answer of Marketo's");
}

}  // namespace tailrace::marketo
