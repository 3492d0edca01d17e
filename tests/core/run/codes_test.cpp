// A tool whose refusals have the status 200 and say by a code what they mean: pace, tokens, quota,
// and answers that were lost. Under virtual time, by Marketo's words.
#include <gtest/gtest.h>

#include "virtual_world.hpp"

namespace tailrace {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::Answered;
using testing::VirtualWorld;
using Time = VirtualWorld::Time;

wire::Reply refusal(const char* code) {
  const json errors = {{{"code", code}, {"message", "words"}}};
  return VirtualWorld::ok(json{{"success", false}, {"errors", errors}}.dump());
}

wire::Reply created(const http::Outgoing& outgoing) {
  const json sent = json::parse(outgoing.request.body);
  json results = json::array();
  for (std::size_t i = 0; i < sent.at("input").size(); ++i) {
    results.push_back({{"id", 1000 + i}, {"status", "created"}});
  }
  return VirtualWorld::ok(json{{"success", true}, {"result", results}}.dump());
}

constexpr const char* kFields =
    R"({"success": true, "result": [{"searchableFields": [["email"]],
        "fields": [{"name": "email", "updateable": true}, {"name": "v", "updateable": true}]}]})";

/// The first request is answered as the test says, the others with success.
class Codes : public ::testing::Test {
 protected:
  explicit Codes() {
    world_.changes["memory"]["directory"] = world_.folder.string();
    world_.changes["columns"] = {{{"name", "email"}}, {{"name", "v"}}};
    world_.changes["object"] = {{"name", "leads"}};
    world_.changes["connection"]["type"] = "marketo";
    world_.changes["connection"]["api"] = "leads";
    world_.fill(1500);
  }
  RunResult run(Answered first) {
    first_ = std::move(first);
    return world_.run_through();
  }
  /// Those that write: the first run asks for the fields before.
  [[nodiscard]] std::vector<VirtualWorld::Request> writes() const {
    std::vector<VirtualWorld::Request> all = world_.requests;
    std::erase_if(all, [](const VirtualWorld::Request& one) { return one.body.empty(); });
    return all;
  }
  [[nodiscard]] std::chrono::milliseconds between(std::size_t sooner, std::size_t later) const {
    const auto all = writes();
    return std::chrono::floor<std::chrono::milliseconds>(all.at(later).at - all.at(sooner).at);
  }

  std::optional<Answered> first_;
  VirtualWorld world_{[this](const http::Outgoing& outgoing, Time) {
    if (outgoing.request.body.empty()) return Answered{20ms, VirtualWorld::ok(kFields)};
    if (first_) return *std::exchange(first_, std::nullopt);
    return Answered{20ms, created(outgoing)};
  }};
};

TEST_F(Codes, ARefusalForTheRateIsWaitedOutAndCounted) {
  world_.changes["connection"]["max_in_flight"] = 1;
  const RunResult result = run({20ms, refusal("606")});
  EXPECT_EQ(result.report.status, Status::done) << result.report.message;
  EXPECT_EQ(result.report.outcomes.accepted, 1500u);
  EXPECT_EQ(result.report.http.rate_limited, 1u);
  EXPECT_EQ(writes().size(), 6u);
  EXPECT_GE(between(0, 1), 20s);
}

TEST_F(Codes, TooManyAtOnceAreFewerThen) {
  const RunResult result = run({20ms, refusal("615")});
  EXPECT_EQ(result.report.status, Status::done) << result.report.message;
  EXPECT_EQ(result.report.http.rate_limited, 1u);
  EXPECT_EQ(result.report.outcomes.accepted, 1500u);
}

TEST_F(Codes, ASpentDayEndsTheRunWithTheTimeToComeBack) {
  const RunResult result = run({20ms, refusal("607")});
  EXPECT_EQ(result.report.status, Status::quota);
  EXPECT_TRUE(result.report.not_before_ms.has_value());
  EXPECT_EQ(result.report.outcomes.unknown, 0u);
  EXPECT_GE(result.report.outcomes.not_attempted, 300u);
}

TEST_F(Codes, ATokenThatIsRefusedWithoutARenewalEndsTheRun) {
  const RunResult result = run({20ms, refusal("602")});
  EXPECT_EQ(result.report.status, Status::config);
  EXPECT_EQ(result.report.outcomes.unknown, 0u);
}

/// Of two upserts of one new key at once Marketo makes two leads: what was not answered, or timed
/// out at Marketo, goes again only when the first must have ended.
TEST_F(Codes, ARowWhoseAnswerWasLostGoesAgainAfterAWhile) {
  world_.changes["timing"]["outage_s"] = 120;
  for (const wire::Reply& lost :
       {VirtualWorld::failed(wire::Failure::lost), refusal("604"), VirtualWorld::status(502)}) {
    world_.fill(300, lost.body + std::to_string(lost.status));
    world_.requests.clear();
    const RunResult result = run({20ms, lost});
    EXPECT_EQ(result.report.status, Status::done) << result.report.message;
    ASSERT_EQ(writes().size(), 2u);
    EXPECT_GE(between(0, 1), 30s);
    EXPECT_LT(between(0, 1), 40s);
  }
}

TEST_F(Codes, FiftyRequestsInTwentySecondsAndFiveAtOnceAreNotPassed) {
  world_.fill(120 * 300);
  const Time before = world_.now();
  const RunResult result = run({20ms, refusal("713")});
  EXPECT_EQ(result.report.status, Status::done) << result.report.message;
  const std::vector<VirtualWorld::Request>& sent = world_.requests;
  for (std::size_t i = 50; i < sent.size(); ++i) EXPECT_GE(sent[i].at - sent[i - 50].at, 20s);
  EXPECT_LE(world_.most_at_once, 5u);
  EXPECT_LT(world_.now() - before, 50s);
}

}  // namespace
}  // namespace tailrace
