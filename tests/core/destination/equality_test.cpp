#include "destination/equality.hpp"

#include <gtest/gtest.h>

namespace tailrace {
namespace {

using TheirText = std::optional<std::string>;

constexpr Equality kExact{};
constexpr Equality kTexts{true, true, 1000};

Column column_of(Type type, int digits = kDefaultDigits) {
  return {"f", type, Nulls::clear, digits};
}

bool equal(Type type, const char* ours, const char* theirs, const Equality& equality = kExact) {
  return equal_text(equality, column_of(type), ours, TheirText(theirs));
}

TEST(EqualText, NumbersByTheirValue) {
  for (const Type type : {Type::integer, Type::decimal, Type::floating}) {
    EXPECT_TRUE(equal(type, "100", "1e2"));
    EXPECT_TRUE(equal(type, "-0", "0"));
    EXPECT_FALSE(equal(type, "100", "101"));
    EXPECT_FALSE(equal(type, "100", "abc"));
    EXPECT_FALSE(equal(type, "100", ""));
  }
  EXPECT_FALSE(equal(Type::integer, "9007199254740993", "9007199254740992"))
      << "the same double, and two ids";
  EXPECT_TRUE(equal(Type::decimal, "0.12345678901234567890123", "0.12345678901234568"))
      << "what a reader with doubles makes of it";
  EXPECT_FALSE(equal(Type::decimal, "0.1234567890123", "0.1234567890124"));
  EXPECT_FALSE(equal(Type::decimal, "1e999", "1e998")) << "no double holds either";
}

TEST(EqualText, FloatsAtTheColumnsDigits) {
  const auto at = [](int digits, const char* theirs) {
    return equal_text(kExact, column_of(Type::floating, digits), "0.1234567890123456",
                      TheirText(theirs));
  };
  EXPECT_TRUE(at(12, "0.12345678901239"));
  EXPECT_FALSE(at(0, "0.12345678901239"));
  EXPECT_TRUE(at(3, "0.1231"));
  EXPECT_FALSE(at(4, "0.1231"));
}

TEST(EqualText, TimesByTheirMoment) {
  const char* ours = "2024-02-29 23:30:00.25+00";
  EXPECT_TRUE(equal(Type::timestamptz, ours, "2024-02-29T23:30:00.25Z"));
  EXPECT_TRUE(equal(Type::timestamptz, ours, "2024-03-01T01:30:00.250+02:00"));
  EXPECT_TRUE(equal(Type::timestamptz, ours, "2024-02-29 18:00:00.25-0530"));
  EXPECT_TRUE(equal(Type::timestamptz, ours, "2024-03-01T00:30:00.25+01"));
  EXPECT_TRUE(equal(Type::timestamptz, ours, "2024-02-29 23:30:00.25 +00:00"));
  EXPECT_FALSE(equal(Type::timestamptz, ours, "2024-02-29 23:30:00.25  +00:00"));
  EXPECT_FALSE(equal(Type::timestamptz, ours, "2024-02-29T23:30:00.25"));
  EXPECT_FALSE(equal(Type::timestamptz, ours, "2024-02-29T23:30:00.250001Z"));
  EXPECT_FALSE(equal(Type::timestamptz, ours, "2024-02-30T23:30:00.25Z"));
  EXPECT_FALSE(equal(Type::timestamptz, ours, "1709249400250")) << "only where a tool says so";
  EXPECT_TRUE(equal(Type::timestamptz, ours, "1709249400250", kTexts));
  EXPECT_TRUE(equal(Type::timestamptz, "1969-12-31 23:59:59.9991+00", "-1", kTexts));
  EXPECT_FALSE(equal(Type::timestamptz, "1969-12-31 23:59:59.9991+00", "0", kTexts));
  EXPECT_TRUE(equal(Type::timestamp, "2024-01-01 10:00:00", "2024-01-01T10:00:00.000"));
  EXPECT_FALSE(equal(Type::timestamp, "2024-01-01 10:00:00", "2024-01-01T10:00:00Z"));
  EXPECT_TRUE(equal(Type::time, "10:00:00.50", "10:00:00.5"));
}

TEST(EqualText, DaysByTheDay) {
  EXPECT_TRUE(equal(Type::date, "2024-03-01", "2024-03-01"));
  EXPECT_FALSE(equal(Type::date, "2024-03-01", "2024-03-02"));
  EXPECT_TRUE(equal(Type::date, "2024-03-01", "1709251200000", kTexts));
  EXPECT_FALSE(equal(Type::date, "2024-03-01", "1709251200001", kTexts));
  EXPECT_FALSE(equal(Type::date, "2024-03-01", "1709251200000"));
  EXPECT_TRUE(equal(Type::date, "1970-01-01", "0", kTexts));
}

TEST(EqualText, TextsAsTheyAreSent) {
  EXPECT_TRUE(equal(Type::text, "a\\tb\\N", "a\\tb\\N"));
  EXPECT_FALSE(equal(Type::text, "a", "A"));
  EXPECT_FALSE(equal(Type::text, "1.0", "1"));
  EXPECT_TRUE(equal(Type::boolean, "t", "true"));
  EXPECT_FALSE(equal(Type::boolean, "f", "true"));
  EXPECT_TRUE(equal(Type::uuid, "0a1b", "0A1B"));
  EXPECT_TRUE(equal(Type::bytes, "\\x00ff", "AP8="));
  EXPECT_TRUE(equal(Type::json, R"({"a":1,"b":[2]})", R"({"b": [2.0], "a": 1})"));
  EXPECT_FALSE(equal(Type::list, "[1,2]", "[2,1]"));
  EXPECT_FALSE(equal(Type::json, "{}", "not JSON"));
}

TEST(EqualText, NothingIsEmptyOnlyWhereTheToolSaysSo) {
  const Column column = column_of(Type::text);
  EXPECT_FALSE(equal_text(kExact, column, "", std::nullopt));
  EXPECT_TRUE(equal_text(kExact, column, "", TheirText("")));
  EXPECT_TRUE(equal_text(kTexts, column, "", std::nullopt));
  EXPECT_TRUE(equal_text(kTexts, column, "", TheirText("")));
  EXPECT_FALSE(equal_text(kTexts, column, "x", TheirText("")));
  EXPECT_FALSE(equal_text(kTexts, column, "x", std::nullopt));
}

}  // namespace
}  // namespace tailrace
