// Rows that name nothing, or the same as another: none of them is sent, nothing is removed
// because of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "diff/diff_fixture.hpp"

namespace tailrace {
namespace {

using test::Diff;
using testing::ElementsAre;
using testing::IsEmpty;
using Lines = std::vector<std::string>;

Diff mirror(const Schema& schema) {
  Diff diff(schema);
  diff.options.on_removed = OnRemoved::delete_;
  return diff;
}

TEST(InvalidRows, NullAndBlankMatchValues) {
  Diff diff = mirror(test::keyed_by_match());
  diff.run({"\\N\tx", "\tx", "   \tx", "\\t\\n\tx", "\xc2\xa0\tx", "\xe2\x80\x83 \xe3\x80\x80\tx",
            "\xef\xbb\xbf\tx", "\\\\N\tx"});
  EXPECT_THAT(diff.codes(), ElementsAre("null_match", "blank_match", "blank_match", "blank_match",
                                        "blank_match", "blank_match", "blank_match"));
  EXPECT_EQ(diff.sent_lines(Change::added), (Lines{"\\\\N\tx"})) << "the text \\N is a value";
}

TEST(InvalidRows, NullAndBlankKeys) {
  Diff diff = mirror(test::keyed_by_id());
  diff.run({"a@x\tAnn\t\\N", "b@x\tBob\t", "c@x\tCas\t  ", "d@x\tDan\t4"});
  EXPECT_THAT(diff.codes(), ElementsAre("null_key", "blank_key", "blank_key"));
  EXPECT_EQ(diff.sent_lines(Change::added), (Lines{"d@x\tDan\t4"}));
}

TEST(InvalidRows, OneNullAmongSeveralKeyColumnsIsEnough) {
  Diff diff = mirror(test::keyed_by_two());
  diff.run({"n\ta@x\t1\t\\N", "n\tb@x\t\\N\t1", "n\tc@x\t\t1", "n\td@x\t\t", "n\te@x\t1\t1"});
  EXPECT_THAT(diff.codes(), ElementsAre("null_key", "null_key", "blank_key"));
  EXPECT_EQ(diff.differ().invalid_sample()[0].field, "id");
  EXPECT_EQ(diff.differ().invalid_sample()[1].field, "tenant");
  EXPECT_EQ(diff.differ().invalid_sample()[0].key, "1\x1f");
  EXPECT_EQ(diff.counts().added, 2U);
}

TEST(InvalidRows, TheSeparatorOfKeyColumnsInsideOne) {
  Diff diff = mirror(test::keyed_by_two());
  diff.run({"n\ta@x\t1\x1f\t2",
            "n\tb@x\t1\t\x1f"
            "2"});
  EXPECT_THAT(diff.codes(), ElementsAre("separator_in_key", "separator_in_key"));
}

TEST(InvalidRows, KeysAndMatchValuesOfTenKilobytes) {
  const std::string huge(10'240, 'k');
  Diff by_id = mirror(test::keyed_by_id());
  by_id.run({"a@x\tAnn\t" + huge, huge + "\tBob\t2"});
  EXPECT_THAT(by_id.codes(), ElementsAre("long_key", "long_match"));
}

TEST(InvalidRows, FloatsNameNothing) {
  Schema schema = test::keyed_by_id();
  schema.columns[2].type = Type::floating;
  Diff by_key = mirror(schema);
  by_key.acknowledge("a@x", "a@x\tAnn\t1", {"1", "a@x", ""});
  by_key.run({"a@x\tAnn\t1"});
  EXPECT_THAT(by_key.codes(), ElementsAre("float_key"));
  EXPECT_EQ(by_key.counts().gone, 0U);

  schema = test::keyed_by_match();
  schema.columns[0].type = Type::floating;
  Diff by_match = mirror(schema);
  by_match.acknowledge("7", "7\tAnn", {"7", "", ""});
  by_match.run({"7\tAnn"});
  EXPECT_THAT(by_match.codes(), ElementsAre("float_match"));
  EXPECT_EQ(by_match.counts().gone, 0U);
}

TEST(InvalidRows, EveryCopyOfADuplicateUnchangedOnesToo) {
  Diff diff = mirror(test::keyed_by_match());
  diff.acknowledge("a@x", "a@x\tAnn", {"a@x", "", ""});
  diff.acknowledge("b@x", "b@x\tBob", {"b@x", "", ""});
  diff.run({"a@x\tAnn", "b@x\tBobby", "c@x\tCas", "a@x\tAnn", "b@x\tBob", "c@x\tCas", "c@x\tC",
            "d@x\tDan"});
  EXPECT_EQ(diff.counts().invalid, 7U);
  EXPECT_EQ(diff.counts().unchanged, 0U);
  EXPECT_EQ(diff.counts().changed, 0U);
  EXPECT_EQ(diff.counts().removed, 0U) << "a duplicate has not left the model";
  EXPECT_EQ(diff.counts().gone, 0U);
  EXPECT_EQ(diff.sent_lines(Change::added), (Lines{"d@x\tDan"}));
  EXPECT_EQ(diff.sent().size(), 1U);
  EXPECT_TRUE(diff.differ().is_duplicate(diff.identity("c@x")));
  EXPECT_FALSE(diff.differ().is_duplicate(diff.identity("d@x")));
  EXPECT_FALSE(diff.differ().is_duplicate(diff.identity("nobody")));
}

TEST(InvalidRows, ACopyOfAnInvalidRowIsInvalidToo) {
  Diff diff = mirror(test::keyed_by_id());
  diff.run({"a@x\tAnn\t\\N", "a@x\tAnn\t1", "a@x\tAnn\t2"});
  EXPECT_EQ(diff.counts().invalid, 3U);
  EXPECT_THAT(diff.sent(), IsEmpty());
}

TEST(InvalidRows, ADuplicateKeyWithOtherMatchValues) {
  for (const std::size_t between : {0U, 5U, 100U}) {
    Diff diff = mirror(test::keyed_by_id());
    diff.acknowledge("a@x", "a@x\tAnn\t1", {"1", "a@x", ""});
    Lines model = {"a@x\tAnn\t1"};
    for (std::size_t i = 0; i < between; ++i) {
      model.push_back(std::to_string(i) + "@y\tn\t9" + std::to_string(i));
    }
    model.insert(model.end(), {"b@x\tBob\t1", "c@x\tCas\t1"});
    diff.run(model);
    EXPECT_EQ(diff.counts().invalid, 3U);
    EXPECT_EQ(diff.counts().unchanged, 0U);
    EXPECT_EQ(diff.counts().gone, 0U);
    EXPECT_EQ(diff.sent().size(), between);
    EXPECT_THAT(diff.codes(), ElementsAre("duplicate_key", "duplicate_key"));
  }
}

TEST(InvalidRows, ADuplicateKeyWhoseFirstRowHadNoMatchValue) {
  Diff diff = mirror(test::keyed_by_id());
  diff.run({"\\N\tAnn\t1", "b@x\tBob\t1"});
  EXPECT_THAT(diff.codes(), ElementsAre("null_match", "duplicate_key"));
  EXPECT_THAT(diff.sent(), IsEmpty());
}

TEST(InvalidRows, OneKeyOfSeveralColumnsMayShareAColumn) {
  Diff diff = mirror(test::keyed_by_two());
  diff.run({"n\ta@x\t1\t1", "n\tb@x\t1\t2", "n\tc@x\t2\t1", "n\td@x\t2\t1"});
  EXPECT_EQ(diff.counts().added, 2U);
  EXPECT_EQ(diff.counts().invalid, 2U);
}

TEST(InvalidRows, ARecordStaysWhileItsKeyIsInTheModelInAnInvalidRow) {
  Diff diff = mirror(test::keyed_by_id());
  diff.acknowledge("null@x", "null@x\tN\t1", {"1", "null@x", ""});
  diff.acknowledge("twice@x", "twice@x\tT\t2", {"2", "twice@x", ""});
  diff.acknowledge("first@x", "first@x\tF\t3", {"3", "first@x", ""});
  diff.acknowledge("gone@x", "gone@x\tG\t5", {"5", "gone@x", ""});
  diff.run({
      "\\N\tN\t1",                        // its match value was taken away
      "b@x\tT\t2",
      "c@x\tT\t2",           // its key comes twice under new match values
      "d@x\tF\t3",
      "d@x\tF\t4",           // it moved to a match value that comes twice
      "e@x\tE\t6",
  });
  EXPECT_THAT(diff.removed_keys(), ElementsAre("5"));
  EXPECT_EQ(diff.counts().gone, 1U);
  EXPECT_EQ(diff.counts().invalid, 5U);
}

TEST(InvalidRows, AChangedMatchValueIsOneRemovedAndOneAdded) {
  Diff diff = mirror(test::keyed_by_id());
  diff.acknowledge("old@x", "old@x\tAnn\t1", {"1", "old@x", ""});
  diff.run({"new@x\tAnn\t1"});
  EXPECT_EQ(diff.sent_lines(Change::added), (Lines{"new@x\tAnn\t1"}));
  EXPECT_THAT(diff.removed_keys(), ElementsAre("1"));
}

TEST(InvalidRows, AMessageNamesTheColumnAndNoValue) {
  Diff diff = mirror(test::keyed_by_id());
  diff.run({"secret@x\tAnn\t1", "secret@x\tAnn\t2"});
  const InvalidRow& row = diff.differ().invalid_sample().at(0);
  EXPECT_EQ(row.key, "2");
  EXPECT_EQ(row.field, "email");
  EXPECT_THAT(row.message, testing::HasSubstr("\"email\""));
  EXPECT_THAT(row.message, testing::Not(testing::HasSubstr("secret")));
}

TEST(InvalidRows, AReturnedDuplicateHasNotReturned) {
  Diff diff(test::keyed_by_match());
  diff.acknowledge("a@x", "a@x\tAnn", {"a@x", "", ""});
  diff.leave_absent("a@x");
  diff.run({"a@x\tAnn", "a@x\tAnn"});
  EXPECT_THAT(diff.differ().returned(), IsEmpty());
  EXPECT_THAT(diff.differ().newly_absent(), IsEmpty());
}

}  // namespace
}  // namespace tailrace
