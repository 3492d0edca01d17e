// Which limits a run keeps: the tool's, and those that a connection puts in their place.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "run/engine_session.hpp"

namespace tailrace {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

Capabilities tool() {
  Capabilities can;
  can.rates = {{0, 100, 10s, "writes"}, {1, 250, 60s, "reads"}};
  return can;
}

TEST(Rates, AreTheToolsWhereNothingIsChosen) {
  const std::vector<wire::RateRule> rules = rates_of(tool(), json::object());
  ASSERT_EQ(rules.size(), 2u);
  EXPECT_EQ(rules[0].requests, 100);
  EXPECT_EQ(rules[1].requests, 250);
}

TEST(Rates, ThatAreChosenLeaveThoseOfOtherClassesAlone) {
  const json connection{{"limits", {{{"requests", 7}, {"per_s", 1}}}}};
  const std::vector<wire::RateRule> rules = rates_of(tool(), connection);
  ASSERT_EQ(rules.size(), 2u);
  EXPECT_EQ(rules[0].requests, 7);
  EXPECT_EQ(rules[0].rate_class, 0u);
  EXPECT_TRUE(rules[0].chosen);
  EXPECT_EQ(rules[1].requests, 250);
  EXPECT_EQ(rules[1].rate_class, 1u);
}

TEST(Rates, OfADayAreThoseOfWrites) {
  const json connection{{"daily_calls", {{"value", 5000}}}};
  const std::vector<wire::RateRule> rules = rates_of(tool(), connection);
  ASSERT_EQ(rules.size(), 3u);
  EXPECT_EQ(rules[2].window, wire::kDay);
  EXPECT_EQ(rules[2].rate_class, 0u);
}

}  // namespace
}  // namespace tailrace
