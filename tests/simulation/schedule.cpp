#include "schedule.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "dice.hpp"

namespace tailrace::simulation {
namespace {

using nlohmann::json;

struct FaultName {
  Fault fault;
  std::string_view name;
};
constexpr std::array kFaults{
    FaultName{Fault::none, "none"},
    FaultName{Fault::refuse, "refuse"},
    FaultName{Fault::reset_before, "reset_before"},
    FaultName{Fault::reset_after, "reset_after"},
    FaultName{Fault::timeout_before, "timeout_before"},
    FaultName{Fault::timeout_after, "timeout_after"},
    FaultName{Fault::late, "late"},
    FaultName{Fault::late_504, "late_504"},
    FaultName{Fault::duplicate, "duplicate"},
    FaultName{Fault::throttle, "throttle"},
    FaultName{Fault::error_before, "error_before"},
    FaultName{Fault::error_after, "error_after"},
    FaultName{Fault::busy_before, "busy_before"},
    FaultName{Fault::busy_after, "busy_after"},
    FaultName{Fault::unauthorized, "unauthorized"},
    FaultName{Fault::quota, "quota"},
    FaultName{Fault::lock_row, "lock_row"},
    FaultName{Fault::partial, "partial"},
    FaultName{Fault::clash, "clash"},
    FaultName{Fault::missing, "missing"},
    FaultName{Fault::extra, "extra"},
    FaultName{Fault::shuffled, "shuffled"},
    FaultName{Fault::contradict, "contradict"},
    FaultName{Fault::html_before, "html_before"},
    FaultName{Fault::html_after, "html_after"},
    FaultName{Fault::ok_false, "ok_false"},
    FaultName{Fault::empty_before, "empty_before"},
    FaultName{Fault::empty_after, "empty_after"},
    FaultName{Fault::truncated, "truncated"},
    FaultName{Fault::bad_json, "bad_json"},
    FaultName{Fault::field_gone, "field_gone"},
};

struct FaceName {
  Face face;
  std::string_view name;
};
constexpr std::array kFaces{
    FaceName{Face::rest_list, "rest_list"},
    FaceName{Face::rest_errors, "rest_errors"},
    FaceName{Face::rest_single, "rest_single"},
    FaceName{Face::hubspot, "hubspot"},
};

struct ModeName {
  SyncMode mode;
  std::string_view name;
};
constexpr std::array kModes{
    ModeName{SyncMode::mirror, "mirror"},
    ModeName{SyncMode::upsert, "upsert"},
    ModeName{SyncMode::insert, "insert"},
};

struct SafetyName {
  Safety safety;
  std::string_view name;
};
constexpr std::array kSafeties{
    SafetyName{Safety::read_back, "read_back"},
    SafetyName{Safety::idempotency_key, "idempotency_key"},
    SafetyName{Safety::park, "park"},
};

/// The entry of that name; throws std::invalid_argument where there is none.
template <typename Table>
const auto& named(const Table& table, const std::string& name) {
  for (const auto& one : table) {
    if (one.name == name) return one;
  }
  throw std::invalid_argument("schedule: nothing is named '" + name + "'");
}

// Faults that lose the answer weigh more: that is where the promise is hard to keep.
constexpr std::array kOftenFaults{Fault::late,          Fault::late,         Fault::late_504,
                                  Fault::timeout_after, Fault::reset_after,  Fault::reset_before,
                                  Fault::error_after,   Fault::error_before, Fault::partial,
                                  Fault::html_after,    Fault::ok_false,     Fault::throttle};
// These end a run or a row for good: now and then.
constexpr std::array kRareFaults{Fault::unauthorized, Fault::quota, Fault::field_gone,
                                 Fault::clash};

[[nodiscard]] bool is_rare(Fault fault) {
  return std::find(kRareFaults.begin(), kRareFaults.end(), fault) != kRareFaults.end();
}

Rule make_rule(Dice& dice, const Schedule& schedule, double share) {
  Rule rule;
  rule.share = share;
  if (dice.chance(0.5)) {
    rule.fault = dice.of(kOftenFaults);
  } else {
    rule.fault = dice.of(all_faults());
  }
  // Two copies of an insert that has no key make two records, and nobody can know.
  const bool unkeyed =
      schedule.mode == SyncMode::insert && schedule.safety != Safety::idempotency_key;
  if (unkeyed && rule.fault == Fault::duplicate) rule.fault = Fault::late;
  if (is_rare(rule.fault)) rule.share = std::min(rule.share, 0.05);
  if (dice.chance(0.2)) rule.op = dice.chance(0.5) ? "write" : "delete";
  if (dice.chance(0.1)) rule.key = "k" + std::to_string(dice.below(4));
  if (dice.chance(0.1)) rule.attempt = 1;
  switch (rule.fault) {
    case Fault::late:
    case Fault::late_504: rule.by_ms = dice.between(1, schedule.quiet_ms); break;
    case Fault::throttle:
    case Fault::busy_before:
    case Fault::busy_after: {
      constexpr std::array<std::int64_t, 6> waits{0, 1'000, 1'000, 3'000, 20'000, 3'600'000};
      rule.by_ms = dice.of(waits);
      rule.date = dice.chance(0.3);
      break;
    }
    default: break;
  }
  return rule;
}

/// The step at which something with that chance a step happens first; 0: not in this run.
int first_step(Dice& dice, double share) {
  constexpr int kLongRun = 60;
  for (int step = 1; step <= kLongRun; ++step) {
    if (dice.chance(share)) return step;
  }
  return 0;
}

RunPlan make_run(Dice& dice, const Schedule& schedule, double crash_share) {
  RunPlan run;
  if (crash_share > 0) run.crash_step = first_step(dice, crash_share);
  run.lock_stays = dice.chance(0.5);
  if (dice.chance(0.04)) run.cancel_step = static_cast<int>(dice.between(1, 30));
  if (dice.chance(0.15)) {
    run.freezes.push_back(
        {static_cast<int>(dice.between(1, 25)), dice.between(1, 2 * schedule.lease_ms)});
  }
  if (dice.chance(0.06)) {
    run.store_faults.push_back({static_cast<int>(dice.between(1, 8)), dice.chance(0.5)});
  }
  if (dice.chance(0.1)) run.read_ms = dice.between(1, 3 * schedule.lease_ms);
  run.read_fails = dice.chance(0.02);
  constexpr std::array<std::int64_t, 6> commits{0, 0, 0, 5, 40, 1'500};
  run.commit_ms = dice.of(commits);
  if (dice.chance(0.01)) run.commit_ms = 3'000;  // so slow that no request gets its turn
  return run;
}

std::string make_value(Dice& dice) {
  if (dice.chance(0.05)) return "poison" + std::to_string(dice.below(2));
  constexpr std::array<std::string_view, 3> values{"a", "b", "c"};
  return std::string(dice.of(values));
}

Round make_round(Dice& dice, const Schedule& schedule, std::uint64_t keys, double crash_share) {
  Round round;
  const std::int64_t edits = dice.between(1, 6);
  for (std::int64_t i = 0; i < edits; ++i) {
    Edit edit{"k" + std::to_string(dice.below(keys)), std::nullopt};
    if (!dice.chance(0.25)) edit.value = make_value(dice);
    round.edits.push_back(std::move(edit));
  }
  round.model_empty = dice.chance(0.06);
  if (dice.chance(0.06)) round.repeated = 1;
  if (dice.chance(0.06)) round.invalid = 1;
  const int runs = dice.chance(0.15) ? (dice.chance(0.3) ? 3 : 2) : 1;
  for (int i = 0; i < runs; ++i) {
    round.runs.push_back(make_run(dice, schedule, crash_share));
    if (i > 0) round.runs.back().start_ms = dice.between(0, 2 * schedule.lease_ms);
  }
  if (runs > 1 && dice.chance(0.7)) {
    // What makes a second run meet the first: the first stands still for longer than its lease.
    round.runs.front().freezes.push_back({static_cast<int>(dice.between(3, 20)),
                                          schedule.lease_ms + dice.between(1, schedule.lease_ms)});
  }
  const std::array<std::int64_t, 6> pauses{0,
                                           0,
                                           200,
                                           dice.between(0, schedule.lease_ms),
                                           dice.between(0, 2 * schedule.quiet_ms),
                                           schedule.quiet_ms + schedule.lease_ms + 1};
  round.pause_ms = dice.of(pauses);
  if (dice.chance(0.02)) round.pause_ms = 25LL * 3600 * 1000;
  return round;
}

json to_json(const Rule& rule) {
  json out{{"match", json::object()}, {"p", rule.share}, {"do", to_text(rule.fault)}};
  if (rule.op != "*") out["match"]["op"] = rule.op;
  if (rule.key != "*") out["match"]["key"] = rule.key;
  if (rule.attempt > 0) out["match"]["attempt"] = rule.attempt;
  if (rule.nth > 0) out["match"]["nth"] = rule.nth;
  if (rule.by_ms > 0) out["by_ms"] = rule.by_ms;
  if (rule.date) out["date"] = true;
  return out;
}

Rule rule_of(const json& value) {
  Rule rule;
  const json match = value.value("match", json::object());
  rule.op = match.value("op", "*");
  rule.key = match.value("key", "*");
  rule.attempt = match.value("attempt", 0);
  rule.nth = match.value("nth", 0);
  rule.share = value.value("p", 1.0);
  rule.fault = fault_of(value.at("do").get<std::string>());
  rule.by_ms = value.value("by_ms", std::int64_t{0});
  rule.date = value.value("date", false);
  return rule;
}

json to_json(const RunPlan& run) {
  json out = json::object();
  if (run.crash_step > 0) out["crash_step"] = run.crash_step;
  if (run.lock_stays) out["lock_stays"] = true;
  if (run.cancel_step > 0) out["cancel_step"] = run.cancel_step;
  for (const RunPlan::Freeze& freeze : run.freezes) {
    out["freezes"].push_back({freeze.step, freeze.for_ms});
  }
  for (const RunPlan::StoreFault& fault : run.store_faults) {
    out["store_faults"].push_back({fault.commit, fault.applied});
  }
  if (run.read_ms > 0) out["read_ms"] = run.read_ms;
  if (run.read_fails) out["read_fails"] = true;
  if (run.commit_ms > 0) out["commit_ms"] = run.commit_ms;
  if (run.start_ms > 0) out["start_ms"] = run.start_ms;
  return out;
}

RunPlan run_of(const json& value) {
  RunPlan run;
  run.crash_step = value.value("crash_step", 0);
  run.lock_stays = value.value("lock_stays", false);
  run.cancel_step = value.value("cancel_step", 0);
  for (const json& freeze : value.value("freezes", json::array())) {
    run.freezes.push_back({freeze.at(0).get<int>(), freeze.at(1).get<std::int64_t>()});
  }
  for (const json& fault : value.value("store_faults", json::array())) {
    run.store_faults.push_back({fault.at(0).get<int>(), fault.at(1).get<bool>()});
  }
  run.read_ms = value.value("read_ms", std::int64_t{0});
  run.read_fails = value.value("read_fails", false);
  run.commit_ms = value.value("commit_ms", std::int64_t{0});
  run.start_ms = value.value("start_ms", std::int64_t{0});
  return run;
}

json to_json(const Round& round) {
  json out{{"edits", json::array()}, {"runs", json::array()}};
  for (const Edit& edit : round.edits) {
    out["edits"].push_back({edit.key, edit.value ? json(*edit.value) : json(nullptr)});
  }
  for (const RunPlan& run : round.runs) out["runs"].push_back(to_json(run));
  if (round.model_empty) out["model_empty"] = true;
  if (round.repeated > 0) out["repeated"] = round.repeated;
  if (round.invalid > 0) out["invalid"] = round.invalid;
  if (round.pause_ms > 0) out["pause_ms"] = round.pause_ms;
  return out;
}

Round round_of(const json& value) {
  Round round;
  for (const json& edit : value.at("edits")) {
    round.edits.push_back({edit.at(0).get<std::string>(), std::nullopt});
    if (!edit.at(1).is_null()) round.edits.back().value = edit.at(1).get<std::string>();
  }
  for (const json& run : value.at("runs")) round.runs.push_back(run_of(run));
  round.model_empty = value.value("model_empty", false);
  round.repeated = value.value("repeated", 0);
  round.invalid = value.value("invalid", 0);
  round.pause_ms = value.value("pause_ms", std::int64_t{0});
  return round;
}

}  // namespace

std::string_view to_text(Fault fault) { return kFaults.at(static_cast<std::size_t>(fault)).name; }

Fault fault_of(std::string_view name) { return named(kFaults, std::string(name)).fault; }

const std::vector<Fault>& all_faults() {
  static const std::vector<Fault> faults = [] {
    std::vector<Fault> all;
    for (const FaultName& one : kFaults) {
      if (one.fault != Fault::none) all.push_back(one.fault);
    }
    return all;
  }();
  return faults;
}

std::string_view to_text(Face face) { return kFaces.at(static_cast<std::size_t>(face)).name; }

std::string_view to_text(SyncMode mode) { return kModes.at(static_cast<std::size_t>(mode)).name; }

std::string_view to_text(Safety safety) {
  return kSafeties.at(static_cast<std::size_t>(safety)).name;
}

Schedule make_schedule(std::uint64_t seed) {
  Dice dice(seed);
  Schedule schedule;
  schedule.seed = seed;
  schedule.face = dice.of(kFaces).face;
  schedule.mode = dice.chance(0.8) ? SyncMode::mirror : SyncMode::upsert;
  if (schedule.face != Face::hubspot && dice.chance(0.35)) schedule.mode = SyncMode::insert;
  schedule.safety = dice.of(kSafeties).safety;
  schedule.batch_rows =
      schedule.face == Face::rest_single ? 1 : static_cast<std::size_t>(dice.between(1, 4));
  schedule.max_in_flight = static_cast<std::size_t>(dice.between(1, 3));
  schedule.refuses_whole = dice.chance(0.2);
  if (dice.chance(0.15)) schedule.deadline_ms = dice.between(2'000, 40'000);
  if (dice.chance(0.25)) schedule.max_removed_percent = 40;
  constexpr std::array<double, 4> fault_shares{0, 0.05, 0.2, 0.5};
  constexpr std::array<double, 4> crash_shares{0, 0, 0.01, 0.05};
  const double fault_share = dice.of(fault_shares);
  const double crash_share = dice.of(crash_shares);
  if (fault_share > 0) {
    const std::int64_t rules = dice.between(1, 5);
    for (std::int64_t i = 0; i < rules; ++i) {
      schedule.rules.push_back(make_rule(dice, schedule, fault_share / static_cast<double>(rules)));
    }
  }
  const auto keys = static_cast<std::uint64_t>(dice.between(3, 10));
  const std::int64_t rounds = dice.between(2, 6);
  for (std::int64_t i = 0; i < rounds; ++i) {
    schedule.rounds.push_back(make_round(dice, schedule, keys, crash_share));
  }
  return schedule;
}

json to_json(const Schedule& schedule) {
  json out{{"seed", schedule.seed},
           {"face", to_text(schedule.face)},
           {"mode", to_text(schedule.mode)},
           {"safety", to_text(schedule.safety)},
           {"batch_rows", schedule.batch_rows},
           {"max_in_flight", schedule.max_in_flight},
           {"refuses_whole", schedule.refuses_whole},
           {"lease_ms", schedule.lease_ms},
           {"window_ms", schedule.window_ms},
           {"quiet_ms", schedule.quiet_ms},
           {"timeout_ms", schedule.timeout_ms},
           {"deadline_ms", schedule.deadline_ms},
           {"max_removed_percent", schedule.max_removed_percent},
           {"rules", json::array()},
           {"rounds", json::array()}};
  for (const Rule& rule : schedule.rules) out["rules"].push_back(to_json(rule));
  for (const Round& round : schedule.rounds) out["rounds"].push_back(to_json(round));
  return out;
}

Schedule schedule_of(const json& value) {
  Schedule schedule;
  schedule.seed = value.at("seed").get<std::uint64_t>();
  schedule.face = named(kFaces, value.at("face").get<std::string>()).face;
  schedule.mode = named(kModes, value.at("mode").get<std::string>()).mode;
  schedule.safety = named(kSafeties, value.value("safety", "read_back")).safety;
  schedule.batch_rows = value.value("batch_rows", schedule.batch_rows);
  schedule.max_in_flight = value.value("max_in_flight", schedule.max_in_flight);
  schedule.refuses_whole = value.value("refuses_whole", false);
  schedule.lease_ms = value.value("lease_ms", schedule.lease_ms);
  schedule.window_ms = value.value("window_ms", schedule.window_ms);
  schedule.quiet_ms = value.value("quiet_ms", schedule.quiet_ms);
  schedule.timeout_ms = value.value("timeout_ms", schedule.timeout_ms);
  schedule.deadline_ms = value.value("deadline_ms", schedule.deadline_ms);
  schedule.max_removed_percent = value.value("max_removed_percent", 0.0);
  for (const json& rule : value.at("rules")) schedule.rules.push_back(rule_of(rule));
  for (const json& round : value.at("rounds")) schedule.rounds.push_back(round_of(round));
  return schedule;
}

}  // namespace tailrace::simulation
