#include "destination/rest/outcomes.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "destination/rest/template.hpp"
#include "row/ascii.hpp"
#include "wire/json_reader.hpp"
#include "wire/utf8.hpp"

namespace tailrace::rest {
namespace {

using nlohmann::json;

[[nodiscard]] bool any_of_declared(const std::vector<std::string>& texts,
                                   const std::vector<std::string>& declared) {
  return std::any_of(texts.begin(), texts.end(), [&](const std::string& text) {
    return std::any_of(declared.begin(), declared.end(),
                       [&](const std::string& one) { return lowered(one) == lowered(text); });
  });
}

/// wire::text_at, which takes a list on the way for its first entry.
[[nodiscard]] std::string first_text_at(const json& value, std::string_view path) {
  const json* at = &value;
  while (at->is_array() && !at->empty()) at = &at->front();
  if (path.empty()) return wire::scalar_text(*at);
  const std::size_t dot = path.find('.');
  const json* inner = wire::member(*at, path.substr(0, dot));
  if (inner == nullptr) return {};
  return first_text_at(*inner, dot == std::string_view::npos ? "" : path.substr(dot + 1));
}

[[nodiscard]] bool may_be_empty(int status) {
  return status == 201 || status == 202 || status == 204 || status == 205;
}

[[nodiscard]] bool claims_json(const wire::Reply& reply) {
  const std::string type = lowered(reply.header("content-type"));
  const std::string_view body = wire::trimmed(reply.body);
  const bool unnamed = type.empty() && (body.starts_with('{') || body.starts_with('['));
  return unnamed || type.find("json") != std::string::npos;
}

}  // namespace

bool is_rejection(std::string_view word) {
  constexpr std::array<std::string_view, 7> kWords{"error",   "failed",   "failure", "rejected",
                                                   "invalid", "conflict", "fail"};
  return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

bool says_failure(const json& body) {
  for (const char* name : {"success", "ok"}) {
    const json* flag = wire::member(body, name);
    if (flag != nullptr && flag->is_boolean() && !flag->get<bool>()) return true;
  }
  for (const char* name : {"error", "errors"}) {
    const json* value = wire::member(body, name);
    if (value == nullptr || value->is_null()) continue;
    const bool quiet = value->empty() || *value == false || *value == 0 || *value == "";
    if (!quiet) return true;
  }
  const json* status = wire::member(body, "status");
  return status != nullptr && status->is_string() &&
         is_rejection(lowered(status->get<std::string>()));
}

bool RowWords::say_missing(const std::vector<std::string>& texts) const {
  return seeks(operation) && any_of_declared(texts, endpoint->missing);
}

bool RowWords::say_exists(const std::vector<std::string>& texts) const {
  return operation == Operation::insert && any_of_declared(texts, endpoint->exists);
}

Verdict missing_verdict(RowIndex row, Operation operation, const Reason& said) {
  const bool skipped = operation == Operation::update;
  Reason reason = said;
  if (skipped) reason.code = kMissing;
  return {row, skipped ? Outcome::skipped : Outcome::accepted, std::move(reason), {}};
}

bool seeks(Operation operation) {
  return operation != Operation::upsert && operation != Operation::insert;
}

std::vector<std::string> texts_of(const wire::Reply& reply) {
  std::vector<std::string> texts{std::to_string(reply.status)};
  const auto body = wire::read_json(reply);
  if (!body) return texts;
  for (const char* path :
       {"code", "error", "error.code", "errorCode", "error_code", "type", "status"}) {
    texts.push_back(wire::text_at(*body, path));
  }
  std::erase(texts, "");
  return texts;
}

std::string code_of(const std::vector<std::string>& paths, const wire::Reply& reply) {
  if (paths.empty() || reply.failure != wire::Failure::none) return {};
  const auto body = wire::read_json(reply);
  if (!body) return {};
  for (const std::string& path : paths) {
    std::string code = first_text_at(*body, path);
    if (!code.empty()) return code;
  }
  return {};
}

Reason unmarked(const SuccessMark& mark, const wire::Reply& reply) {
  const auto body = wire::read_json(reply);
  if (body && wire::text_at(*body, mark.path) == mark.value) return {};
  Reason reason = refusal_reason(reply);
  reason.code = "failure_in_success";
  return reason;
}

Reason implausible(AnswerForm form, const wire::Reply& reply) {
  if (form == AnswerForm::any) return {};
  if (wire::looks_like_html(reply)) {
    return reason_of("html_answer", "a page for people came where an API's answer is due");
  }
  const bool empty = wire::trimmed(reply.body).empty();
  if (empty) {
    if (form == AnswerForm::plausible && may_be_empty(reply.status)) return {};
    return reason_of("empty_answer",
                     "a success without a body proves little; if this API answers so, declare "
                     "`answer: any`");
  }
  if (form == AnswerForm::plausible && !claims_json(reply)) return {};
  const auto body = wire::read_json(reply);
  if (!body) return reason_of("unreadable_answer", "a success whose body is not whole JSON");
  if (says_failure(*body)) {
    Reason reason = refusal_reason(reply);
    reason.code = "failure_in_success";
    return reason;
  }
  return {};
}

Reason refusal_reason(const wire::Reply& reply) {
  Reason reason = reason_of(reply);
  if (reply.failure != wire::Failure::none) return reason;
  const auto body = wire::read_json(reply);
  if (!body || !body->is_object()) return reason;
  const json* nested = wire::member(*body, "error");
  const json* several = wire::member(*body, "errors");
  const bool listed = several != nullptr && several->is_array() && several->size() == 1 &&
                      wire::member(*body, "message") == nullptr;
  const json& error = nested != nullptr && nested->is_object() ? *nested
                      : listed && several->front().is_object() ? several->front()
                                                               : *body;
  const auto first_text = [&error](std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
      std::string text = wire::text_at(error, name);
      if (!text.empty()) return text;
    }
    return std::string();
  };
  const std::string code = first_text({"code", "errorCode", "error_code", "type"});
  const std::string message =
      first_text({"message", "detail", "error_description", "title", "error", "msg", "meta.error"});
  const std::string field = first_text({"field", "param", "property"});
  return reason_of(code.empty() ? reason.code : code, message.empty() ? reason.message : message,
                   field);
}

}  // namespace tailrace::rest
