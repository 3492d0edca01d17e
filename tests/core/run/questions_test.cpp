// Questions to a destination: within the limits, with a login that may have to be renewed, tried
// again where that may help, and ended by a cancel. Time is virtual: it passes where one waits.

#include "run/questions.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "state/errors.hpp"

namespace tailrace::testing {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

wire::Reply answered(int status, const std::string& body = {}) {
  wire::Reply reply;
  reply.status = status;
  reply.body = body;
  return reply;
}

wire::Reply failed(wire::Failure failure, const std::string& text) {
  wire::Reply reply;
  reply.failure = failure;
  reply.failure_text = text;
  return reply;
}

class StillClock final : public Clock {
 public:
  [[nodiscard]] Time now() const override { return at; }
  [[nodiscard]] std::chrono::system_clock::time_point wall() const override { return {}; }
  Time at{std::chrono::hours(1)};
};

/// Answers each request with the next line of a script, the last one for good. Where there is none
/// it says nothing, and time passes.
class ScriptedTransport final : public http::Transport {
 public:
  explicit ScriptedTransport(StillClock& clock) : clock_(clock) {}

  std::vector<wire::Reply> script;
  std::vector<http::Outgoing> started;
  std::vector<Clock::Time> starts;
  std::function<void()> on_wait = [] {};
  std::function<void()> on_start = [] {};
  bool stray_answers = false;  // one of a request that nobody waits for comes before each
  int abandoned = 0;

  void start(http::Outgoing outgoing) override {
    if (!script.empty()) {
      http::Finished finished;
      finished.id = outgoing.id;
      finished.reply = script[std::min(started.size(), script.size() - 1)];
      if (stray_answers) {
        http::Finished stray;
        stray.id = outgoing.id + 1000;
        stray.reply = answered(500);
        finished_.push_back(std::move(stray));
      }
      finished_.push_back(std::move(finished));
    }
    started.push_back(std::move(outgoing));
    starts.push_back(clock_.at);
    on_start();
  }
  std::vector<http::Finished> poll(milliseconds wait) override {
    if (!finished_.empty()) return std::exchange(finished_, {});
    clock_.at += wait;
    on_wait();
    return {};
  }
  void wake() noexcept override {}
  void abandon() override { ++abandoned; }
  [[nodiscard]] std::size_t in_flight() const override { return finished_.size(); }

 private:
  StillClock& clock_;
  std::vector<http::Finished> finished_;
};

/// Answers questions alone: a test says what each step is.
class AskedDestination final : public Destination {
 public:
  std::function<ReadStep(const Call*, const wire::Reply*)> step;

  [[nodiscard]] const Capabilities& capabilities() const override { return can_; }
  [[nodiscard]] bool identity_into(std::string_view, std::string&) const override { return false; }
  [[nodiscard]] std::size_t row_bytes(const BatchRow&) const override { return 0; }
  [[nodiscard]] Step begin(const Batch&) const override { return {}; }
  [[nodiscard]] Step reply(const Batch&, const Memo&, const Call&,
                           const wire::Reply&) const override {
    return {};
  }
  [[nodiscard]] ReadStep read(const ReadAsk&, const Call* call,
                              const wire::Reply* reply) const override {
    return step(call, reply);
  }

 private:
  Capabilities can_;
};

Call call_of(const std::string& path) {
  Call call;
  call.request.method = wire::Method::get;
  call.request.path = path;
  call.effect = Effect::none;
  return call;
}

/// One call, and what its answer of 2xx says.
ReadStep one_call(const Call* call, const wire::Reply* reply) {
  ReadStep step;
  if (call == nullptr) {
    step.calls = {call_of("/rows")};
  } else if (reply->status / 100 == 2) {
    step.records = {{reply->body, "id", {}}};
  }
  return step;
}

class Asked : public ::testing::Test {
 protected:
  Asked() { destination_.step = one_call; }

  Answer ask() {
    Login::Parts parts;
    parts.clock = clock_;
    parts.transport = [this](const http::TransportOptions&) {
      auto transport = std::make_unique<ScriptedTransport>(*clock_);
      transport->script = {token_};
      return transport;
    };
    Login login(connection_, "test", std::move(parts));
    AccountBudget account("crm", rates_, draw_);
    Questions questions({destination_, login, transport_, *clock_, account, cancelled_, counts_},
                        connection_, rates_);
    const ReadAsk question{ReadAsk::Kind::by_match, {"a"}};
    Answer answer = questions.ask(question);
    for (int i = 1; i < times_; ++i) answer = questions.ask(question);
    return answer;
  }

  void use_tokens(const wire::Reply& token) {
    token_ = token;
    connection_["auth"] = {{"oauth2",
                            {{"grant", "client_credentials"},
                             {"token_url", "https://login.example.com/token"},
                             {"client_id", "client"},
                             {"client_secret", "secret-canary"}}}};
  }

  [[nodiscard]] milliseconds passed() const {
    return std::chrono::duration_cast<milliseconds>(clock_->at - begin_);
  }
  [[nodiscard]] milliseconds between(std::size_t first, std::size_t second) const {
    return std::chrono::duration_cast<milliseconds>(transport_.starts.at(second) -
                                                    transport_.starts.at(first));
  }

  std::shared_ptr<StillClock> clock_ = std::make_shared<StillClock>();
  const Clock::Time begin_ = clock_->at;
  ScriptedTransport transport_{*clock_};
  AskedDestination destination_;
  json connection_ = {{"auth", {{"bearer", "t0ken-canary"}}}};
  std::vector<wire::RateRule> rates_;
  AccountBudget::Draw draw_ = [](const RateAsk&) { return RateGrant{1, 0}; };
  wire::Reply token_;
  std::atomic<bool> cancelled_{false};
  HttpCounts counts_;
  int times_ = 1;
};

TEST_F(Asked, AnAnswerIsTaken) {
  connection_["headers"] = {{"X-Team", "crm"}};
  transport_.script = {answered(200, "a")};
  const Answer answer = ask();
  EXPECT_EQ(answer.failure, "");
  ASSERT_EQ(answer.records.size(), 1U);
  EXPECT_EQ(answer.records[0].match, "a");
  ASSERT_EQ(transport_.started.size(), 1U);
  const http::Outgoing& sent = transport_.started[0];
  EXPECT_TRUE(sent.idempotent);
  ASSERT_EQ(sent.credentials.size(), 2U);
  EXPECT_EQ(sent.credentials[0].value, "Bearer t0ken-canary");
  EXPECT_EQ(sent.credentials[1].name, "X-Team");
  EXPECT_EQ(counts_.requests, 1U);
  EXPECT_EQ(counts_.retries, 0U);
}

TEST_F(Asked, AQuestionWithoutACallIsAnsweredAtOnce) {
  destination_.step = [](const Call*, const wire::Reply*) {
    ReadStep step;
    step.absent = {"a"};
    return step;
  };
  EXPECT_EQ(ask().absent, (std::vector<std::string>{"a"}));
  EXPECT_EQ(counts_.requests, 0U);
}

TEST_F(Asked, EachStepsCallsAreMadeInTheirOrder) {
  transport_.script = {answered(200)};
  destination_.step = [](const Call* call, const wire::Reply*) {
    ReadStep step;
    if (call == nullptr) step.calls = {call_of("/1"), call_of("/2")};
    if (call != nullptr && call->request.path == "/1") step.calls = {call_of("/1/next")};
    if (call != nullptr) step.fields.emplace_back().name = call->request.path;
    return step;
  };
  const Answer answer = ask();
  EXPECT_EQ(answer.failure, "");
  std::vector<std::string> asked;
  for (const FieldFact& field : answer.fields) asked.push_back(field.name);
  EXPECT_EQ(asked, (std::vector<std::string>{"/1", "/2", "/1/next"}));
}

TEST_F(Asked, AnswersOfOtherRequestsAreLeftAlone) {
  transport_.script = {answered(200, "a")};
  transport_.stray_answers = true;
  EXPECT_EQ(ask().records.size(), 1U);
  EXPECT_EQ(counts_.requests, 1U);
}

TEST_F(Asked, WhatMayPassIsTriedAgain) {
  transport_.script = {answered(429), answered(503), failed(wire::Failure::lost, "reset"),
                       failed(wire::Failure::not_sent, "refused"), answered(200, "a")};
  const Answer answer = ask();
  EXPECT_EQ(answer.failure, "");
  EXPECT_EQ(answer.records.size(), 1U);
  EXPECT_EQ(counts_.requests, 5U);
  EXPECT_EQ(counts_.retries, 4U);
  EXPECT_EQ(counts_.rate_limited, 1U);
  EXPECT_GE(between(0, 1), seconds(1));
  EXPECT_GE(between(3, 4), seconds(8)) << "longer each time";
}

TEST_F(Asked, AfterFiveTriesItIsGivenUp) {
  transport_.script = {answered(503)};
  EXPECT_EQ(ask().failure, "HTTP 503");
  EXPECT_EQ(counts_.requests, 5U);
  transport_.script = {failed(wire::Failure::lost, "the connection broke")};
  const Answer answer = ask();
  EXPECT_EQ(answer.failure, "the connection broke");
  EXPECT_FALSE(answer.configuration);
  EXPECT_FALSE(answer.spent);
  EXPECT_EQ(counts_.requests, 10U);
}

TEST_F(Asked, ATimeThatTheToolNamesIsWaited) {
  wire::Reply later = answered(429);
  later.retry_after = seconds(90);
  transport_.script = {later, answered(200, "a")};
  EXPECT_EQ(ask().records.size(), 1U);
  EXPECT_GE(between(0, 1), seconds(90));
  EXPECT_LT(between(0, 1), seconds(91));
}

TEST_F(Asked, ATimeFarAwayIsNotWaited) {
  wire::Reply tomorrow = answered(429);
  tomorrow.retry_after = std::chrono::hours(20);
  transport_.script = {tomorrow};
  const Answer answer = ask();
  EXPECT_EQ(answer.failure, "HTTP 429");
  EXPECT_TRUE(answer.spent);
  EXPECT_EQ(answer.again_after, std::chrono::hours(20));
  EXPECT_EQ(counts_.requests, 1U);
  EXPECT_EQ(passed(), milliseconds(0));
}

TEST_F(Asked, ALimitThatIsSpentForLongIsNotWaitedForEither) {
  rates_ = {{0, 1, wire::kDay, "daily"}};
  transport_.script = {answered(200, "a")};
  times_ = 2;
  const Answer answer = ask();
  EXPECT_NE(answer.failure.find("are spent"), std::string::npos) << answer.failure;
  EXPECT_TRUE(answer.spent);
  EXPECT_GT(answer.again_after, std::chrono::hours(23));
  EXPECT_EQ(counts_.requests, 1U);
  EXPECT_LT(passed(), seconds(1));
}

TEST_F(Asked, AnAnswerWhoseStatusSaysNothingIsReadForWhatItMeans) {
  destination_.step = [](const Call* call, const wire::Reply* reply) {
    ReadStep step = one_call(call, reply);
    if (call == nullptr || reply->body == "a") return step;
    step.records.clear();
    if (reply->body == "old token") {
      step.reauthenticate = true;
    } else {
      step.again_after = seconds(20);
    }
    step.stop = Stop{Stop::Kind::quota, reply->body, std::nullopt};
    return step;
  };
  use_tokens(answered(200, R"({"access_token": "t1", "token_type": "bearer"})"));
  transport_.script = {answered(200, "old token"), answered(200, "too fast"), answered(200, "a")};
  const Answer answer = ask();
  EXPECT_EQ(answer.failure, "");
  EXPECT_EQ(answer.records.size(), 1U);
  EXPECT_EQ(counts_.requests, 3U);
  EXPECT_GE(between(1, 2), seconds(20));
  transport_.script = {answered(200, "too fast")};
  transport_.started.clear();
  transport_.starts.clear();
  EXPECT_EQ(ask().failure, "too fast");
  EXPECT_EQ(transport_.started.size(), 5U);
}

TEST_F(Asked, WhatNoOtherTryCanChangeIsSaidAtOnce) {
  transport_.script = {failed(wire::Failure::untrusted, "certificate of t0ken-canary refused")};
  const Answer answer = ask();
  EXPECT_EQ(counts_.requests, 1U);
  EXPECT_NE(answer.failure.find("refused"), std::string::npos);
  EXPECT_EQ(answer.failure.find("canary"), std::string::npos) << "credentials are not told";
}

TEST_F(Asked, ARefusalThatTheDestinationSaysNothingOfIsConfiguration) {
  transport_.script = {answered(404)};
  const Answer answer = ask();
  EXPECT_EQ(answer.failure, "HTTP 404");
  EXPECT_TRUE(answer.configuration);
  EXPECT_EQ(counts_.requests, 1U);
}

TEST_F(Asked, ARefusalThatIsAnAnswerIsNone) {
  transport_.script = {answered(404)};
  destination_.step = [](const Call* call, const wire::Reply*) {
    ReadStep step;
    if (call == nullptr) {
      step.calls = {call_of("/rows/a")};
    } else {
      step.absent = {"a"};
    }
    return step;
  };
  const Answer answer = ask();
  EXPECT_EQ(answer.failure, "");
  EXPECT_EQ(answer.absent.size(), 1U);
}

TEST_F(Asked, AStopEndsItWithWhatIsLeftUnasked) {
  for (const Stop::Kind kind : {Stop::Kind::configuration, Stop::Kind::quota}) {
    counts_ = {};
    transport_.script = {answered(200)};
    destination_.step = [kind](const Call* call, const wire::Reply*) {
      ReadStep step;
      if (call == nullptr) step.calls = {call_of("/1"), call_of("/2")};
      if (call != nullptr) step.stop = Stop{kind, "no scope for t0ken-canary", std::nullopt};
      return step;
    };
    const Answer answer = ask();
    EXPECT_TRUE(answer.failure.starts_with("no scope for ")) << answer.failure;
    EXPECT_EQ(answer.failure.find("canary"), std::string::npos);
    EXPECT_EQ(answer.configuration, kind == Stop::Kind::configuration);
    EXPECT_EQ(counts_.requests, 1U);
  }
}

// -- limits
// ----------------------------------------------------------------------------------------

TEST_F(Asked, TheConnectionsLimitIsKept) {
  rates_ = {{0, 2, seconds(10), "ten_secondly"}};
  transport_.script = {answered(200, "a")};
  times_ = 5;
  EXPECT_EQ(ask().failure, "");
  ASSERT_EQ(transport_.starts.size(), 5U);
  for (std::size_t i = 2; i < 5; ++i) EXPECT_GE(between(i - 2, i), seconds(10)) << i;
  EXPECT_LT(passed(), seconds(25)) << "and all of it is used";
}

TEST_F(Asked, TheLimitOfAllWhoUseTheAccountIsKept) {
  rates_ = {{0, 1000, seconds(10), "ten_secondly"}};
  int asked = 0;
  draw_ = [&](const RateAsk&) { return ++asked < 4 ? RateGrant{0, 700} : RateGrant{5, 0}; };
  transport_.script = {answered(200, "a")};
  EXPECT_EQ(ask().failure, "");
  EXPECT_EQ(asked, 4);
  EXPECT_GE(passed(), milliseconds(2100));
}

TEST_F(Asked, WhileTheStoreIsAwayNothingStarts) {
  rates_ = {{0, 1000, seconds(10), "ten_secondly"}};
  int asked = 0;
  draw_ = [&](const RateAsk&) -> RateGrant {
    if (++asked < 3) throw StoreUnavailable("away");
    return {5, 0};
  };
  transport_.script = {answered(200, "a")};
  EXPECT_EQ(ask().failure, "");
  EXPECT_GE(passed(), 2 * kStoreRetry);
}

// -- a cancel
// --------------------------------------------------------------------------------------

TEST_F(Asked, ACancelEndsTheWaitForAnAnswer) {
  transport_.on_wait = [this] { cancelled_ = passed() > seconds(3); };
  const Answer answer = ask();
  EXPECT_EQ(answer.failure, "cancelled");
  EXPECT_EQ(transport_.abandoned, 1);
  EXPECT_LT(passed(), seconds(4));
}

TEST_F(Asked, ACancelEndsTheWaitForAnotherTry) {
  wire::Reply later = answered(429);
  later.retry_after = seconds(200);
  transport_.script = {later};
  transport_.on_wait = [this] { cancelled_ = passed() > seconds(3); };
  EXPECT_EQ(ask().failure, "cancelled");
  EXPECT_EQ(counts_.requests, 1U);
  EXPECT_LT(passed(), seconds(4));
}

TEST_F(Asked, ACancelEndsTheWaitForATurn) {
  rates_ = {{0, 1, seconds(100), "slow"}};
  transport_.script = {answered(200, "a")};
  times_ = 2;
  transport_.on_wait = [this] { cancelled_ = passed() > seconds(3); };
  EXPECT_EQ(ask().failure, "cancelled");
  EXPECT_EQ(counts_.requests, 1U);
  EXPECT_LT(passed(), seconds(4));
}

TEST_F(Asked, ACancelEndsTheWaitForALogin) {
  use_tokens(answered(503));
  transport_.on_wait = [this] { cancelled_ = passed() > seconds(3); };
  EXPECT_EQ(ask().failure, "cancelled");
  EXPECT_EQ(counts_.requests, 0U);
  EXPECT_LT(passed(), seconds(4));
}

// -- a login that asks for tokens
// ------------------------------------------------------------------

const char* const kToken = R"({"access_token": "fresh-canary", "token_type": "bearer"})";

TEST_F(Asked, ATokenIsAskedForFirst) {
  use_tokens(answered(200, kToken));
  transport_.script = {answered(200, "a")};
  EXPECT_EQ(ask().failure, "");
  ASSERT_EQ(transport_.started.size(), 1U);
  EXPECT_EQ(transport_.started[0].credentials.at(0).value, "Bearer fresh-canary");
}

TEST_F(Asked, ATokenThatIsRefusedIsRenewedOnce) {
  use_tokens(answered(200, kToken));
  transport_.script = {answered(401), answered(200, "a")};
  EXPECT_EQ(ask().records.size(), 1U);
  EXPECT_EQ(counts_.requests, 2U);
}

TEST_F(Asked, ATokenThatIsNeverGoodIsConfiguration) {
  use_tokens(answered(200, kToken));
  transport_.script = {answered(401)};
  const Answer answer = ask();
  EXPECT_EQ(answer.failure, "HTTP 401");
  EXPECT_TRUE(answer.configuration);
  EXPECT_EQ(counts_.requests, 2U);
}

TEST_F(Asked, ARefusalOfCredentialsThatStayIsNotTriedAgain) {
  transport_.script = {answered(401)};
  const Answer answer = ask();
  EXPECT_EQ(answer.failure, "HTTP 401");
  EXPECT_TRUE(answer.configuration);
  EXPECT_EQ(counts_.requests, 1U);
}

TEST_F(Asked, ALoginThatIsRefusedIsSaidAtOnce) {
  use_tokens(answered(400, R"({"error": "invalid_client"})"));
  const Answer answer = ask();
  EXPECT_NE(answer.failure.find("client_id"), std::string::npos) << answer.failure;
  EXPECT_EQ(counts_.requests, 0U);
  EXPECT_LT(passed(), seconds(1));
}

TEST_F(Asked, ALoginThatIsAwayIsWaitedForButNotForEver) {
  use_tokens(answered(503));
  const Answer answer = ask();
  EXPECT_NE(answer.failure.find("503"), std::string::npos) << answer.failure;
  EXPECT_EQ(counts_.requests, 0U);
  EXPECT_GE(passed(), seconds(120));
}

}  // namespace
}  // namespace tailrace::testing
