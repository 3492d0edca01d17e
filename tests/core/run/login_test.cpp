// Credentials that run out while rows are sent: one renewal for all requests in flight, none lost.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "world.hpp"

namespace tailrace::testing {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

/// A token endpoint and the tool behind it: tokens run out when the test says so.
struct Guarded {
  explicit Guarded(Tool& behind) : tool(behind) {}

  Tool& tool;
  std::mutex mutex;
  int issued = 0;
  std::set<std::string> good;
  std::optional<int> uses;          // a token is good for so many requests
  std::map<std::string, int> used;
  int outages = 0;                  // answers 503 so often first
  std::optional<json> refusal;      // a 400 with this body
  bool never_good = false;
  std::string refresh_token = "r1";  // the one that is good
  bool rotates = false;
  std::vector<std::string> asked;   // forms
  int refused = 0;                  // requests to the tool
  std::vector<std::string> bases;   // of requests to the tool, where one was set

  std::string token_now() { return "token-canary-" + std::to_string(issued); }

  wire::Reply exchange(const http::Outgoing& outgoing) {
    asked.push_back(outgoing.request.body);
    wire::Reply reply;
    reply.headers = {{"content-type", "application/json"}};
    reply.status = 200;
    if (outages > 0) {
      --outages;
      reply.status = 503;
      return reply;
    }
    const bool stale = rotates && outgoing.request.body.find("refresh_token=" + refresh_token +
                                                             "&") == std::string::npos;
    if (refusal || stale) {
      reply.status = 400;
      reply.body = refusal.value_or(json{{"error", "invalid_grant"}}).dump();
      return reply;
    }
    ++issued;
    good = never_good ? std::set<std::string>{} : std::set<std::string>{token_now()};
    json body = {{"access_token", token_now()}, {"token_type", "bearer"}};
    if (rotates) {
      refresh_token = "r" + std::to_string(issued + 1);
      body["refresh_token"] = refresh_token;
    }
    body["instance_url"] = "https://eu7.example.com";
    reply.body = body.dump();
    return reply;
  }

  /// Whether the tool takes the request's token.
  bool takes(const http::Outgoing& outgoing) {
    if (outgoing.base) bases.push_back(outgoing.base->text);
    const std::string header = outgoing.credentials.at(0).value;
    const std::string token = header.substr(std::string("Bearer ").size());
    if (!good.contains(token) || (uses && ++used[token] > *uses)) {
      ++refused;
      return false;
    }
    return true;
  }
};

class TokenTransport final : public http::Transport {
 public:
  explicit TokenTransport(Guarded& world) : world_(world) {}
  void start(http::Outgoing outgoing) override { waiting_.push_back(std::move(outgoing)); }
  std::vector<http::Finished> poll(milliseconds) override {
    std::vector<http::Finished> finished;
    for (const http::Outgoing& one : waiting_) {
      http::Finished done;
      done.id = one.id;
      done.reply = world_.exchange(one);
      finished.push_back(std::move(done));
    }
    waiting_.clear();
    return finished;
  }
  void wake() noexcept override {}
  void abandon() override { waiting_.clear(); }
  std::size_t in_flight() const override { return waiting_.size(); }

 private:
  Guarded& world_;
  std::vector<http::Outgoing> waiting_;
};

/// The tool, behind its login: answers only once `together` requests are in flight, or no more
/// come.
class GuardedTransport final : public http::Transport {
 public:
  GuardedTransport(Guarded& world, std::size_t together)
      : world_(world), inner_(world.tool), together_(together) {}
  void start(http::Outgoing outgoing) override {
    ++started_;
    held_.push_back(std::move(outgoing));
  }
  std::vector<http::Finished> poll(milliseconds wait) override {
    idle_ = held_.size() == last_held_ ? idle_ + 1 : 0;
    last_held_ = held_.size();
    std::vector<http::Finished> finished;
    if (held_.size() >= together_ || (idle_ > 20 && !held_.empty())) {
      for (http::Outgoing& one : std::exchange(held_, {})) {
        if (world_.takes(one)) {
          inner_.start(std::move(one));
          continue;
        }
        http::Finished refused;
        refused.id = one.id;
        refused.sent_at = std::chrono::steady_clock::now();
        refused.reply.status = 401;
        refused.reply.body = R"({"message": "token-canary-0 has expired"})";
        refused.reply.headers = {{"content-type", "application/json"}};
        finished.push_back(std::move(refused));
      }
    }
    for (http::Finished& one : inner_.poll(std::min(wait, milliseconds(1)))) {
      finished.push_back(std::move(one));
    }
    return finished;
  }
  void wake() noexcept override {}
  void abandon() override { inner_.abandon(); }
  std::size_t in_flight() const override { return held_.size() + inner_.in_flight(); }

 private:
  Guarded& world_;
  ToolTransport inner_;
  std::size_t together_;
  std::vector<http::Outgoing> held_;
  std::size_t last_held_ = 0;
  int idle_ = 0;
  int started_ = 0;
};

class LoginRun : public ::testing::Test {
 protected:
  void SetUp() override {
    world_.transport =
        [this](const http::TransportOptions& options) -> std::unique_ptr<http::Transport> {
      if (options.base_url == "https://login.example.com") {
        return std::make_unique<TokenTransport>(guarded_);
      }
      return std::make_unique<GuardedTransport>(guarded_, together_);
    };
    ask_for("client_credentials");
    world_.changes["object"] = {{"batch_rows", 1}};
    world_.changes["connection"]["max_in_flight"] = 8;
  }

  void ask_for(const std::string& grant) {
    json oauth2 = {{"grant", grant},
                   {"token_url", "https://login.example.com/token"},
                   {"client_id", "app"},
                   {"client_auth", "form"},
                   {"client_secret", "secret-canary"}};
    if (grant == "refresh_token") oauth2["refresh_token"] = "r1";
    world_.changes["connection"]["auth"] = {{"bearer", nullptr}, {"oauth2", oauth2}};
  }

  /// Nothing that a report shows holds a secret.
  static void expect_clean(const Report& report) {
    EXPECT_EQ(report.to_json().dump().find("canary"), std::string::npos) << report.to_json().dump();
  }

  World world_;
  Guarded guarded_{world_.tool};
  std::size_t together_ = 1;
};

TEST_F(LoginRun, OneTokenServesTheWholeRun) {
  world_.fill(40);
  const Report report = world_.run().report;
  EXPECT_EQ(report.status, Status::done) << report.message;
  EXPECT_EQ(report.outcomes.accepted, 40U);
  EXPECT_EQ(guarded_.asked.size(), 1U);
  EXPECT_EQ(guarded_.asked[0],
            "grant_type=client_credentials&client_id=app&client_secret=secret-canary");
}

TEST_F(LoginRun, ARunWithNothingToSendAsksForNoToken) {
  world_.fill(3);
  ASSERT_EQ(world_.run().report.status, Status::done);
  const std::size_t asked = guarded_.asked.size();
  const Report report = world_.run().report;
  EXPECT_EQ(report.status, Status::done);
  EXPECT_EQ(report.http.requests, 0U);
  EXPECT_EQ(guarded_.asked.size(), asked);
}

TEST_F(LoginRun, EightRefusalsInFlightAreOneRenewal) {
  together_ = 8;
  world_.fill(64);
  world_.tool.fate = [this](int nth) {
    if (nth == 8) guarded_.good.clear();  // the token ends with the first eight requests
    return Fate{};
  };
  const Report report = world_.run().report;
  EXPECT_EQ(report.status, Status::done) << report.message;
  EXPECT_EQ(report.outcomes.accepted, 64U);
  EXPECT_EQ(guarded_.asked.size(), 2U);
  EXPECT_EQ(guarded_.refused, 8);
  EXPECT_EQ(report.http.requests, 72U);
  for (const auto& [id, writes] : world_.tool.writes) EXPECT_EQ(writes, 1) << id;
  EXPECT_TRUE(world_.tool_equals_model());
  expect_clean(report);
  EXPECT_EQ(world_.run().report.http.requests, 0U) << "nothing is in doubt";
}

TEST_F(LoginRun, ATokenThatIsGoodForFewRequestsIsRenewedAsOftenAsItEnds) {
  together_ = 8;
  guarded_.uses = 20;
  world_.fill(200);
  const Report report = world_.run().report;
  EXPECT_EQ(report.status, Status::done) << report.message;
  EXPECT_EQ(report.outcomes.accepted, 200U);
  EXPECT_EQ(guarded_.asked.size(), 10U) << "exactly one renewal for each end of a token";
  EXPECT_TRUE(world_.tool_equals_model());
}

TEST_F(LoginRun, ASecondRefusalWithTheFreshTokenEndsTheRun) {
  together_ = 8;
  guarded_.never_good = true;
  world_.fill(64);
  const Report report = world_.run().report;
  EXPECT_EQ(report.status, Status::config);
  EXPECT_EQ(guarded_.asked.size(), 2U);
  EXPECT_LE(guarded_.refused, 16);
  EXPECT_EQ(report.outcomes.not_attempted, 64U);
  EXPECT_EQ(report.outcomes.unknown, 0U);
  EXPECT_NE(report.message.find("credentials were refused"), std::string::npos) << report.message;
  expect_clean(report);
  guarded_.never_good = false;
  const Report next = world_.run().report;
  EXPECT_EQ(next.outcomes.accepted, 64U);
  EXPECT_EQ(next.status, Status::done);
}

TEST_F(LoginRun, OneRequestThatIsRefusedForEverEndsTheRun) {
  world_.fill(20);
  world_.tool.fate = [this](int nth) {
    const bool refused = world_.tool.requests[static_cast<std::size_t>(nth) - 1] == "DELETE k7";
    return Fate{.apply = !refused, .status = refused ? 401 : 200};
  };
  ASSERT_EQ(world_.run().report.status, Status::done);
  world_.model.erase(world_.model.begin() + 7);
  world_.model[0][1] = "b";
  world_.changes["on_removed"] = "delete";
  const std::size_t before = guarded_.asked.size();
  const Report report = world_.run().report;
  EXPECT_EQ(report.status, Status::config);
  EXPECT_LE(guarded_.asked.size() - before, 3U);
  EXPECT_EQ(report.outcomes.unknown, 0U);
}

TEST_F(LoginRun, AnEndpointThatIsAwayIsWaitedFor) {
  guarded_.outages = 1;
  world_.changes["timing"]["outage_s"] = 30.0;
  world_.fill(3);
  const Report report = world_.run().report;
  EXPECT_EQ(report.status, Status::done) << report.message;
  EXPECT_EQ(guarded_.asked.size(), 2U);
  EXPECT_EQ(report.outcomes.accepted, 3U);
}

TEST_F(LoginRun, AnEndpointThatStaysAwayLeavesTheRunUnfinished) {
  guarded_.outages = 1'000'000;
  world_.fill(5);
  const Report report = world_.run().report;
  EXPECT_EQ(report.status, Status::unfinished);
  EXPECT_EQ(report.outcomes.not_attempted, 5U);
  EXPECT_EQ(report.http.requests, 0U);
  EXPECT_NE(report.message.find("login.example.com"), std::string::npos) << report.message;
  EXPECT_LT(guarded_.asked.size(), 30U) << "with backoff";
}

TEST_F(LoginRun, AClientThatIsRefusedIsConfiguration) {
  guarded_.refusal =
      json{{"error", "invalid_client"}, {"error_description", "secret-canary is wrong"}};
  world_.fill(5);
  const Report report = world_.run().report;
  EXPECT_EQ(report.status, Status::config);
  EXPECT_EQ(guarded_.asked.size(), 1U);
  EXPECT_EQ(report.http.requests, 0U);
  EXPECT_EQ(report.outcomes.not_attempted, 5U);
  EXPECT_NE(report.message.find("invalid_client"), std::string::npos);
  EXPECT_NE(report.message.find("client_secret"), std::string::npos);
  expect_clean(report);
}

TEST_F(LoginRun, ARunIsCancelledWhileItWaitsForAToken) {
  guarded_.outages = 1'000'000;
  world_.changes["timing"]["outage_s"] = 600.0;
  world_.fill(5);
  const auto engine = world_.engine();
  RunResult result;
  std::thread runs([&] { result = engine->run(); });
  while (engine->progress().phase.load() != Phase::send) std::this_thread::yield();
  const auto before = std::chrono::steady_clock::now();
  engine->cancel();
  runs.join();
  EXPECT_EQ(result.report.status, Status::cancelled);
  EXPECT_EQ(result.report.outcomes.not_attempted, 5U);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(3));
}

TEST_F(LoginRun, AnInsertThatWasRefusedForItsTokenIsMadeOnce) {
  together_ = 4;
  world_.changes["mode"] = "insert";
  world_.changes["insert_safety"] = "park";
  world_.changes["object"]["insert"] = {{"batch_rows", 1}};
  world_.fill(16);
  world_.tool.fate = [this](int nth) {
    if (nth == 4) guarded_.good.clear();
    return Fate{};
  };
  const Report report = world_.run().report;
  EXPECT_EQ(report.status, Status::done) << report.message;
  EXPECT_EQ(report.outcomes.accepted, 16U);
  EXPECT_EQ(world_.tool.created.size(), 16U);
}

TEST_F(LoginRun, AReplacedRefreshTokenIsThereForTheNextRun) {
  ask_for("refresh_token");
  guarded_.rotates = true;
  world_.fill(3);
  EXPECT_EQ(world_.run().report.status, Status::done);
  world_.fill(3, "b");
  const Report second = world_.run().report;
  EXPECT_EQ(second.status, Status::done) << second.message;
  world_.fill(3, "c");
  EXPECT_EQ(world_.run().report.status, Status::done);
  EXPECT_EQ(guarded_.asked.size(), 3U);
  EXPECT_EQ(guarded_.refresh_token, "r4");
}

TEST_F(LoginRun, RequestsGoWhereTheTokensReplySays) {
  world_.fill(2);
  ASSERT_EQ(world_.run().report.status, Status::done);
  EXPECT_TRUE(guarded_.bases.empty()) << "not asked for";
  world_.changes["connection"]["auth"]["oauth2"]["base_url_from"] = "instance_url";
  world_.fill(2, "b");
  ASSERT_EQ(world_.run().report.status, Status::done);
  EXPECT_EQ(guarded_.bases, (std::vector<std::string>(2, "https://eu7.example.com")));
}

TEST_F(LoginRun, VerifyingRenewsAsWell) {
  world_.fill(12);
  ASSERT_EQ(world_.run().report.status, Status::done);
  guarded_.uses = 5;
  world_.changes["task"] = "verify";
  const RunResult result = world_.run();
  EXPECT_EQ(result.report.status, Status::done) << result.report.message;
  EXPECT_EQ(result.verify.at("equal"), 12) << result.verify.dump();
}

}  // namespace
}  // namespace tailrace::testing
