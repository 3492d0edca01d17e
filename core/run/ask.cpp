#include "run/ask.hpp"

#include <deque>
#include <unordered_map>
#include <utility>

#include "http/auth.hpp"
#include "http/scrub.hpp"

namespace tailrace {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

std::string why(const wire::Reply& reply) {
  if (reply.failure != wire::Failure::none) return reply.failure_text;
  return "HTTP " + std::to_string(reply.status);
}

}  // namespace

void take_step(ReadStep& step, Answer& answer) {
  std::move(step.fields.begin(), step.fields.end(), std::back_inserter(answer.fields));
  std::move(step.records.begin(), step.records.end(), std::back_inserter(answer.records));
  std::move(step.absent.begin(), step.absent.end(), std::back_inserter(answer.absent));
  if (!step.account.empty()) answer.account = std::move(step.account);
  if (step.calls_left) answer.calls_left = step.calls_left;
}

std::vector<wire::Header> headers_of(const json& connection) {
  std::vector<wire::Header> headers;
  const auto found = connection.find("headers");
  if (found == connection.end() || !found->is_object()) return headers;
  for (const auto& [name, value] : found->items()) {
    headers.push_back({name, value.get<std::string>()});
  }
  return headers;
}

http::TransportOptions transport_options(const json& connection, const std::string& user_agent) {
  http::TransportOptions options;
  options.base_url = connection.value("base_url", std::string());
  options.ca_file = connection.value("ca_file", std::string());
  options.proxy = connection.value("proxy", std::string());
  options.user_agent = user_agent;
  options.total_timeout =
      milliseconds(static_cast<std::int64_t>(connection.value("timeout_s", 60.0) * 1000));
  options.allow_private = connection.value("allow_private", false);
  return options;
}

Answer ask(const Destination& destination, const ReadAsk& question, const json& connection,
           http::Transport& transport, milliseconds limit) {
  const json login = connection.value("auth", json::object());
  const auto auth = http::make_auth(login);
  const http::Scrubber scrubber(http::secrets_of(login));
  const std::vector<wire::Header> own = headers_of(connection);
  const auto end = std::chrono::steady_clock::now() + limit;
  Answer answer;
  std::unordered_map<http::CallId, Call> waiting;
  http::CallId next_id = 1;
  const auto follow = [&](ReadStep step) {
    take_step(step, answer);
    if (step.stop) {
      answer.failure = scrubber.clean(step.stop->message);
      answer.configuration = step.stop->kind == Stop::Kind::configuration;
      return;
    }
    for (Call& call : step.calls) {
      http::Outgoing outgoing;
      outgoing.id = next_id++;
      outgoing.request = call.request;
      outgoing.credentials = auth->headers();
      outgoing.credentials.insert(outgoing.credentials.end(), own.begin(), own.end());
      outgoing.idempotent = true;
      waiting.emplace(outgoing.id, std::move(call));
      transport.start(std::move(outgoing));
    }
  };
  follow(destination.read(question));
  while (!waiting.empty() && answer.failure.empty()) {
    if (std::chrono::steady_clock::now() >= end) {
      answer.failure = "no answer within " + std::to_string(limit.count() / 1000) + " s";
      break;
    }
    for (http::Finished& finished : transport.poll(milliseconds(100))) {
      const Call call = std::move(waiting.at(finished.id));
      waiting.erase(finished.id);
      ReadStep step = destination.read(question, &call, &finished.reply);
      const bool nothing = step.calls.empty() && !step.stop && finished.reply.status / 100 != 2;
      if (nothing) step.stop = Stop{Stop::Kind::configuration, why(finished.reply), std::nullopt};
      follow(std::move(step));
    }
  }
  transport.abandon();
  return answer;
}

json to_json(const Answer& answer) {
  json fields = json::array();
  for (const FieldFact& field : answer.fields) {
    fields.push_back({{"name", field.name},
                      {"type", field.type},
                      {"options", field.options},
                      {"max_length", field.max_length ? json(*field.max_length) : json(nullptr)},
                      {"writable", field.writable},
                      {"required", field.required},
                      {"unique", field.unique}});
  }
  return {{"account", answer.account},
          {"fields", std::move(fields)},
          {"failure", answer.failure.empty() ? json(nullptr) : json(answer.failure)},
          {"configuration", answer.configuration}};
}

}  // namespace tailrace
