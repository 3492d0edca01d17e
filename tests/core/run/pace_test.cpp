// How fast a run goes, where it waits, and how often it asks: under virtual time.
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <deque>
#include <random>

#include "virtual_world.hpp"

namespace tailrace {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using std::chrono::milliseconds;
using testing::Answered;
using testing::VirtualWorld;
using Time = VirtualWorld::Time;

/// The results that the sync's object declares need no body: any 200 accepts all rows.
void let_any_success_accept(VirtualWorld& world, int batch_rows) {
  world.changes["object"]["results"] = nullptr;
  world.changes["object"]["batch_rows"] = batch_rows;
  world.changes["memory"]["directory"] = world.folder.string();
}

double seconds_between(Time from, Time to) {
  return std::chrono::duration<double>(to - from).count();
}

// --- Retry-After

/// A value of the header, and the wait that it asks for.
struct Form {
  std::vector<std::string> values;
  milliseconds wait;
};

std::string http_date(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  const std::size_t size = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text, size};
}

/// By now's wall clock: dates have no fractions of a second, so the wait is up to a second less.
Form form_of(std::mt19937& random, std::chrono::system_clock::time_point wall) {
  const auto up_to = [&](int most) {
    return static_cast<int>(random() % static_cast<unsigned>(most + 1));
  };
  const int seconds = up_to(30);
  const auto dated = std::chrono::floor<std::chrono::seconds>(wall) + std::chrono::seconds(seconds);
  const milliseconds to_date = std::max(0ms, std::chrono::ceil<milliseconds>(dated - wall));
  switch (up_to(5)) {
    case 0: return {{std::to_string(seconds)}, std::chrono::seconds(seconds)};
    case 1: return {{http_date(dated)}, to_date};
    case 2: return {{http_date(wall - 1h)}, 0ms};
    case 3: return {{"soon", "-5", "", "12 monkeys"}, 0ms};
    case 4:
      return {{std::to_string(seconds), std::to_string(seconds / 2)},
              std::chrono::seconds(seconds)};
    default: return {{"garbage", http_date(dated)}, to_date};
  }
}

TEST(Pace, NoRetryAfterIsBrokenInTenThousandAnswers) {
  struct Hold {
    Time from;  // when the answer is there
    Time until;
  };
  std::mt19937 random(7);
  std::size_t refusals = 0;
  std::size_t early = 0;
  for (int round = 0; refusals < 10'000; ++round) {
    ASSERT_LT(round, 100);
    std::deque<Hold> holds;
    VirtualWorld* asked = nullptr;
    VirtualWorld world([&](const http::Outgoing&, Time now) {
      for (const Hold& hold : holds) early += hold.from <= now && now < hold.until;
      Answered answered{milliseconds(1 + random() % 40), VirtualWorld::ok("{}")};
      if (random() % 2 == 0) return answered;
      const Time there = now + answered.after;
      answered.reply = VirtualWorld::status(429);
      const Form form = form_of(random, asked->wall() + answered.after);
      for (const std::string& value : form.values) {
        answered.reply.headers.push_back({"retry-after", value});
      }
      holds.push_back({there, there + form.wait});
      if (holds.size() > 64) holds.pop_front();
      ++refusals;
      return answered;
    });
    asked = &world;
    let_any_success_accept(world, 1);
    world.fill(400);
    const RunResult result = world.run_through();
    EXPECT_GT(result.report.outcomes.accepted, 300u) << result.report.message;
    EXPECT_EQ(result.report.outcomes.unknown, 0u);
  }
  EXPECT_EQ(early, 0u) << "of " << refusals << " refusals";
}

// --- speed

/// Seconds that a run of `rows` takes against a tool that answers each request in 20 ms.
double seconds_at_20_ms(int rows, int batch_rows) {
  VirtualWorld world(
      [](const http::Outgoing&, Time) { return Answered{20ms, VirtualWorld::ok("{}")}; });
  let_any_success_accept(world, batch_rows);
  world.fill(rows);
  const Time before = world.now();
  const RunResult result = world.run_through();
  EXPECT_EQ(result.report.status, Status::done) << result.report.message;
  EXPECT_EQ(result.report.http.requests, static_cast<std::uint64_t>((rows - 1) / batch_rows + 1));
  return seconds_between(before, world.now());
}

TEST(Pace, TwentyMillisecondsAwayIsNoReasonToBeSlow) {
  EXPECT_GE(10'000 / seconds_at_20_ms(10'000, 1), 1'500);
  EXPECT_GE(200'000 / seconds_at_20_ms(200'000, 100), 60'000);
}

TEST(Pace, KeepsToTheConnectionsOwnNumberOfRequestsAtOnce) {
  for (const int bound : {1, 3, 100}) {
    VirtualWorld world(
        [](const http::Outgoing&, Time) { return Answered{20ms, VirtualWorld::ok("{}")}; });
    let_any_success_accept(world, 1);
    world.changes["connection"]["max_in_flight"] = bound;
    world.fill(3'000);
    EXPECT_EQ(world.run_through().report.status, Status::done);
    EXPECT_EQ(world.most_at_once, static_cast<std::size_t>(bound));
  }
}

TEST(Pace, ALimitOfRequestsAtOnceIsKept) {
  VirtualWorld world(
      [](const http::Outgoing&, Time) { return Answered{20ms, VirtualWorld::ok("{}")}; });
  let_any_success_accept(world, 1);
  world.changes["connection"]["limits"] = json::array({{{"concurrent", 5}}});
  world.fill(500);
  EXPECT_EQ(world.run_through().report.status, Status::done);
  EXPECT_EQ(world.most_at_once, 5u);
}

TEST(Pace, AToolThatTakesFewAtOnceRefusesFewRequests) {
  std::deque<Time> ends;
  VirtualWorld world([&](const http::Outgoing&, Time now) {
    while (!ends.empty() && ends.front() <= now) ends.pop_front();
    if (ends.size() >= 10) return Answered{5ms, VirtualWorld::status(429)};
    ends.push_back(now + 20ms);
    return Answered{20ms, VirtualWorld::ok("{}")};
  });
  let_any_success_accept(world, 1);
  world.fill(20'000);
  const RunResult result = world.run_through();
  EXPECT_EQ(result.report.status, Status::done) << result.report.message;
  EXPECT_LE(result.report.http.rate_limited, 200u);
}

// --- the vendor's limit

/// Counts as a vendor does, in one of three ways.
class ToolLimit {
 public:
  enum class Form { fixed, sliding, leaky };
  ToolLimit(Form form, double requests, milliseconds window)
      : form_(form), requests_(requests), window_(window) {}

  bool take(Time now) {
    switch (form_) {
      case Form::fixed: {
        const auto number = now.time_since_epoch() / window_;
        if (number != number_) used_ = 0;
        number_ = number;
        break;
      }
      case Form::sliding:
        while (!taken_.empty() && taken_.front() <= now - window_) taken_.pop_front();
        used_ = static_cast<double>(taken_.size());
        break;
      case Form::leaky:
        used_ =
            std::max(0.0, used_ - std::chrono::duration<double>(now - at_) / window_ * requests_);
        at_ = now;
        break;
    }
    if (used_ + 1 > requests_ + 1e-9) return false;
    used_ += 1;
    taken_.push_back(now);
    return true;
  }
  [[nodiscard]] int left() const { return static_cast<int>(requests_ - used_); }

 private:
  Form form_;
  double requests_;
  milliseconds window_;
  std::int64_t number_ = -1;
  double used_ = 0;
  Time at_{};
  std::deque<Time> taken_;
};

TEST(Pace, UsesAtLeast98PercentOfALimitInThreeFormsWithoutARefusal) {
  for (const auto form :
       {ToolLimit::Form::fixed, ToolLimit::Form::sliding, ToolLimit::Form::leaky}) {
    for (const milliseconds latency : {5ms, 80ms, 400ms}) {
      ToolLimit limit(form, 190, 10s);
      VirtualWorld world([&](const http::Outgoing&, Time now) {
        return Answered{latency, limit.take(now + latency / 2) ? VirtualWorld::ok("{}")
                                                               : VirtualWorld::status(429)};
      });
      let_any_success_accept(world, 1);
      world.changes["connection"]["limits"] = json::array({{{"requests", 190}, {"per_s", 10}}});
      world.fill(190 * 7);
      const RunResult result = world.run_through();
      const std::string told = "form " + std::to_string(static_cast<int>(form)) + ", latency " +
                               std::to_string(latency.count()) + " ms";
      EXPECT_EQ(result.report.status, Status::done) << told;
      EXPECT_EQ(result.report.http.rate_limited, 0u) << told;
      const Time first = world.requests.front().at;
      const auto within = std::count_if(
          world.requests.begin(), world.requests.end(),
          [&](const VirtualWorld::Request& request) { return request.at < first + 60s; });
      EXPECT_GE(static_cast<double>(within), 0.98 * 190 * 6) << told;
    }
  }
}

// --- the day's calls

VirtualWorld::Answer counting_the_day(double limit, double& used) {
  return [limit, &used](const http::Outgoing&, Time) {
    used += 1;
    wire::Reply reply = VirtualWorld::ok("{}");
    reply.headers.push_back(
        {"sforce-limit-info", "api-usage=" + std::to_string(static_cast<int>(used)) + "/" +
                                  std::to_string(static_cast<int>(limit))});
    return Answered{20ms, reply};
  };
}

TEST(Pace, AShareOfTheDaysCallsIsKeptByWhatTheToolCounts) {
  double used = 400;  // by others
  VirtualWorld world(counting_the_day(1000, used));
  let_any_success_accept(world, 1);
  world.changes["connection"]["max_in_flight"] = 4;
  world.changes["connection"]["daily_calls"] = {{"value", 60}, {"percent", true}};
  world.fill(1'000);
  const RunResult result = world.run_through();
  EXPECT_EQ(result.report.status, Status::quota) << result.report.message;
  EXPECT_NE(result.report.message.find("60 %"), std::string::npos) << result.report.message;
  ASSERT_TRUE(result.report.not_before_ms);
  EXPECT_GE(used, 600);
  EXPECT_LE(used, 600 + 4) << "those under way";
  EXPECT_EQ(result.report.outcomes.accepted + result.report.outcomes.not_attempted, 1'000u);
}

TEST(Pace, ANumberOfCallsADayIsCountedOverRuns) {
  VirtualWorld world(
      [](const http::Outgoing&, Time) { return Answered{20ms, VirtualWorld::ok("{}")}; });
  let_any_success_accept(world, 1);
  world.changes["connection"]["daily_calls"] = {{"value", 100}, {"percent", false}};
  world.fill(70);
  EXPECT_EQ(world.run_through().report.status, Status::done);
  world.fill(70, "b");
  const RunResult spent = world.run_through();
  EXPECT_EQ(spent.report.status, Status::quota) << spent.report.message;
  EXPECT_EQ(spent.report.outcomes.accepted, 30u);
  EXPECT_EQ(world.requests.size(), 100u);
  ASSERT_TRUE(spent.report.not_before_ms);
  const auto wait =
      std::chrono::milliseconds(*spent.report.not_before_ms) - world.wall().time_since_epoch();
  EXPECT_GT(wait, 23h);
  EXPECT_LT(wait, 25h);
  world.pass(25h);
  EXPECT_EQ(world.run_through().report.status, Status::done);
}

TEST(Pace, ALimitThatHeadersAloneTellIsKept) {
  ToolLimit limit(ToolLimit::Form::sliding, 50, 10s);
  int left = 0;
  VirtualWorld world([&](const http::Outgoing&, Time now) {
    wire::Reply reply = limit.take(now) ? VirtualWorld::ok("{}") : VirtualWorld::status(429);
    reply.headers.push_back({"ratelimit-policy", "\"burst\";q=50;w=10"});
    left = limit.left();
    reply.headers.push_back({"ratelimit", "\"burst\";r=" + std::to_string(left) + ";t=10"});
    return Answered{20ms, reply};
  });
  let_any_success_accept(world, 1);
  world.fill(300);
  const RunResult result = world.run_through();
  EXPECT_EQ(result.report.status, Status::done) << result.report.message;
  EXPECT_EQ(result.report.http.rate_limited, 0u);
}

// --- an outage

TEST(Pace, AnOutageOfAMinuteCostsFewRequestsAndEndsWithinOneProbe) {
  for (const bool answers : {false, true}) {
    constexpr int kBatches = 500;
    VirtualWorld* asked = nullptr;
    Time from{};
    std::vector<Time> after;
    VirtualWorld world([&](const http::Outgoing&, Time now) {
      if (asked->requests.size() == kBatches / 2) from = now;
      const bool away = from != Time{} && now < from + 60s;
      if (from != Time{} && !away) after.push_back(now);
      if (!away) return Answered{20ms, VirtualWorld::ok("{}")};
      // 503 of a gateway, or no connection at all.
      if (answers) return Answered{20ms, VirtualWorld::status(503)};
      return Answered{1ms, VirtualWorld::failed(wire::Failure::not_sent)};
    });
    asked = &world;
    let_any_success_accept(world, 10);
    world.changes["timing"]["outage_s"] = 120;
    world.fill(10 * kBatches);
    const RunResult result = world.run_through();
    EXPECT_EQ(result.report.status, Status::done) << result.report.message;
    EXPECT_LE(world.requests.size(), 1.2 * kBatches);
    ASSERT_FALSE(after.empty());
    // The longest time between probes is 30 s, and the first that gets through opens the way.
    EXPECT_LE(seconds_between(from + 60s, after.front()), 30.5);
    ASSERT_GT(after.size(), 100u);
    EXPECT_LE(seconds_between(after[0], after[100]), 5);
  }
}

}  // namespace
}  // namespace tailrace
