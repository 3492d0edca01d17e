#include "destination/salesforce/answer.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "destination/salesforce/facts.hpp"
#include "destination/salesforce/target.hpp"
#include "row/ascii.hpp"
#include "wire/json_reader.hpp"

namespace tailrace::salesforce {
namespace {

using nlohmann::json;

[[nodiscard]] std::string_view advice_for(int status, std::string_view code) {
  if (code == "INVALID_FIELD") {
    return "Correct the sync's fields, or give the login the right to read and edit the field: to "
           "a user without it a field is not there.";
  }
  if (status == 403) {
    return "The login needs the permission 'API Enabled', and the rights on the object and its "
           "fields.";
  }
  if (status == 404) {
    return "Check the sync's object and match field (an external id), the login's rights on them, "
           "and the connection's api_version.";
  }
  return {};
}

/// The first field that an error names.
[[nodiscard]] std::string field_of(const json& error) {
  const json* fields = wire::member(error, "fields");
  const bool listed = fields != nullptr && fields->is_array() && !fields->empty();
  return listed ? wire::scalar_text(fields->front()) : std::string();
}

[[nodiscard]] Verdict unknown_row(RowIndex row, std::string_view code, std::string_view message) {
  return {row, Outcome::unknown, reason_of(code, message), {}};
}

/// Calls come back as those of a day ago leave the window.
[[nodiscard]] Step with_the_day(Step step) {
  if (!step.stop || step.stop->kind != Stop::Kind::quota) return step;
  if (!step.stop->retry_after) step.stop->retry_after = kQuotaWindow;
  step.pause = wire::Milliseconds(0);
  return step;
}

}  // namespace

bool is_code(std::string_view text) {
  constexpr std::size_t kLongest = 100;
  const auto plain = [](char c) { return is_upper(c) || is_digit(c) || c == '_'; };
  return !text.empty() && text.size() <= kLongest && std::all_of(text.begin(), text.end(), plain);
}

Refusal judge(const wire::Reply& reply) {
  Refusal refusal;
  refusal.reason = reason_of(reply);
  std::string code;
  const bool refused = reply.failure == wire::Failure::none && reply.status >= 400;
  const auto body = refused ? wire::read_json(reply) : std::nullopt;
  if (body && body->is_array() && !body->empty()) {
    const json& error = body->front();
    code = wire::text_at(error, "errorCode");
    if (!is_code(code)) code.clear();
    const std::string message = wire::text_at(error, "message");
    const bool at_once = code == kLimit && message.find(kConcurrent) != std::string::npos;
    if (at_once) code = kTooManyAtOnce;
    if (!code.empty()) refusal.reason = reason_of(code, message, field_of(error));
  }
  refusal.judgement = classify(kAnswers, reply, code);
  refusal.advice = advice_for(reply.status, code);
  return refusal;
}

Step settle(const Refusal& refusal, const std::vector<RowIndex>& rows, Operation operation) {
  return with_the_day(settle_refusal(refusal, rows, operation));
}

Step settle_asked(Refusal refusal, const std::vector<RowIndex>& rows, Operation operation) {
  return with_the_day(settle_unanswered(std::move(refusal), rows, operation));
}

bool is_gone(const Reason& reason) { return is_one_of(reason.code, kGone); }

bool is_locked(const Reason& reason) {
  return reason.code == kLocked || reason.message.find(kLocked) != std::string::npos;
}

Verdict refused_row(RowIndex row, Operation operation, const Reason& reason) {
  Verdict verdict{row, Outcome::rejected, reason, {}};
  const bool away = removes(operation) || operation == Operation::clear;
  if (is_locked(reason) || is_one_of(reason.code, kTransient)) {
    verdict.outcome = Outcome::retryable;
    verdict.reason.transient = true;
  } else if (away && is_gone(reason)) {
    verdict.outcome = Outcome::accepted;
  }
  return verdict;
}

Verdict read_result(const json& result, RowIndex row, Operation operation,
                    std::string_view sent_id) {
  const json* success = wire::member(result, "success");
  if (success == nullptr || !success->is_boolean()) {
    return unknown_row(row, "unreadable_result", "a result that says neither yes nor no");
  }
  const json* errors = wire::member(result, "errors");
  const bool has_errors = errors != nullptr && errors->is_array() && !errors->empty();
  if (success->get<bool>() == has_errors) {
    return unknown_row(row, "contradictory", "a result that says both yes and no");
  }
  if (has_errors) {
    const json& error = errors->front();
    const std::string code = wire::text_at(error, "statusCode");
    if (!is_code(code)) return unknown_row(row, "unreadable_result", "an error without a code");
    return refused_row(row, operation,
                       reason_of(code, wire::text_at(error, "message"), field_of(error)));
  }
  const auto id = whole_id(wire::text_at(result, "id"));
  if (!id || (!sent_id.empty() && *id != sent_id)) {
    return unknown_row(row, "contradictory", "the result is of no record, or of another one");
  }
  return {row, Outcome::accepted, {}, *id};
}

Reason unreadable_answer() {
  return reason_of("unreadable_answer", "a success whose body is not an answer of Salesforce's");
}

}  // namespace tailrace::salesforce
