// Entries that no row of the model came for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "diff/diff_fixture.hpp"
#include "state/errors.hpp"

namespace tailrace {
namespace {

using test::Diff;
using testing::ElementsAre;
using testing::IsEmpty;
using Lines = std::vector<std::string>;

TEST(RemovedRows, UnderIgnoreAreOnlyNewlyAbsent) {
  Diff diff(test::keyed_by_match());
  diff.acknowledge("a@x", "a@x\tAnn", {"a@x", "", ""});
  diff.acknowledge("b@x", "b@x\tBob", {"b@x", "", ""});
  diff.run({"a@x\tAnn"});
  EXPECT_EQ(diff.counts().removed, 0U);
  EXPECT_EQ(diff.counts().gone, 1U);
  EXPECT_THAT(diff.sent(), IsEmpty());
  EXPECT_THAT(diff.differ().newly_absent(), ElementsAre(diff.identity("b@x")));
}

TEST(RemovedRows, KeysOnlyInDoubtAreGoneAndUnderIgnoreNothingToSend) {
  Diff diff(test::keyed_by_match());
  diff.doubt("a@x", {1, 1, false, false, false, {"a@x", "", ""}});
  diff.run({"b@x\tBob"});
  EXPECT_EQ(diff.counts().gone, 1U);
  EXPECT_EQ(diff.counts().removed, 0U);
  EXPECT_THAT(diff.differ().newly_absent(), IsEmpty());
}

TEST(RemovedRows, AreSentWithAllThatIsKnownOfThem) {
  for (const OnRemoved on_removed : {OnRemoved::delete_, OnRemoved::archive, OnRemoved::clear}) {
    Diff diff(test::keyed_by_id());
    diff.options.on_removed = on_removed;
    diff.acknowledge("a@x", "a@x\tAnn\t1", {"1", "a@x", "id-1"});
    diff.doubt("b@x", {1, 1, false, false, false, {"2", "b@x", ""}});
    diff.doubt("c@x", {1, 0, true, true, false, {"3", "c@x", ""}});
    diff.run({"d@x\tDan\t4"});
    EXPECT_EQ(diff.counts().removed, 3U);
    EXPECT_EQ(diff.counts().gone, 3U);
    std::vector<Diff::Sent> removed;
    for (const Diff::Sent& row : diff.sent()) {
      if (row.change == Change::removed) removed.push_back(row);
    }
    EXPECT_THAT(removed,
                testing::UnorderedElementsAre(Diff::Sent{Change::removed, "", {"1", "a@x", "id-1"}},
                                              Diff::Sent{Change::removed, "", {"2", "b@x", ""}},
                                              Diff::Sent{Change::removed, "", {"3", "c@x", ""}}));
    EXPECT_THAT(diff.differ().newly_absent(), IsEmpty());
  }
}

TEST(RemovedRows, TakeNewerKeysFromTheJournal) {
  Diff diff(test::keyed_by_id());
  diff.options.on_removed = OnRemoved::delete_;
  // In the snapshot, then written again under another key.
  diff.acknowledge("a@x", "a@x\tAnn\t1", {"1", "a@x", "id-1"});
  diff.journal.push_back({"11", "a@x", ""});
  // Only ever in the journal.
  const StateTable::Slot slot = diff.state.table.insert(diff.identity("b@x"));
  diff.state.table.marks(slot).acknowledged = true;
  diff.journal.push_back({"2", "b@x", "id-2"});
  // Accepted and still in the model.
  diff.acknowledge("c@x", "c@x\tCas\t3", {"3", "c@x", "id-3"});
  diff.journal.push_back({"3", "c@x", "id-3"});
  diff.run({"c@x\tCas\t3"});
  std::vector<Diff::Sent> sent = diff.sent();
  EXPECT_THAT(sent,
              testing::UnorderedElementsAre(Diff::Sent{Change::removed, "", {"11", "a@x", "id-1"}},
                                            Diff::Sent{Change::removed, "", {"2", "b@x", "id-2"}}));
}

TEST(RemovedRows, ThatTheStoreCannotNameEndTheRun) {
  Diff diff(test::keyed_by_match());
  diff.options.on_removed = OnRemoved::delete_;
  const StateTable::Slot slot = diff.state.table.insert(diff.identity("a@x"));
  diff.state.table.marks(slot).acknowledged = true;
  diff.read({"b@x\tBob"});
  EXPECT_THROW(diff.finish(), StateLost);
}

TEST(RemovedRows, ManyBucketsGiveEveryKey) {
  Diff diff(test::keyed_by_match());
  diff.options.on_removed = OnRemoved::delete_;
  Lines expected;
  for (int i = 0; i < 1000; ++i) {
    const std::string key = "k" + std::to_string(i);
    diff.acknowledge(key, key + "\tx", {key, "", ""});
    expected.push_back(key);
  }
  std::sort(expected.begin(), expected.end());
  diff.run({});
  EXPECT_EQ(diff.removed_keys(), expected);
}

TEST(AbsentEntries, AreNeitherGoneNorRemovedAgain) {
  for (const OnRemoved on_removed : {OnRemoved::ignore, OnRemoved::delete_}) {
    Diff diff(test::keyed_by_match());
    diff.options.on_removed = on_removed;
    diff.acknowledge("a@x", "a@x\tAnn", {"a@x", "", ""});
    diff.leave_absent("a@x");
    diff.run({"b@x\tBob"});
    EXPECT_EQ(diff.counts().gone, 0U);
    EXPECT_EQ(diff.counts().removed, 0U);
    EXPECT_THAT(diff.differ().newly_absent(), IsEmpty());
  }
}

TEST(AbsentEntries, ComeBackUnchangedWithoutARequest) {
  Diff diff(test::keyed_by_match());
  diff.acknowledge("a@x", "a@x\tAnn", {"a@x", "", ""});
  diff.leave_absent("a@x");
  diff.run({"a@x\tAnn"});
  EXPECT_EQ(diff.counts().unchanged, 1U);
  EXPECT_THAT(diff.sent(), IsEmpty());
  EXPECT_THAT(diff.differ().returned(), ElementsAre(diff.identity("a@x")));
}

TEST(AbsentEntries, ComeBackChangedAsAChange) {
  Diff diff(test::keyed_by_match());
  diff.acknowledge("a@x", "a@x\tAnn", {"a@x", "", ""});
  diff.leave_absent("a@x");
  diff.run({"a@x\tAnna"});
  EXPECT_EQ(diff.counts().changed, 1U);
  EXPECT_THAT(diff.differ().returned(), ElementsAre(diff.identity("a@x")));
}

TEST(AbsentEntries, InDoubtAreKnownKeysStill) {
  Diff diff(test::keyed_by_match());
  diff.options.on_removed = OnRemoved::delete_;
  diff.acknowledge("a@x", "a@x\tAnn", {"a@x", "", ""});
  diff.leave_absent("a@x");
  diff.doubt("a@x", {1, 1, false, false, false, {"a@x", "", ""}});
  diff.run({"b@x\tBob"});
  EXPECT_THAT(diff.removed_keys(), ElementsAre("a@x"));
}

// The plan's fingerprint.

Lines many_rows() {
  Lines rows;
  for (int i = 0; i < 200; ++i) rows.push_back("k" + std::to_string(i) + "\tnew");
  return rows;
}

void know_some(Diff& diff) {
  for (int i = 100; i < 300; ++i) {
    const std::string key = "k" + std::to_string(i);
    diff.acknowledge(key, key + (i % 2 == 0 ? "\tnew" : "\told"), {key, "", ""});
  }
}

std::string fingerprint_of(const Lines& model, OnRemoved on_removed) {
  Diff diff(test::keyed_by_match());
  diff.options.on_removed = on_removed;
  know_some(diff);
  diff.run(model);
  EXPECT_EQ(diff.counts().added, 100U);
  EXPECT_EQ(diff.counts().changed, 50U);
  return diff.differ().plan_fingerprint();
}

TEST(PlanFingerprint, DoesNotDependOnTheOrderOfTheScan) {
  Lines model = many_rows();
  const std::string first = fingerprint_of(model, OnRemoved::delete_);
  std::shuffle(model.begin(), model.end(), std::mt19937_64(5));
  EXPECT_EQ(fingerprint_of(model, OnRemoved::delete_), first);
  EXPECT_EQ(first.size(), 32U);
}

TEST(PlanFingerprint, TellsOperationsAndVersionsApart) {
  const Lines model = many_rows();
  const std::string deletes = fingerprint_of(model, OnRemoved::delete_);
  EXPECT_NE(deletes, fingerprint_of(model, OnRemoved::archive));
  EXPECT_NE(deletes, fingerprint_of(model, OnRemoved::clear));
  EXPECT_NE(deletes, fingerprint_of(model, OnRemoved::ignore));
  Lines other = model;
  other[0] += "er";
  EXPECT_NE(deletes, fingerprint_of(other, OnRemoved::delete_));
}

TEST(PlanFingerprint, LeavesOutRowsThatTurnOutDuplicate) {
  Lines model = many_rows();
  const std::string without = fingerprint_of(model, OnRemoved::delete_);
  model.insert(model.begin(), "twice\t1");
  model.insert(model.begin() + 90, "twice\t2");
  model.insert(model.end(), "twice\t1");
  EXPECT_EQ(fingerprint_of(model, OnRemoved::delete_), without);
}

}  // namespace
}  // namespace tailrace
