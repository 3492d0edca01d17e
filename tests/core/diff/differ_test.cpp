#include "diff/differ.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
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

TEST(Differ, AFirstRunAddsEveryRow) {
  Diff diff(test::keyed_by_match());
  diff.run({"a@x\tAnn", "b@x\tBob"});
  EXPECT_EQ(diff.counts().scanned, 2U);
  EXPECT_EQ(diff.counts().added, 2U);
  EXPECT_EQ(diff.sent_lines(Change::added), (Lines{"a@x\tAnn", "b@x\tBob"}));
  EXPECT_EQ(diff.counts().gone, 0U);
}

TEST(Differ, AnUnchangedModelSendsNothing) {
  Diff diff(test::keyed_by_match());
  diff.acknowledge("a@x", "a@x\tAnn", {"a@x", "", ""});
  diff.acknowledge("b@x", "b@x\tBob", {"b@x", "", ""});
  diff.run({"b@x\tBob", "a@x\tAnn"});
  EXPECT_EQ(diff.counts().unchanged, 2U);
  EXPECT_THAT(diff.sent(), IsEmpty());
  EXPECT_EQ(diff.differ().plan_fingerprint(), std::string(32, '0'));
}

TEST(Differ, AChangedRowIsSentWithItsNewLine) {
  Diff diff(test::keyed_by_match());
  diff.acknowledge("a@x", "a@x\tAnn", {"a@x", "", ""});
  diff.run({"a@x\tAnna"});
  EXPECT_EQ(diff.counts().changed, 1U);
  EXPECT_EQ(diff.counts().refreshed, 0U);
  EXPECT_EQ(diff.sent_lines(Change::changed), (Lines{"a@x\tAnna"}));
}

TEST(Differ, NullIsAnotherValueThanTheEmptyText) {
  Diff diff(test::keyed_by_match());
  diff.acknowledge("a@x", "a@x\t", {"a@x", "", ""});
  diff.run({"a@x\t\\N"});
  EXPECT_EQ(diff.counts().changed, 1U);
}

TEST(Differ, AnEmptyModelWithoutBaselineIsNothingToDo) {
  Diff diff(test::keyed_by_match());
  diff.options.on_removed = OnRemoved::delete_;
  diff.run({});
  EXPECT_EQ(diff.counts().scanned, 0U);
  EXPECT_THAT(diff.sent(), IsEmpty());
}

TEST(Differ, RoundingNoiseIsNoChange) {
  Schema schema = test::keyed_by_match();
  schema.columns[1].type = Type::floating;
  Diff diff(schema);
  diff.acknowledge("a@x", "a@x\t0.3", {"a@x", "", ""});
  diff.run({"a@x\t0.30000000000000004"});
  EXPECT_EQ(diff.counts().unchanged, 1U);
}

TEST(Differ, TheMatchValueIsComparedAsTheDestinationComparesIt) {
  Diff diff(test::keyed_by_match());
  diff.options.normalise = [](std::string_view match, std::string& out) {
    for (const char c : match) out.push_back(static_cast<char>(std::tolower(c)));
    return match != "n/a";
  };
  diff.acknowledge("a@x", "A@X\tAnn", {"A@X", "", ""});
  diff.run({"A@X\tAnn", "B@x\tBob", "b@X\tBob", "n/a\tNone"});
  EXPECT_EQ(diff.counts().unchanged, 1U);
  EXPECT_EQ(diff.counts().invalid, 3U);
  EXPECT_THAT(diff.codes(), ElementsAre("duplicate_match", "unusable_match"));
  EXPECT_THAT(diff.sent(), IsEmpty());
}

TEST(Differ, AnEscapedMatchValueIsReadAsItsText) {
  Diff diff(test::keyed_by_match());
  diff.acknowledge("a\tb\\", "a\\tb\\\\\tAnn", {"a\tb\\", "", ""});
  diff.run({"a\\tb\\\\\tAnn"});
  EXPECT_EQ(diff.counts().unchanged, 1U);
}

TEST(Differ, ReadsRowsInGroupsOfAnySize) {
  for (const std::size_t rows : {1U, 15U, 16U, 17U, 33U}) {
    Diff diff(test::keyed_by_match());
    Lines model;
    for (std::size_t i = 0; i < rows; ++i) model.push_back(std::to_string(i) + "\tx");
    diff.run(model);
    EXPECT_EQ(diff.counts().added, rows);
    EXPECT_EQ(diff.sent_lines(Change::added), model);
  }
}

TEST(Differ, ARowThatCannotBeEncodedIsInvalidAndItsRecordStays) {
  Diff diff(test::keyed_by_match());
  diff.options.on_removed = OnRemoved::delete_;
  diff.options.check = [](const RowView& row) -> std::optional<InvalidRow> {
    if (row.cell(1).raw() != "NaN") return std::nullopt;
    return InvalidRow{"", "not_finite", "no number", "name"};
  };
  diff.acknowledge("a@x", "a@x\t1", {"a@x", "", ""});
  diff.acknowledge("b@x", "b@x\tNaN", {"b@x", "", ""});
  diff.run({"a@x\tNaN", "b@x\tNaN", "c@x\tNaN", "d@x\t4"});
  EXPECT_EQ(diff.counts().invalid, 2U);
  EXPECT_EQ(diff.counts().unchanged, 1U) << "rows that are not sent are not checked";
  EXPECT_EQ(diff.counts().gone, 0U);
  EXPECT_EQ(diff.sent_lines(Change::added), (Lines{"d@x\t4"}));
  ASSERT_EQ(diff.codes(), (Lines{"not_finite", "not_finite"}));
  EXPECT_EQ(diff.differ().invalid_sample()[0].key, "a@x");
}

TEST(Differ, AFullRefreshSendsUnchangedRowsAsChanged) {
  Diff diff(test::keyed_by_match());
  diff.options.full_refresh = true;
  diff.acknowledge("a@x", "a@x\tAnn", {"a@x", "", ""});
  diff.acknowledge("b@x", "b@x\tBob", {"b@x", "", ""});
  diff.run({"a@x\tAnn", "b@x\tBobby", "c@x\tCas"});
  EXPECT_EQ(diff.counts().unchanged, 0U);
  EXPECT_EQ(diff.counts().changed, 2U);
  EXPECT_EQ(diff.counts().refreshed, 1U);
  EXPECT_EQ(diff.counts().added, 1U);
  EXPECT_EQ(diff.sent().size(), 3U);
}

TEST(Differ, TheSampleOfInvalidRowsIsBounded) {
  Diff diff(test::keyed_by_match());
  diff.options.invalid_sample = 3;
  diff.run(Lines(50, "\\N\tx"));
  EXPECT_EQ(diff.counts().invalid, 50U);
  EXPECT_EQ(diff.differ().invalid_sample().size(), 3U);
}

TEST(Differ, ThrowsWhereTheCountsDoNotAddUp) {
  Diff diff(test::keyed_by_match());
  diff.read({"a@x\tAnn", "b@x\tBob"});
  diff.state.table.marks(diff.state.table.find(diff.identity("a@x"))).seen = Seen::invalid;
  EXPECT_THROW(diff.finish(), std::logic_error);
}

TEST(Differ, RefusesALineWithTooFewColumns) {
  Diff diff(test::keyed_by_id());
  EXPECT_THROW(diff.read({"a@x"}), std::out_of_range);
}

// Modes that create and cannot overwrite: the key is the identity.

TEST(DifferOfInserts, AKeyThatWasCreatedIsUnchangedForever) {
  Diff diff(test::keyed_by_id());
  diff.options.identity_is_key = true;
  diff.options.once = true;
  diff.options.full_refresh = true;
  diff.acknowledge("1", "a@x\tAnn\t1", {"1", "", ""});
  diff.doubt("1", {0, 77, true, false, false, {"1", "", ""}});
  diff.acknowledge("2", "b@x\tBob\t2", {"2", "", ""});
  diff.run({"new@x\tAnna\t1", "b@x\tBob\t2", "c@x\tCas\t3"});
  EXPECT_EQ(diff.counts().unchanged, 2U);
  EXPECT_EQ(diff.sent_lines(Change::added), (Lines{"c@x\tCas\t3"}));
}

TEST(DifferOfInserts, AppendSendsEachNewVersionAndRefreshesNothing) {
  Diff diff(test::keyed_by_id());
  diff.options.identity_is_key = true;
  diff.options.full_refresh = true;
  diff.acknowledge("1", "a@x\tAnn\t1", {"1", "", ""});
  diff.acknowledge("2", "b@x\tBob\t2", {"2", "", ""});
  diff.run({"a@x\tAnna\t1", "b@x\tBob\t2"});
  EXPECT_EQ(diff.sent_lines(Change::changed), (Lines{"a@x\tAnna\t1"}));
  EXPECT_EQ(diff.counts().unchanged, 1U);
}

TEST(DifferOfInserts, TheMatchValueMayBeNullOrComeTwice) {
  Diff diff(test::keyed_by_id());
  diff.options.identity_is_key = true;
  diff.run({"\\N\tAnn\t1", "a@x\tAnn\t2", "a@x\tAnn\t3"});
  EXPECT_EQ(diff.counts().added, 3U);
}

TEST(DifferOfInserts, KeysOfSeveralColumnsAreComparedColumnByColumn) {
  Diff diff(test::keyed_by_two());
  diff.options.identity_is_key = true;
  diff.run({"n\te\t1\t23", "n\te\t12\t3", "n\te\t\t123", "n\te\t123\t", "n\te\t1\t23"});
  EXPECT_EQ(diff.counts().added, 3U);
  EXPECT_EQ(diff.counts().invalid, 2U);
  EXPECT_THAT(diff.codes(), ElementsAre("duplicate_key"));
}

// A row in doubt.

Doubt doubt_of(Version version, bool mixed = false, bool deleted = false) {
  return {1000, version, mixed, deleted, false, {"a@x", "", "42"}};
}

struct DoubtCase {
  const char* name;
  bool acknowledged;
  bool same_version;  // doubt carries the acknowledged version
  bool mixed;
  bool deleted;
  std::string line;
  Change sent;
  bool unchanged;
};

class DifferInDoubt : public testing::TestWithParam<DoubtCase> {};

TEST_P(DifferInDoubt, IsUnchangedOnlyWhereNothingElseCanLand) {
  const DoubtCase& c = GetParam();
  Diff diff(test::keyed_by_match());
  const std::string base = "a@x\tAnn";
  if (c.acknowledged) diff.acknowledge("a@x", base, {"a@x", "", ""});
  diff.doubt("a@x",
             doubt_of(diff.version(c.same_version ? base : "a@x\tOther"), c.mixed, c.deleted));
  diff.run({c.line});
  EXPECT_EQ(diff.counts().unchanged, c.unchanged ? 1U : 0U);
  EXPECT_EQ(diff.sent_lines(c.sent).size(), c.unchanged ? 0U : 1U);
}

INSTANTIATE_TEST_SUITE_P(
    Doubts, DifferInDoubt,
    testing::Values(
        DoubtCase{"carried", true, true, false, false, "a@x\tAnn", Change::changed, true},
        DoubtCase{"carried_but_changed", true, true, false, false, "a@x\tB", Change::changed,
                  false},
        DoubtCase{"lost_revert", true, false, false, false, "a@x\tAnn", Change::changed, false},
        DoubtCase{"as_sent", true, false, false, false, "a@x\tOther", Change::changed, false},
        DoubtCase{"mixed", true, true, true, false, "a@x\tAnn", Change::changed, false},
        DoubtCase{"deleted", true, true, false, true, "a@x\tAnn", Change::changed, false},
        DoubtCase{"never_accepted", false, true, false, false, "a@x\tAnn", Change::added, false}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(Differ, ADoubtWithoutDetailsIsSentAgain) {
  Diff diff(test::keyed_by_match());
  const StateTable::Slot slot = diff.acknowledge("a@x", "a@x\tAnn", {"a@x", "", ""});
  diff.state.table.marks(slot).in_doubt = true;
  diff.run({"a@x\tAnn"});
  EXPECT_EQ(diff.counts().changed, 1U);
}

// Rejected rows are planned as any other; the run holds them back.

TEST(Differ, ARowThatWasOnlyEverRejectedIsAdded) {
  Diff diff(test::keyed_by_match());
  diff.reject("a@x");
  diff.run({"a@x\tAnn"});
  EXPECT_EQ(diff.counts().added, 1U);
  EXPECT_THAT(diff.differ().forgotten(), IsEmpty());
}

TEST(Differ, ARejectionIsOverWhenItsKeyLeavesOrTheRowIsAsAcknowledgedAgain) {
  Diff diff(test::keyed_by_match());
  diff.acknowledge("left@x", "left@x\tL", {"left@x", "", ""});
  diff.reject("left@x");
  diff.reject("never@x");
  diff.acknowledge("back@x", "back@x\tB", {"back@x", "", ""});
  diff.reject("back@x");
  diff.acknowledge("still@x", "still@x\tS", {"still@x", "", ""});
  diff.reject("still@x");
  diff.run({"back@x\tB", "still@x\tT"});
  EXPECT_THAT(diff.differ().forgotten(),
              testing::UnorderedElementsAre(diff.identity("left@x"), diff.identity("never@x"),
                                            diff.identity("back@x")));
}

TEST(Differ, ARefusedRemovalIsNotForgottenWhileItIsSent) {
  Diff diff(test::keyed_by_match());
  diff.options.on_removed = OnRemoved::delete_;
  diff.acknowledge("left@x", "left@x\tL", {"left@x", "", ""});
  diff.reject("left@x");
  diff.run({"other@x\tO"});
  EXPECT_THAT(diff.removed_keys(), ElementsAre("left@x"));
  EXPECT_THAT(diff.differ().forgotten(), IsEmpty());
}

}  // namespace
}  // namespace tailrace
