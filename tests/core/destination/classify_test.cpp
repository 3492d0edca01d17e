#include "destination/classify.hpp"

#include <gtest/gtest.h>

#include <array>

namespace tailrace {
namespace {

using std::chrono_literals::operator""s;

constexpr std::array kTable{
    AnswerRule{200, 299, "", AnswerClass::ok},
    AnswerRule{400, 400, "SCHEMA*", AnswerClass::terminal},
    AnswerRule{400, 400, "*", AnswerClass::record},
    AnswerRule{429, 429, "DAILY", AnswerClass::stop},
    AnswerRule{429, 429, "", AnswerClass::retry, 10s},
};

wire::Reply status_of(int status) {
  wire::Reply reply;
  reply.status = status;
  return reply;
}

AnswerClass judge(int status, std::string_view code) {
  return classify(kTable, status_of(status), code).means;
}

TEST(Classify, TheFirstLineThatFitsCounts) {
  EXPECT_EQ(judge(204, ""), AnswerClass::ok);
  EXPECT_EQ(judge(400, "SCHEMA_GONE"), AnswerClass::terminal);
  EXPECT_EQ(judge(400, "SCHEMA"), AnswerClass::terminal);
  EXPECT_EQ(judge(400, "OTHER"), AnswerClass::record);
  EXPECT_EQ(judge(429, "DAILY"), AnswerClass::stop);
  EXPECT_EQ(judge(429, "DAILY_NOT"), AnswerClass::retry);
}

TEST(Classify, WhatNoLineFitsIsUnknown) {
  EXPECT_EQ(judge(400, ""), AnswerClass::unknown) << "not in the tool's own words";
  EXPECT_EQ(judge(500, "X"), AnswerClass::unknown);
  EXPECT_EQ(judge(302, ""), AnswerClass::unknown);
  EXPECT_EQ(judge(0, ""), AnswerClass::unknown);
}

TEST(Classify, AFailureBelowHttpNeedsNoTable) {
  const auto failed = [](wire::Failure failure) {
    wire::Reply reply = status_of(200);
    reply.failure = failure;
    return classify(kTable, reply, "").means;
  };
  EXPECT_EQ(failed(wire::Failure::not_sent), AnswerClass::retry);
  EXPECT_EQ(failed(wire::Failure::expired), AnswerClass::retry);
  EXPECT_EQ(failed(wire::Failure::cancelled), AnswerClass::retry);
  EXPECT_EQ(failed(wire::Failure::lost), AnswerClass::unknown);
  EXPECT_EQ(failed(wire::Failure::too_large), AnswerClass::unknown);
  EXPECT_EQ(failed(wire::Failure::untrusted), AnswerClass::terminal);
}

TEST(Classify, RetryAfterGoesBeforeTheTablesOwnWait) {
  wire::Reply reply = status_of(429);
  EXPECT_EQ(classify(kTable, reply, "").pause, 10s);
  reply.retry_after = 3s;
  EXPECT_EQ(classify(kTable, reply, "").pause, 3s);
  reply.retry_after = 0s;
  EXPECT_EQ(classify(kTable, reply, "").pause, 0s);
  wire::Reply outage = status_of(503);
  outage.retry_after = 7s;
  EXPECT_EQ(classify(kTable, outage, "").pause, 7s);
  wire::Reply fine = status_of(200);
  fine.retry_after = 7s;
  EXPECT_EQ(classify(kTable, fine, "").pause, 0s) << "nothing to wait for";
}

}  // namespace
}  // namespace tailrace
