// An oracle that is told a lie must notice it.
#include "oracle.hpp"

#include <gtest/gtest.h>

#include <algorithm>

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

/// What an oracle says of requests that one run sends in that world.
class Told {
 public:
  explicit Told(const Schedule& schedule) : world_(schedule), process_(world_, 1, RunPlan{}) {
    process_.model_rows = 1;
    world_.oracle().begins(process_);
  }

  World& world() { return world_; }
  Process& process() { return process_; }
  void sends(wire::Method method, const std::string& path, const std::string& body = "") {
    wire::Request request;
    request.method = method;
    request.path = path;
    request.body = body;
    const std::size_t place = world_.tool().take(1, request, world_.now_ms());
    world_.oracle().sends(process_, world_.tool().log()[place]);
  }
  /// A second passes, and the round is over.
  void rest() {
    world_.advance(world_.now_ms() + 1'000);
    world_.oracle().round_is_over(world_.now_ms());
  }
  [[nodiscard]] bool of(const std::string& rule) {
    const std::vector<Failure>& all = world_.oracle().failures();
    return std::any_of(all.begin(), all.end(), [&](const auto& one) { return one.rule == rule; });
  }

 private:
  World world_;
  Process process_;
};

constexpr const char* kRow = R"([{"id":"k1","v":"a"}])";

TEST(OracleOfModes, AnUpdateThatMakesARecordIsTold) {
  Schedule schedule;
  schedule.mode = Mode::update;
  Told told(schedule);
  told.sends(wire::Method::patch, "/changes", kRow);
  told.rest();
  EXPECT_FALSE(told.of("I13")) << "there was nothing to update";
  told.sends(wire::Method::post, "/rows", kRow);
  told.rest();
  EXPECT_TRUE(told.of("I13"));
}

TEST(OracleOfModes, AVersionThatIsAppendedTwiceIsTold) {
  Schedule schedule;
  schedule.mode = Mode::append;
  schedule.on_removed = OnRemoved::ignore;
  schedule.safety = InsertSafety::park;
  Told told(schedule);
  told.sends(wire::Method::post, "/new", kRow);
  told.sends(wire::Method::post, "/new", R"([{"id":"k1","v":"b"}])");
  told.sends(wire::Method::post, "/new", kRow);
  told.rest();
  told.world().oracle().all_is_over();
  EXPECT_FALSE(told.of("I14")) << "it has come back";
  told.sends(wire::Method::post, "/new", kRow);
  told.rest();
  told.world().oracle().all_is_over();
  EXPECT_TRUE(told.of("I14"));
}

TEST(OracleOfModes, ARemovalByAnotherWayOrOfARowInTheModelIsTold) {
  Schedule schedule;
  schedule.on_removed = OnRemoved::archive;
  Told archived(schedule);
  archived.sends(wire::Method::post, "/archive/k1");
  EXPECT_FALSE(archived.of("I15"));
  archived.sends(wire::Method::delete_, "/rows/k1");
  EXPECT_TRUE(archived.of("I15"));
  Told there(schedule);
  there.world().oracle().round_begins({{"k1", "a"}});
  there.sends(wire::Method::post, "/archive/k1");
  EXPECT_TRUE(there.of("I15"));
}

TEST(OracleOfModes, AFieldThatHasNotChangedIsNotToBeSent) {
  Schedule schedule;
  schedule.changed_fields = true;
  Round round;
  round.edits = {{"k1", "a\tx"}};
  round.runs.emplace_back();
  schedule.rounds.push_back(round);
  World world(schedule);
  world.after_round = [&world] {
    world.oracle().round_begins({{"k1", "b\tx"}});
    Process process(world, 7, RunPlan{});
    world.oracle().begins(process);
    world.oracle().claims(process);
    const auto said = [&](const std::string& fields) {
      wire::Request request;
      request.path = "/rows";
      request.body = R"([{"id":"k1",)" + fields + "}]";
      const std::size_t place = world.tool().take(7, request, world.now_ms());
      const std::size_t before = world.oracle().failures().size();
      world.oracle().sends(process, world.tool().log()[place]);
      const std::vector<Failure>& all = world.oracle().failures();
      return std::any_of(all.begin() + static_cast<std::ptrdiff_t>(before), all.end(),
                         [](const Failure& one) { return one.rule == "I16"; });
    };
    EXPECT_FALSE(said(R"("v":"b")"));
    EXPECT_TRUE(said(R"("v":"b","w":"x")"));
  };
  (void)world.play();
}

TEST(OracleOfModes, MoreJobsThanTheToolTakesAreTold) {
  Schedule schedule;
  schedule.face = Face::jobs;
  schedule.max_jobs = 2;
  Told told(schedule);
  for (const char* key : {"k1", "k2", "k3"}) {
    EXPECT_FALSE(told.of("I17")) << key;
    told.sends(wire::Method::post, "/jobs",
               R"({"op":"upsert","rows":[{"id":")" + std::string(key) + R"(","v":"a"}]})");
  }
  EXPECT_TRUE(told.of("I17"));
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

/// A refused row that a person has had tried again: `sent` with the next run, or left as it was.
class OracleOfRetries : public OracleTest {
 protected:
  void play(bool sent) {
    MemoryStore store(world_.disk(), [this] { return world_.store_ms(); });
    const auto claim =
        store.claim({"s", "a", "o", 0, 1}, {"r1", "s", "running", 1, 0, "", ""}, 1'000);
    ASSERT_TRUE(claim);
    Commit commit;
    RejectedRow& row = commit.rejected.emplace_back();
    row.identity = names_.identity("k1");
    row.key = "k1";
    row.version = names_.version("k1", "a");
    row.hold = Hold::released;
    store.append(claim->holder, commit);
    world_.oracle().round_begins({{"k1", "a"}});
    world_.oracle().retried();
    if (sent) {
      world_.oracle().commits(process_, intent("k1", "a"));
      world_.oracle().sends(process_, send("k1", "a"));
    }
    Report report;
    report.diff.scanned = report.diff.changed = process_.scanned = process_.valid =
        process_.model_rows = 1;
    report.outcomes.rejected = 1;
    report.status = Status::rejected;
    end_with(report);
  }
};

TEST_F(OracleOfRetries, OneThatIsHeldBackAllTheSameIsTold) {
  play(false);
  EXPECT_EQ(told(), "I18 ");
}

TEST_F(OracleOfRetries, OneThatIsSentIsWell) {
  play(true);
  EXPECT_EQ(told(), "");
}

TEST_F(OracleTest, AToolThatIsNotTheModelInTheEndIsTold) {
  world_.oracle().round_begins({{"k1", "a"}});
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
