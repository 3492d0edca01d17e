// Whole runs from plan files.
#include <gtest/gtest.h>

#include <future>
#include <set>

#include "plan_fixture.hpp"
#include "run/engine.hpp"
#include "world.hpp"

namespace tailrace {
namespace {

using nlohmann::json;
using testing::Died;
using testing::Fate;
using testing::slurp;
using testing::spew;
using testing::World;

/// A source that says so when it is asked for.
Surroundings without_model(World& world) {
  Surroundings around = world.surroundings();
  around.source = [](const RunSpec&) -> std::unique_ptr<Source> {
    throw std::logic_error("the model was asked for");
  };
  return around;
}

std::string file_of(const World& world, const std::string& name = "a.plan") {
  return (world.folder / name).string();
}

/// Some rows known, some changed, some new, some gone.
void prepare(World& world) {
  world.changes = {{"on_removed", "delete"}};
  world.fill(40);
  (void)world.run();
  world.tool.requests.clear();
  world.tool.writes.clear();
  for (int i = 0; i < 10; ++i) world.model[static_cast<std::size_t>(i)][1] = "changed";
  for (int i = 0; i < 5; ++i) world.model.push_back({"new" + std::to_string(i), "b"});
  world.model.erase(world.model.begin() + 20, world.model.begin() + 23);
}

json spec_with(World& world, const json& more) {
  json spec = world.spec();
  spec.merge_patch(more);
  return spec;
}

RunResult plan_with(World& world, const json& plan) {
  const json spec = spec_with(world, {{"task", "plan"}, {"plan", plan}});
  return Engine(parse_run_spec(spec.dump()), world.surroundings()).run();
}

RunResult write_file(World& world, const std::string& name = "a.plan") {
  return plan_with(world, {{"write", file_of(world, name)}});
}

std::vector<std::string> write_parts(World& world, int of) {
  const RunResult result = plan_with(world, {{"directory", world.folder.string()}, {"of", of}});
  EXPECT_EQ(result.report.status, Status::planned) << result.report.message;
  return result.plan.value("parts", std::vector<std::string>{});
}

/// Sends the file, without a model.
Report send_file(World& world, const std::string& path, const json& more = json::object()) {
  json spec = spec_with(world, {{"plan", {{"read", path}}}});
  spec.merge_patch(more);
  return Engine(parse_run_spec(spec.dump()), without_model(world)).run().report;
}

std::int64_t epoch_of(World& world) {
  const json spec = world.spec();
  const auto store = open_store(spec["state"]["url"], false);
  const auto claim = store->peek({spec["sync"], "rest:test", "rows", 0, 1});
  return claim ? claim->holder.epoch : 0;
}

void expect_stale(const Report& report, const World& world) {
  EXPECT_EQ(report.status, Status::refused) << report.message;
  EXPECT_NE(report.message.find("plan again"), std::string::npos) << report.message;
  EXPECT_TRUE(world.tool.requests.empty());
}

TEST(EnginePlanFile, SendsExactlyWhatWasPlannedWithoutReadingTheModel) {
  World world;
  prepare(world);
  const RunResult planned = write_file(world);
  ASSERT_EQ(planned.report.status, Status::planned) << planned.report.message;
  EXPECT_EQ(planned.plan.at("file"), file_of(world));
  EXPECT_TRUE(world.tool.requests.empty());
  const Report report = send_file(world, file_of(world));
  EXPECT_EQ(report.status, Status::done) << report.message;
  EXPECT_EQ(report.diff.scanned, 42u);
  EXPECT_EQ(report.diff.unchanged, 27u);
  EXPECT_EQ(report.diff.added, 5u);
  EXPECT_EQ(report.diff.changed, 10u);
  EXPECT_EQ(report.diff.removed, 3u);
  EXPECT_EQ(report.outcomes.accepted, 18u);
  EXPECT_EQ(world.tool.writes.size(), 15u);
  EXPECT_TRUE(world.tool_equals_model());
  EXPECT_EQ(world.run().report.http.requests, 0u);
}

TEST(EnginePlanFile, SendsThePlanAlsoWhereTheModelHasMovedOn) {
  World world;
  prepare(world);
  (void)write_file(world);
  world.model[0][1] = "later";
  EXPECT_EQ(send_file(world, file_of(world)).status, Status::done);
  EXPECT_EQ(world.tool.records.at("k0").at("v"), "changed");
  const Report next = world.run().report;
  EXPECT_EQ(next.outcomes.accepted, 1u);
  EXPECT_TRUE(world.tool_equals_model());
}

TEST(EnginePlanFile, OfAFirstRunIsSentToo) {
  World world;
  world.fill(10);
  (void)write_file(world);
  const Report report = send_file(world, file_of(world));
  EXPECT_EQ(report.status, Status::done) << report.message;
  EXPECT_EQ(report.diff.added, 10u);
  EXPECT_TRUE(world.tool_equals_model());
}

TEST(EnginePlanFile, LeavesOutRowsThatCameTwiceAndCountsThemInvalid) {
  World world;
  world.fill(5);
  world.model.push_back({"k3", "again"});
  (void)write_file(world);
  const Report report = send_file(world, file_of(world));
  EXPECT_EQ(report.status, Status::rejected);
  EXPECT_EQ(report.diff.invalid, 2u);
  EXPECT_EQ(report.invalid_sample.size(), 1u);
  EXPECT_EQ(report.outcomes.accepted, 4u);
  EXPECT_FALSE(world.tool.records.contains("k3"));
}

TEST(EnginePlanFile, CanBeSentOnce) {
  World world;
  prepare(world);
  (void)write_file(world);
  EXPECT_EQ(send_file(world, file_of(world)).status, Status::done);
  world.tool.requests.clear();
  expect_stale(send_file(world, file_of(world)), world);
}

TEST(EnginePlanFile, IsStaleAfterAnotherRunEvenOfNothing) {
  World world;
  prepare(world);
  (void)world.run();
  const auto later = world.model;
  world.model[30][1] = "planned";
  (void)write_file(world);
  world.model = later;
  EXPECT_EQ(world.run().report.http.requests, 0u);  // the model is back where the tool is
  world.tool.requests.clear();
  expect_stale(send_file(world, file_of(world)), world);
}

TEST(EnginePlanFile, IsStaleForAnyOtherSyncOrMapping) {
  const std::vector<json> others = {
      {{"sync", "another"}},
      {{"connection", {{"account", "rest:other"}}}},
      {{"object", {{"name", "others"}}}},
      {{"mapping_fingerprint", "m2"}},
      {{"columns", {{{"name", "id"}}, {{"name", "w"}}}}},
      {{"columns", {{{"name", "id"}}, {{"name", "v"}, {"nulls", "keep"}}}}},
      {{"columns", {{{"name", "id"}}, {{"name", "v"}, {"digits", 3}}}}},
      {{"columns", {{{"name", "id"}}, {{"name", "v"}}, {{"name", "x"}}}}},
      {{"key", {1}}},
      {{"match", 1}},
      {{"mode", "update"}},
      {{"on_removed", "ignore"}},
      {{"source", {{"kind", "other"}}}}};
  World world;
  prepare(world);
  (void)write_file(world);
  const std::int64_t epoch = epoch_of(world);
  for (const json& other : others) {
    const Report report = send_file(world, file_of(world), other);
    expect_stale(report, world);
    EXPECT_NE(report.message.find("plan:"), std::string::npos) << other;
  }
  EXPECT_EQ(epoch_of(world), epoch);  // none of them took the lease
  EXPECT_EQ(send_file(world, file_of(world)).status, Status::done);
}

TEST(EnginePlanFile, OfAnotherStoreIsStale) {
  World world;
  prepare(world);
  (void)write_file(world);
  const std::string url = "sqlite:///" + (world.folder / "other.db").string();
  const Report report = send_file(world, file_of(world), {{"state", {{"url", url}}}});
  expect_stale(report, world);
  EXPECT_NE(report.message.find("another state store"), std::string::npos) << report.message;
}

TEST(EnginePlanFile, ThatWasAlteredIsAnErrorOfUsageAndNothingIsSent) {
  World world;
  prepare(world);
  (void)write_file(world);
  std::string bytes = slurp(file_of(world));
  const std::size_t at = bytes.find("changed\t") == std::string::npos ? bytes.size() / 2 : 0;
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  spew(file_of(world), bytes);
  const Report report = send_file(world, file_of(world));
  EXPECT_EQ(report.status, Status::config);
  EXPECT_NE(report.message.find("altered"), std::string::npos) << report.message;
  EXPECT_TRUE(world.tool.requests.empty());
  EXPECT_EQ(send_file(world, file_of(world, "missing")).status, Status::config);
}

TEST(EnginePlanFile, BrokenGuardsAreJudgedAgainWhenItIsSent) {
  World world;
  prepare(world);
  world.changes["guards"] = {{"max_changed", {{"value", 3}}}, {"max_added", {{"value", 1}}}};
  const RunResult planned = write_file(world);
  EXPECT_EQ(planned.report.status, Status::planned);
  EXPECT_EQ(planned.plan.at("breaches").size(), 2u);
  const Report refused = send_file(world, file_of(world));
  EXPECT_EQ(refused.status, Status::refused);
  EXPECT_EQ(refused.breaches.size(), 2u);
  EXPECT_EQ(refused.outcomes.not_attempted, 18u);
  const Report one = send_file(world, file_of(world), {{"allow_guards", {"max_changed"}}});
  EXPECT_EQ(one.status, Status::refused);
  EXPECT_NE(one.message.find("max_added"), std::string::npos) << one.message;
  EXPECT_TRUE(world.tool.requests.empty());
  // A refusal takes no epoch: the same file may still be sent.
  const Report both =
      send_file(world, file_of(world), {{"allow_guards", {"max_changed", "max_added"}}});
  EXPECT_EQ(both.status, Status::done) << both.message;
  EXPECT_TRUE(world.tool_equals_model());
}

TEST(EnginePlanFile, ARowRejectedBeforeIsHeldBackAndCounted) {
  World world;
  world.fill(6);
  world.model[2][1] = "poison";
  (void)world.run();
  world.tool.requests.clear();
  world.model[4][1] = "b";
  (void)write_file(world);
  const Report report = send_file(world, file_of(world));
  EXPECT_EQ(report.status, Status::rejected);
  EXPECT_EQ(report.outcomes.accepted, 1u);
  EXPECT_EQ(report.outcomes.rejected, 1u);
  EXPECT_EQ(world.tool.requests.size(), 1u);
}

TEST(EnginePlanFile, RowsThatLeftAndCameBackAreWrittenDownAtTheEnd) {
  World world;
  world.fill(10);
  (void)world.run();
  const auto whole = world.model;
  world.model.resize(7);
  (void)write_file(world);
  const Report left = send_file(world, file_of(world));
  EXPECT_EQ(left.status, Status::done) << left.message;
  EXPECT_EQ(plan_with(world, json::object()).plan.at("known"), 7);
  world.model = whole;
  (void)write_file(world);
  EXPECT_EQ(send_file(world, file_of(world)).http.requests, 0u);
  EXPECT_EQ(plan_with(world, json::object()).plan.at("known"), 10);
}

TEST(EnginePlanFile, OfAFullRefreshSendsEverything) {
  World world;
  world.fill(9);
  (void)world.run();
  world.changes["full_refresh"] = true;
  (void)write_file(world);
  world.changes.erase("full_refresh");
  const Report report = send_file(world, file_of(world));
  EXPECT_EQ(report.diff.changed, 9u);
  EXPECT_EQ(report.diff.refreshed, 9u);
  EXPECT_EQ(report.outcomes.accepted, 9u);
}

TEST(EnginePlanFile, HoldsNoSecretOfTheConnection) {
  World world;
  prepare(world);
  (void)write_file(world);
  EXPECT_EQ(slurp(file_of(world)).find("canary"), std::string::npos);
  for (const std::string& part : write_parts(world, 2)) {
    EXPECT_EQ(slurp(part).find("canary"), std::string::npos);
  }
}

TEST(EnginePlanFile, SpillsWhereItIsLargerThanTheBuffer) {
  World world;
  world.fill(500, std::string(200, 'x'));
  world.changes["memory"] = {{"buffer_bytes", 4096}, {"directory", world.folder.string()}};
  (void)write_file(world);
  const Report report = send_file(world, file_of(world));
  EXPECT_EQ(report.status, Status::done) << report.message;
  EXPECT_TRUE(world.tool_equals_model());
}

TEST(EnginePlanFile, WhoseRunDiedIsStaleAndAnOrdinaryRunGoesOn) {
  World world;
  prepare(world);
  (void)write_file(world);
  world.tool.fate = [](int nth) {
    Fate fate;
    fate.dies = nth == 3;
    return fate;
  };
  EXPECT_THROW((void)send_file(world, file_of(world)), Died);
  world.tool.fate = [](int) { return Fate{}; };
  world.tool.requests.clear();
  expect_stale(send_file(world, file_of(world)), world);
  EXPECT_EQ(world.run().report.status, Status::done);
  EXPECT_TRUE(world.tool_equals_model());
}

TEST(EnginePlanFile, IsNotSentWhileAnotherRunIsAtWork) {
  World world;
  prepare(world);
  (void)write_file(world);
  const json spec = world.spec();
  const auto store = open_store(spec["state"]["url"], false);
  RunRow other;
  other.run_id = "other";
  other.sync = spec["sync"];
  ASSERT_TRUE(store->claim({spec["sync"], "rest:test", "rows", 0, 1}, other, 60'000));
  const Report report = send_file(world, file_of(world));
  // The other run's epoch is seen before its lease.
  EXPECT_EQ(report.status, Status::refused) << report.message;
  EXPECT_TRUE(world.tool.requests.empty());
}

TEST(EnginePlanFile, AnOlderStoreIsLostStateAndNotAStalePlan) {
  World world;
  prepare(world);
  (void)write_file(world);
  const auto store = open_store(world.spec()["state"]["url"], false);
  const json expect = {{"store_id", store->identity().id}, {"epoch", 99}, {"last_seq", 1}};
  const Report report = send_file(world, file_of(world), {{"state", {{"expect", expect}}}});
  EXPECT_EQ(report.status, Status::state_lost) << report.message;
}

TEST(EnginePlanFile, IsNotMadeOfAShardOrOfSomeKeys) {
  World world;
  prepare(world);
  world.changes["only_keys"] = {"k1"};
  EXPECT_EQ(write_file(world).report.status, Status::config);
  world.changes.erase("only_keys");
  world.changes["shard"] = {{"index", 0}, {"of", 2}};
  EXPECT_EQ(write_file(world).report.status, Status::config);
}

TEST(EnginePlanFile, ThatCannotBeWrittenIsAnErrorOfUsage) {
  World world;
  prepare(world);
  spew(file_of(world), "a letter");
  const RunResult result = write_file(world);
  EXPECT_EQ(result.report.status, Status::config);
  EXPECT_NE(result.report.message.find("no plan"), std::string::npos) << result.report.message;
  EXPECT_EQ(slurp(file_of(world)), "a letter");
}

TEST(EnginePlanParts, EachSendsItsShardAndTogetherTheyAreTheWhole) {
  World world;
  prepare(world);
  const std::vector<std::string> parts = write_parts(world, 3);
  ASSERT_EQ(parts.size(), 3u);
  DiffCounts sum;
  std::uint64_t accepted = 0;
  for (const std::size_t i : {2u, 0u, 1u}) {
    const Report report = send_file(world, parts[i]);
    EXPECT_EQ(report.status, Status::done) << report.message;
    sum.scanned += report.diff.scanned;
    sum.removed += report.diff.removed;
    accepted += report.outcomes.accepted;
  }
  EXPECT_EQ(sum.scanned, 42u);
  EXPECT_EQ(sum.removed, 3u);
  EXPECT_EQ(accepted, 18u);
  EXPECT_EQ(world.tool.writes.size(), 15u);
  EXPECT_TRUE(world.tool_equals_model());
  EXPECT_EQ(world.run().report.http.requests, 0u);
}

TEST(EnginePlanParts, OfTheNextRoundCompareWithAllShardsOfTheLast) {
  World world;
  prepare(world);
  for (const std::string& part : write_parts(world, 3)) {
    EXPECT_EQ(send_file(world, part).status, Status::done);
  }
  world.tool.writes.clear();
  world.model[1][1] = "third";
  world.model.pop_back();
  // The same number of parts, another number, and a whole plan, each over the layout before it.
  for (const int of : {3, 2, 5}) {
    world.model[0][1] = "of " + std::to_string(of);
    for (const std::string& part : write_parts(world, of)) {
      const Report report = send_file(world, part);
      EXPECT_EQ(report.status, Status::done) << report.message;
    }
    EXPECT_TRUE(world.tool_equals_model()) << of;
  }
  EXPECT_EQ(world.tool.writes, (std::map<std::string, int>{{"k0", 3}, {"k1", 1}}));
  world.model[0][1] = "whole";
  const RunResult planned = write_file(world);
  EXPECT_EQ(planned.report.diff.changed, 1u);
  EXPECT_EQ(planned.report.diff.unchanged, 40u);
  EXPECT_EQ(send_file(world, file_of(world)).status, Status::done);
  EXPECT_TRUE(world.tool_equals_model());
}

TEST(EnginePlanParts, MayRunAtTheSameTime) {
  World world;
  prepare(world);
  const std::vector<std::string> parts = write_parts(world, 4);
  std::vector<Surroundings> around;
  std::vector<std::unique_ptr<testing::Tool>> tools;
  std::vector<std::future<Report>> running;
  for (const std::string& part : parts) {
    const json spec = spec_with(world, {{"plan", {{"read", part}}}});
    Surroundings mine = without_model(world);
    testing::Tool& tool = *tools.emplace_back(std::make_unique<testing::Tool>());
    mine.transport = [&tool](const http::TransportOptions&) {
      return std::make_unique<testing::ToolTransport>(tool);
    };
    running.push_back(std::async(std::launch::async, [spec = spec.dump(), mine] {
      return Engine(parse_run_spec(spec), mine).run().report;
    }));
  }
  std::set<std::string> written;
  for (std::future<Report>& one : running) {
    const Report report = one.get();
    EXPECT_EQ(report.status, Status::done) << report.message;
  }
  for (const auto& tool : tools) {
    for (const auto& [key, times] : tool->writes) EXPECT_TRUE(written.insert(key).second) << key;
  }
  EXPECT_EQ(written.size(), 15u);
}

TEST(EnginePlanParts, AreStaleOnceAnyOtherRunHasGoneBy) {
  World world;
  prepare(world);
  std::vector<std::string> parts = write_parts(world, 3);
  EXPECT_EQ(send_file(world, parts[0]).status, Status::done);
  world.tool.requests.clear();
  expect_stale(send_file(world, parts[0]), world);
  EXPECT_EQ(world.run().report.status, Status::done);  // a whole run joins the shards
  world.tool.requests.clear();
  expect_stale(send_file(world, parts[1]), world);
}

TEST(EnginePlanParts, OfAnOlderRoundAreStaleWhenTheNewerHasBegun) {
  World world;
  prepare(world);
  const std::vector<std::string> old = write_parts(world, 3);
  EXPECT_EQ(send_file(world, old[0]).status, Status::done);
  const std::filesystem::path aside = world.folder / "old";
  std::filesystem::create_directory(aside);
  for (const auto& entry : std::filesystem::directory_iterator(world.folder)) {
    if (entry.path().extension() == ".plan") {
      std::filesystem::copy(entry.path(), aside / entry.path().filename());
    }
  }
  world.model[0][1] = "newer";
  world.model[1][1] = "newer";
  const std::vector<std::string> parts = write_parts(world, 3);
  EXPECT_EQ(send_file(world, parts[0]).status, Status::done);
  world.tool.requests.clear();
  const std::string kept = (aside / std::filesystem::path(old[1]).filename()).string();
  expect_stale(send_file(world, kept), world);
  EXPECT_EQ(send_file(world, parts[1]).status, Status::done);
  EXPECT_EQ(send_file(world, parts[2]).status, Status::done);
  EXPECT_TRUE(world.tool_equals_model());
}

TEST(EnginePlanParts, GuardsWereJudgedOnTheWhole) {
  World world;
  prepare(world);
  world.changes["guards"] = {{"max_changed", {{"value", 8}}}};  // each part has fewer
  const std::vector<std::string> parts = write_parts(world, 4);
  for (const std::string& part : parts) {
    EXPECT_EQ(send_file(world, part).status, Status::refused);
  }
  EXPECT_TRUE(world.tool.requests.empty());
  for (const std::string& part : parts) {
    const Report report = send_file(world, part, {{"allow_guards", {"max_changed"}}});
    EXPECT_EQ(report.status, Status::done) << report.message;
  }
  EXPECT_TRUE(world.tool_equals_model());
}

TEST(EnginePlanParts, InvalidRowsFailOnePartAlone) {
  World world;
  world.fill(12);
  world.model.push_back({std::nullopt, "no key"});
  const std::vector<std::string> parts = write_parts(world, 3);
  EXPECT_EQ(send_file(world, parts[0]).status, Status::rejected);
  EXPECT_EQ(send_file(world, parts[1]).status, Status::done);
  EXPECT_EQ(send_file(world, parts[2]).status, Status::done);
}

}  // namespace
}  // namespace tailrace
