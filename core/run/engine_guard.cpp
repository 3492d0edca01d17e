// Before the first request: does what is about to happen look like what the user wants?
#include <nlohmann/json.hpp>

#include "run/engine_session.hpp"

namespace tailrace {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

// A shard whose siblings have not counted gives its slot back for so long.
constexpr milliseconds kSiblingsWait{30'000};
// Runs that are looked through for earlier null counts.
constexpr std::size_t kRunsLookedAt = 50;

json counts_of(const GuardFacts& facts) {
  const DiffCounts& counts = facts.counts;
  return {
      {"scanned", counts.scanned},     {"unchanged", counts.unchanged}, {"added", counts.added},
      {"changed", counts.changed},     {"refreshed", counts.refreshed}, {"removed", counts.removed},
      {"invalid", counts.invalid},     {"gone", counts.gone},           {"known", facts.known},
      {"null_rows", facts.nulls.rows}, {"nulls", facts.nulls.nulls}};
}

void add_counts(const std::string& text, GuardFacts& facts) {
  const json other = json::parse(text, nullptr, false);
  if (!other.is_object()) throw StateLost("state: the counts of a shard cannot be read");
  const auto of = [&other](const char* name) { return other.value(name, std::uint64_t{0}); };
  DiffCounts& counts = facts.counts;
  counts.scanned += of("scanned");
  counts.unchanged += of("unchanged");
  counts.added += of("added");
  counts.changed += of("changed");
  counts.refreshed += of("refreshed");
  counts.removed += of("removed");
  counts.invalid += of("invalid");
  counts.gone += of("gone");
  facts.known += of("known");
}

}  // namespace

GuardFacts Engine::guard_facts(Session& session) {
  GuardFacts facts;
  facts.counts = session.counts();
  facts.known = session.state.known;
  const Claim& claim = *session.claim;
  facts.encoding_changed = !claim.encoding.empty() && claim.encoding != session.encoding &&
                           claim.mapping_fingerprint == spec_.mapping_fingerprint;
  facts.deletes = spec_.on_removed != OnRemoved::ignore;
  if (spec_.guards.max_null_jump.empty()) return facts;
  Report& report = session.report;
  report.nulls = facts.nulls = session.null_counter->counts();
  session.with_store([&](StateStore& store) {
    for (const RunRow& run : store.runs(spec_.sync, kRunsLookedAt)) {
      // A run that was refused has counted what is wrong: it is nothing to compare with.
      if (run.status == "refused" || run.status == "running") continue;
      facts.nulls_before = nulls_of(run.report, report.account, report.object);
      if (facts.nulls_before) break;
    }
  });
  if (!facts.nulls_before) {
    report.notes.push_back(
        "guard max_null_jump was not judged: no earlier run has counted these fields");
  }
  return facts;
}

/// The guards look at the whole sync: a shard adds what its siblings have counted, and gives way
/// where one of them has not.
void Engine::guard_shards(Session& session, GuardFacts& facts) {
  const int of = spec_.shard ? spec_.shard->of : 1;
  if (of == 1 || spec_.task != Task::run) return;
  const Holder& holder = session.claim->holder;
  std::vector<bool> counted(static_cast<std::size_t>(of), false);
  session.with_store([&](StateStore& store) {
    store.put_shard_count(holder, spec_.shard->round, counts_of(facts).dump());
    for (const auto& count : store.shard_counts(holder, spec_.shard->round)) {
      if (count.shard < 0 || count.shard >= of) continue;
      counted[static_cast<std::size_t>(count.shard)] = true;
      if (count.shard != spec_.shard->index) add_counts(count.counts, facts);
    }
  });
  const auto missing = std::count(counted.begin(), counted.end(), false);
  if (missing == 0) return;
  const auto due = world_.clock->wall() + kSiblingsWait;
  session.report.not_before_ms =
      std::chrono::duration_cast<milliseconds>(due.time_since_epoch()).count();
  throw Ended(Status::unfinished,
              std::to_string(missing) + " of " + std::to_string(of) +
                  " shards have not counted their rows yet: the guards judge the whole sync, "
                  "nothing was sent; run this shard again when they have");
}

void Engine::guard(Session& session) {
  if (spec_.task == Task::adopt || spec_.only_keys) return;
  GuardFacts facts = guard_facts(session);
  if (takes_as_delivered(session)) return;
  guard_shards(session, facts);
  session.report.breaches = judge(spec_.guards, facts, spec_.allow_guards);
  if (spec_.task != Task::plan) refuse_breaches(session);
}

void Engine::refuse_breaches(const Session& session) {
  if (session.report.breaches.empty()) return;
  std::string message = "refused by a guard, nothing was sent";
  for (const Breach& breach : session.report.breaches) message += "; " + breach.message;
  throw Ended(Status::refused, message);
}

}  // namespace tailrace
