// A sync in parts, each of which reads for itself: the guards judge the whole.

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "world.hpp"

namespace tailrace {
namespace {

using testing::World;

TEST(Shards, GuardsWaitForAllCountsAndThenEachSendsItsPart) {
  World world;
  world.fill(40);
  const auto shard = [&](int index) {
    world.changes["shard"] = {{"index", index}, {"of", 2}, {"round", "r1"}};
    return world.run().report;
  };
  const Report first = shard(0);
  EXPECT_EQ(first.status, Status::unfinished);
  EXPECT_EQ(first.http.requests, 0u);
  EXPECT_TRUE(first.not_before_ms.has_value());
  const Report second = shard(1);
  EXPECT_EQ(second.status, Status::done) << second.message;
  const Report again = shard(0);
  EXPECT_EQ(again.status, Status::done) << again.message;
  EXPECT_EQ(second.outcomes.accepted + again.outcomes.accepted, 40u);
  EXPECT_TRUE(world.tool_equals_model());
  world.changes["shard"] = nullptr;
  EXPECT_EQ(world.run().report.http.requests, 0u) << "the whole run finds what the shards did";
}

/// A sync of four shards, each in a run of its own.
class ShardedWorld : public ::testing::Test {
 protected:
  static constexpr int kShards = 4;

  void SetUp() override {
    world_.fill(400);
    world_.changes["on_removed"] = "delete";
  }

  Report shard(int index, const std::string& round = "") {
    world_.changes["shard"] = {{"index", index}, {"of", kShards}, {"round", round}};
    return world_.run().report;
  }

  /// All shards until each has worked: those that give way are tried again, as a scheduler does.
  void play_round(const std::string& round = "") {
    for (int index = 0; index < kShards; ++index) reports_[index] = shard(index, round);
    for (int index = 0; index < kShards; ++index) {
      if (reports_[index].status == Status::unfinished) reports_[index] = shard(index, round);
      ASSERT_EQ(reports_[index].status, Status::done) << index << ' ' << reports_[index].message;
    }
  }

  World world_;
  std::map<int, Report> reports_;
};

TEST_F(ShardedWorld, ASecondRoundWithoutANameDoesNotTakeTheFirstOnesCounts) {
  play_round();
  world_.model.resize(1);
  for (int pass = 0; pass < 3; ++pass) {
    for (int index = 0; index < kShards - 1; ++index) {
      EXPECT_EQ(shard(index).status, Status::unfinished) << "its siblings have not counted";
    }
  }
  EXPECT_EQ(shard(kShards - 1).status, Status::refused);
  for (int index = 0; index < kShards; ++index) {
    EXPECT_EQ(shard(index).status, Status::refused) << index;
  }
  EXPECT_EQ(world_.tool.records.size(), 400u) << "nothing was taken away";
}

TEST_F(ShardedWorld, ARoundOfTheSameNameIsJudgedByEachPartAsWell) {
  play_round("daily");
  world_.model.clear();
  for (int index = 0; index < kShards; ++index) {
    const Report report = shard(index, "daily");
    EXPECT_EQ(report.status, Status::refused) << index << ' ' << report.message;
  }
  EXPECT_EQ(world_.tool.records.size(), 400u);
}

TEST_F(ShardedWorld, APartIsTriedAgainInItsRoundWithoutItsSiblings) {
  play_round("r1");
  world_.model[0][1] = "changed";
  for (int index = 0; index < kShards; ++index) {
    EXPECT_EQ(shard(index, "r1").status, Status::done) << index;
  }
  EXPECT_TRUE(world_.tool_equals_model());
}

TEST_F(ShardedWorld, AnotherEncodingIsRefusedForEveryShard) {
  play_round("r1");
  world_.fill(400, "another form");
  world_.encoding = "another driver's";
  for (int pass = 0; pass < 2; ++pass) {
    for (int index = 0; index < kShards; ++index) reports_[index] = shard(index, "r2");
  }
  for (int index = 0; index < kShards; ++index) {
    EXPECT_EQ(reports_[index].status, Status::refused) << index << ' ' << reports_[index].message;
    ASSERT_EQ(reports_[index].breaches.size(), 1u);
    EXPECT_EQ(reports_[index].breaches[0].guard, "encoding");
  }
}

TEST_F(ShardedWorld, ANullJumpIsRefusedForEveryShard) {
  world_.changes["guards"]["max_null_jump"]["v"] = {{"value", 20}, {"percent", true}};
  play_round("r1");
  for (auto& row : world_.model) row[1] = std::nullopt;
  for (int pass = 0; pass < 2; ++pass) {
    for (int index = 0; index < kShards; ++index) reports_[index] = shard(index, "r2");
  }
  for (int index = 0; index < kShards; ++index) {
    EXPECT_EQ(reports_[index].status, Status::refused) << index << ' ' << reports_[index].message;
  }
}

}  // namespace
}  // namespace tailrace
