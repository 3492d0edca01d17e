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

  /// Once more where it gives way.
  Report tried_twice(int index, const std::string& round) {
    const Report report = shard(index, round);
    return report.status == Status::unfinished ? shard(index, round) : report;
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

TEST_F(ShardedWorld, ARoundOfTheSameNameIsJudgedAnewWhereTheModelIsAnother) {
  play_round("daily");
  world_.model.clear();
  for (int index = 0; index < kShards; ++index) {
    const Report report = tried_twice(index, "daily");
    EXPECT_EQ(report.status, Status::refused) << index << ' ' << report.message;
  }
  EXPECT_EQ(world_.tool.records.size(), 400u);
}

/// Most of the shards have counted a model that was whole. The last one alone sees what became of
/// it, and its own rows are a quarter of all.
TEST_F(ShardedWorld, WhatSiblingsCountedOfAnotherModelIsNotTaken) {
  for (const std::string round : {"", "second"}) {
    world_.fill(400);
    play_round("first" + round);
    world_.changes["guards"]["max_removed"] = {{"value", 30}, {"percent", true}};
    for (int index = 0; index < kShards - 1; ++index) {
      EXPECT_EQ(shard(index, round).status, Status::unfinished);
    }
    world_.model.resize(1);
    const Report report = shard(kShards - 1, round);
    EXPECT_EQ(report.status, Status::unfinished) << report.message;
    EXPECT_NE(report.message.find("another model"), std::string::npos) << report.message;
    EXPECT_TRUE(report.not_before_ms.has_value());
    for (int index = kShards - 1; index >= 0; --index) {
      const Report judged = tried_twice(index, round);
      EXPECT_EQ(judged.status, Status::refused) << index << ' ' << judged.message;
      ASSERT_EQ(judged.breaches.size(), 1u);
      EXPECT_NEAR(judged.breaches[0].value, 99.75, 0.01) << "of the whole";
    }
    EXPECT_EQ(world_.tool.records.size(), 400u) << "nothing was taken away";
  }
}

TEST_F(ShardedWorld, AGuardThatOneShardWasLetPassStopsTheOthers) {
  play_round("r1");
  world_.changes["guards"]["max_changed"] = {{"value", 30}, {"percent", true}};
  world_.fill(400, "b");
  for (int index = 0; index < kShards; ++index) reports_[index] = shard(index, "r2");
  world_.changes["allow_guards"] = {"max_changed"};
  ASSERT_EQ(shard(0, "r2").status, Status::done);
  world_.changes["allow_guards"] = nullptr;
  for (int index = 1; index < kShards; ++index) {
    const Report report = shard(index, "r2");
    EXPECT_EQ(report.status, Status::refused) << index << ' ' << report.message;
    ASSERT_EQ(report.breaches.size(), 1u);
    EXPECT_NEAR(report.breaches[0].value, 100, 0.01);
  }
  world_.model[0][1] = "c";  // and so it is for a model that has changed since
  for (int index = 1; index < kShards; ++index) {
    EXPECT_EQ(tried_twice(index, "r2").status, Status::refused) << index;
  }
}

/// It is another one each time that it is read, so that no two shards ever count the same.
TEST_F(ShardedWorld, AModelThatNeverStandsStillIsSentAllTheSame) {
  world_.changes["guards"]["max_changed"] = {{"value", 30}, {"percent", true}};
  for (const std::string round : {"r1", "r2", ""}) {
    int reads = 0;
    const auto at_work = [&](int index) {
      world_.model[400 - 1][1] = round + std::to_string(++reads);
      return shard(index, round);
    };
    int tries = 0;
    for (int index = 0; index < kShards; ++index) reports_[index] = at_work(index);
    for (int index = 0; index < kShards; ++index) {
      while (reports_[index].status != Status::done && ++tries < 20) {
        ASSERT_EQ(reports_[index].status, Status::unfinished) << reports_[index].message;
        reports_[index] = at_work(index);
      }
    }
    EXPECT_LE(tries, 2 * kShards);
  }
  for (int index = 0; index < kShards; ++index) {
    for (int tries = 0; tries < 2; ++tries) reports_[index] = shard(index, "last");
  }
  for (int index = 0; index < kShards; ++index) {
    EXPECT_EQ(tried_twice(index, "last").status, Status::done);
  }
  EXPECT_TRUE(world_.tool_equals_model());
}

/// A mapping is another one for all rows; where the fields are known, only those that differ count.
TEST_F(ShardedWorld, TheWholeIsCountedByFieldsWhereTheMappingHasChanged) {
  world_.changes["changed_fields"] = true;
  play_round("r1");
  world_.changes["guards"]["max_changed"] = {{"value", 10}, {"percent", true}};
  world_.changes["mapping_fingerprint"] = "m2";
  for (int index = 0; index < kShards; ++index) {
    world_.model[0][1] = "x" + std::to_string(index);
    EXPECT_EQ(shard(index, "r2").status, Status::unfinished);
  }
  for (int index = 0; index < kShards; ++index) {
    const Report report = shard(index, "r2");
    EXPECT_EQ(report.status, Status::done) << index << ' ' << report.message;
  }
  EXPECT_TRUE(world_.tool_equals_model());
}

TEST_F(ShardedWorld, APartIsTriedAgainInItsRoundWithoutItsSiblings) {
  play_round("r1");
  for (int index = 0; index < kShards; ++index) {
    EXPECT_EQ(shard(index, "r1").status, Status::done) << "of the same model";
  }
  world_.model[0][1] = "changed";
  for (int index = 0; index < kShards; ++index) {
    EXPECT_EQ(tried_twice(index, "r1").status, Status::done) << index;
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
