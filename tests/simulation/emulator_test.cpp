#include "emulator.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

namespace tailrace::simulation {
namespace {

using nlohmann::json;

constexpr std::int64_t kWall = 1'700'000'000'000;

wire::Request write(const std::vector<std::pair<std::string, std::string>>& rows) {
  json body = json::array();
  for (const auto& [key, value] : rows) body.push_back({{"id", key}, {"v", value}});
  wire::Request request;
  request.path = "/rows";
  request.body = body.dump();
  return request;
}

wire::Request remove(const std::string& key) {
  wire::Request request;
  request.method = wire::Method::delete_;
  request.path = "/rows/" + key;
  return request;
}

Schedule with(Fault fault, std::int64_t by_ms = 0) {
  Schedule schedule;
  schedule.seed = 7;
  Rule rule;
  rule.fault = fault;
  rule.by_ms = by_ms;
  schedule.rules.push_back(rule);
  return schedule;
}

/// Sends one write of two rows, and lets a minute pass.
struct SentRows {
  explicit SentRows(const Schedule& schedule) : tool(schedule, kWall) {
    place = tool.take(1, write({{"k1", "a"}, {"k2", "b"}}), 1'000);
    tool.advance(61'000);
  }
  [[nodiscard]] const Delivery& delivery() const { return tool.log()[place]; }
  [[nodiscard]] const wire::Reply& reply() const { return delivery().reply; }

  Emulator tool;
  std::size_t place = 0;
};

TEST(Emulator, AppliesAndAnswersRowByRow) {
  Emulator tool(Schedule{}, kWall);
  const std::size_t place = tool.take(1, write({{"k1", "a"}, {"k2", "poison"}}), 1'000);
  EXPECT_TRUE(tool.records().empty()) << "nothing happens before it arrives";
  tool.advance(2'000);
  ASSERT_EQ(tool.records().size(), 1u);
  EXPECT_EQ(tool.records().at("k1").value, "a");
  const Delivery& delivery = tool.log()[place];
  EXPECT_EQ(delivery.rows[1].done, Done::refused);
  const json results = json::parse(delivery.reply.body).at("results");
  EXPECT_EQ(results[0].at("status"), 200);
  EXPECT_EQ(results[1].at("status"), 422);
  (void)tool.take(1, remove("k1"), 3'000);
  tool.advance(4'000);
  EXPECT_TRUE(tool.records().empty());
}

TEST(Emulator, AFateHangsOnTheRequestAndNotOnItsPlaceInTheOrder) {
  Schedule schedule;
  schedule.seed = 11;
  Rule rule;
  rule.share = 0.5;
  rule.fault = Fault::error_before;
  schedule.rules.push_back(rule);
  const auto fates = [&](bool backwards) {
    Emulator tool(schedule, kWall);
    std::set<std::string> failed;
    for (int i = 0; i < 40; ++i) {
      const std::string key = "k" + std::to_string(backwards ? 39 - i : i);
      const Delivery& one = tool.log()[tool.take(1, write({{key, "a"}}), 1'000 + i)];
      if (one.fault != Fault::none) failed.insert(key);
    }
    return failed;
  };
  EXPECT_EQ(fates(false), fates(true));
  EXPECT_GT(fates(false).size(), 8u);
  EXPECT_LT(fates(false).size(), 32u);
}

TEST(Emulator, RulesChooseByOperationKeyAttemptAndNumber) {
  const auto faulty = [](const Rule& rule, int sends, const wire::Request& request) {
    Schedule schedule;
    schedule.rules.push_back(rule);
    Emulator tool(schedule, kWall);
    for (int i = 1; i < sends; ++i) (void)tool.take(1, request, i);
    return tool.log()[tool.take(1, request, 100)].fault != Fault::none;
  };
  Rule rule;
  rule.fault = Fault::refuse;
  EXPECT_TRUE(faulty(rule, 1, write({{"k1", "a"}})));
  rule.op = "delete";
  EXPECT_FALSE(faulty(rule, 1, write({{"k1", "a"}})));
  EXPECT_TRUE(faulty(rule, 1, remove("k1")));
  rule.op = "*";
  rule.key = "k2";
  EXPECT_FALSE(faulty(rule, 1, write({{"k1", "a"}})));
  EXPECT_TRUE(faulty(rule, 1, write({{"k1", "a"}, {"k2", "a"}})));
  rule.key = "*";
  rule.attempt = 2;
  EXPECT_FALSE(faulty(rule, 1, write({{"k1", "a"}})));
  EXPECT_TRUE(faulty(rule, 2, write({{"k1", "a"}})));
  rule.attempt = 0;
  rule.nth = 3;
  EXPECT_FALSE(faulty(rule, 2, write({{"k1", "a"}})));
  EXPECT_TRUE(faulty(rule, 3, write({{"k1", "a"}})));
}

TEST(Emulator, WhatIsLostBeforeHasNoEffectAndWhatIsLostAfterHas) {
  for (const Fault fault :
       {Fault::refuse, Fault::reset_before, Fault::timeout_before, Fault::error_before,
        Fault::html_before, Fault::ok_false, Fault::empty_before, Fault::throttle,
        Fault::unauthorized, Fault::redirect}) {
    EXPECT_TRUE(SentRows(with(fault)).tool.records().empty()) << to_text(fault);
  }
  for (const Fault fault :
       {Fault::reset_after, Fault::timeout_after, Fault::error_after, Fault::html_after,
        Fault::slow_body, Fault::too_large, Fault::wrong_charset, Fault::empty_after,
        Fault::truncated, Fault::bad_json, Fault::missing, Fault::duplicate}) {
    EXPECT_EQ(SentRows(with(fault)).tool.records().size(), 2u) << to_text(fault);
  }
}

TEST(Emulator, ALateRequestTakesEffectAfterItsSenderGaveUp) {
  Emulator tool(with(Fault::late, 20'000), kWall);
  const Delivery& delivery = tool.log()[tool.take(1, write({{"k1", "a"}}), 1'000)];
  EXPECT_EQ(delivery.reply.failure, wire::Failure::lost);
  EXPECT_GT(delivery.arrives_ms, 1'000);
  EXPECT_LE(delivery.arrives_ms, 21'000);
  tool.advance(delivery.arrives_ms - 1);
  EXPECT_TRUE(tool.records().empty());
  EXPECT_EQ(tool.next_arrival(), delivery.arrives_ms);
  tool.advance(delivery.arrives_ms);
  EXPECT_EQ(tool.records().size(), 1u);
  EXPECT_FALSE(tool.next_arrival());
}

TEST(Emulator, RetryAfterIsSaidInSecondsAndAsADate) {
  Schedule schedule = with(Fault::throttle, 3'000);
  const SentRows seconds(schedule);
  EXPECT_EQ(seconds.reply().status, 429);
  EXPECT_EQ(seconds.reply().retry_after, std::chrono::milliseconds(3'000));
  EXPECT_EQ(seconds.delivery().not_before_ms, seconds.delivery().answers_ms + 3'000);
  schedule.rules[0].date = true;
  const SentRows date(schedule);
  ASSERT_TRUE(date.reply().retry_after);
  EXPECT_GE(*date.reply().retry_after, std::chrono::milliseconds(3'000));
  EXPECT_LE(*date.reply().retry_after, std::chrono::milliseconds(4'000));
  schedule.rules[0].by_ms = 0;
  EXPECT_FALSE(SentRows(schedule).reply().retry_after);
}

TEST(Emulator, OneBadRowMayMakeItRefuseTheWholeRequest) {
  Schedule schedule;
  schedule.refuses_whole = true;
  Emulator tool(schedule, kWall);
  const std::size_t place = tool.take(1, write({{"k1", "a"}, {"k2", "poison"}}), 1'000);
  tool.advance(2'000);
  EXPECT_TRUE(tool.records().empty());
  EXPECT_EQ(tool.log()[place].reply.status, 422);
  EXPECT_EQ(tool.log()[place].rows[0].done, Done::not_run);
}

TEST(Emulator, AnInsertUnderAKeyIsDoneOnceAndWithoutOneEachTime) {
  Schedule schedule;
  schedule.mode = Mode::insert;
  Emulator tool(schedule, kWall);
  wire::Request insert = write({{"k1", "a"}});
  insert.path = "/new";
  (void)tool.take(1, insert, 1'000);
  (void)tool.take(1, insert, 2'000);
  insert.body = R"([{"id":"k2","v":"a"}])";
  insert.headers.push_back({"Idempotency-Key", "once"});
  (void)tool.take(1, insert, 3'000);
  const std::size_t again = tool.take(1, insert, 4'000);
  tool.advance(9'000);
  EXPECT_EQ(tool.records().at("k1").made, 2);
  EXPECT_EQ(tool.records().at("k2").made, 1);
  EXPECT_EQ(json::parse(tool.log()[again].reply.body).at("results")[0].at("status"), 200);
}

wire::Request job_of_one_row() {
  wire::Request create;
  create.path = "/jobs";
  create.body = R"({"name":"r1-1","op":"write","rows":[{"id":"k1","v":"a"}]})";
  return create;
}

TEST(Emulator, AJobWorksForAWhileAndIsAskedForByItsNameOrId) {
  Schedule schedule = with(Fault::job_stuck, 30'000);
  schedule.face = Face::job;
  Emulator tool(schedule, kWall);
  const std::size_t place = tool.take(1, job_of_one_row(), 1'000);
  tool.advance(2'000);
  EXPECT_EQ(tool.log()[place].reply.status, 202);
  EXPECT_TRUE(tool.records().empty()) << "it is at work";
  const auto ask = [&](const std::string& path, std::int64_t at_ms) {
    wire::Request question;
    question.method = wire::Method::get;
    question.path = path;
    const std::size_t asked = tool.take(1, question, at_ms);
    tool.advance(at_ms + 100);
    return json::parse(tool.log()[asked].reply.body);
  };
  EXPECT_EQ(ask("/named/r1-1", 3'000).at("jobs")[0], "J1");
  EXPECT_TRUE(ask("/named/r1-2", 3'200).at("jobs").empty());
  EXPECT_EQ(ask("/jobs/J1", 3'400).at("state"), "running");
  tool.advance(60'000);
  EXPECT_EQ(tool.records().at("k1").value, "a");
  EXPECT_EQ(ask("/jobs/J1", 61'000).at("state"), "done");
  EXPECT_EQ(ask("/jobs/J1/results", 62'000).at("results")[0].at("status"), 200);
}

TEST(Emulator, AJobThatFailsHasDoneNothing) {
  Schedule schedule = with(Fault::job_failed);
  schedule.face = Face::job;
  Emulator tool(schedule, kWall);
  const std::size_t place = tool.take(1, job_of_one_row(), 1'000);
  tool.advance(60'000);
  EXPECT_TRUE(tool.records().empty());
  EXPECT_EQ(tool.log()[place].rows[0].done, Done::not_run);
}

wire::Request patch(const std::string& path, const std::string& body) {
  wire::Request request;
  request.method = wire::Method::patch;
  request.path = path;
  request.body = body;
  return request;
}

TEST(Emulator, AnUpdateWritesTheNamedFieldsOfWhatIsThere) {
  Schedule schedule;
  schedule.mode = Mode::update;
  schedule.changed_fields = true;
  Emulator tool(schedule, kWall);
  tool.add_foreign("k1", "old\told");
  const json rows = {{{"id", "k1"}, {"w", "x"}}, {{"id", "k2"}, {"v", "a"}, {"w", "x"}}};
  const std::size_t place = tool.take(1, patch("/changes", rows.dump()), 1'000);
  tool.advance(2'000);
  EXPECT_EQ(tool.records().at("k1").value, "old\tx");
  EXPECT_TRUE(tool.records().at("k1").ours);
  EXPECT_FALSE(tool.records().contains("k2"));
  EXPECT_EQ(tool.log()[place].rows[1].done, Done::absent);
}

TEST(Emulator, AClearedRecordStaysAndIsEmpty) {
  Schedule schedule;
  schedule.on_removed = OnRemoved::clear;
  Emulator tool(schedule, kWall);
  (void)tool.take(1, write({{"k1", "a"}}), 1'000);
  (void)tool.take(1, patch("/clear/k1", R"({"id":"k1","v":null})"), 1'500);
  const std::size_t gone = tool.take(1, patch("/clear/k2", R"({"id":"k2","v":null})"), 1'500);
  tool.advance(3'000);
  EXPECT_EQ(tool.records().at("k1").value, "");
  EXPECT_FALSE(tool.records().at("k1").ours);
  EXPECT_EQ(tool.log()[gone].rows[0].done, Done::absent);
  EXPECT_THROW((void)tool.take(1, patch("/clear/k1", R"({"id":"k1","v":"a"})"), 4'000),
               std::logic_error);
}

TEST(Emulator, TakesSoManyJobsAndTellsOfSeveralAtOnce) {
  Schedule schedule;
  schedule.face = Face::jobs;
  schedule.max_jobs = 2;
  Emulator tool(schedule, kWall);
  std::vector<std::size_t> places;
  for (const char* key : {"k1", "k2", "k3"}) {
    wire::Request request;
    request.path = "/jobs";
    request.body = json{{"op", "upsert"}, {"rows", {{{"id", key}, {"v", "a"}}}}}.dump();
    places.push_back(tool.take(1, request, 1'000));
  }
  tool.advance(1'050);
  EXPECT_EQ(tool.log()[places[0]].reply.status + tool.log()[places[1]].reply.status +
                tool.log()[places[2]].reply.status,
            202 + 202 + 429);
  tool.advance(60'000);
  EXPECT_EQ(tool.records().size(), 2u);
  wire::Request ask;
  ask.method = wire::Method::get;
  ask.path = "/jobs";
  ask.query = "ids=J1,J2";
  const std::size_t told = tool.take(1, ask, 61'000);
  tool.advance(62'000);
  EXPECT_GE(json::parse(tool.log()[told].reply.body).at("job_statuses").size(), 1u);
  ask.query = "ids=J1,J2,J3";
  EXPECT_THROW((void)tool.take(1, ask, 63'000), std::logic_error);
}

TEST(Emulator, AQuestionMayNotSeeWhatIsNew) {
  Schedule schedule = with(Fault::readback_lag, 1'000);
  schedule.rules[0].op = "read";
  schedule.mode = Mode::insert;
  Emulator tool(schedule, kWall);
  wire::Request insert = write({{"k1", "a"}});
  insert.path = "/new";
  (void)tool.take(1, insert, 1'000);
  tool.advance(1'100);
  wire::Request find;
  find.method = wire::Method::get;
  find.path = "/rows/k1";
  const std::size_t soon = tool.take(1, find, 1'200);
  const std::size_t later = tool.take(1, find, 2'200);
  tool.advance(9'000);
  EXPECT_EQ(tool.log()[soon].rows[0].done, Done::absent);
  EXPECT_EQ(tool.log()[later].rows[0].done, Done::applied);
}

TEST(Emulator, HubSpotsFindsNameRecordsById) {
  Schedule schedule;
  schedule.face = Face::hubspot;
  Emulator tool(schedule, kWall);
  tool.add_foreign("f1", "theirs");
  wire::Request find;
  find.path = "/crm/v3/objects/things/batch/read";
  find.body = R"({"idProperty":"id","inputs":[{"id":"f1"},{"id":"k9"}]})";
  const std::size_t place = tool.take(1, find, 1'000);
  tool.advance(2'000);
  const json body = json::parse(tool.log()[place].reply.body);
  EXPECT_EQ(tool.log()[place].reply.status, 207);
  EXPECT_EQ(body.at("results")[0].at("id"), tool.records().at("f1").id);
  EXPECT_EQ(body.at("errors")[0].at("category"), "OBJECT_NOT_FOUND");
}

}  // namespace
}  // namespace tailrace::simulation
