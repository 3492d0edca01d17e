#include "destination/klaviyo/answer.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "row/ascii.hpp"
#include "wire/json_reader.hpp"
#include "wire/rate_headers.hpp"

namespace tailrace::klaviyo {
namespace {

using nlohmann::json;

/// "/data/attributes/profiles/data/7/attributes/location/city": row 7, field location.city.
void read_pointer(Problem& problem, std::string_view pointer) {
  constexpr std::string_view kBehindRow = "/attributes/";
  if (!pointer.starts_with(kRowPointer)) return;
  pointer.remove_prefix(kRowPointer.size());
  std::size_t row = 0;
  const auto read = std::from_chars(pointer.data(), pointer.data() + pointer.size(), row);
  if (read.ec != std::errc{}) return;
  pointer.remove_prefix(static_cast<std::size_t>(read.ptr - pointer.data()));
  if (!pointer.empty() && pointer.front() != '/') return;
  problem.row = row;
  if (!pointer.starts_with(kBehindRow)) return;
  problem.field = pointer.substr(kBehindRow.size());
  std::replace(problem.field.begin(), problem.field.end(), '/', '.');
}

[[nodiscard]] std::string_view advice_for(int status) {
  if (status == 403) return "Give the private key the scopes that the documentation names.";
  if (status == 404) return "Check the sync's object: Klaviyo knows no such list.";
  return {};
}

}  // namespace

Call call_of(Endpoint endpoint, wire::Method method, std::string path) {
  Call call;
  call.effect = Effect::none;
  call.rate_class = endpoint;
  call.request.method = method;
  call.request.path = std::move(path);
  call.request.headers.push_back({std::string(kRevisionHeader), std::string(kRevision)});
  return call;
}

Call document_of(Endpoint endpoint, wire::Method method, std::string path) {
  Call call = call_of(endpoint, method, std::move(path));
  call.effect = Effect::keyed_write;
  call.request.content_type = kContentType;
  return call;
}

Problem read_problem(const json& error) {
  Problem problem;
  problem.code = wire::text_at(error, "code");
  problem.detail = wire::text_at(error, "detail");
  if (problem.detail.empty()) problem.detail = wire::text_at(error, "title");
  problem.pointer = wire::text_at(error, "source.pointer");
  read_pointer(problem, problem.pointer);
  return problem;
}

std::vector<Problem> problems_in(const wire::Reply& reply) {
  std::vector<Problem> problems;
  if (reply.failure != wire::Failure::none || reply.status < 400) return problems;
  const auto body = wire::read_json(reply);
  const json* errors = body ? wire::member(*body, "errors") : nullptr;
  if (errors == nullptr || !errors->is_array()) return problems;
  for (const json& error : *errors) {
    Problem problem = read_problem(error);
    if (!problem.code.empty()) problems.push_back(std::move(problem));
  }
  return problems;
}

Refusal judge(const wire::Reply& reply) {
  Refusal refusal;
  refusal.reason = reason_of(reply);
  std::string code;
  if (const std::vector<Problem> problems = problems_in(reply); !problems.empty()) {
    const Problem& first = problems.front();
    code = first.code;
    refusal.reason = reason_of(first.code, first.detail, first.field);
  }
  refusal.judgement = classify(kAnswers, reply, code);
  refusal.advice = advice_for(reply.status);
  return refusal;
}

/// The headers tell of the minute's window, whichever of the two is nearer its end.
wire::RateHint hint_of(const wire::Reply& reply) {
  wire::RateHint hint = wire::read_rate_headers(reply);
  if (hint.limit && !hint.window) hint.window = kSteadyWindow;
  return hint;
}

std::optional<std::string> next_cursor(const json& body) {
  const std::string link = wire::text_at(body, "links.next");
  if (link.empty()) return std::string();
  for (const std::string_view name : {"page%5Bcursor%5D=", "page[cursor]="}) {
    const std::size_t at = link.find(name);
    if (at == std::string::npos) continue;
    const std::size_t from = at + name.size();
    std::string cursor = link.substr(from, link.find('&', from) - from);
    const auto plain = [](char c) {
      return is_alphanumeric(c) || std::string_view("-_.~%=").find(c) != std::string_view::npos;
    };
    if (!cursor.empty() && std::all_of(cursor.begin(), cursor.end(), plain)) return cursor;
  }
  return std::nullopt;
}

Reason unreadable_answer() {
  return reason_of("unreadable_answer", "a success whose body is not an answer of Klaviyo's");
}

}  // namespace tailrace::klaviyo
