#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http/auth.hpp"
#include "http/scrub.hpp"
#include "http/token_vault.hpp"

namespace tailrace::http::testing {

using Time = Auth::Time;
using std::chrono::milliseconds;

/// What a token endpoint saw and says: answers are given when the test lets them through.
struct Endpoint {
  std::vector<Outgoing> requests;
  std::vector<TransportOptions> options;
  std::deque<wire::Reply> answers;  // one for each request, in order; none: it hangs
  std::size_t in_flight = 0;

  void say(int status, const nlohmann::json& body) {
    wire::Reply reply;
    reply.status = status;
    reply.body = body.dump();
    reply.headers = {{"content-type", "application/json"}};
    answers.push_back(std::move(reply));
  }
  void fail(wire::Failure failure) {
    wire::Reply reply;
    reply.failure = failure;
    reply.failure_text = "connection refused";
    answers.push_back(std::move(reply));
  }
};

class EndpointTransport final : public Transport {
 public:
  explicit EndpointTransport(Endpoint& endpoint) : endpoint_(endpoint) {}
  void start(Outgoing outgoing) override {
    endpoint_.requests.push_back(std::move(outgoing));
    ++endpoint_.in_flight;
  }
  std::vector<Finished> poll(milliseconds) override {
    if (endpoint_.in_flight == 0 || endpoint_.answers.empty()) return {};
    Finished finished;
    finished.id = endpoint_.requests.back().id;
    finished.reply = std::move(endpoint_.answers.front());
    endpoint_.answers.pop_front();
    --endpoint_.in_flight;
    return {finished};
  }
  void wake() noexcept override {}
  void abandon() override { endpoint_.in_flight = 0; }
  std::size_t in_flight() const override { return endpoint_.in_flight; }

 private:
  Endpoint& endpoint_;
};

/// A vault that a test looks into: what happened, in order.
struct Vault final : TokenVault {
  std::map<std::string, std::string> kept;
  std::vector<std::string> events;
  bool held_by_another = false;
  bool away = false;
  std::int64_t number = 0;

  Lease take(const std::string& login, milliseconds) override {
    events.push_back("take");
    if (held_by_another || away) return {false, milliseconds(100), 0, {}};
    return {true, milliseconds(0), ++number, kept[login]};
  }
  bool keep(const std::string& login, std::int64_t at, const std::string& sealed) override {
    events.push_back("keep");
    if (away) return false;
    if (at == number) kept[login] = sealed;
    return true;
  }
  void give_back(const std::string&, std::int64_t) override { events.push_back("give back"); }
};

/// A login under a clock of its own.
class TokenWorld {
 public:
  Endpoint endpoint;
  Vault vault;
  Scrubber scrubber{{}};
  Time now{std::chrono::hours(1000)};
  std::chrono::system_clock::time_point wall{std::chrono::seconds(1'790'000'000)};

  std::unique_ptr<Auth> login(const nlohmann::json& oauth2, bool with_vault = true) {
    AuthWorld world;
    world.options.ca_file = "/ca.pem";
    world.options.total_timeout = milliseconds(60'000);
    world.transport = [this](const TransportOptions& options) {
      endpoint.options.push_back(options);
      return std::make_unique<EndpointTransport>(endpoint);
    };
    world.wall = [this] { return wall; };
    world.now = [this] { return now; };
    world.scrubber = &scrubber;
    if (with_vault) world.vault = &vault;
    return make_auth({{"oauth2", oauth2}}, world);
  }

  /// Works until nothing more happens at this moment.
  void work(Auth& auth, bool wanted = true) {
    for (int i = 0; i < 4; ++i) auth.work(now, wanted, milliseconds(0));
  }
  [[nodiscard]] bool ready(const Auth& auth) const { return auth.wait_for(now) == milliseconds(0); }
  void pass(milliseconds time) {
    now += time;
    wall += time;
  }
};

}  // namespace tailrace::http::testing
