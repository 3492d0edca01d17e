#include "run/ask.hpp"

#include <algorithm>
#include <thread>
#include <unordered_map>
#include <utility>

namespace tailrace {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

}  // namespace

std::string failure_of(const wire::Reply& reply) {
  if (reply.failure != wire::Failure::none) return reply.failure_text;
  return "HTTP " + std::to_string(reply.status);
}

std::string failure_to_look(const Answer& answer) {
  if (answer.status != 401) return answer.failure;
  return "the credentials were refused (" + answer.failure + "): check the connection's auth";
}

bool says_old_token(const wire::Reply& reply, const ReadStep& step) {
  return reply.failure == wire::Failure::none && (reply.status == 401 || step.reauthenticate);
}

void take_step(ReadStep& step, Answer& answer) {
  std::move(step.fields.begin(), step.fields.end(), std::back_inserter(answer.fields));
  std::move(step.records.begin(), step.records.end(), std::back_inserter(answer.records));
  std::move(step.absent.begin(), step.absent.end(), std::back_inserter(answer.absent));
  if (!step.account.empty()) answer.account = std::move(step.account);
  if (!step.learned.empty()) answer.learned = std::move(step.learned);
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
  options.dsn = connection.value("dsn", std::string());
  options.ca_file = connection.value("ca_file", std::string());
  options.proxy = connection.value("proxy", std::string());
  options.user_agent = user_agent;
  options.total_timeout =
      milliseconds(static_cast<std::int64_t>(connection.value("timeout_s", 60.0) * 1000));
  options.idle_timeout =
      milliseconds(static_cast<std::int64_t>(connection.value("idle_timeout_s", 60.0) * 1000));
  options.allow_private = connection.value("allow_private", false);
  return options;
}

namespace {

/// A question on its way: its calls that wait for credentials, and those that were sent.
class Asking {
 public:
  Asking(const Destination& destination, const ReadAsk& question, const json& connection,
         Login& login, http::Transport& transport)
      : destination_(destination),
        question_(question),
        own_(headers_of(connection)),
        login_(login),
        transport_(transport) {
    follow(destination_.read(question_), 0);
  }

  [[nodiscard]] bool over() const {
    return !answer_.failure.empty() || (ready_.empty() && sent_.empty());
  }
  [[nodiscard]] Answer take() { return std::move(answer_); }
  void fail(const std::string& why, bool configuration) {
    answer_.failure = login_.scrubber().clean(why);
    answer_.configuration = configuration;
  }

  void go_on() {
    http::Auth& auth = login_.auth();
    const auto now = std::chrono::steady_clock::now();
    auth.work(now, !ready_.empty(), milliseconds(0));
    if (auth.failure()) return fail(*auth.failure(), true);
    const milliseconds wait = auth.wait_for(now);
    if (wait == milliseconds(0)) start_all();
    const milliseconds most = ready_.empty() ? kPoll : std::min(wait, kPoll);
    for (http::Finished& finished : transport_.poll(most)) {
      if (answer_.failure.empty()) take_reply(finished);
    }
  }

 private:
  struct Waiting {
    Call call;
    int refusals = 0;
    std::uint64_t generation = 0;
  };

  void start_all() {
    for (Waiting& one : ready_) {
      http::Outgoing outgoing;
      outgoing.id = next_id_++;
      outgoing.request = one.call.request;
      one.generation = http::put_on(outgoing, login_.auth(), own_);
      outgoing.idempotent = true;
      const http::CallId id = outgoing.id;
      sent_.emplace(id, std::move(one));
      transport_.start(std::move(outgoing));
    }
    ready_.clear();
  }

  void take_reply(http::Finished& finished) {
    const auto found = sent_.find(finished.id);
    if (found == sent_.end()) return;
    Waiting one = std::move(found->second);
    sent_.erase(found);
    http::Auth& auth = login_.auth();
    ReadStep step = destination_.read(question_, &one.call, &finished.reply);
    const bool refused = says_old_token(finished.reply, step);
    const bool old_token = refused && auth.renewable() && one.refusals == 0;
    if (old_token && auth.refused(one.generation)) {
      ++one.refusals;
      ready_.push_back(std::move(one));
      return;
    }
    if (finished.reply.failure == wire::Failure::none && !refused) auth.accepted(one.generation);
    const bool nothing = step.calls.empty() && !step.stop && finished.reply.status / 100 != 2;
    if (nothing) {
      step.stop = Stop{Stop::Kind::configuration, failure_of(finished.reply), std::nullopt};
    }
    follow(std::move(step), finished.reply.status);
  }

  void follow(ReadStep step, int status) {
    take_step(step, answer_);
    if (step.stop) {
      answer_.status = status;
      answer_.no_object = step.stop->no_object;
      return fail(step.stop->message, step.stop->kind == Stop::Kind::configuration);
    }
    for (Call& call : step.calls) ready_.push_back({std::move(call), 0, 0});
  }

  const Destination& destination_;
  const ReadAsk& question_;
  std::vector<wire::Header> own_;
  Login& login_;
  http::Transport& transport_;
  Answer answer_;
  std::vector<Waiting> ready_;
  std::unordered_map<http::CallId, Waiting> sent_;
  http::CallId next_id_ = 1;
};

std::string no_answer(milliseconds limit, const std::string& trouble) {
  return "no answer within " + std::to_string(limit.count() / 1000) + " s" +
         (trouble.empty() ? "" : ": " + trouble);
}

}  // namespace

Answer ask(const Destination& destination, const ReadAsk& question, const json& connection,
           Login& login, http::Transport& transport, milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  Asking asking(destination, question, connection, login, transport);
  while (!asking.over()) {
    if (std::chrono::steady_clock::now() >= end) {
      asking.fail(no_answer(limit, login.auth().trouble()), false);
      break;
    }
    asking.go_on();
  }
  transport.abandon();
  login.auth().finish(kTokenPatience);
  return asking.take();
}

Answer try_login(Login& login, milliseconds limit) {
  http::Auth& auth = login.auth();
  Answer answer;
  const auto end = std::chrono::steady_clock::now() + limit;
  for (auto now = std::chrono::steady_clock::now();; now = std::chrono::steady_clock::now()) {
    auth.work(now, true, kPoll);
    const milliseconds wait = auth.wait_for(now);
    if (wait == milliseconds(0)) break;
    answer.configuration = auth.failure().has_value();
    if (answer.configuration) answer.failure = login.scrubber().clean(*auth.failure());
    if (!answer.configuration && now >= end) {
      answer.failure = login.scrubber().clean(no_answer(limit, auth.trouble()));
    }
    if (!answer.failure.empty()) break;
    std::this_thread::sleep_for(std::min(wait, milliseconds(5)));
  }
  auth.finish(kTokenPatience);
  return answer;
}

std::vector<std::string> secrets_of(const json& connection) {
  std::vector<std::string> secrets = http::secrets_of(connection.value("auth", json::object()));
  for (wire::Header& header : headers_of(connection)) secrets.push_back(std::move(header.value));
  const std::string proxy = connection.value("proxy", std::string());
  if (!proxy.empty()) secrets.push_back(proxy);
  return secrets;
}

json to_json(const Answer& answer) {
  json fields = json::array();
  for (const FieldFact& field : answer.fields) {
    fields.push_back({{"name", field.name},
                      {"type", field.type},
                      {"options", field.options},
                      {"takes", to_text(field.takes)},
                      {"max_length", field.max_length ? json(*field.max_length) : json(nullptr)},
                      {"writable", field.writable},
                      {"required", field.required},
                      {"unique", field.unique}});
  }
  return {{"account", answer.account},
          {"fields", std::move(fields)},
          {"failure", answer.failure.empty() ? json(nullptr) : json(answer.failure)},
          {"configuration", answer.configuration},
          {"no_object", answer.no_object}};
}

}  // namespace tailrace
