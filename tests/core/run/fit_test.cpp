// Values of a model against what a tool's fields take.
#include "run/fit.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "row/row_view.hpp"
#include "run/ask.hpp"

namespace tailrace {
namespace {

/// A model of one key and one field.
class OneField final : public Source {
 public:
  OneField(Type type, std::vector<std::string> values) : type_(type), values_(std::move(values)) {}
  std::vector<SourceColumn> open() override {
    return {{"field", type_, "?"}, {"key", Type::text, "text"}};
  }
  bool next(Chunk& chunk) override {
    chunk.clear();
    for (std::size_t i = 0; i < values_.size(); ++i) {
      chunk.append(values_[i] + "\tk" + std::to_string(i));
    }
    const bool any = !values_.empty();
    values_.clear();
    return any;
  }
  void cancel() noexcept override {}
  std::string encoding() const override { return "test/1"; }

 private:
  Type type_;
  std::vector<std::string> values_;
};

Schema one_field(Nulls nulls = Nulls::clear) {
  Schema schema;
  schema.columns = {{"field", Type::text, nulls, 0}, {"key", Type::text, Nulls::clear, 0}};
  schema.field_count = 1;
  schema.key = {1};
  return schema;
}

FieldFact field_that(Takes takes) {
  FieldFact fact;
  fact.name = "field";
  fact.takes = takes;
  return fact;
}

/// How many of the values do not fit.
std::uint64_t unfit(const FieldFact& fact, const std::vector<std::string>& values,
                    Type type = Type::text, Nulls nulls = Nulls::clear) {
  OneField source(type, values);
  std::uint64_t rows = 0;
  for (const Misfit& one : find_misfits(source, one_field(nulls), {fact})) rows += one.rows;
  return rows;
}

TEST(Fit, NumbersAreReadAsTheyAreWritten) {
  const std::vector<std::string> good{"7", "-7.50", "+1", " 2 ", "1e3", "\\N", ""};
  EXPECT_EQ(unfit(field_that(Takes::number), good), 0u);
  EXPECT_EQ(unfit(field_that(Takes::number), {"seven", "1,5", "7 km", "inf", "0x10"}), 5u);
  EXPECT_EQ(unfit(field_that(Takes::whole_number), {"7", "7.0", "-3", "1e2"}), 0u);
  EXPECT_EQ(unfit(field_that(Takes::whole_number), {"7.5", "x"}), 2u);
}

TEST(Fit, TimesNeedWhatTheFieldNeeds) {
  EXPECT_EQ(unfit(field_that(Takes::date), {"2024-02-29"}, Type::date), 0u);
  EXPECT_EQ(unfit(field_that(Takes::date), {"2024-02-30", "29.2.2024", "2024-02-29 10:00:00"}), 3u);
  EXPECT_EQ(unfit(field_that(Takes::moment), {"2024-02-29 10:00:00.5+00"}, Type::timestamptz), 0u);
  EXPECT_EQ(unfit(field_that(Takes::moment), {"2024-02-29 10:00:00"}, Type::timestamp), 1u);
  EXPECT_EQ(unfit(field_that(Takes::moment), {"2024-02-29T10:00:00Z", "2024-02-29"}), 1u);
}

TEST(Fit, ChoicesAreThoseOfTheList) {
  FieldFact one = field_that(Takes::one_of);
  one.options = {"hot", "cold"};
  EXPECT_EQ(unfit(one, {"hot", "cold", "Hot", "hot;cold"}), 2u);
  one.takes = Takes::some_of;
  EXPECT_EQ(unfit(one, {"hot", "hot;cold", "hot;warm", "Hot"}), 2u);
  EXPECT_EQ(unfit(one, {"[\"hot\"]"}, Type::list), 0u) << "in which form a list goes is not known";
}

TEST(Fit, FlagsAreFlags) {
  EXPECT_EQ(unfit(field_that(Takes::yes_or_no), {"t", "f"}, Type::boolean), 0u);
  EXPECT_EQ(unfit(field_that(Takes::yes_or_no), {"Yes", "0", "maybe", "2"}), 2u);
}

TEST(Fit, LengthsAreCountedInCharacters) {
  FieldFact fact = field_that(Takes::anything);
  fact.max_length = 3;
  EXPECT_EQ(unfit(fact, {"äöü", "東京都", "a\\tb", "abcd"}), 1u);
}

TEST(Fit, ARequiredFieldIsNotEmptied) {
  FieldFact fact = field_that(Takes::anything);
  fact.required = true;
  EXPECT_EQ(unfit(fact, {"a", "\\N"}), 1u);
  EXPECT_EQ(unfit(fact, {"a", "\\N"}, Type::text, Nulls::keep), 0u);
}

TEST(Fit, AllAreCountedAndThreeAreShownWithTheirKeys) {
  FieldFact fact = field_that(Takes::number);
  OneField source(Type::text, {"1", "a", "b", "c", "d", std::string(500, 'e')});
  const auto misfits = find_misfits(source, one_field(), {fact, field_that(Takes::date)});
  ASSERT_EQ(misfits.size(), 1u);
  EXPECT_EQ(misfits[0].rows, 5u);
  ASSERT_EQ(misfits[0].examples.size(), 3u);
  EXPECT_EQ(misfits[0].examples[0], (std::pair<std::string, std::string>{"k1", "a"}));
  OneField lone(Type::text, {std::string(500, 'e')});
  EXPECT_EQ(find_misfits(lone, one_field(), {fact}).at(0).examples.at(0).second.size(), 60u);
}

TEST(Fit, ARowWithTwoMisfitsIsOneRow) {
  Schema schema = one_field();
  FieldFact short_number = field_that(Takes::number);
  short_number.max_length = 3;
  const std::vector<FieldFact> facts{short_number};
  Fit fit(schema, facts);
  for (const char* line : {"12\tk0", "long\tk1", "1234\tk2"}) fit.look(RowView(line, schema));
  EXPECT_FALSE(fit.takes_all());
  EXPECT_EQ(fit.unfit_rows(), 2u);
  EXPECT_EQ(fit.misfits().size(), 2u) << "by length, and by type";
}

TEST(Fit, FieldsWithoutALimitNeedNoLook) {
  const Schema schema = one_field();
  const std::vector<FieldFact> facts{field_that(Takes::anything)};
  EXPECT_TRUE(Fit(schema, facts).takes_all());
}

TEST(Fit, FieldsThatNothingIsKnownOfTakeEverything) {
  FieldFact other = field_that(Takes::number);
  other.name = "other";
  EXPECT_EQ(unfit(other, {"x"}), 0u);
}

TEST(Fit, FactsComeBackFromTheirJson) {
  Answer answer;
  for (const Takes takes : {Takes::anything, Takes::number, Takes::whole_number, Takes::yes_or_no,
                            Takes::date, Takes::moment, Takes::one_of, Takes::some_of}) {
    answer.fields.push_back(field_that(takes));
    answer.fields.back().options = {"a"};
  }
  answer.fields[0].max_length = 7;
  answer.fields[1].required = true;
  const auto facts = parse_field_facts(to_json(answer).at("fields"));
  ASSERT_EQ(facts.size(), answer.fields.size());
  for (std::size_t i = 0; i < facts.size(); ++i) {
    EXPECT_EQ(facts[i].takes, answer.fields[i].takes);
    EXPECT_EQ(facts[i].max_length, answer.fields[i].max_length);
    EXPECT_EQ(facts[i].required, answer.fields[i].required);
    EXPECT_EQ(facts[i].options, answer.fields[i].options);
  }
}

TEST(Fit, AQueryOfOtherColumnsIsRefused) {
  OneField source(Type::text, {});
  Schema schema = one_field();
  schema.columns.pop_back();
  EXPECT_THROW((void)find_misfits(source, schema, {}), SourceError);
}

}  // namespace
}  // namespace tailrace
