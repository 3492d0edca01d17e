// What a run spec means where it leaves something out.
#include "run/spec.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>

#include "world.hpp"

namespace tailrace {
namespace {

using namespace std::chrono_literals;

TEST(RunSpec, QuietTimeIsTwiceALongTimeout) {
  testing::World world;
  const auto quiet = [&world] { return parse_run_spec(world.spec().dump()).timing.quiet; };
  EXPECT_EQ(quiet(), 120s) << "at least";
  world.changes["connection"]["timeout_s"] = 5;
  EXPECT_EQ(quiet(), 120s);
  world.changes["connection"]["timeout_s"] = 300;
  EXPECT_EQ(quiet(), 600s) << "a request that timed out may land for as long again";
  world.changes["timing"]["quiet_s"] = 1;
  EXPECT_EQ(quiet(), 1s) << "where somebody knows better";
}

/// What parsing the spec ends with, after one change to it.
std::string refusal(const char* place, const nlohmann::json& value) {
  testing::World world;
  nlohmann::json spec = world.spec();
  spec[nlohmann::json::json_pointer(place)] = value;
  try {
    (void)parse_run_spec(spec.dump());
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "taken";
}

TEST(RunSpec, RefusesWhatItDoesNotKnowAndNamesIt) {
  for (const char* key :
       {"task", "mode", "on_removed", "on_missing", "backfill", "insert_safety"}) {
    const std::string said = refusal(("/" + std::string(key)).c_str(), "nonsense");
    EXPECT_NE(said.find(key), std::string::npos) << said;
    EXPECT_NE(said.find("nonsense"), std::string::npos) << said;
  }
  EXPECT_NE(refusal("/format", 2).find("format"), std::string::npos);
}

TEST(RunSpec, AShardIsOneOfItsNumber) {
  for (const auto& [index, of] : {std::pair{-1, 2}, {2, 2}, {0, 0}, {0, -1}}) {
    const std::string said = refusal("/shard", {{"index", index}, {"of", of}});
    EXPECT_NE(said.find("shard"), std::string::npos) << index << "/" << of << ": " << said;
  }
  EXPECT_EQ(refusal("/shard", {{"index", 1}, {"of", 2}}), "taken");
  EXPECT_EQ(refusal("/shard", nullptr), "taken");
}

TEST(RunSpec, ColumnsThatAreNotThereAreRefused) {
  for (const char* place : {"/field_count", "/match"}) {
    EXPECT_NE(refusal(place, 99).find("do not fit"), std::string::npos) << place;
  }
  EXPECT_NE(refusal("/key", nlohmann::json::array()).find("do not fit"), std::string::npos);
  EXPECT_NE(refusal("/key", {99}).find("do not fit"), std::string::npos);
}

}  // namespace
}  // namespace tailrace
