#include "wire/retry_after.hpp"

#include <gtest/gtest.h>

namespace tailrace::wire {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// 1994-11-06T08:49:37Z, the moment that RFC 9110 writes in three forms.
const std::chrono::system_clock::time_point kMoment{seconds(784'111'777)};

TEST(RetryAfter, ReadsSeconds) {
  EXPECT_EQ(parse_retry_after("0", kMoment), milliseconds(0));
  EXPECT_EQ(parse_retry_after("120", kMoment), seconds(120));
  EXPECT_EQ(parse_retry_after(" 7 ", kMoment), seconds(7));
  EXPECT_EQ(parse_retry_after("007", kMoment), seconds(7));
  EXPECT_EQ(parse_retry_after("1000000000", kMoment), seconds(1'000'000'000));
  EXPECT_EQ(parse_retry_after("4294967295", kMoment), seconds(4294967295));
}

TEST(RetryAfter, RoundsFractionsUp) {
  EXPECT_EQ(parse_retry_after("1.0", kMoment), seconds(1));
  EXPECT_EQ(parse_retry_after("1.2", kMoment), seconds(2));
  EXPECT_EQ(parse_retry_after("0.0001", kMoment), seconds(1));
  const auto almost = kMoment - std::chrono::microseconds(1500);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", almost), milliseconds(2));
}

TEST(RetryAfter, ReadsTheThreeFormsOfADate) {
  const auto now = kMoment - seconds(90);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), seconds(90));
  EXPECT_EQ(parse_retry_after("Sunday, 06-Nov-94 08:49:37 GMT", now), seconds(90));
  EXPECT_EQ(parse_retry_after("Sun Nov  6 08:49:37 1994", now), seconds(90));
  EXPECT_EQ(parse_retry_after("Sun Nov 06 08:49:37 1994", now), seconds(90));
  EXPECT_EQ(parse_retry_after("Wed, 16 Nov 1994 08:49:37 GMT", kMoment), seconds(864'000));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:60 GMT", kMoment), seconds(23));
}

TEST(RetryAfter, ADateInThePastIsZero) {
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", kMoment), milliseconds(0));
  EXPECT_EQ(parse_retry_after("Fri, 04 Nov 1988 08:49:37 GMT", kMoment), milliseconds(0));
  EXPECT_EQ(parse_retry_after("Sun Nov  6 08:49:37 1983", kMoment), milliseconds(0));
}

TEST(RetryAfter, ATwoDigitYearIsAtMostFiftyYearsAhead) {
  const std::chrono::system_clock::time_point in_2026 =
      std::chrono::sys_days(std::chrono::year(2026) / 11 / 22);
  EXPECT_EQ(parse_retry_after("Monday, 23-Nov-26 00:00:00 GMT", in_2026), seconds(86'400));
  EXPECT_GT(parse_retry_after("Sunday, 22-Nov-76 00:00:00 GMT", in_2026), seconds(1'500'000'000));
  EXPECT_EQ(parse_retry_after("Tuesday, 22-Nov-77 00:00:00 GMT", in_2026), milliseconds(0));
}

TEST(RetryAfter, GarbageIsNothing) {
  const std::string_view garbage[] = {"",
                                      " ",
                                      "soon",
                                      "-1",
                                      "+1",
                                      "1e9",
                                      "0x10",
                                      "1.",
                                      ".5",
                                      "1.2.3",
                                      "1,5",
                                      "1 2",
                                      "12s",
                                      "4294967296",
                                      "9223372036854775807",
                                      "99999999999999999999999999",
                                      "NaN",
                                      "Sun",
                                      "Sun, 06 Nov 1994",
                                      "Sun, 06 Nov 1994 08:49:37",
                                      "Sun, 06 Nov 1994 08:49:37 UTC",
                                      "Sun, 06 Nov 1994 08:49:37 GMT trailing",
                                      "Sun, 6 Nov 1994 08:49:37 GMT",
                                      "Sun, 31 Feb 1994 08:49:37 GMT",
                                      "Sun, 06 Foo 1994 08:49:37 GMT",
                                      "Sun, 06 Nov 1994 24:49:37 GMT",
                                      "Sun, 06 Nov 1994 08:60:37 GMT",
                                      "Sun, 06 Nov 1994 08:49:61 GMT",
                                      "Sun, 06 Nov 9999 08:49:37 GMT",
                                      "Sun, 06 Nov 0000 08:49:37 GMT",
                                      "Sunday, 06-Nov-1994 08:49:37 GMT",
                                      "Sun Nov  6 08:49:37",
                                      "Sun Nov   6 08:49:37 1994",
                                      "Xyz, 06 Nov 1994 08:49:37 GMT",
                                      "1994-11-06T08:49:37Z",
                                      "Sun, 00 Nov 1994 08:49:37 GMT"};
  for (const std::string_view text : garbage) {
    EXPECT_EQ(parse_retry_after(text, kMoment), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace tailrace::wire
