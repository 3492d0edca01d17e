#include "schedule.hpp"

#include <algorithm>
#include <array>

#include "dice.hpp"

namespace tailrace::simulation {
namespace {

// Faults that lose the answer weigh more: that is where the promise is hard to keep.
constexpr std::array kOftenFaults{Fault::late,          Fault::late,         Fault::late_504,
                                  Fault::timeout_after, Fault::reset_after,  Fault::reset_before,
                                  Fault::error_after,   Fault::error_before, Fault::partial,
                                  Fault::html_after,    Fault::ok_false,     Fault::throttle};
// These end a run or a row for good: now and then.
constexpr std::array kRareFaults{Fault::unauthorized, Fault::quota, Fault::field_gone, Fault::clash,
                                 Fault::redirect};
constexpr std::array kMishapsOfJobs{Fault::job_stuck, Fault::job_failed, Fault::job_partial_results,
                                    Fault::jobs_full};

// Modes and removals as often as they are drawn.
constexpr std::array kDrawnModes{Mode::upsert, Mode::upsert, Mode::upsert, Mode::upsert,
                                 Mode::upsert, Mode::upsert, Mode::update, Mode::update,
                                 Mode::update, Mode::insert, Mode::insert, Mode::insert,
                                 Mode::append, Mode::append};
constexpr std::array kDrawnRemovals{OnRemoved::delete_, OnRemoved::delete_, OnRemoved::delete_,
                                    OnRemoved::delete_, OnRemoved::delete_, OnRemoved::archive,
                                    OnRemoved::clear,   OnRemoved::clear,   OnRemoved::ignore,
                                    OnRemoved::ignore};

[[nodiscard]] bool is_rare(Fault fault) {
  return std::find(kRareFaults.begin(), kRareFaults.end(), fault) != kRareFaults.end();
}

/// Puts a fault that means something in this schedule in the place of one that does not.
void choose_fitting(Dice& dice, const Schedule& schedule, Rule& rule) {
  // Two copies of an insert that has no key make two records, and nobody can know.
  const bool unkeyed = inserts(schedule) && schedule.safety != InsertSafety::idempotency_key &&
                       schedule.safety != InsertSafety::duplicate_ok;
  if (unkeyed && rule.fault == Fault::duplicate) rule.fault = Fault::late;
  // A removal that looks its record up believes what it is told.
  const bool looks = inserts(schedule) && schedule.safety == InsertSafety::read_back;
  if (!looks && rule.fault == Fault::readback_lag) rule.fault = Fault::late;
  if (looks && dice.chance(0.3)) rule.fault = Fault::readback_lag;
  const bool of_jobs = rule.fault >= Fault::job_stuck;
  if (of_jobs && !is_job(schedule.face)) rule.fault = Fault::timeout_after;
  if (is_job(schedule.face) && dice.chance(0.3)) rule.fault = dice.of(kMishapsOfJobs);
  if (rule.fault == Fault::jobs_full && schedule.face == Face::job) rule.fault = Fault::throttle;
}

/// What the emulated tool calls the sync's writes and its removals.
std::string write_word(const Schedule& schedule) {
  return inserts(schedule) ? "insert" : schedule.mode == Mode::update ? "update" : "write";
}

std::string removal_word(const Schedule& schedule) {
  const bool other = schedule.face != Face::hubspot && schedule.on_removed != OnRemoved::ignore;
  return other ? std::string(to_text(schedule.on_removed)) : "delete";
}

Rule make_rule(Dice& dice, const Schedule& schedule, double share) {
  Rule rule;
  rule.share = share;
  if (dice.chance(0.5)) {
    rule.fault = dice.of(kOftenFaults);
  } else {
    rule.fault = dice.of(all_faults());
  }
  choose_fitting(dice, schedule, rule);
  if (is_rare(rule.fault)) rule.share = std::min(rule.share, 0.05);
  if (dice.chance(0.2)) rule.op = dice.chance(0.5) ? write_word(schedule) : removal_word(schedule);
  if (dice.chance(0.1)) rule.key = "k" + std::to_string(dice.below(4));
  if (dice.chance(0.1)) rule.attempt = 1;
  switch (rule.fault) {
    case Fault::late:
    case Fault::late_504: rule.by_ms = dice.between(1, schedule.quiet_ms); break;
    case Fault::job_stuck:
      // A job whose making was not noted is nobody's to ask for: it ends within the quiet time.
      rule.by_ms =
          schedule.face == Face::jobs ? dice.between(1'000, 10'000) : dice.between(5'000, 90'000);
      break;
    case Fault::readback_lag:
      rule.op = "read";
      rule.by_ms = dice.between(1, 1'500);
      break;
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

/// A batch of inserts that is bound to its idempotency key, because its answer was lost, is refused
/// as a whole when it comes again.
void add_refused_repetition(Schedule& schedule) {
  Rule lost;
  lost.op = "insert";
  lost.attempt = 1;
  lost.share = 0.3;
  lost.fault = Fault::html_after;
  Rule refused = lost;
  refused.attempt = 2;
  refused.fault = Fault::field_gone;
  schedule.rules.insert(schedule.rules.begin(), {lost, refused});
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

std::string make_value(Dice& dice, bool two_cells) {
  constexpr std::array<std::string_view, 3> values{"a", "b", "c"};
  const bool poison = dice.chance(0.05);
  std::string value =
      poison ? "poison" + std::to_string(dice.below(2)) : std::string(dice.of(values));
  constexpr std::array<std::string_view, 3> others{"x", "y", "z"};
  if (two_cells) value.append("\t").append(dice.of(others));
  return value;
}

/// The round's runs are shards, each of which comes twice: one whose siblings have not counted
/// gives way, and has to come again.
void make_shards(Dice& dice, const Schedule& schedule, int of, double crash_share, Round& round) {
  round.runs.clear();
  round.named = dice.chance(0.5);
  for (const bool again : {false, true}) {
    for (int shard = 0; shard < of; ++shard) {
      if (dice.chance(0.05)) continue;  // never started
      RunPlan run = make_run(dice, schedule, crash_share);
      run.shard = shard;
      run.of = of;
      run.start_ms = dice.between(0, schedule.lease_ms) + (again ? 2 * schedule.lease_ms : 0);
      round.runs.push_back(std::move(run));
    }
  }
  // A job that is at work is known to the shard that made it alone.
  if (is_job(schedule.face) || !dice.chance(0.1)) return;
  // Somebody starts another number of shards, or the whole.
  RunPlan other = make_run(dice, schedule, crash_share);
  other.of = dice.chance(0.5) ? 1 : of + 1;
  other.start_ms = dice.between(0, 3 * schedule.lease_ms);
  round.runs.push_back(std::move(other));
}

Round make_round(Dice& dice, const Schedule& schedule, std::uint64_t keys, int of,
                 double crash_share) {
  Round round;
  const std::int64_t edits = dice.between(1, 6);
  for (std::int64_t i = 0; i < edits; ++i) {
    Edit edit{"k" + std::to_string(dice.below(keys)), std::nullopt};
    if (!dice.chance(0.25)) edit.value = make_value(dice, schedule.changed_fields);
    round.edits.push_back(std::move(edit));
  }
  round.model_empty = dice.chance(0.06);
  if (dice.chance(0.06)) round.repeated = 1;
  if (dice.chance(0.06)) round.invalid = 1;
  round.whole_rows = schedule.changed_fields && dice.chance(0.15);
  if (schedule.mode == Mode::update && dice.chance(0.3)) {
    round.appear.push_back("k" + std::to_string(dice.below(keys)));
  }
  const int runs = dice.chance(0.15) ? (dice.chance(0.3) ? 3 : 2) : 1;
  for (int i = 0; i < runs; ++i) {
    round.runs.push_back(make_run(dice, schedule, crash_share));
    if (i > 0) round.runs.back().start_ms = dice.between(0, 2 * schedule.lease_ms);
  }
  if (of > 1 && !is_job(schedule.face) && dice.chance(0.15)) of = dice.chance(0.5) ? 1 : 5 - of;
  if (of > 1) make_shards(dice, schedule, of, crash_share, round);
  if (runs > 1 && of == 1 && dice.chance(0.7)) {
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

/// What the destination offers of the ways to be safe with an insert.
std::vector<InsertSafety> offered_safeties(const Schedule& schedule) {
  std::vector<InsertSafety> offered{InsertSafety::park, InsertSafety::duplicate_ok};
  if (is_job(schedule.face)) return offered;
  if (schedule.mode == Mode::insert) offered.push_back(InsertSafety::read_back);
  if (schedule.face != Face::hubspot) offered.push_back(InsertSafety::idempotency_key);
  return offered;
}

void draw_mode(Dice& dice, Schedule& schedule, std::uint64_t keys) {
  schedule.mode = dice.of(kDrawnModes);
  if (schedule.face == Face::job) schedule.mode = Mode::upsert;
  schedule.on_removed = dice.of(kDrawnRemovals);
  if (is_job(schedule.face) && schedule.on_removed == OnRemoved::archive) {
    schedule.on_removed = OnRemoved::delete_;
  }
  if (schedule.face == Face::job && schedule.on_removed == OnRemoved::clear) {
    schedule.on_removed = OnRemoved::delete_;
  }
  if (inserts(schedule)) {
    schedule.on_removed = OnRemoved::ignore;
    schedule.safety = dice.of(offered_safeties(schedule));
    return;
  }
  schedule.changed_fields = schedule.face != Face::job && dice.chance(0.25);
  if (schedule.mode != Mode::update) return;
  schedule.rejects_missing = dice.chance(0.3);
  for (std::uint64_t i = 0; i < keys; ++i) {
    if (dice.chance(0.6)) schedule.existing.push_back("k" + std::to_string(i));
  }
}

/// By dice of its own, so that all else that a seed means stays as it is.
void draw_retries(Schedule& schedule, std::uint64_t keys) {
  Dice dice(mix(schedule.seed) ^ 0x7265747279);
  for (Round& round : schedule.rounds) {
    if (!dice.chance(0.2)) continue;
    round.retry = dice.chance(0.5) ? "*" : "k" + std::to_string(dice.below(keys));
  }
}

}  // namespace

Schedule make_schedule(std::uint64_t seed) {
  Dice dice(seed);
  Schedule schedule;
  schedule.seed = seed;
  schedule.face = dice.of(all_faces());
  const auto keys = static_cast<std::uint64_t>(dice.between(3, 10));
  draw_mode(dice, schedule, keys);
  schedule.max_jobs = static_cast<std::size_t>(dice.between(1, 3));
  schedule.batch_rows =
      schedule.face == Face::rest_single ? 1 : static_cast<std::size_t>(dice.between(1, 4));
  schedule.max_in_flight = static_cast<std::size_t>(dice.between(1, 3));
  schedule.refuses_whole = dice.chance(0.2);
  if (dice.chance(0.15)) schedule.deadline_ms = dice.between(2'000, 40'000);
  if (dice.chance(0.25)) schedule.max_removed_percent = 40;
  constexpr std::array<std::int64_t, 4> timeouts{1'000, 5'000, 5'000, 15'000};
  schedule.timeout_ms = dice.of(timeouts);
  // What is lost may take effect for as long again as was waited for it.
  schedule.quiet_ms = std::max(schedule.quiet_ms, 2 * schedule.timeout_ms);
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
  const bool under_key = inserts(schedule) && schedule.safety == InsertSafety::idempotency_key;
  if (under_key && dice.chance(0.2)) add_refused_repetition(schedule);
  const std::int64_t rounds = dice.between(2, 6);
  const int of = dice.chance(0.15) ? static_cast<int>(dice.between(2, 3)) : 1;
  for (std::int64_t i = 0; i < rounds; ++i) {
    schedule.rounds.push_back(make_round(dice, schedule, keys, of, crash_share));
  }
  if (dice.chance(0.1)) {
    const std::uint64_t first = dice.below(schedule.rounds.size());
    for (std::size_t i = first; i < schedule.rounds.size(); ++i) schedule.rounds[i].encoding = 2;
  }
  if (dice.chance(0.1)) {
    const std::uint64_t first = dice.below(schedule.rounds.size());
    for (std::size_t i = first; i < schedule.rounds.size(); ++i) schedule.rounds[i].mapping = 2;
  }
  if (dice.chance(0.2)) {
    schedule.rate.requests = static_cast<int>(dice.between(1, 6));
    schedule.rate.window_ms = dice.between(1, 10) * 1'000;
  }
  if (dice.chance(0.5)) schedule.store_patience_ms = 60'000;
  if (dice.chance(0.05)) schedule.quiet_of = static_cast<int>(dice.between(2, 3));
  if (is_job(schedule.face)) schedule.quiet_of = of;
  draw_retries(schedule, keys);
  return schedule;
}

}  // namespace tailrace::simulation
