// Scripts that the engine and the protocol's model (protocol_model.py) both have to follow.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "world.hpp"

namespace tailrace::simulation {
namespace {

using nlohmann::json;
using Sent = std::set<std::tuple<std::string, std::string, std::string>>;  // kind, key, value
using Content = std::map<std::string, std::string>;

constexpr std::int64_t kSecond = 1'000;

json scenarios() {
  std::ifstream file(TAILRACE_SIMULATION_SCENARIOS);
  return json::parse(file);
}

/// Where a run dies, in the model's words.
void die(const std::string& step, RunPlan& run) {
  run.crash_at = step == "claimed" ? "after_claim" : step == "sent" ? "after_send" : "after_commit";
  run.crash_time = step == "recorded" ? 2 : 1;
}

Rule rule_of(const std::string& key, const std::string& answer, int run) {
  static const std::map<std::string, Fault> faults{{"lost_before", Fault::reset_before},
                                                   {"lost_after", Fault::reset_after},
                                                   {"page_before", Fault::html_before},
                                                   {"ok_false", Fault::ok_false}};
  Rule rule;
  rule.key = key;
  rule.run = run;
  const bool late = answer.starts_with("late ");
  rule.fault = late ? Fault::late : faults.at(answer);
  if (late) rule.by_ms = std::stoll(answer.substr(5)) * kSecond;
  return rule;
}

/// The edits that lead from one model to the next.
std::vector<Edit> edits_of(const Content& before, const Content& after) {
  std::vector<Edit> edits;
  for (const auto& [key, value] : after) edits.push_back({key, value});
  for (const auto& [key, value] : before) {
    if (!after.contains(key)) edits.push_back({key, std::nullopt});
  }
  return edits;
}

Schedule schedule_for(const json& scenario) {
  Schedule schedule;
  schedule.seed = 1;
  schedule.batch_rows = 1;
  schedule.max_in_flight = 1;
  schedule.timeout_ms = 500;
  // Longer than a run tries again for, so that runs without a pause are within it.
  schedule.quiet_ms = 90 * kSecond;
  const std::string mode = scenario.value("mode", "mirror");
  schedule.mode = mode == "insert" ? Mode::insert : Mode::upsert;
  if (inserts(schedule)) schedule.on_removed = OnRemoved::ignore;
  schedule.safety = safety_of(scenario.value("safety", "read_back"));
  Content model;
  int number = 0;
  for (const json& step : scenario.at("rounds")) {
    ++number;
    Round round;
    const auto next = step.at("model").get<Content>();
    round.edits = edits_of(model, next);
    model = next;
    RunPlan& run = round.runs.emplace_back();
    if (step.contains("dies")) die(step.at("dies").get<std::string>(), run);
    const json answers = step.value("answers", json::object());
    for (const auto& [key, answer] : answers.items()) {
      schedule.rules.push_back(rule_of(key, answer.get<std::string>(), number));
    }
    round.pause_ms = step.value("pause", std::int64_t{0}) * kSecond;
    schedule.rounds.push_back(std::move(round));
  }
  return schedule;
}

Sent sent_by(const Emulator& tool, int run) {
  Sent sent;
  for (const Delivery& delivery : tool.log()) {
    if (delivery.process != run || delivery.ask.op == Ask::Op::find) continue;
    const std::string kind =
        delivery.ask.removes() ? "remove" : std::string(to_text(delivery.ask.op));
    for (const Ask::Row& row : delivery.ask.rows) sent.emplace(kind, row.key, row.value);
  }
  return sent;
}

class ScenarioTest : public testing::TestWithParam<std::size_t> {};

TEST_P(ScenarioTest, TheEngineDoesWhatTheProtocolSays) {
  const json scenario = scenarios().at(GetParam());
  SCOPED_TRACE(scenario.at("name").get<std::string>());
  World world(schedule_for(scenario));
  int number = 0;
  world.after_round = [&] {
    // A request that its sender did not wait for arrives.
    world.advance(world.now_ms() + kSecond);
    const json& step = scenario.at("rounds").at(static_cast<std::size_t>(number++));
    Content content;
    for (const auto& [key, record] : world.tool().records()) {
      if (!key.starts_with('f')) content.emplace(key, record.value);
    }
    EXPECT_EQ(json(content), step.at("tool")) << "after run " << number;
    EXPECT_EQ(sent_by(world.tool(), number), step.at("sends").get<Sent>()) << "of run " << number;
  };
  for (const Failure& failure : world.play().failures) {
    ADD_FAILURE() << failure.rule << ": " << failure.text;
  }
  EXPECT_EQ(static_cast<std::size_t>(number), scenario.at("rounds").size());
}

INSTANTIATE_TEST_SUITE_P(All, ScenarioTest, testing::Range<std::size_t>(0, scenarios().size()),
                         [](const auto& one) {
                           std::string name = scenarios().at(one.param).at("name");
                           for (char& c : name) {
                             if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
                           }
                           return name;
                         });

}  // namespace
}  // namespace tailrace::simulation
