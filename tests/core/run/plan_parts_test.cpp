#include "run/plan_parts.hpp"

#include <gtest/gtest.h>

#include <map>

#include "plan_fixture.hpp"

namespace tailrace {
namespace {

using testing::PlanFixture;
using testing::Refusal;
using testing::refusal_of;
using testing::slurp;
using testing::spew;

std::vector<std::string> write_parts(PlanFixture& plan, int of) {
  return write_plan_parts(plan.folder.string(), of, plan.store, plan.content());
}

TEST(PlanParts, HoldEveryRowOfTheWholeOnceInItsShard) {
  for (const int of : {1, 2, 8}) {
    PlanFixture plan;
    plan.diff(300, 20);
    std::map<IdentityHash, int> expected;
    ChangeRow row;
    plan.rows->rewind();
    while (plan.rows->next(row)) {
      if (!plan.differ->is_duplicate(row.identity)) expected[row.identity] = 1;
    }
    const std::vector<std::string> paths = write_parts(plan, of);
    ASSERT_EQ(paths.size(), static_cast<std::size_t>(of));
    std::map<IdentityHash, int> found;
    for (int i = 0; i < of; ++i) {
      const std::string& path = paths[static_cast<std::size_t>(i)];
      EXPECT_EQ(path, plan.path("rows_to_tool." + std::to_string(i) + "of" + std::to_string(of) +
                                ".plan"));
      OpenedPlan part = plan.open(path);
      EXPECT_EQ(part.header.shard, i);
      EXPECT_EQ(part.header.of, of);
      while (part.rows.next(row)) {
        ++found[row.identity];
        EXPECT_EQ(shard_of(row.identity, static_cast<std::uint32_t>(of)),
                  static_cast<std::uint32_t>(i));
      }
    }
    EXPECT_EQ(found, expected);
  }
}

TEST(PlanParts, CountsAddUpToTheWholeAndEachPartToItsOwnRows) {
  PlanFixture plan;
  plan.diff(300, 20);
  const std::vector<std::string> paths = write_parts(plan, 8);
  const DiffCounts whole = plan.differ->counts();
  DiffCounts sum;
  for (const std::string& path : paths) {
    const PlanHeader header = plan.open(path).header;
    const DiffCounts& part = header.counts;
    EXPECT_EQ(part.scanned, part.unchanged + part.added + part.changed + part.invalid);
    EXPECT_EQ(header.whole.scanned, whole.scanned);
    EXPECT_EQ(header.whole.removed, whole.removed);
    EXPECT_EQ(header.known, plan.state.known);
    EXPECT_EQ(header.breaches.size(), 1u);
    EXPECT_EQ(header.whole_fingerprint, plan.differ->plan_fingerprint());
    EXPECT_EQ(header.run_id, "r_1");
    sum.scanned += part.scanned;
    sum.unchanged += part.unchanged;
    sum.added += part.added;
    sum.changed += part.changed;
    sum.removed += part.removed;
    sum.invalid += part.invalid;
    sum.gone += part.gone;
  }
  EXPECT_EQ(sum.scanned, whole.scanned);
  EXPECT_EQ(sum.unchanged, whole.unchanged);
  EXPECT_EQ(sum.added, whole.added);
  EXPECT_EQ(sum.changed, whole.changed);
  EXPECT_EQ(sum.removed, whole.removed);
  EXPECT_EQ(sum.invalid, whole.invalid);
  EXPECT_EQ(sum.gone, whole.gone);
  EXPECT_EQ(whole.invalid, 3u);
}

TEST(PlanParts, InvalidRowsAreCountedAndShownWithThePartZero) {
  PlanFixture plan;
  plan.diff(30, 0);
  const std::vector<std::string> paths = write_parts(plan, 3);
  EXPECT_EQ(plan.open(paths[0]).header.counts.invalid, 3u);
  EXPECT_FALSE(plan.open(paths[0]).header.invalid_sample.empty());
  for (const std::size_t i : {1u, 2u}) {
    EXPECT_EQ(plan.open(paths[i]).header.counts.invalid, 0u);
    EXPECT_TRUE(plan.open(paths[i]).header.invalid_sample.empty());
  }
}

TEST(PlanParts, ListsAreSplitAsTheRowsAre) {
  PlanFixture plan;
  plan.on_removed = OnRemoved::ignore;
  plan.diff(30, 40);
  const std::vector<std::string> paths = write_parts(plan, 4);
  std::size_t listed = 0;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const OpenedPlan part = plan.open(paths[i]);
    EXPECT_EQ(part.header.counts.gone, part.lists.newly_absent.size());
    for (const IdentityHash& identity : part.lists.newly_absent) {
      EXPECT_EQ(shard_of(identity, 4), i);
    }
    listed += part.lists.newly_absent.size();
  }
  EXPECT_EQ(listed, 40u);
}

TEST(PlanParts, AreNoPlanBeforeAllOfThemAreThere) {
  PlanFixture plan;
  plan.diff(30, 2);
  const std::vector<std::string> paths = write_parts(plan, 3);
  const std::string list = plan.path("rows_to_tool.3parts.plan");
  const std::string bytes = slurp(list);
  std::filesystem::remove(list);
  for (const std::string& path : paths) {
    const Refusal refusal = refusal_of([&] { (void)plan.open(path); });
    EXPECT_TRUE(refusal.altered);
    EXPECT_NE(refusal.message.find(list), std::string::npos) << refusal.message;
  }
  spew(list, bytes);
  for (const std::string& path : paths) EXPECT_NO_THROW((void)plan.open(path));
}

TEST(PlanParts, OfTwoPlansDoNotMix) {
  PlanFixture plan;
  plan.diff(30, 2);
  const std::vector<std::string> paths = write_parts(plan, 3);
  const std::string old = slurp(paths[1]);
  const std::string old_list = slurp(plan.path("rows_to_tool.3parts.plan"));
  plan.forget();
  plan.diff({"new\t1"});
  (void)write_parts(plan, 3);
  EXPECT_NO_THROW((void)plan.open(paths[1]));
  spew(paths[1], old);
  const Refusal refusal = refusal_of([&] { (void)plan.open(paths[1]); });
  EXPECT_TRUE(refusal.altered);
  EXPECT_NE(refusal.message.find("siblings"), std::string::npos) << refusal.message;
  spew(plan.path("rows_to_tool.3parts.plan"), old_list);
  EXPECT_TRUE(refusal_of([&] { (void)plan.open(paths[0]); }).altered);
}

TEST(PlanParts, RenamedToAnotherPartsNameIsRefused) {
  PlanFixture plan;
  plan.diff(30, 2);
  const std::vector<std::string> paths = write_parts(plan, 3);
  spew(paths[2], slurp(paths[1]));
  const Refusal refusal = refusal_of([&] { (void)plan.open(paths[2]); });
  EXPECT_TRUE(refusal.altered);
  EXPECT_NE(refusal.message.find("part 1 of 3"), std::string::npos) << refusal.message;
}

TEST(PlanParts, TheListOfPartsIsItselfNoPlan) {
  PlanFixture plan;
  plan.diff(30, 2);
  (void)write_parts(plan, 3);
  EXPECT_TRUE(refusal_of([&] { (void)plan.open(plan.path("rows_to_tool.3parts.plan")); }).altered);
}

TEST(PlanParts, WhereOneNameIsTakenNothingIsWritten) {
  PlanFixture plan;
  plan.diff(30, 2);
  spew(plan.path("rows_to_tool.2of3.plan"), "a letter");
  EXPECT_TRUE(refusal_of([&] { (void)write_parts(plan, 3); }).altered);
  EXPECT_EQ(plan.files(), std::set<std::string>{"rows_to_tool.2of3.plan"});
}

TEST(PlanParts, NumberIsBounded) {
  PlanFixture plan;
  plan.diff(3, 0);
  for (const int of : {-1, 0, kMostParts + 1}) {
    EXPECT_TRUE(refusal_of([&] { (void)write_parts(plan, of); }).altered) << of;
  }
  EXPECT_TRUE(plan.files().empty());
}

TEST(PlanParts, NamesOfSyncsThatAreNoFileNamesStayApart) {
  PlanFixture plan;
  plan.diff(3, 0);
  std::set<std::string> bases;
  for (const std::string& sync : {std::string("a/b"), std::string("a_b"), std::string("a.b"),
                                  std::string("../a"), std::string(300, 'x')}) {
    PlanContent content = plan.content();
    content.header.sync = sync;
    const auto paths = write_plan_parts(plan.folder.string(), 1, plan.store, content);
    EXPECT_EQ(std::filesystem::path(paths[0]).parent_path(), plan.folder) << paths[0];
    bases.insert(paths[0]);
  }
  EXPECT_EQ(bases.size(), 5u);
}

TEST(StateSums, ChangeWithEveryEntryOfTheirShardAndWithNothingElse) {
  PlanFixture plan;
  for (int i = 0; i < 50; ++i) plan.acknowledge("k" + std::to_string(i), "1");
  const std::vector<std::string> before = state_sums(plan.state.table, 4);
  const IdentityHash one = plan.identity("k7");
  const StateTable::Slot slot = plan.state.table.find(one);
  plan.state.table.version(slot) ^= 1;
  std::vector<std::string> after = state_sums(plan.state.table, 4);
  EXPECT_NE(after[shard_of(one, 4)], before[shard_of(one, 4)]);
  after[shard_of(one, 4)] = before[shard_of(one, 4)];
  EXPECT_EQ(after, before);
  plan.state.table.version(slot) ^= 1;
  plan.state.table.marks(slot).in_doubt = true;  // doubts end as time goes by
  plan.state.table.marks(plan.state.table.insert(plan.identity("refused"))).rejected = true;
  EXPECT_EQ(state_sums(plan.state.table, 4), before);
  plan.state.table.marks(slot).absent = true;
  EXPECT_NE(state_sums(plan.state.table, 4), before);
}

}  // namespace
}  // namespace tailrace
