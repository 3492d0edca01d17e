#include "diff/guard.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tailrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A sync of 1,000 known keys that deletes what left the model.
GuardFacts facts() {
  GuardFacts facts;
  facts.known = 1000;
  facts.deletes = true;
  facts.counts.scanned = 1000;
  facts.counts.unchanged = 1000;
  return facts;
}

GuardFacts with_removed(std::uint64_t removed) {
  GuardFacts changed = facts();
  changed.counts.removed = changed.counts.gone = removed;
  changed.counts.scanned = changed.counts.unchanged = 1000 - removed;
  return changed;
}

GuardFacts with_changed(std::uint64_t changed, std::uint64_t refreshed = 0) {
  GuardFacts out = facts();
  out.counts.unchanged = 1000 - changed - refreshed;
  out.counts.changed = changed + refreshed;
  out.counts.refreshed = refreshed;
  return out;
}

std::vector<std::string> broken(const Guards& guards, const GuardFacts& of,
                                const std::vector<std::string>& allowed = {}) {
  std::vector<std::string> names;
  for (const Breach& breach : judge(guards, of, allowed)) names.push_back(breach.guard);
  return names;
}

TEST(Guards, AnOrdinaryRunPasses) { EXPECT_THAT(broken({}, facts()), IsEmpty()); }

TEST(Guards, AnEmptyModelIsRefusedWhateverBecomesOfRemovedRows) {
  GuardFacts empty;
  empty.known = 1;
  EXPECT_THAT(broken({}, empty), ElementsAre("empty"));
  empty.deletes = true;
  empty.counts.removed = empty.counts.gone = 1;
  EXPECT_THAT(broken({}, empty), ElementsAre("empty"));
}

TEST(Guards, AModelWithoutAValidRowIsRefusedAsEmpty) {
  GuardFacts invalid;
  invalid.known = 5000;
  invalid.counts.scanned = invalid.counts.invalid = 20;
  const std::vector<Breach> breaches = judge({}, invalid, {});
  ASSERT_EQ(breaches.size(), 1U);
  EXPECT_THAT(breaches[0].message, HasSubstr("none of the model's 20 rows is valid"));
  EXPECT_THAT(breaches[0].message, HasSubstr("5,000 keys"));
}

TEST(Guards, AnEmptyModelPassesWithoutBaselineOrWhereItIsAllowed) {
  GuardFacts empty;
  EXPECT_THAT(broken({}, empty), IsEmpty());
  empty.known = 10;
  Guards guards;
  guards.allow_empty = true;
  EXPECT_THAT(broken(guards, empty), IsEmpty());
  EXPECT_THAT(broken({}, empty, {"empty"}), IsEmpty());
}

TEST(Guards, AnEmptyModelOfManyKeysBreaksBothGuardsAndEachIsAllowedByItself) {
  GuardFacts empty = with_removed(1000);
  empty.counts.scanned = empty.counts.unchanged = 0;
  EXPECT_THAT(broken({}, empty), ElementsAre("empty", "max_removed"));
  EXPECT_THAT(broken({}, empty, {"empty"}), ElementsAre("max_removed"));
  EXPECT_THAT(broken({}, empty, {"empty", "max_removed"}), IsEmpty());
}

TEST(Guards, RemovedRowsAreRefusedAboveTwentyPercent) {
  EXPECT_THAT(broken({}, with_removed(200)), IsEmpty());
  EXPECT_THAT(broken({}, with_removed(201)), ElementsAre("max_removed"));
}

TEST(Guards, AHundredRemovedRowsAlwaysPassTheDefault) {
  GuardFacts small = facts();
  small.known = 101;
  small.counts.unchanged = 1;
  small.counts.removed = 100;
  EXPECT_THAT(broken({}, small), IsEmpty());
  small.counts.removed = 101;
  EXPECT_THAT(broken({}, small), ElementsAre("max_removed"));
}

TEST(Guards, ALimitThatWasSetHasNoFloor) {
  Guards guards;
  guards.removed_floor = 0;
  guards.max_removed = Limit{3, false};
  EXPECT_THAT(broken(guards, with_removed(3)), IsEmpty());
  EXPECT_THAT(broken(guards, with_removed(4)), ElementsAre("max_removed"));
  guards.max_removed.reset();
  EXPECT_THAT(broken(guards, with_removed(999)), IsEmpty());
}

TEST(Guards, WhereNothingIsDeletedLostRowsAreNotJudged) {
  GuardFacts shrunk = facts();
  shrunk.deletes = false;
  shrunk.counts.unchanged = shrunk.counts.scanned = 100;
  shrunk.counts.gone = 900;
  EXPECT_THAT(broken({}, shrunk), IsEmpty());
}

TEST(Guards, ABreachTellsFigureLimitAndTheWayOn) {
  GuardFacts shrunk = with_removed(0);
  shrunk.known = 1'234'567;
  shrunk.counts.removed = 500'000;
  const Breach breach = judge({}, shrunk, {}).at(0);
  EXPECT_EQ(breach.message,
            "guard max_removed: 500,000 rows would be removed, 40.5 % of the 1,234,567 known keys;"
            " the limit is 20 %. Nothing was sent. If this is right, let it pass once with"
            " --allow-guard max_removed.");
  EXPECT_NEAR(breach.value, 40.5, 0.01);
  EXPECT_EQ(breach.limit.value, 20);
  EXPECT_TRUE(breach.limit.percent);
}

TEST(Guards, ALimitInRowsIsToldInRows) {
  Guards guards;
  guards.max_added = Limit{1, false};
  GuardFacts grown = facts();
  grown.counts.added = 2;
  const Breach breach = judge(guards, grown, {}).at(0);
  EXPECT_THAT(breach.message, HasSubstr("2 rows would be added; the limit is 1 row."));
  EXPECT_EQ(breach.value, 2);
}

TEST(Guards, ChangedAndAddedRowsAreJudgedWhereALimitIsSet) {
  EXPECT_THAT(broken({}, with_changed(1000)), IsEmpty());
  Guards guards;
  guards.max_changed = Limit{50, true};
  EXPECT_THAT(broken(guards, with_changed(500)), IsEmpty());
  EXPECT_THAT(broken(guards, with_changed(501)), ElementsAre("max_changed"));
  EXPECT_THAT(broken(guards, with_changed(501), {"max_changed"}), IsEmpty());
  guards.max_added = Limit{10, true};
  GuardFacts grown = facts();
  grown.counts.added = 101;
  EXPECT_THAT(broken(guards, grown), ElementsAre("max_added"));
}

TEST(Guards, RowsThatAFullRefreshSendsAgainAreNotJudged) {
  Guards guards;
  guards.max_changed = Limit{10, true};
  EXPECT_THAT(broken(guards, with_changed(100, 900)), IsEmpty());
  EXPECT_THAT(broken(guards, with_changed(101, 899)), ElementsAre("max_changed"));
}

TEST(Guards, AFirstRunHasNoSharesToBreak) {
  Guards guards;
  guards.max_added = Limit{10, true};
  GuardFacts first;
  first.counts.scanned = first.counts.added = 5000;
  EXPECT_THAT(broken(guards, first), IsEmpty());
  guards.max_added = Limit{10, false};
  EXPECT_THAT(broken(guards, first), ElementsAre("max_added"));
}

TEST(Guards, AnotherEncodingIsNamedAsTheCause) {
  GuardFacts changed = with_changed(201);
  EXPECT_THAT(broken({}, changed), IsEmpty());
  changed.encoding_changed = true;
  const std::vector<Breach> breaches = judge({}, changed, {});
  ASSERT_EQ(breaches.size(), 1U);
  EXPECT_EQ(breaches[0].guard, "encoding");
  EXPECT_THAT(breaches[0].message, HasSubstr("reset --adopt"));
  EXPECT_THAT(breaches[0].message, HasSubstr("20.1 % of the 1,000 known keys"));
  EXPECT_THAT(broken({}, changed, {"encoding"}), IsEmpty());
  changed = with_changed(200);
  changed.encoding_changed = true;
  EXPECT_THAT(broken({}, changed), IsEmpty());
}

}  // namespace
}  // namespace tailrace
