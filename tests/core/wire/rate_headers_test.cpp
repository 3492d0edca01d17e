#include "wire/rate_headers.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace tailrace::wire {
namespace {

using namespace std::chrono_literals;
using Headers = std::vector<std::pair<std::string, std::string>>;

RateHint hint_of(const Headers& headers) {
  Reply reply;
  for (const auto& [name, value] : headers) reply.headers.push_back({name, value});
  return read_rate_headers(reply);
}

TEST(RateHeaders, HubSpots) {
  const RateHint hint = hint_of({{"x-hubspot-ratelimit-max", "190"},
                                 {"x-hubspot-ratelimit-remaining", "17"},
                                 {"x-hubspot-ratelimit-interval-milliseconds", "10000"},
                                 {"x-hubspot-ratelimit-daily", "650000"},
                                 {"x-hubspot-ratelimit-daily-remaining", "640000"}});
  EXPECT_EQ(hint.limit, 190);
  EXPECT_EQ(hint.remaining, 17);
  EXPECT_EQ(hint.window, 10s);
  EXPECT_EQ(hint.calls_limit, 650'000);
  EXPECT_EQ(hint.calls_left, 640'000);
}

TEST(RateHeaders, SalesforcesCallsOfTheDay) {
  for (const char* text :
       {"api-usage=18/5000", "per-app-api-usage=1/2(appName=x); api-usage=18/5000",
        "api-usage=18/5000; per-app-api-usage=17/250(appName=sample)"}) {
    const RateHint hint = hint_of({{"sforce-limit-info", text}});
    EXPECT_EQ(hint.calls_limit, 5000) << text;
    EXPECT_EQ(hint.calls_left, 4982) << text;
  }
  EXPECT_EQ(hint_of({{"sforce-limit-info", "api-usage=6000/5000"}}).calls_left, 0);
}

TEST(RateHeaders, ThreeHeadersInTheirSpellings) {
  for (const std::string prefix : {"ratelimit-", "x-ratelimit-", "x-rate-limit-"}) {
    const RateHint hint =
        hint_of({{prefix + "limit", "700"}, {prefix + "remaining", "3"}, {prefix + "reset", "41"}});
    EXPECT_EQ(hint.limit, 700) << prefix;
    EXPECT_EQ(hint.remaining, 3) << prefix;
    EXPECT_EQ(hint.reset, 41s) << prefix;
    EXPECT_FALSE(hint.window) << prefix;
  }
  const RateHint short_form = hint_of({{"x-rate-limit", "700"}, {"x-rate-limit-remaining", "699"}});
  EXPECT_EQ(short_form.limit, 700);
  EXPECT_EQ(short_form.remaining, 699);
}

TEST(RateHeaders, TheDraftsForms) {
  const RateHint third = hint_of({{"ratelimit-limit", "100, 100;w=60, 5000;w=3600"},
                                  {"ratelimit-remaining", "50"},
                                  {"ratelimit-reset", "30"}});
  EXPECT_EQ(third.limit, 100);
  EXPECT_EQ(third.window, 60s);
  EXPECT_EQ(third.remaining, 50);
  const RateHint seventh = hint_of(
      {{"ratelimit-policy", "100;w=10"}, {"ratelimit", "limit=100, remaining=50, reset=5"}});
  EXPECT_EQ(seventh.limit, 100);
  EXPECT_EQ(seventh.window, 10s);
  EXPECT_EQ(seventh.remaining, 50);
  EXPECT_EQ(seventh.reset, 5s);
  const RateHint later =
      hint_of({{"ratelimit-policy", R"("burst";q=100;w=60, "hour";q=1000;w=3600)"},
               {"ratelimit", R"("burst";r=50;t=30, "hour";r=7;t=1800)"}});
  EXPECT_EQ(later.limit, 1000);
  EXPECT_EQ(later.window, 3600s);
  EXPECT_EQ(later.remaining, 7);
  EXPECT_EQ(later.reset, 1800s);
}

TEST(RateHeaders, APolicyOfADayIsCallsOfTheDay) {
  const RateHint hint = hint_of({{"ratelimit-policy", R"("daily";q=5000;w=86400)"},
                                 {"ratelimit", R"("daily";r=4000;t=3600)"}});
  EXPECT_EQ(hint.calls_limit, 5000);
  EXPECT_EQ(hint.calls_left, 4000);
  EXPECT_FALSE(hint.limit || hint.remaining || hint.window);
}

TEST(RateHeaders, AResetInTimeIsReadByTheToolsOwnDate) {
  const std::string date = "Sun, 06 Nov 1994 08:49:37 GMT";  // 784111777
  for (const char* reset : {"784111797", "784111797000", "Sun, 06 Nov 1994 08:49:57 GMT", "20"}) {
    const RateHint hint =
        hint_of({{"date", date}, {"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", reset}});
    EXPECT_EQ(hint.reset, 20s) << reset;
  }
  EXPECT_FALSE(hint_of({{"x-ratelimit-reset", "784111797"}}).reset) << "no date";
  EXPECT_EQ(hint_of({{"date", date}, {"x-ratelimit-reset", "784111000"}}).reset, 0s) << "past";
}

TEST(RateHeaders, HostileValuesSayNothing) {
  for (const char* lie :
       {"", " ", "-1", "nan", "inf", "1e9", "1e300", "99999999999999999999", "12 monkeys", "0x10",
        "1,5", "\"", "\";\"", ";;;;", "=", "=;=,", "\xff\xfe", "\"a;r=1;t=1"}) {
    const RateHint hint =
        hint_of({{"x-hubspot-ratelimit-max", lie},
                 {"x-hubspot-ratelimit-remaining", lie},
                 {"x-hubspot-ratelimit-interval-milliseconds", lie},
                 {"x-hubspot-ratelimit-daily", lie},
                 {"x-hubspot-ratelimit-daily-remaining", lie},
                 {"x-ratelimit-limit", lie},
                 {"x-ratelimit-remaining", lie},
                 {"x-ratelimit-reset", lie},
                 {"ratelimit", lie},
                 {"ratelimit-policy", lie},
                 {"sforce-limit-info", std::string("api-usage=") + lie + "/" + lie},
                 {"date", lie}});
    const bool number = std::string(lie) == "1,5";  // a list whose first member is 1
    EXPECT_EQ(hint.limit.has_value(), number) << lie;
    EXPECT_FALSE(hint.remaining || hint.window || hint.calls_left || hint.calls_limit) << lie;
    EXPECT_FALSE(hint.reset) << lie;
  }
}

TEST(RateHeaders, WhatContradictsItselfSaysNothing) {
  EXPECT_FALSE(hint_of({{"x-ratelimit-limit", "5"}, {"x-ratelimit-remaining", "6"}}).remaining);
  EXPECT_FALSE(hint_of({{"x-ratelimit-limit", "0"}}).limit);
  EXPECT_FALSE(
      hint_of({{"x-hubspot-ratelimit-daily", "5"}, {"x-hubspot-ratelimit-daily-remaining", "9"}})
          .calls_left);
}

TEST(RateHeaders, AVeryLongListIsReadInPart) {
  std::string many;
  for (int i = 0; i < 100'000; ++i) many += "\"p" + std::to_string(i) + "\";r=5;t=1,";
  const RateHint hint = hint_of({{"ratelimit", many}, {"ratelimit-policy", many}});
  EXPECT_EQ(hint.remaining, 5);
}

}  // namespace
}  // namespace tailrace::wire
