// A breach: what would have been sent is kept, to be looked at and sent as it is.

#include "run/kept_plan.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "plan_fixture.hpp"
#include "run/engine.hpp"
#include "world.hpp"

namespace tailrace::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

unsigned mode_of(const fs::path& path) {
  struct stat facts{};
  EXPECT_EQ(::stat(path.c_str(), &facts), 0) << path;
  return facts.st_mode & 0777U;
}

class KeptPlan : public ::testing::Test {
 protected:
  KeptPlan() {
    world_.changes = {
        {"on_removed", "delete"},
        {"guards", {{"max_removed", {{"value", 10}, {"percent", true}}}, {"removed_floor", 0}}},
        {"plan", {{"keep", path()}}}};
    world_.fill(40);
    EXPECT_EQ(world_.run().report.status, Status::done);
    world_.tool.requests.clear();
    world_.model.resize(20);
    world_.model[0][1] = "changed";
  }

  [[nodiscard]] std::string path() const {
    return (world_.folder / ".tailrace" / "plans" / "rows.plan").string();
  }

  RunResult run(const json& more = json::object()) {
    json spec = world_.spec();
    spec.merge_patch(more);
    return Engine(parse_run_spec(spec.dump()), world_.surroundings()).run();
  }
  Report send(const json& more = json::object()) {
    json spec = {{"plan", {{"read", path()}}}};
    spec.merge_patch(more);
    const std::vector<Row> model = std::exchange(world_.model, {});
    Report report = run(spec).report;
    world_.model = model;
    return report;
  }
  static json allow(const std::string& guard) { return {{"allow_guards", {guard}}}; }

  World world_;
};

TEST_F(KeptPlan, ARefusedRunNamesThePlanThatSendsItsRows) {
  const Report refused = run().report;
  EXPECT_EQ(refused.status, Status::refused);
  for (const std::string& part :
       {std::string("guard max_removed"), path(),
        "tailrace run --select rows_to_tool --plan " + path() + " --allow-guard max_removed"}) {
    EXPECT_NE(refused.message.find(part), std::string::npos) << refused.message;
  }
  EXPECT_EQ(mode_of(path()), 0600U);
  EXPECT_EQ(mode_of(fs::path(path()).parent_path()), 0700U);
  EXPECT_EQ(mode_of(world_.folder / ".tailrace"), 0700U);
  EXPECT_TRUE(world_.tool.requests.empty());

  EXPECT_EQ(send().status, Status::refused) << "not without being allowed";
  const Report sent = send(allow("max_removed"));
  EXPECT_EQ(sent.status, Status::done) << sent.message;
  EXPECT_EQ(sent.outcomes.accepted, 21u);
  EXPECT_TRUE(world_.tool_equals_model());
  EXPECT_FALSE(fs::exists(path())) << "it cannot be sent twice";
}

TEST_F(KeptPlan, ItIsWhatTheRefusedRunWouldHaveSent) {
  (void)run();
  world_.model[1][1] = "changed later";
  EXPECT_EQ(send(allow("max_removed")).outcomes.accepted, 21u);
  EXPECT_EQ(world_.tool.records.at("k1").at("v"), "a");
  EXPECT_EQ(run().report.outcomes.accepted, 1u);
}

TEST_F(KeptPlan, ALaterRefusalWritesOverIt) {
  (void)run();
  world_.model.resize(10);
  EXPECT_EQ(run().report.status, Status::refused);
  EXPECT_EQ(send(allow("max_removed")).outcomes.accepted, 31u);
  EXPECT_TRUE(world_.tool_equals_model());
}

TEST_F(KeptPlan, ARunThatIsNotRefusedTakesItAway) {
  (void)run();
  ASSERT_TRUE(fs::exists(path()));
  world_.fill(40);
  EXPECT_EQ(run().report.status, Status::done);
  EXPECT_FALSE(fs::exists(path()));
}

TEST_F(KeptPlan, OneThatIsStaleIsRefused) {
  (void)run();
  const std::string kept = slurp(path());
  EXPECT_EQ(run(allow("max_removed")).report.status, Status::done);
  spew(path(), kept);
  const Report report = send(allow("max_removed"));
  EXPECT_EQ(report.status, Status::refused);
  EXPECT_NE(report.message.find("plan again"), std::string::npos) << report.message;
}

TEST_F(KeptPlan, APlanWithABreachIsKeptAsWell) {
  const RunResult planned = run({{"task", "plan"}});
  EXPECT_EQ(planned.report.status, Status::planned);
  EXPECT_EQ(planned.plan.at("file"), path());
  EXPECT_EQ(planned.plan.at("breaches").size(), 1u);
  EXPECT_EQ(send(allow("max_removed")).outcomes.accepted, 21u);
  EXPECT_TRUE(world_.tool_equals_model());
}

TEST_F(KeptPlan, APlanWithoutABreachIsNot) {
  world_.fill(40, "b");
  const RunResult planned = run({{"task", "plan"}});
  EXPECT_EQ(planned.report.status, Status::planned);
  EXPECT_FALSE(planned.plan.contains("file"));
  EXPECT_FALSE(fs::exists(path()));
}

TEST_F(KeptPlan, AFileThatIsAskedForIsTheOnlyOne) {
  const std::string asked = (world_.folder / "asked.plan").string();
  const RunResult planned = run({{"task", "plan"}, {"plan", {{"write", asked}}}});
  EXPECT_EQ(planned.plan.at("file"), asked);
  EXPECT_FALSE(fs::exists(path()));
}

TEST_F(KeptPlan, WhatCannotBeKeptDoesNotHideTheRefusal) {
  fs::create_directory(world_.folder / "elsewhere");
  fs::create_directory(world_.folder / ".tailrace");
  fs::create_directory_symlink(world_.folder / "elsewhere", fs::path(path()).parent_path());
  const Report linked = run().report;
  EXPECT_EQ(linked.status, Status::refused) << "a symbolic link is not followed";
  EXPECT_TRUE(fs::is_empty(world_.folder / "elsewhere"));
  ASSERT_FALSE(linked.notes.empty());
  EXPECT_NE(linked.notes.back().find("could not be kept"), std::string::npos);
  EXPECT_EQ(linked.message.find("--plan"), std::string::npos);

  fs::remove(fs::path(path()).parent_path());
  fs::create_directory(fs::path(path()).parent_path());
  spew(path(), "a user's own");
  EXPECT_EQ(run().report.status, Status::refused);
  EXPECT_EQ(slurp(path()), "a user's own");
  world_.fill(40);
  EXPECT_EQ(run().report.status, Status::done);
  EXPECT_EQ(slurp(path()), "a user's own") << "nor is it taken away";
}

TEST_F(KeptPlan, AShardsRowsAreNoPlanOfTheSync) {
  const json shard = {{"shard", {{"index", 0}, {"of", 2}, {"round", "r"}}}};
  (void)run(shard);
  const json sibling = {{"shard", {{"index", 1}, {"of", 2}, {"round", "r"}}}};
  const Report refused = run(sibling).report;
  EXPECT_EQ(refused.status, Status::refused) << refused.message;
  EXPECT_EQ(refused.message.find("--plan"), std::string::npos);
  EXPECT_FALSE(fs::exists(path()));
}

TEST(KeptPlanFile, TakingAwayWhatIsNotThereIsWell) {
  EXPECT_NO_THROW(drop_plan_at("/nowhere/at/all/rows.plan"));
}

}  // namespace
}  // namespace tailrace::testing
