// Modes cell by cell, and what an earlier run leaves to the next one.
#include <gtest/gtest.h>

#include "run/by_hand.hpp"
#include "run/engine.hpp"
#include "world.hpp"

namespace tailrace {
namespace {

using nlohmann::json;
using testing::Died;
using testing::Fate;
using testing::World;

/// Quiet time of a tenth of a second: a lost insert is looked up by the second run.
void be_quick(World& world) { world.changes["timing"]["quiet_s"] = 0.1; }

void pass_quiet_time() { std::this_thread::sleep_for(std::chrono::milliseconds(150)); }

Fate lost_after() { return {.apply = true, .failure = wire::Failure::lost}; }
Fate lost_before() { return {.apply = false, .failure = wire::Failure::lost}; }

TEST(Modes, UpdateWritesRecordsThatAreThereAndPassesOverTheOthers) {
  World world;
  world.fill(3);
  world.changes["mode"] = "update";
  world.tool.records = {{"k0", {{"id", "k0"}}}, {"k2", {{"id", "k2"}}}};
  const Report first = world.run().report;
  EXPECT_EQ(first.status, Status::done) << first.message;
  EXPECT_EQ(first.outcomes.accepted, 2u);
  EXPECT_EQ(first.outcomes.skipped, 1u);
  EXPECT_FALSE(world.tool.records.contains("k1")) << "update never creates";
  world.tool.requests.clear();
  world.tool.records["k1"] = {{"id", "k1"}};
  const Report second = world.run().report;
  EXPECT_EQ(world.tool.requests, std::vector<std::string>{"PATCH k1"}) << "tried again";
  EXPECT_EQ(second.outcomes.accepted, 1u);
  EXPECT_EQ(world.run().report.http.requests, 0u);
}

TEST(Modes, OnMissingRejectNamesTheRowAndTriesItAtEachRun) {
  World world;
  world.fill(2);
  world.changes["mode"] = "update";
  world.changes["on_missing"] = "reject";
  world.tool.records = {{"k0", {{"id", "k0"}}}};
  const Report report = world.run().report;
  EXPECT_EQ(report.status, Status::rejected);
  EXPECT_EQ(report.outcomes.rejected, 1u);
  ASSERT_EQ(report.rejected_sample.size(), 1u);
  EXPECT_EQ(report.rejected_sample[0].code, "missing");
  world.tool.records["k1"] = {{"id", "k1"}};
  EXPECT_EQ(world.run().report.status, Status::done);
}

TEST(Modes, InsertCreatesAKeyOnceEverWhateverChanges) {
  World world;
  world.fill(4);
  world.changes["mode"] = "insert";
  EXPECT_EQ(world.run().report.outcomes.accepted, 4u);
  world.model[1][1] = "changed";
  world.model.push_back({"k9", "new"});
  const Report report = world.run().report;
  EXPECT_EQ(report.diff.added, 1u);
  EXPECT_EQ(report.diff.unchanged, 4u);
  EXPECT_EQ(world.tool.created.size(), 5u);
  EXPECT_EQ(world.tool.requests.back(), "NEW 1");
}

TEST(Modes, AppendCreatesEachNewVersion) {
  World world;
  world.fill(2);
  world.changes["mode"] = "append";
  (void)world.run();
  world.model[0][1] = "b";
  const Report report = world.run().report;
  EXPECT_EQ(report.outcomes.accepted, 1u);
  EXPECT_EQ(world.tool.created.size(), 3u);
}

TEST(Modes, AnAppendedRowThatComesBackIsMadeAgainUnderAnotherKey) {
  World world;
  world.fill(1);
  world.changes["mode"] = "append";
  world.changes["object"]["idempotency"] = {{"ttl_s", 86400}};
  for (const char* value : {"a", "b", "a"}) {
    world.model[0][1] = value;
    EXPECT_EQ(world.run().report.outcomes.accepted, 1u) << value;
  }
  EXPECT_EQ(world.tool.created.size(), 3u);
}

TEST(Modes, ArchiveAndClearTakeRemovedRowsAsTheyAreAsked) {
  World world;
  world.fill(3);
  (void)world.run();
  world.model.pop_back();
  world.changes["on_removed"] = "archive";
  EXPECT_EQ(world.run().report.outcomes.accepted, 1u);
  EXPECT_EQ(world.tool.archived, std::vector<std::string>{"k2"});
  world.model.pop_back();
  world.changes["on_removed"] = "clear";
  EXPECT_EQ(world.run().report.outcomes.accepted, 1u);
  EXPECT_FALSE(world.tool.records.at("k1").contains("v")) << "null empties";
  EXPECT_EQ(world.tool.records.at("k0").at("v"), "a");
}

TEST(Modes, WhatTheDestinationCannotDoIsRefusedBeforeARowIsRead) {
  World world;
  world.fill(1);
  world.changes["object"]["update"] = nullptr;
  world.changes["mode"] = "update";
  const Report report = world.run().report;
  EXPECT_EQ(report.status, Status::config);
  EXPECT_NE(report.message.find("update"), std::string::npos) << report.message;
  EXPECT_EQ(world.transports, 0);
}

TEST(Inserts, ReadBackFindsWhatArrivedAndSendsWhatDidNot) {
  for (const bool arrived : {true, false}) {
    World world;
    be_quick(world);
    world.fill(2);
    world.changes["mode"] = "insert";
    world.tool.fate = [&](int) { return arrived ? lost_after() : lost_before(); };
    const Report first = world.run().report;
    EXPECT_EQ(first.status, Status::unfinished);
    EXPECT_EQ(first.outcomes.unknown, 2u);
    EXPECT_EQ(first.http.requests, 1u) << "an insert is never sent twice in doubt";
    world.tool.fate = [](int) { return Fate{}; };
    pass_quiet_time();
    const Report second = world.run().report;
    EXPECT_EQ(second.status, Status::done) << second.message;
    EXPECT_EQ(second.outcomes.accepted, 2u);
    EXPECT_EQ(world.tool.created.size(), 2u) << "each record once";
    EXPECT_EQ(world.run().report.http.requests, 0u);
  }
}

TEST(Inserts, ReadBackWaitsUntilNothingCanArriveAnyMore) {
  World world;
  world.fill(1);
  world.changes["mode"] = "insert";
  world.tool.fate = [](int) { return lost_after(); };
  (void)world.run();
  world.tool.fate = [](int) { return Fate{}; };
  const Report second = world.run().report;
  EXPECT_EQ(second.status, Status::unfinished);
  EXPECT_EQ(second.outcomes.unknown, 1u);
  EXPECT_EQ(second.http.requests, 0u);
  EXPECT_TRUE(second.not_before_ms.has_value());
}

TEST(Inserts, ParkListsTheRowAndLeavesItUntilAPersonHasLooked) {
  World world;
  be_quick(world);
  world.fill(1);
  world.changes["mode"] = "insert";
  world.changes["insert_safety"] = "park";
  world.tool.fate = [](int) { return lost_after(); };
  EXPECT_EQ(world.run().report.status, Status::unfinished);
  world.tool.fate = [](int) { return Fate{}; };
  pass_quiet_time();
  for (int run = 0; run < 3; ++run) {
    const Report report = world.run().report;
    EXPECT_EQ(report.status, Status::rejected);
    ASSERT_EQ(report.rejected_sample.size(), 1u);
    EXPECT_EQ(report.rejected_sample[0].code, "parked");
    EXPECT_EQ(report.http.requests, 0u);
  }
  EXPECT_EQ(world.tool.created.size(), 1u);
}

TEST(Inserts, AParkedVersionSpeaksForNoOther) {
  World world;
  be_quick(world);
  world.fill(1);
  world.changes["mode"] = "append";
  world.changes["insert_safety"] = "park";
  for (const char* value : {"a", "b"}) {
    world.model[0][1] = value;
    world.tool.fate = [](int) { return lost_after(); };
    EXPECT_EQ(world.run().report.outcomes.unknown, 1u) << value;
    world.tool.fate = [](int) { return Fate{}; };
    pass_quiet_time();
    const Report report = world.run().report;
    ASSERT_EQ(report.rejected_sample.size(), 1u) << value;
    EXPECT_EQ(report.rejected_sample[0].code, "parked") << value;
  }
  EXPECT_EQ(world.tool.created.size(), 2u) << "each version once";
}

TEST(Inserts, ARefusedVersionLeavesAParkedOneInDoubt) {
  World world;
  be_quick(world);
  world.fill(1);
  world.changes["mode"] = "append";
  world.changes["insert_safety"] = "park";
  world.tool.fate = [](int) { return lost_after(); };
  (void)world.run();
  world.tool.fate = [](int) { return Fate{}; };
  pass_quiet_time();
  EXPECT_EQ(world.run().report.rejected_sample.at(0).code, "parked");
  world.model[0][1] = "refused";
  world.tool.fate = [](int) { return Fate{.apply = false, .status = 422}; };
  EXPECT_NE(world.run().report.rejected_sample.at(0).code, "parked");
  world.tool.fate = [](int) { return Fate{}; };
  world.model[0][1] = "a";
  pass_quiet_time();
  EXPECT_EQ(world.run().report.rejected_sample.at(0).code, "parked");
  EXPECT_EQ(world.tool.created.size(), 1u);
}

TEST(Inserts, AnIdempotencyKeyMakesTheSameBatchSafeToRepeatInTheRunAndAfterACrash) {
  World world;
  world.fill(3);
  world.changes["mode"] = "insert";
  world.changes["object"]["idempotency"] = {{"ttl_s", 86400}};
  world.tool.fate = [](int nth) { return nth == 1 ? lost_after() : Fate{}; };
  const Report report = world.run().report;
  EXPECT_EQ(report.status, Status::done) << report.message;
  EXPECT_EQ(report.http.requests, 2u);
  EXPECT_EQ(world.tool.created.size(), 3u);

  world.model.push_back({"x1", "a"});
  world.model.push_back({"x2", "a"});
  world.tool.fate = [](int) { return Fate{.dies = true}; };
  EXPECT_THROW((void)world.run(), Died);
  world.tool.fate = [](int) { return Fate{}; };
  const Report after = world.run().report;
  EXPECT_EQ(after.status, Status::done) << after.message;
  EXPECT_EQ(world.tool.created.size(), 5u) << "the tool knew the key";
}

TEST(Inserts, AChangedRowEndsTheIdempotencyKeyAndTheBatchIsLookedUp) {
  World world;
  be_quick(world);
  world.fill(2);
  world.changes["mode"] = "insert";
  world.changes["object"]["idempotency"] = {{"ttl_s", 86400}};
  world.tool.fate = [](int) { return Fate{.dies = true}; };
  EXPECT_THROW((void)world.run(), Died);
  world.model[0][1] = "other";
  world.changes["timing"]["send_window_s"] = 0.1;
  world.tool.fate = [](int) { return Fate{}; };
  pass_quiet_time();
  const Report report = world.run().report;
  // The send window of the run that died was longer: its inserts may still arrive.
  EXPECT_EQ(report.outcomes.unknown, 2u) << report.message;
  EXPECT_EQ(world.tool.created.size(), 2u);
}

TEST(Inserts, DuplicateOkMustBeAskedForAndSendsAgain) {
  World world;
  world.fill(1);
  world.changes["mode"] = "insert";
  world.changes["insert_safety"] = "duplicate_ok";
  world.tool.fate = [](int nth) { return nth == 1 ? lost_after() : Fate{}; };
  EXPECT_EQ(world.run().report.status, Status::done);
  EXPECT_EQ(world.tool.created.size(), 2u);
}

TEST(Adopt, BackfillSkipTakesTheFirstModelAsDeliveredAndSendsLaterChanges) {
  World world;
  world.fill(5);
  world.changes["backfill"] = "skip";
  world.changes["task"] = "plan";
  EXPECT_EQ(world.run().plan.at("requests"), 0);
  world.changes["task"] = "run";
  const Report first = world.run().report;
  EXPECT_EQ(first.status, Status::done) << first.message;
  EXPECT_EQ(first.outcomes.skipped, 5u);
  EXPECT_EQ(first.http.requests, 0u);
  world.model[3][1] = "b";
  const Report second = world.run().report;
  EXPECT_EQ(second.outcomes.accepted, 1u);
  EXPECT_EQ(world.tool.requests, std::vector<std::string>{"POST 1"});
}

TEST(Adopt, TheTaskTakesWhateverDiffersAsDelivered) {
  World world;
  world.fill(4);
  (void)world.run();
  world.fill(4, "b");
  world.changes["task"] = "adopt";
  EXPECT_EQ(world.run().report.outcomes.skipped, 4u);
  world.changes["task"] = "run";
  EXPECT_EQ(world.run().report.http.requests, 0u);
}

TEST(Resync, SendsUnchangedRowsAgainWhenItIsDue) {
  World world;
  world.fill(3);
  (void)world.run();
  world.changes["resync_every_s"] = 0.05;
  std::this_thread::sleep_for(std::chrono::milliseconds(80));
  const Report due = world.run().report;
  EXPECT_EQ(due.diff.changed, 3u);
  EXPECT_EQ(due.outcomes.accepted, 3u);
  world.changes["resync_every_s"] = 3600;
  EXPECT_EQ(world.run().report.http.requests, 0u) << "it was just done";
}

TEST(Was, StateComesAlongWithARename) {
  World world;
  world.fill(3);
  (void)world.run();
  world.changes["sync"] = "people_to_tool";
  world.changes["was"] = {"rows_to_tool"};
  const Report report = world.run().report;
  EXPECT_EQ(report.diff.unchanged, 3u);
  EXPECT_EQ(report.http.requests, 0u);
}

const SyncAddress kRows{"rows_to_tool", "rest:test", "rows", 0, 1};

/// The only rejected row, as the store has it.
RejectedRow rejected_in(World& world) {
  const auto store = open_store(world.spec()["state"]["url"], false);
  const std::vector<RejectedRow> rows = store->rejected_of(kRows);
  return rows.size() == 1 ? rows.front() : RejectedRow{};
}

/// One row, of which the tool says "later" until it is told to take it.
class Transient : public ::testing::Test {
 protected:
  Transient() {
    world_.fill(1);
    world_.changes["rejected"] = {{"max_attempts", 3}};
    world_.changes["object"]["results"]["status"] = "status";
    world_.changes["timing"]["deadline_s"] = 0.2;  // it is tried within a run as well
    world_.tool.fate = [this](int) {
      if (takes_it_) return Fate{};
      return Fate{.apply = false,
                  .body = R"({"errors": [{"key": "k0", "status": 429, "code": "busy"}]})"};
    };
  }

  /// The requests of a run, which rejects the row.
  std::uint64_t run() {
    const Report report = world_.run().report;
    EXPECT_EQ(report.status, Status::rejected);
    EXPECT_EQ(report.outcomes.rejected, 1U) << "a second run must not turn green";
    return report.http.requests;
  }
  void quarantine() {
    for (int i = 0; i < 3; ++i) static_cast<void>(run());
    ASSERT_EQ(run(), 0U);
  }

  World world_;
  bool takes_it_ = false;
};

TEST_F(Transient, IsTriedAtEachRunUntilItIsQuarantined) {
  for (std::int32_t attempt = 1; attempt <= 3; ++attempt) {
    EXPECT_GE(run(), 1U) << "run " << attempt;
    EXPECT_EQ(rejected_in(world_).attempts, attempt);
    EXPECT_EQ(rejected_in(world_).hold, Hold::transient);
  }
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(run(), 0U) << "tried often enough";
    EXPECT_EQ(rejected_in(world_).attempts, 3) << "held back is not an attempt";
  }
}

TEST_F(Transient, IsReleasedFromQuarantineByAChangeOfTheRow) {
  quarantine();
  takes_it_ = true;
  EXPECT_EQ(run(), 0U);
  world_.model[0][1] = "b";
  const Report report = world_.run().report;
  EXPECT_EQ(report.status, Status::done);
  EXPECT_EQ(report.outcomes.accepted, 1U);
  EXPECT_EQ(world_.tool.records["k0"]["v"], "b");
  EXPECT_TRUE(rejected_in(world_).key.empty());
}

TEST_F(Transient, IsReleasedFromQuarantineByHandForOneRun) {
  quarantine();
  const auto release = [&] {
    const auto store = open_store(world_.spec()["state"]["url"], false);
    return settle_by_hand(*store, kRows, {ByHand::Kind::retry, std::nullopt, "by-hand"});
  };
  EXPECT_EQ(release(), 1U);
  EXPECT_GE(run(), 1U);
  EXPECT_EQ(run(), 0U) << "it was asked for once";
  EXPECT_EQ(release(), 1U);
  takes_it_ = true;
  EXPECT_EQ(world_.run().report.status, Status::done);
  EXPECT_TRUE(rejected_in(world_).key.empty());
}

TEST(ChangedFields, OnlyWhatDiffersIsSentOnceTheFieldsAreKnown) {
  World world;
  world.columns.push_back({"w", Type::text, "text"});
  world.changes["columns"] = {{{"name", "id"}}, {{"name", "v"}}, {{"name", "w"}}};
  world.changes["field_count"] = 3;
  world.changes["changed_fields"] = true;
  world.model = {{"k0", "a", "x"}, {"k1", "a", "x"}};
  (void)world.run();
  world.tool.records["k0"]["w"] = "edited in the tool";
  world.model[0][1] = "b";
  const Report report = world.run().report;
  EXPECT_EQ(report.outcomes.accepted, 1u);
  EXPECT_EQ(world.tool.records["k0"]["v"], "b");
  EXPECT_EQ(world.tool.records["k0"]["w"], "edited in the tool") << "w was not sent";
}

TEST(ChangedFields, FieldsOfAnotherVersionAreNoMeasure) {
  World world;
  world.columns.push_back({"w", Type::text, "text"});
  world.changes["columns"] = {{{"name", "id"}}, {{"name", "v"}}, {{"name", "w"}}};
  world.changes["field_count"] = 3;
  world.changes["changed_fields"] = true;
  world.model = {{"k0", "a", "x"}};
  (void)world.run();
  world.changes["changed_fields"] = false;
  world.model[0][1] = "b";
  (void)world.run();
  world.changes["changed_fields"] = true;
  world.model = {{"k0", "a", "y"}};
  EXPECT_EQ(world.run().report.outcomes.accepted, 1u);
  EXPECT_EQ(world.tool.records["k0"]["v"], "a") << "it was sent with whole rows meanwhile";
  EXPECT_EQ(world.tool.records["k0"]["w"], "y");
}

TEST(ChangedFields, AnotherMappingSendsOnlyRowsWhoseValuesDiffer) {
  World world;
  world.changes["changed_fields"] = true;
  world.fill(5);
  (void)world.run();
  world.changes["mapping_fingerprint"] = "m2";  // as where a field was taken out of the mapping
  world.model[2][1] = "b";
  const Report report = world.run().report;
  EXPECT_EQ(report.diff.changed, 1u) << report.message;
  EXPECT_EQ(report.diff.unchanged, 4u);
  EXPECT_EQ(world.tool.requests.back(), "POST 1");
  EXPECT_EQ(world.run().report.http.requests, 0u) << "all have their new versions";
}

TEST(NullJump, StopsAFieldThatSuddenlyEmptiesAndSaysWhenItHasNothingToCompareWith) {
  World world;
  world.fill(10);
  world.changes["guards"]["max_null_jump"]["v"] = {{"value", 20}, {"percent", true}};
  const Report first = world.run().report;
  EXPECT_EQ(first.status, Status::done);
  ASSERT_FALSE(first.notes.empty());
  for (std::size_t i = 0; i < 5; ++i) world.model[i][1] = std::nullopt;
  const Report second = world.run().report;
  EXPECT_EQ(second.status, Status::refused);
  ASSERT_EQ(second.breaches.size(), 1u);
  EXPECT_EQ(second.breaches[0].guard, "max_null_jump");
  EXPECT_EQ(world.run().report.status, Status::refused) << "a refused run is no measure";
  world.changes["allow_guards"] = {"max_null_jump"};
  EXPECT_EQ(world.run().report.status, Status::done);
}

TEST(Verify, TellsEqualMissingDifferentExtraAndPendingApart) {
  World world;
  world.fill(6);
  (void)world.run();
  world.tool.records["k1"]["v"] = "edited";
  world.tool.records.erase("k2");
  world.model[3][1] = "newer";
  world.model.erase(world.model.begin() + 5);
  world.changes["task"] = "verify";
  const json found = world.run().verify;
  EXPECT_EQ(found.at("equal"), 2) << found;
  EXPECT_EQ(found.at("different"), 1);
  EXPECT_EQ(found.at("missing"), 1);
  EXPECT_EQ(found.at("pending"), 1);
  EXPECT_EQ(found.at("extra"), 1);
  EXPECT_EQ(found.at("unreadable"), 0);
  for (const json& row : found.at("rows")) {
    if (row.at("state") != "different") continue;
    EXPECT_EQ(row.at("key"), "k1");
    EXPECT_EQ(row.at("fields")[0].at("theirs"), "edited");
  }
}

TEST(Verify, RepairIsARunOverTheRowsThatDiffer) {
  World world;
  world.fill(4);
  (void)world.run();
  world.tool.records["k1"]["v"] = "edited";
  world.tool.records.erase("k2");
  world.model.pop_back();  // another row has left: repair takes nothing away
  world.changes["only_keys"] = {"k1", "k2"};
  world.changes["on_removed"] = "delete";
  world.tool.requests.clear();
  const Report report = world.run().report;
  EXPECT_EQ(report.outcomes.accepted, 2u) << report.message;
  EXPECT_EQ(world.tool.requests, std::vector<std::string>{"POST 2"});
  EXPECT_EQ(world.tool.records.at("k1").at("v"), "a");
}

TEST(Try, ShowsTheRequestAndSendsItOnlyWhereAsked) {
  World world;
  world.fill(3);
  world.changes["task"] = "try";
  world.changes["only_keys"] = {"k1"};
  const RunResult shown = world.run();
  EXPECT_EQ(shown.report.status, Status::planned) << shown.report.message;
  ASSERT_EQ(shown.attempt.at("requests").size(), 1u);
  EXPECT_EQ(shown.attempt["requests"][0]["path"], "/rows");
  EXPECT_EQ(shown.attempt.dump().find("t0ken-canary"), std::string::npos);
  EXPECT_TRUE(world.tool.requests.empty());
  world.changes["try_send"] = true;
  const RunResult sent = world.run();
  EXPECT_EQ(sent.report.status, Status::done) << sent.report.message;
  ASSERT_EQ(sent.attempt.at("answers").size(), 1u);
  EXPECT_EQ(sent.attempt["answers"][0]["status"], 200);
  EXPECT_EQ(world.tool.records.size(), 1u);
  world.changes["only_keys"] = {"nobody"};
  EXPECT_EQ(world.run().report.status, Status::config);
}

TEST(Try, SendsUnderBackfillSkipAndLeavesTheFirstRunToTakeTheModel) {
  World world;
  world.fill(3);
  world.changes["backfill"] = "skip";
  world.changes["task"] = "try";
  world.changes["try_send"] = true;
  world.changes["only_keys"] = {"k1"};
  EXPECT_EQ(world.run().report.outcomes.accepted, 1u);
  EXPECT_EQ(world.tool.records.size(), 1u);
  world.changes["task"] = "run";
  world.changes["only_keys"] = nullptr;
  const Report first = world.run().report;
  EXPECT_EQ(first.outcomes.skipped, 2u) << first.message;
  EXPECT_EQ(first.http.requests, 0u);
}

TEST(Try, DoesNotHideAnotherEncoding) {
  World world;
  world.fill(10);
  (void)world.run();
  world.fill(10, "another form");
  world.encoding = "another driver's";
  world.changes["only_keys"] = {"k1"};
  EXPECT_EQ(world.run().report.outcomes.accepted, 1u);
  world.changes["only_keys"] = nullptr;
  EXPECT_EQ(world.run().report.status, Status::refused);
}

TEST(Verify, NamesEveryRowThatIsToBeRepaired) {
  World world;
  world.fill(1500);
  (void)world.run();
  for (auto& [id, record] : world.tool.records) record["v"] = "edited";
  world.changes["task"] = "verify";
  const json found = world.run().verify;
  EXPECT_EQ(found.at("different"), 1500);
  EXPECT_EQ(found.at("repair").size(), 1500u);
  EXPECT_EQ(found.at("rows").size(), 1000u) << "as many as anybody looks at";
}

/// Answers nothing before two requests wait.
class PatientTransport final : public testing::ToolTransport {
 public:
  using ToolTransport::ToolTransport;
  std::vector<http::Finished> poll(std::chrono::milliseconds wait) override {
    began_ = began_ || in_flight() >= 2;
    if (began_) return ToolTransport::poll(wait);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return {};
  }

 private:
  bool began_ = false;
};

TEST(Verify, NoRepairInsertsARowAgain) {
  World world;
  world.fill(2);
  world.changes["mode"] = "insert";
  (void)world.run();
  world.changes["only_keys"] = {"k1"};
  world.changes["full_refresh"] = true;
  EXPECT_EQ(world.run().report.status, Status::config);
  EXPECT_EQ(world.tool.created.size(), 2u);
}

TEST(Stops, WhatMustBePutRightIsToldWhateverElseEndedTheRun) {
  World world;
  world.fill(8);
  world.transport = [&world](const http::TransportOptions&) {
    return std::make_unique<PatientTransport>(world.tool);
  };
  world.tool.fate = [](int nth) {
    Fate fate;
    fate.apply = false;
    fate.status = nth == 1 ? 429 : 401;
    if (nth == 1) fate.retry_after = std::chrono::hours(5);
    return fate;
  };
  const Report report = world.run().report;
  EXPECT_EQ(report.status, Status::config) << report.message;
}

}  // namespace
}  // namespace tailrace
