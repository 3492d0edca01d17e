// An oracle that is told a lie must notice it.
#include "oracle.hpp"

#include <gtest/gtest.h>

#include "state/journal.hpp"
#include "world.hpp"

namespace tailrace::simulation {
namespace {

class OracleTest : public testing::Test {
 protected:
  OracleTest() : world_(Schedule{}), process_(world_, 1, RunPlan{}) {
    world_.oracle().begins(process_);
  }

  const Delivery& send(const std::string& key, const std::string& value) {
    wire::Request request;
    request.path = "/rows";
    request.body = R"([{"id":")" + key + R"(","v":")" + value + R"("}])";
    const std::size_t place = world_.tool().take(1, request, world_.now_ms());
    return world_.tool().log()[place];
  }

  /// A commit that announces a write of that row, good for `window_ms`.
  Commit intent(const std::string& key, const std::string& value, std::int64_t window_ms = 4'000) {
    IntentBatch batch;
    batch.rows.push_back({names_.identity(key), names_.version(key, value), key, {}});
    JournalRow row{
        1, 1, "r1", JournalKind::intent, world_.store_ms() + window_ms, pack_intents({batch})};
    Commit commit;
    commit.journal.push_back(row);
    return commit;
  }

  static Commit outcome(RowOutcome what) {
    Commit commit;
    commit.journal.push_back(
        {2, 1, "r1", JournalKind::outcome, 0, pack_outcomes({{1, 0, 1, {{what, {}}}}})});
    return commit;
  }

  void end_with(const Report& report) {
    process_.result.emplace();
    process_.result->report = report;
    world_.oracle().ends(process_, true);
  }

  [[nodiscard]] std::string told() {
    std::string rules;
    for (const Failure& failure : world_.oracle().failures()) rules += failure.rule + " ";
    return rules;
  }

  World world_;
  Names names_{world_.disk()->identity.secret};
  Process process_;
};

TEST_F(OracleTest, AnHonestSendIsNoFailure) {
  world_.oracle().commits(process_, intent("k1", "a"));
  const Delivery& delivery = send("k1", "a");
  world_.oracle().sends(process_, delivery);
  world_.advance(world_.now_ms() + 1'000);
  world_.oracle().learns(process_, delivery);
  world_.oracle().commits(process_, outcome(RowOutcome::accepted));
  EXPECT_EQ(told(), "");
}

TEST_F(OracleTest, ASendWithoutAnIntentIsTold) {
  world_.oracle().sends(process_, send("k1", "a"));
  EXPECT_EQ(told(), "I7 ");
}

TEST_F(OracleTest, ASecondSendUnderOneIntentIsTold) {
  world_.oracle().commits(process_, intent("k1", "a"));
  const Delivery& delivery = send("k1", "a");
  world_.oracle().sends(process_, delivery);
  world_.oracle().learns(process_, delivery);
  world_.oracle().sends(process_, send("k1", "a"));
  EXPECT_EQ(told(), "I7 ");
}

TEST_F(OracleTest, ASendAfterItsTimeIsTold) {
  world_.oracle().commits(process_, intent("k1", "a"));
  world_.advance(world_.now_ms() + 4'000);
  world_.oracle().sends(process_, send("k1", "a"));
  EXPECT_EQ(told(), "I7 ");
}

TEST_F(OracleTest, AnIntentForAnotherVersionSpeaksForNoSend) {
  world_.oracle().commits(process_, intent("k1", "b"));
  world_.oracle().sends(process_, send("k1", "a"));
  EXPECT_EQ(told(), "I7 ");
}

TEST_F(OracleTest, TwoRequestsInFlightForOneKeyAreTold) {
  world_.oracle().commits(process_, intent("k1", "a"));
  world_.oracle().sends(process_, send("k1", "a"));
  world_.oracle().commits(process_, intent("k1", "a"));
  world_.oracle().sends(process_, send("k1", "a"));
  EXPECT_EQ(told(), "I8 ");
}

TEST_F(OracleTest, AnAcceptanceOfWhatWasNotAppliedIsTold) {
  world_.oracle().commits(process_, intent("k1", "a"));
  world_.oracle().commits(process_, outcome(RowOutcome::accepted));
  EXPECT_EQ(told(), "I6 ");
}

TEST_F(OracleTest, ARejectionOfWhatWasNotRefusedIsTold) {
  world_.oracle().commits(process_, intent("k1", "a"));
  world_.oracle().sends(process_, send("k1", "a"));
  world_.advance(world_.now_ms() + 1'000);
  world_.oracle().commits(process_, outcome(RowOutcome::rejected));
  EXPECT_EQ(told(), "I6 ");
}

TEST_F(OracleTest, ARequestBeforeItsTimeIsTold) {
  Delivery refused = send("k1", "a");
  refused.reply.status = 429;
  refused.not_before_ms = world_.now_ms() + 500;
  world_.oracle().learns(process_, refused);
  world_.advance(world_.now_ms() + 499);
  world_.oracle().asks(process_);
  EXPECT_EQ(told(), "I10 ");
  world_.advance(world_.now_ms() + 1);
  world_.oracle().asks(process_);
  EXPECT_EQ(told(), "I10 ");
}

TEST_F(OracleTest, ARemovalUnderAnEmptyModelOrOfAnUnknownKeyIsTold) {
  process_.source_ended = true;
  wire::Request request;
  request.method = wire::Method::delete_;
  request.path = "/rows/k1";
  const std::size_t place = world_.tool().take(1, request, world_.now_ms());
  world_.oracle().sends(process_, world_.tool().log()[place]);
  EXPECT_EQ(told(), "I7 I9 I9 ");
}

TEST_F(OracleTest, ARemovalOfMoreThanTheLimitIsTold) {
  Schedule schedule;
  schedule.max_removed_percent = 40;
  World world(schedule);
  Process process(world, 1, RunPlan{});
  world.oracle().begins(process);
  process.source_ended = true;
  process.model_rows = 1;
  MemoryStore store(world.disk(), [&] { return world.store_ms(); });
  const auto claim =
      store.claim({"s", "a", "o", 0, 1}, {"r1", "s", "running", 1, 0, "", ""}, 1'000);
  ASSERT_TRUE(claim);
  store.append(claim->holder, intent("k1", "a"));
  store.append(claim->holder, outcome(RowOutcome::accepted));
  world.oracle().commits(process, intent("k1", "a"));
  world.oracle().claims(process);
  wire::Request request;
  request.method = wire::Method::delete_;
  request.path = "/rows/k1";
  const std::size_t place = world.tool().take(1, request, world.now_ms());
  world.oracle().sends(process, world.tool().log()[place]);
  std::string rules;
  for (const Failure& failure : world.oracle().failures()) rules += failure.rule + " ";
  EXPECT_EQ(rules, "I7 I9 ") << "all of the one known key is more than 40 %";
}

TEST_F(OracleTest, MoreRequestsInAWindowThanTheLimitAreTold) {
  Schedule schedule;
  schedule.rate = {2, 1'000};
  World world(schedule);
  Process one(world, 1, RunPlan{});
  Process other(world, 2, RunPlan{});
  world.oracle().asks(one);
  world.oracle().asks(other);
  world.advance(world.now_ms() + 1'000);
  world.oracle().asks(one);
  world.oracle().asks(one);
  EXPECT_TRUE(world.oracle().failures().empty());
  world.oracle().asks(other);
  ASSERT_EQ(world.oracle().failures().size(), 1u);
  EXPECT_EQ(world.oracle().failures().front().rule, "I10");
}

TEST_F(OracleTest, ARowThatGoesAgainAndAgainIsTold) {
  for (int attempt = 1; attempt <= 11; ++attempt) {
    world_.oracle().commits(process_, intent("k1", "a"));
    Delivery lost = send("k1", "a");
    lost.reply.status = 200;
    lost.reply.failure = wire::Failure::none;
    world_.oracle().asks(process_);
    world_.oracle().sends(process_, lost);
    world_.oracle().learns(process_, lost);
    if (attempt == 9) {
      EXPECT_EQ(told(), "");
    }
  }
  EXPECT_EQ(told(), "I10 I10 ");
}

TEST_F(OracleTest, ARunThatWasFencedWhileItWasAwakeIsTold) {
  Report report;
  report.status = Status::busy;
  report.epoch = 3;
  end_with(report);
  EXPECT_EQ(told(), "liveness ");
}

TEST_F(OracleTest, WritingAnothersRecordIsTold) {
  world_.oracle().commits(process_, intent("f0", "a"));
  world_.oracle().sends(process_, send("f0", "a"));
  world_.advance(world_.now_ms() + 1'000);
  world_.oracle().round_is_over(world_.now_ms());
  EXPECT_EQ(told(), "I2 I2 ");
}

TEST_F(OracleTest, AReportThatHidesARowIsTold) {
  Report report;
  report.diff.added = 1;
  report.outcomes.unknown = 1;
  end_with(report);
  EXPECT_EQ(told(), "I11 I11 liveness ")
      << "done with a row left over, scanned does not add up, and nothing stood in its way";
}

TEST_F(OracleTest, AReportOfMoreAcceptedRowsThanAreOnRecordIsTold) {
  Report report;
  report.diff.scanned = report.diff.added = process_.scanned = process_.valid =
      process_.model_rows = 1;
  report.outcomes.accepted = 1;
  end_with(report);
  EXPECT_EQ(told(), "I11 ");
}

TEST_F(OracleTest, AStateThatSaysMoreThanTheToolHasIsTold) {
  MemoryStore store(world_.disk(), [this] { return world_.store_ms(); });
  const auto claim =
      store.claim({"s", "a", "o", 0, 1}, {"r1", "s", "running", 1, 0, "", ""}, 1'000);
  ASSERT_TRUE(claim);
  store.append(claim->holder, intent("k1", "a"));
  store.append(claim->holder, outcome(RowOutcome::accepted));
  world_.oracle().round_is_over(world_.now_ms());
  EXPECT_EQ(told(), "") << "nobody asked about that key";
  (void)send("k1", "b");
  world_.advance(world_.now_ms() + 1'000);
  world_.oracle().round_is_over(world_.now_ms());
  EXPECT_EQ(told(), "I5 ");
}

TEST_F(OracleTest, AToolThatIsNotTheModelInTheEndIsTold) {
  world_.oracle().round_begins({{"k1", "a"}}, false, world_.now_ms());
  (void)send("k2", "a");
  world_.advance(world_.now_ms() + 1'000);
  world_.oracle().all_is_over();
  EXPECT_EQ(told(), "I1 I1 ") << "one is missing, one is too many";
}

TEST_F(OracleTest, AQuietRunThatIsNotQuietIsTold) {
  world_.oracle().asks(process_);
  process_.result.emplace();
  world_.oracle().quiet_run_ended(process_, true);
  EXPECT_EQ(told(), "I12 ");
}

}  // namespace
}  // namespace tailrace::simulation
