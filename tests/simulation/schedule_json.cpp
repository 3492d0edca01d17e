// Schedules as data: saved, read again, shown.
#include <nlohmann/json.hpp>

#include "schedule.hpp"

namespace tailrace::simulation {
namespace {

using nlohmann::json;

json to_json(const Rule& rule) {
  json out{{"match", json::object()}, {"p", rule.share}, {"do", to_text(rule.fault)}};
  if (rule.op != "*") out["match"]["op"] = rule.op;
  if (rule.key != "*") out["match"]["key"] = rule.key;
  if (rule.attempt > 0) out["match"]["attempt"] = rule.attempt;
  if (rule.nth > 0) out["match"]["nth"] = rule.nth;
  if (rule.run > 0) out["match"]["run"] = rule.run;
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
  rule.run = match.value("run", 0);
  rule.share = value.value("p", 1.0);
  rule.fault = fault_of(value.at("do").get<std::string>());
  rule.by_ms = value.value("by_ms", std::int64_t{0});
  rule.date = value.value("date", false);
  return rule;
}

json to_json(const RunPlan& run) {
  json out = json::object();
  if (run.of > 1) out["shard"] = {run.shard, run.of};
  if (run.crash_step > 0) out["crash_step"] = run.crash_step;
  if (!run.crash_at.empty()) out["crash_at"] = {run.crash_at, run.crash_time};
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
  if (value.contains("shard")) {
    run.shard = value.at("shard").at(0).get<int>();
    run.of = value.at("shard").at(1).get<int>();
  }
  run.crash_step = value.value("crash_step", 0);
  if (value.contains("crash_at")) {
    run.crash_at = value.at("crash_at").at(0).get<std::string>();
    run.crash_time = value.at("crash_at").at(1).get<int>();
  }
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
  if (round.encoding > 1) out["encoding"] = round.encoding;
  if (round.mapping > 1) out["mapping"] = round.mapping;
  if (round.whole_rows) out["whole_rows"] = true;
  if (round.named) out["named"] = true;
  if (!round.appear.empty()) out["appear"] = round.appear;
  if (!round.retry.empty()) out["retry"] = round.retry;
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
  round.encoding = value.value("encoding", 1);
  round.mapping = value.value("mapping", 1);
  round.whole_rows = value.value("whole_rows", false);
  round.named = value.value("named", false);
  round.appear = value.value("appear", std::vector<std::string>{});
  round.retry = value.value("retry", std::string());
  round.pause_ms = value.value("pause_ms", std::int64_t{0});
  return round;
}

}  // namespace

json to_json(const Schedule& schedule) {
  json out{{"seed", schedule.seed},
           {"face", to_text(schedule.face)},
           {"mode", to_text(schedule.mode)},
           {"on_removed", to_text(schedule.on_removed)},
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
           {"store_patience_ms", schedule.store_patience_ms},
           {"rate", {schedule.rate.requests, schedule.rate.window_ms}},
           {"quiet_of", schedule.quiet_of},
           {"rules", json::array()},
           {"rounds", json::array()}};
  if (schedule.rejects_missing) out["on_missing"] = "reject";
  if (schedule.changed_fields) out["send"] = "changed_fields";
  if (schedule.store_patience_ms > 0) out["store_patience_ms"] = schedule.store_patience_ms;
  if (schedule.face == Face::jobs) out["max_jobs"] = schedule.max_jobs;
  if (!schedule.existing.empty()) out["existing"] = schedule.existing;
  for (const Rule& rule : schedule.rules) out["rules"].push_back(to_json(rule));
  for (const Round& round : schedule.rounds) out["rounds"].push_back(to_json(round));
  return out;
}

namespace {

/// `mirror` is short for upsert that deletes, as in a sync.
void read_mode(const json& value, Schedule& schedule) {
  const auto mode = value.at("mode").get<std::string>();
  const bool mirror = mode == "mirror";
  schedule.mode = mirror ? Mode::upsert : mode_of(mode);
  schedule.on_removed = removal_of(value.value("on_removed", mirror ? "delete" : "ignore"));
  schedule.safety = safety_of(value.value("safety", "read_back"));
  schedule.rejects_missing = value.value("on_missing", "skip") == "reject";
  schedule.changed_fields = value.value("send", "all") == "changed_fields";
  schedule.existing = value.value("existing", std::vector<std::string>{});
}

}  // namespace

Schedule schedule_of(const json& value) {
  Schedule schedule;
  schedule.seed = value.at("seed").get<std::uint64_t>();
  schedule.face = face_of(value.at("face").get<std::string>());
  read_mode(value, schedule);
  schedule.max_jobs = value.value("max_jobs", schedule.max_jobs);
  schedule.batch_rows = value.value("batch_rows", schedule.batch_rows);
  schedule.max_in_flight = value.value("max_in_flight", schedule.max_in_flight);
  schedule.refuses_whole = value.value("refuses_whole", false);
  schedule.lease_ms = value.value("lease_ms", schedule.lease_ms);
  schedule.window_ms = value.value("window_ms", schedule.window_ms);
  schedule.quiet_ms = value.value("quiet_ms", schedule.quiet_ms);
  schedule.timeout_ms = value.value("timeout_ms", schedule.timeout_ms);
  schedule.deadline_ms = value.value("deadline_ms", schedule.deadline_ms);
  schedule.max_removed_percent = value.value("max_removed_percent", 0.0);
  schedule.store_patience_ms = value.value("store_patience_ms", std::int64_t{0});
  if (value.contains("rate")) {
    schedule.rate.requests = value.at("rate").at(0).get<int>();
    schedule.rate.window_ms = value.at("rate").at(1).get<std::int64_t>();
  }
  schedule.quiet_of = value.value("quiet_of", 1);
  for (const json& rule : value.at("rules")) schedule.rules.push_back(rule_of(rule));
  for (const json& round : value.at("rounds")) schedule.rounds.push_back(round_of(round));
  return schedule;
}

}  // namespace tailrace::simulation
