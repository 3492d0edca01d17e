#include "http/oauth_reply.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "row/ascii.hpp"
#include "wire/json_reader.hpp"

namespace tailrace::http {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr std::size_t kLongestToken = 16 << 10;
constexpr double kLongestLife = 366.0 * 86'400;

bool passing(const wire::Reply& reply) {
  switch (reply.failure) {
    case wire::Failure::none: break;
    case wire::Failure::untrusted:
    case wire::Failure::too_large: return false;
    default: return true;
  }
  return reply.status >= 500 || reply.status == 408 || reply.status == 425 || reply.status == 429;
}

bool fits_header(const std::string& token) {
  return !token.empty() && token.size() <= kLongestToken &&
         std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

/// A number, or its digits in a text, as some endpoints write it.
std::optional<double> number(const json* value) {
  if (value == nullptr) return std::nullopt;
  if (value->is_number()) return value->get<double>();
  if (!value->is_string()) return std::nullopt;
  const std::string& digits = value->get_ref<const std::string&>();
  double parsed = 0;
  const char* end = digits.data() + digits.size();
  const auto [rest, code] = std::from_chars(digits.data(), end, parsed);
  if (code != std::errc() || rest != end) return std::nullopt;
  return parsed;
}

std::optional<milliseconds> lifetime(const json& reply) {
  const std::optional<double> seconds = number(wire::member(reply, "expires_in"));
  if (!seconds || !std::isfinite(*seconds) || *seconds < 1) return std::nullopt;
  return milliseconds(static_cast<std::int64_t>(std::min(*seconds, kLongestLife) * 1000));
}

bool is_bearer(const json& reply) {
  const json* type = wire::member(reply, "token_type");
  if (type == nullptr || type->is_null()) return true;
  if (!type->is_string()) return false;
  return lowered(type->get<std::string>()) == "bearer";
}

TokenAnswer refused(std::string message) {
  TokenAnswer answer;
  answer.message = std::move(message);
  return answer;
}

TokenAnswer take_token(const json& body) {
  const std::string access = wire::text_at(body, "access_token");
  const json* token = wire::member(body, "access_token");
  if (token == nullptr || !token->is_string() || access.empty()) {
    return refused("its answer has no access_token");
  }
  if (!fits_header(access)) return refused("its access_token cannot be sent in a header");
  if (!is_bearer(body)) return refused("its token_type is not bearer");
  TokenAnswer answer;
  answer.kind = TokenAnswer::Kind::token;
  answer.token.access = Secret(access);
  answer.token.expires_in = lifetime(body);
  const json* refresh = wire::member(body, "refresh_token");
  if (refresh != nullptr && refresh->is_string()) {
    const std::string& value = refresh->get_ref<const std::string&>();
    if (value.size() > kLongestToken) return refused("its refresh_token is too long");
    answer.token.refresh = Secret(value);
  }
  const json* instance = wire::member(body, "instance_url");
  if (instance != nullptr && instance->is_string()) answer.token.instance_url = *instance;
  return answer;
}

/// RFC 6749 §5.2, and what some endpoints write in its place.
void take_error(const json& body, TokenAnswer& answer) {
  answer.error = wire::text_at(body, "error");
  std::string said = wire::text_at(body, "error_description");
  if (said.empty()) said = wire::text_at(body, "message");
  if (!answer.error.empty()) answer.message += ", " + answer.error;
  if (!said.empty() && said != answer.error) answer.message += ": " + said;
}

}  // namespace

TokenAnswer read_token_answer(const wire::Reply& reply) {
  TokenAnswer answer;
  answer.kind = passing(reply) ? TokenAnswer::Kind::later : TokenAnswer::Kind::refused;
  if (reply.failure != wire::Failure::none) {
    answer.message = reply.failure_text;
    return answer;
  }
  wire::JsonLimits limits;
  limits.max_bytes = 1 << 20;
  limits.max_depth = 16;
  limits.max_values = 1000;
  const std::optional<json> body = wire::read_json(reply, limits);
  if (reply.status / 100 == 2) {
    if (!body) return refused("its answer is not the JSON of a token");
    return take_token(*body);
  }
  answer.message = "HTTP " + std::to_string(reply.status);
  if (reply.status / 100 == 3) answer.message += ", a redirect, which is never followed";
  if (body) take_error(*body, answer);
  return answer;
}

}  // namespace tailrace::http
