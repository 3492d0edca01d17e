// Before the first request: does what is about to happen look like what the user wants?
#include "run/engine_session.hpp"

namespace tailrace {
namespace {

// Runs that are looked through for earlier null counts.
constexpr std::size_t kRunsWithNulls = 50;

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
  facts.nulls = session.null_counter->counts();
  session.with_store([&](StateStore& store) {
    for (const RunRow& run : store.runs(spec_.sync, kRunsWithNulls)) {
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

void Engine::guard(Session& session) {
  session.guarded = spec_.task == Task::adopt;
  if (session.guarded || spec_.only_keys) return;
  GuardFacts facts = guard_facts(session);
  if (!takes_as_delivered(session)) judge_model(session, facts);
  // Only now: what a run has counted that was refused, or gave way, is nothing to compare with.
  session.report.nulls = facts.nulls;
  session.guarded = true;
}

void Engine::judge_model(Session& session, GuardFacts& facts) {
  const bool is_part = judges_siblings(spec_);
  const std::string acted = is_part ? guard_shards(session, facts) : std::string();
  session.report.breaches = judge(spec_.guards, facts, spec_.allow_guards);
  // A plan is written when it was made, with a breach as without one.
  if (spec_.task != Task::plan) refuse_breaches(session, keep_plan(session));
  if (!is_part) return;
  session.with_store([&](StateStore& store) {
    store.put_shard_count(session.claim->holder, spec_.shard->round, acted);
  });
}

}  // namespace tailrace
