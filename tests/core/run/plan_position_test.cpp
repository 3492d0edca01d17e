#include "run/plan_position.hpp"

#include <gtest/gtest.h>

#include "plan_fixture.hpp"

namespace tailrace {
namespace {

using testing::refusal_of;

using Positions = std::vector<ShardPosition>;

PlanHeader plan_of(Positions positions, int shard = 0, int of = 1) {
  PlanHeader header;
  header.positions = std::move(positions);
  header.shard = shard;
  header.of = of;
  return header;
}

bool stands(const PlanHeader& header, const Positions& now) {
  return !refusal_of([&] { check_position(header, now); }).stale;
}

bool takes(const PlanHeader& header, std::int64_t epoch, std::int64_t last_seq,
           std::size_t journal_rows = 0) {
  Claim claim;
  claim.holder = {1, header.shard, header.of, epoch};
  claim.last_seq = last_seq;
  return !refusal_of([&] { check_claim(header, claim, journal_rows); }).stale;
}

TEST(PlanPosition, OfAWholeSyncMayNotHaveMovedAtAll) {
  const PlanHeader plan = plan_of({{0, 1, 3, 17}});
  EXPECT_TRUE(stands(plan, {{0, 1, 3, 17}}));
  EXPECT_FALSE(stands(plan, {{0, 1, 4, 17}}));  // a run that had nothing to send
  EXPECT_FALSE(stands(plan, {{0, 1, 3, 18}}));  // one that was under way and has sent since
  EXPECT_FALSE(stands(plan, {{0, 1, 2, 17}}));
  EXPECT_FALSE(stands(plan, {}));
  EXPECT_TRUE(takes(plan, 4, 17, 5));
  EXPECT_FALSE(takes(plan, 5, 17, 5));
  EXPECT_FALSE(takes(plan, 4, 18, 5));
}

TEST(PlanPosition, OfANewSyncMayHaveNoStateYet) {
  EXPECT_TRUE(stands(plan_of({}), {}));
  EXPECT_TRUE(takes(plan_of({}), 1, 0));
  EXPECT_FALSE(stands(plan_of({}), {{0, 1, 1, 4}}));
  EXPECT_FALSE(takes(plan_of({}), 2, 0));
  EXPECT_FALSE(takes(plan_of({}), 1, 4));
  const PlanHeader part = plan_of({}, 1, 2);
  EXPECT_TRUE(stands(part, {{0, 2, 1, 9}, {1, 2, 0, 0}}));
  EXPECT_FALSE(stands(part, {{0, 2, 1, 9}, {1, 2, 1, 3}}));
  EXPECT_FALSE(stands(part, {{0, 1, 1, 9}}));
}

TEST(PlanPosition, OfAPartLetsItsSiblingsMoveOnce) {
  const Positions then = {{0, 3, 5, 10}, {1, 3, 7, 20}, {2, 3, 6, 30}};
  const PlanHeader part = plan_of(then, 1, 3);
  EXPECT_TRUE(stands(part, then));
  EXPECT_TRUE(stands(part, {{0, 3, 6, 99}, {1, 3, 7, 20}, {2, 3, 7, 31}}));
  EXPECT_FALSE(stands(part, {{0, 3, 7, 99}, {1, 3, 7, 20}, {2, 3, 6, 30}}));  // twice
  EXPECT_FALSE(stands(part, {{0, 3, 4, 10}, {1, 3, 7, 20}, {2, 3, 6, 30}}));  // an older copy
  EXPECT_FALSE(stands(part, {{0, 3, 6, 99}, {1, 3, 8, 20}, {2, 3, 6, 30}}));  // its own shard
  EXPECT_FALSE(stands(part, {{0, 3, 6, 99}, {1, 3, 7, 21}, {2, 3, 6, 30}}));
  EXPECT_TRUE(takes(part, 8, 20, 12));
  EXPECT_FALSE(takes(part, 9, 20, 12));
  EXPECT_FALSE(takes(part, 8, 21, 12));
}

TEST(PlanPosition, OfPartsStartsWhereASplitOfTheWholeLeavesThem) {
  const PlanHeader part = plan_of({{0, 1, 5, 40}}, 2, 3);
  EXPECT_TRUE(stands(part, {{0, 1, 5, 40}}));  // the first part will split it
  EXPECT_FALSE(stands(part, {{0, 1, 6, 40}}));
  EXPECT_TRUE(stands(part, {{0, 3, 6, 55}, {1, 3, 5, 40}, {2, 3, 5, 42}}));  // two rows carried
  EXPECT_FALSE(stands(part, {{0, 3, 7, 55}, {1, 3, 5, 40}, {2, 3, 5, 42}}));
  EXPECT_FALSE(stands(part, {{0, 3, 6, 55}, {1, 3, 5, 40}, {2, 3, 6, 42}}));
  EXPECT_TRUE(takes(part, 6, 42, 2));
  EXPECT_TRUE(takes(part, 6, 40, 0));
  EXPECT_FALSE(takes(part, 6, 45, 2));  // the whole was written to before it was split
  EXPECT_FALSE(takes(part, 7, 42, 2));
}

TEST(PlanPosition, OfAWholeStartsWhereItsShardsWereJoined) {
  const PlanHeader plan = plan_of({{0, 2, 5, 10}, {1, 2, 9, 4}});
  EXPECT_TRUE(stands(plan, {{0, 2, 5, 10}, {1, 2, 9, 4}}));
  EXPECT_FALSE(stands(plan, {{0, 2, 6, 10}, {1, 2, 9, 4}}));
  EXPECT_TRUE(takes(plan, 10, 11, 1));
  EXPECT_FALSE(takes(plan, 11, 11, 1));
}

TEST(PlanPosition, SaysWhatMovedAndTheWayOn) {
  const auto refusal =
      refusal_of([] { check_position(plan_of({{0, 1, 3, 17}}), {{0, 1, 4, 20}}); });
  EXPECT_NE(refusal.message.find("epoch 3, journal 17"), std::string::npos) << refusal.message;
  EXPECT_NE(refusal.message.find("epoch 4, journal 20"), std::string::npos) << refusal.message;
  EXPECT_NE(refusal.message.find("plan again"), std::string::npos) << refusal.message;
}

TEST(PlanPosition, StateThatDiffersInOneEntryIsNoticed) {
  testing::PlanFixture plan;
  for (int i = 0; i < 20; ++i) plan.acknowledge("k" + std::to_string(i), "1");
  PlanHeader header;
  header.state_sum = state_sums(plan.state.table, 1).front();
  EXPECT_NO_THROW(check_state(header, plan.state.table));
  plan.state.table.version(plan.state.table.find(plan.identity("k3"))) += 1;
  EXPECT_TRUE(refusal_of([&] { check_state(header, plan.state.table); }).stale);
}

}  // namespace
}  // namespace tailrace
