#include "destination/registry.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "destination/connection.hpp"
#include "destination/rows.hpp"

namespace tailrace {
namespace {

using nlohmann::json;

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Registry, MakesWhatTheTypeNames) {
  const TestRows rows;
  const json rest_object = {{"name", "a"}, {"path", "/a"}};
  EXPECT_NE(make_destination({{"type", "hubspot"}}, {{"name", "contacts"}}, rows.schema), nullptr);
  EXPECT_NE(make_destination({{"type", "rest"}}, rest_object, rows.schema), nullptr);
}

TEST(Registry, AnUnknownTypeIsNamedWithTheKnownOnes) {
  const TestRows rows;
  const std::string message = message_of(
      [&] { (void)make_destination({{"type", "hubspott"}}, {{"name", "x"}}, rows.schema); });
  EXPECT_NE(message.find("hubspott"), std::string::npos) << message;
  EXPECT_NE(message.find("rest"), std::string::npos) << message;
  EXPECT_THROW((void)make_destination(json::object(), json::object(), rows.schema),
               std::invalid_argument);
  EXPECT_THROW((void)make_destination(nullptr, nullptr, rows.schema), std::invalid_argument);
  EXPECT_THROW((void)make_destination({{"type", 7}}, json::object(), rows.schema),
               std::invalid_argument);
}

TEST(Registry, TheMatchFieldMustBeAField) {
  TestRows rows;
  rows.schema.match = 5;
  EXPECT_THROW((void)make_destination({{"type", "hubspot"}}, {{"name", "x"}}, rows.schema),
               std::invalid_argument);
  rows.schema.match = 0;
  rows.schema.field_count = 9;
  EXPECT_THROW((void)make_destination({{"type", "hubspot"}}, {{"name", "x"}}, rows.schema),
               std::invalid_argument);
}

TEST(Connection, LimitsAreRead) {
  EXPECT_TRUE(limits_of(json::object()).empty());
  EXPECT_TRUE(limits_of({{"limits", nullptr}}).empty());
  const json limits = json::array({{{"requests", 190}, {"per_s", 10}},
                                   {{"requests", 1.5}, {"per_s", 0.25}, {"name", "burst"}}});
  const auto rules = limits_of({{"limits", limits}});
  ASSERT_EQ(rules.size(), 2u);
  EXPECT_EQ(rules[0].requests, 190);
  EXPECT_EQ(rules[0].window.count(), 10'000);
  EXPECT_EQ(rules[1].window.count(), 250);
  EXPECT_EQ(rules[1].name, "burst");
}

TEST(Connection, BadSettingsAreRefusedByName) {
  const auto limits = [](const json& one) {
    return [one] { (void)limits_of({{"limits", json::array({one})}}); };
  };
  const json good = {{"requests", 1}, {"per_s", 1}};
  for (const char* key : {"requests", "per_s"}) {
    for (const json& value : {json(0), json(-1), json("1"), json(nullptr), json(true)}) {
      json bad = good;
      bad[key] = value;
      EXPECT_NE(message_of(limits(bad)).find(key), std::string::npos) << bad;
    }
  }
  json typo = good;
  typo["per_sec"] = 1;
  const std::string message = message_of(limits(typo));
  EXPECT_NE(message.find("'per_sec'"), std::string::npos) << message;
  EXPECT_NE(message.find("'per_s'"), std::string::npos) << message;
  EXPECT_THROW(limits({{"requests", 1}, {"per_s", 1e300}})(), std::invalid_argument);
  EXPECT_THROW(limits(7)(), std::invalid_argument);
  EXPECT_THROW((void)limits_of({{"limits", 7}}), std::invalid_argument);
  for (const json& value : {json(0), json(-3), json(5000), json("8"), json(1.5)}) {
    EXPECT_THROW((void)max_in_flight_of({{"max_in_flight", value}}, 8), std::invalid_argument);
  }
  EXPECT_EQ(max_in_flight_of({{"max_in_flight", 3}}, 8), 3u);
  EXPECT_EQ(max_in_flight_of({{"max_in_flight", nullptr}}, 8), 8u);
}

TEST(Destination, ANameForEachOperation) {
  EXPECT_EQ(to_text(Operation::upsert), "upsert");
  EXPECT_EQ(to_text(Operation::update), "update");
  EXPECT_EQ(to_text(Operation::insert), "insert");
  EXPECT_EQ(to_text(Operation::delete_), "delete");
  EXPECT_EQ(to_text(Operation::archive), "archive");
  EXPECT_EQ(to_text(Operation::clear), "clear");
}

TEST(Destination, AQuestionThatItDoesNotAnswerIsAMistakeOfTheCaller) {
  const TestRows rows;
  const auto rest = rest_of(rows.schema, {{"path", "/a"}});
  EXPECT_THROW((void)rest->read({ReadAsk::Kind::account, {}}), std::logic_error);
}

}  // namespace
}  // namespace tailrace
