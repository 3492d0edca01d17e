#include "cutter.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace tailrace::simulation {
namespace {

/// A schedule whose seed gives it some of everything.
Schedule rich_schedule() {
  for (std::uint64_t seed = 1;; ++seed) {
    Schedule schedule = make_schedule(seed);
    const bool crashes =
        std::any_of(schedule.rounds.begin(), schedule.rounds.end(),
                    [](const Round& round) { return round.runs.front().crash_step > 0; });
    if (crashes && schedule.rules.size() > 2 && schedule.rounds.size() > 3) return schedule;
  }
}

TEST(Cutter, LeavesOnlyWhatTheFailureNeeds) {
  const Schedule whole = rich_schedule();
  const Fault fault = whole.rules[1].fault;
  const auto fails = [&](const Schedule& schedule) {
    const bool rule = std::any_of(schedule.rules.begin(), schedule.rules.end(),
                                  [&](const Rule& one) { return one.fault == fault; });
    const bool crash =
        std::any_of(schedule.rounds.begin(), schedule.rounds.end(), [](const Round& round) {
          return !round.runs.empty() && round.runs.front().crash_step > 0;
        });
    return rule && crash;
  };
  ASSERT_TRUE(fails(whole));
  const Parts parts(whole);
  const Schedule cut = parts.without(cut_down(parts, fails));
  EXPECT_TRUE(fails(cut));
  EXPECT_EQ(cut.rules.size(), 1u);
  ASSERT_EQ(cut.rounds.size(), 1u);
  EXPECT_TRUE(cut.rounds[0].edits.empty());
  ASSERT_EQ(cut.rounds[0].runs.size(), 1u);
  EXPECT_GT(cut.rounds[0].runs[0].crash_step, 0);
  EXPECT_TRUE(cut.rounds[0].runs[0].freezes.empty());
  EXPECT_EQ(cut.rounds[0].pause_ms, 0);
}

TEST(Cutter, NothingLeftOutIsTheWhole) {
  const Schedule whole = rich_schedule();
  const Parts parts(whole);
  const std::vector<bool> none(parts.size());
  EXPECT_EQ(to_json(parts.without(none)), to_json(whole));
  EXPECT_EQ(cut_text(none), "0");
}

TEST(Cutter, ACutIsWrittenAndReadAgain) {
  const std::vector<bool> cut{true, false, false, true, false, true, false, false, false, true};
  EXPECT_EQ(cut_text(cut), "922");
  EXPECT_EQ(cut_of("922", cut.size()), cut);
  EXPECT_EQ(cut_of("", 3), std::vector<bool>(3));
  EXPECT_THROW((void)cut_of("x", 9), std::invalid_argument);
  EXPECT_THROW((void)cut_of("ffff", 9), std::invalid_argument);
}

TEST(Schedule, ComesBackFromItsJson) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    const nlohmann::json json = to_json(make_schedule(seed));
    EXPECT_EQ(to_json(schedule_of(json)), json) << seed;
  }
  nlohmann::json wrong = to_json(make_schedule(1));
  wrong["face"] = "none";
  EXPECT_THROW((void)schedule_of(wrong), std::invalid_argument);
}

}  // namespace
}  // namespace tailrace::simulation
