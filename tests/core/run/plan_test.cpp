#include "run/plan.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "destination/registry.hpp"

namespace tailrace {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

/// The plan of so many rows to write and to take away.
nlohmann::json planned(const Destination& destination, const Schema& schema, std::uint64_t rows,
                       std::uint64_t removed, std::vector<wire::RateRule> rates) {
  Changeset changes(std::filesystem::temp_directory_path().string(), 64u << 20);
  for (std::uint64_t i = 0; i < rows; ++i) {
    changes.append(Change::added, {i, i}, 1, "k" + std::to_string(i));
  }
  for (std::uint64_t i = 0; i < removed; ++i) {
    changes.append_removed({i, ~i}, {"gone" + std::to_string(i), {}, {}});
  }
  changes.seal();
  const Report report;
  PlanAsk ask{report, schema, destination, 0, "f", [](const IdentityHash&) { return false; }};
  ask.rates = std::move(rates);
  std::uint64_t told = 0;
  nlohmann::json plan = make_plan(ask, changes, [&] { ++told; });
  EXPECT_EQ(told, rows + removed);
  return plan;
}

/// The same of 100 to write and 1 to take away a request.
nlohmann::json plan_of(std::uint64_t rows, std::vector<wire::RateRule> rates,
                       std::uint64_t removed = 0) {
  Schema schema;
  schema.columns = {{"id", Type::text, Nulls::clear, kDefaultDigits}};
  schema.field_count = 1;
  schema.key = {0};
  const auto destination =
      make_destination({{"type", "rest"}, {"base_url", "http://127.0.0.1:9"}},
                       {{"name", "rows"},
                        {"method", "POST"},
                        {"path", "/rows"},
                        {"body", "rows"},
                        {"batch_rows", 100},
                        {"delete", {{"method", "DELETE"}, {"path", "/rows/{key}"}}}},
                       schema);
  return planned(*destination, schema, rows, removed, std::move(rates));
}

TEST(Plan, TheSlowestRuleSaysHowManyMinutesItTakes) {
  const wire::RateRule burst{0, 10, seconds(1), "per second"};
  const wire::RateRule steady{0, 60, seconds(60), "per minute"};
  // 200 requests: (200 - 10) / 10 s are 19 s; (200 - 60) / 60 min are 2.33 minutes.
  const nlohmann::json plan = plan_of(20'000, {burst, steady});
  EXPECT_EQ(plan["requests"], 200);
  EXPECT_DOUBLE_EQ(plan["minutes"], 140.0 / 60);
  EXPECT_EQ(plan_of(20'000, {steady, burst})["minutes"], plan["minutes"]) << "in any order";
  EXPECT_DOUBLE_EQ(plan_of(20'000, {burst})["minutes"], 19.0 / 60);
}

TEST(Plan, WhatFitsIntoOneWindowTakesNoTime) {
  const wire::RateRule steady{0, 60, seconds(60), "per minute"};
  EXPECT_EQ(plan_of(6'000, {steady})["minutes"], 0);
  EXPECT_DOUBLE_EQ(plan_of(6'001, {steady})["minutes"], 1.0 / 60);
  EXPECT_EQ(plan_of(20'000, {})["minutes"], 0);
}

TEST(Plan, LimitsOfOtherKindsOfRequestsCostNoTime) {
  const wire::RateRule ours{0, 100, seconds(60), "ours"};
  const wire::RateRule slow{1, 1, seconds(60), "of another endpoint"};
  EXPECT_DOUBLE_EQ(plan_of(20'000, {slow, ours})["minutes"], 1.0);
  EXPECT_EQ(plan_of(20'000, {slow})["minutes"], 0);
}

TEST(Plan, WhatIsWrittenAndWhatIsRemovedMayWaitForLimitsOfTheirOwn) {
  Schema schema;
  schema.columns = {{"email", Type::text}};
  schema.field_count = 1;
  schema.key = {0};
  const auto destination = make_destination({{"type", "klaviyo"}}, {{"name", "profiles"}}, schema);
  const auto minutes = [&](std::uint64_t rows, std::uint64_t removed) {
    return planned(*destination, schema, rows, removed,
                   destination->capabilities().rates)["minutes"]
        .get<double>();
  };
  // An import of 10,000 and the question for it; 660 deletions at 60 a minute.
  EXPECT_EQ(minutes(10'000, 0), 0);
  EXPECT_DOUBLE_EQ(minutes(0, 660), 10.0);
  EXPECT_DOUBLE_EQ(minutes(10'000, 660), 10.0);
}

TEST(Plan, TheShareOfTheDayIsThatOfTheRuleOfADay) {
  const wire::RateRule burst{0, 100, seconds(10), "burst"};
  const wire::RateRule day{0, 4'000, hours(24), "a day"};
  const nlohmann::json plan = plan_of(20'000, {burst, day});
  EXPECT_DOUBLE_EQ(plan["daily_share"], 0.05);
  EXPECT_DOUBLE_EQ(plan["minutes"], 10.0 / 60) << "the day has room: the burst decides";
  EXPECT_EQ(plan_of(20'000, {burst})["daily_share"], nullptr) << "no rule of a day";
  // More than a day's worth waits for the next day.
  EXPECT_DOUBLE_EQ(plan_of(410'000, {burst, day})["daily_share"], 1.025);
  EXPECT_DOUBLE_EQ(plan_of(410'000, {burst, day})["minutes"], 100.0 / 4'000 * 24 * 60);
}

TEST(Plan, WritesAndRemovalsAreRequestsOfTheirOwn) {
  EXPECT_EQ(plan_of(101, {}, 3)["requests"], 2 + 3);
  EXPECT_EQ(plan_of(0, {}, 3)["requests"], 3);
  EXPECT_EQ(plan_of(0, {})["requests"], 0);
}

}  // namespace
}  // namespace tailrace
