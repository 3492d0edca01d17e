// Before the first request: does what is about to happen look like what the user wants?
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "run/engine_session.hpp"

namespace tailrace {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

// A shard whose siblings have not counted gives its slot back for so long.
constexpr milliseconds kSiblingsWait{30'000};
// Runs that are looked through for earlier null counts.
constexpr std::size_t kRunsWithNulls = 50;

/// What one shard has counted for all, as it is kept in the store.
struct SiblingCount {
  // Grows each time that the shard counts again after it acted on a count: another round, or this
  // one once more.
  std::int64_t generation = 0;
  bool acted = false;  // it got past the guards with this count
  json counts;
};

json counts_of(const GuardFacts& facts) {
  const DiffCounts& counts = facts.counts;
  return {
      {"scanned", counts.scanned},     {"unchanged", counts.unchanged}, {"added", counts.added},
      {"changed", counts.changed},     {"refreshed", counts.refreshed}, {"removed", counts.removed},
      {"invalid", counts.invalid},     {"gone", counts.gone},           {"known", facts.known},
      {"null_rows", facts.nulls.rows}, {"nulls", facts.nulls.nulls}};
}

std::string to_text(const SiblingCount& count) {
  json told = count.counts;
  told["generation"] = count.generation;
  told["acted"] = count.acted;
  return told.dump();
}

SiblingCount sibling_count(const std::string& text) {
  SiblingCount count;
  count.counts = json::parse(text, nullptr, false);
  if (!count.counts.is_object()) {
    throw StateLost("state: the counts of a shard cannot be read");
  }
  count.generation = count.counts.value("generation", std::int64_t{0});
  count.acted = count.counts.value("acted", false);
  return count;
}

void add_counts(const json& other, GuardFacts& facts) {
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

/// That of a count made now. Counts of a lower one have been acted on.
std::int64_t next_generation(const std::map<int, SiblingCount>& counts, int own) {
  if (const auto mine = counts.find(own); mine != counts.end()) {
    return mine->second.generation + (mine->second.acted ? 1 : 0);
  }
  // Nobody acts before all have counted: where somebody did, it was in another round.
  std::int64_t generation = 1;
  for (const auto& [shard, count] : counts) {
    generation = std::max(generation, count.generation + (count.acted ? 1 : 0));
  }
  return generation;
}

/// Limits of one part of n: by their hashes the parts are alike.
Guards for_one_of(Guards guards, int of) {
  const auto share = [of](std::optional<Limit>& limit) {
    if (limit && !limit->percent) limit->value /= of;
  };
  share(guards.max_removed);
  share(guards.max_changed);
  share(guards.max_added);
  share(guards.encoding);
  guards.removed_floor /= static_cast<std::uint64_t>(of);
  return guards;
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

/// The guards look at the whole sync: a shard adds what its siblings have counted, and gives way
/// where one of them has not. Where a shard is tried again in a round that it has acted in, its
/// siblings will not count once more: then its own part is judged by itself as well. Gives the
/// count as it is to be kept once the guards have let the run pass.
std::string Engine::guard_shards(Session& session, GuardFacts& facts) {
  const ShardOf& shard = *spec_.shard;
  SiblingCount own;
  own.counts = counts_of(facts);
  std::map<int, SiblingCount> counts;
  session.with_store([&](StateStore& store) {
    for (const auto& count : store.shard_counts(session.claim->holder, shard.round)) {
      counts.emplace(count.shard, sibling_count(count.counts));
    }
    own.generation = next_generation(counts, shard.index);
    store.put_shard_count(session.claim->holder, shard.round, to_text(own));
  });
  const GuardFacts part = facts;
  int missing = 0;
  bool any_old = false;
  for (int sibling = 0; sibling < shard.of; ++sibling) {
    if (sibling == shard.index) continue;
    const auto found = counts.find(sibling);
    const bool old = found != counts.end() && found->second.generation < own.generation;
    if (found == counts.end() || (old && shard.round.empty())) {
      ++missing;
      continue;
    }
    any_old = any_old || old;
    add_counts(found->second.counts, facts);
  }
  if (missing > 0) give_way(session, missing);
  if (any_old) {
    session.report.breaches = judge(for_one_of(spec_.guards, shard.of), part, spec_.allow_guards);
  }
  own.acted = true;
  return to_text(own);
}

void Engine::give_way(Session& session, int missing) const {
  const auto due = world_.clock->wall() + kSiblingsWait;
  session.report.not_before_ms =
      std::chrono::duration_cast<milliseconds>(due.time_since_epoch()).count();
  throw Ended(Status::unfinished,
              std::to_string(missing) + " of " + std::to_string(spec_.shard->of) +
                  " shards have not counted their rows yet: the guards judge the whole sync, "
                  "nothing was sent; run this shard again when they have");
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
  const bool is_part = spec_.shard && spec_.shard->of > 1 && spec_.task == Task::run;
  const std::string acted = is_part ? guard_shards(session, facts) : std::string();
  // A part that was judged by itself has said all there is to say.
  if (session.report.breaches.empty()) {
    session.report.breaches = judge(spec_.guards, facts, spec_.allow_guards);
  }
  if (spec_.task != Task::plan) refuse_breaches(session);
  if (!is_part) return;
  session.with_store([&](StateStore& store) {
    store.put_shard_count(session.claim->holder, spec_.shard->round, acted);
  });
}

void Engine::refuse_breaches(const Session& session) {
  if (session.report.breaches.empty()) return;
  std::string message = "refused by a guard, nothing was sent";
  for (const Breach& breach : session.report.breaches) message += "; " + breach.message;
  throw Ended(Status::refused, message);
}

}  // namespace tailrace
