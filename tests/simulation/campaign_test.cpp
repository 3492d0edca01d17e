#include "campaign.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cutter.hpp"
#include "fiber.hpp"
#include "mutants.hpp"

namespace tailrace::simulation {
namespace {

/// Makes the engine wrong for as long as it lives.
struct Wrong {
  explicit Wrong(int number) { choose_mutant(number); }
  ~Wrong() { choose_mutant(0); }
  Wrong(const Wrong&) = delete;
  Wrong& operator=(const Wrong&) = delete;
};

TEST(Campaign, SeedsKeepEveryPromiseOnTwoThreadsAsOnOne) {
  const Tally one = play({1, 200, 1, false, 20});
  const Tally two = play({1, 200, 2, false, 20});
  EXPECT_EQ(one.seeds, 200u);
  EXPECT_EQ(one.twice, 10u);
  EXPECT_EQ(one.requests, two.requests);
  EXPECT_EQ(one.deaths, two.deaths);
  for (const FailedSeed& failed : one.failed) {
    ADD_FAILURE() << failed.seed << " " << failed.failure.rule << " " << failed.failure.text;
  }
}

TEST(Campaign, AMistakeIsCaughtCutDownAndPlayedAgain) {
  const Wrong engine(5);
  const Tally tally = play({20, 2'000, 1, true, 0});
  ASSERT_EQ(tally.failed.size(), 1u);
  const FailedSeed& failed = tally.failed.front();
  const Repro repro = reproduce(failed, 5);
  EXPECT_NE(repro.line.find("--mutant M5 --seed " + std::to_string(failed.seed) + " --cut "),
            std::string::npos);
  const Parts parts(make_schedule(failed.seed));
  const Schedule again = parts.without(cut_of(repro.cut, parts.size()));
  ASSERT_TRUE(first_failure(again));
  EXPECT_EQ(first_failure(again)->rule, failed.failure.rule);
  EXPECT_LE(again.rules.size(), 3u);
  EXPECT_LE(again.rounds.size(), 2u);
  choose_mutant(0);
  EXPECT_FALSE(first_failure(again)) << "without the mistake there is nothing to find";
}

TEST(Campaign, AStoryNamesWhatHappened) {
  std::ostringstream story;
  (void)World(make_schedule(3), &story).play();
  for (const char* word :
       {"the model is", "claims", "sends request 1", "faults end", "ends done"}) {
    EXPECT_NE(story.str().find(word), std::string::npos) << word;
  }
}

/// Schedules that once broke a promise, as they were saved.
TEST(Campaign, OldFailuresStayMended) {
  const std::filesystem::path folder(TAILRACE_SIMULATION_SEEDS);
  int played = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path());
    const Schedule schedule = schedule_of(nlohmann::json::parse(file));
    const std::optional<Failure> failure = first_failure(schedule);
    EXPECT_FALSE(failure) << entry.path().filename() << ": " << failure->rule << " "
                          << failure->text;
    ++played;
  }
  EXPECT_GT(played, 0);
}

TEST(Fiber, StandsStillWithinAHandlerWhileAnotherThrows) {
  std::string heard;
  Fiber* self = nullptr;
  const auto body = [&heard](Fiber*& fiber, const char* name) {
    return [&heard, &fiber, name] {
      try {
        throw std::runtime_error(name);
      } catch (const std::exception& error) {
        fiber->suspend();
        heard += error.what();
        heard += std::uncaught_exceptions() == 0 ? "." : "!";
      }
    };
  };
  Fiber* other = nullptr;
  Fiber first(body(self, "first"));
  Fiber second(body(other, "second"));
  self = &first;
  other = &second;
  first.resume();
  second.resume();
  first.resume();
  second.resume();
  EXPECT_EQ(heard, "first.second.");
  EXPECT_TRUE(first.ended() && second.ended());
  EXPECT_THROW(first.resume(), std::logic_error);
}

}  // namespace
}  // namespace tailrace::simulation
