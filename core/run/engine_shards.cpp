// One of several shards that read for themselves: the guards judge the whole sync all the same.
#include "run/engine_session.hpp"
#include "run/shard_counts.hpp"
#include "run/whole_state.hpp"

namespace tailrace {
namespace {

using std::chrono::milliseconds;

// A shard whose siblings have not counted gives its slot back for so long.
constexpr milliseconds kSiblingsWait{30'000};

}  // namespace

bool judges_siblings(const RunSpec& spec) {
  return spec.shard && spec.shard->of > 1 && spec.task == Task::run && spec.plan.read.empty() &&
         !spec.only_keys;
}

/// Before the model is read: where the siblings have counted, and another model than this shard
/// did the last time, their counts would not help.
void Engine::load_whole_count(Session& session) {
  if (!judges_siblings(spec_)) return;
  const ShardOf& shard = *spec_.shard;
  session.with_store([&](StateStore& store) {
    const ShardTallies tallies =
        read_tallies(store.shard_counts(session.claim->holder, shard.round));
    if (!counts_alone(tallies, shard.index, shard.of, !shard.round.empty())) return;
    session.whole.emplace(
        load_beside(store, *session.claim, session.found_at, spec_.timing.quiet.count()));
  });
}

/// Makes of what this shard has counted what a whole run would have counted, or gives way. Gives
/// the shard's count as it is to be kept once the guards have let the run pass.
std::string Engine::guard_shards(Session& session, GuardFacts& facts) {
  const ShardOf& shard = *spec_.shard;
  ShardTally own;
  own.compared = session.differ->model_fingerprint() + ' ' +
                 std::to_string(static_cast<int>(spec_.mode)) + ' ' +
                 std::to_string(static_cast<int>(spec_.on_removed)) +
                 (spec_.changed_fields ? " fields" : "");
  own.counts = counts_of(facts);
  ShardTallies tallies;
  session.with_store([&](StateStore& store) {
    tallies = read_tallies(store.shard_counts(session.claim->holder, shard.round));
    own.generation = next_generation(tallies, shard.index);
    store.put_shard_count(session.claim->holder, shard.round, to_text(own));
  });
  if (session.whole) {
    facts.counts = session.whole->counts();
    facts.known = session.whole->known();
  } else {
    const bool named = !shard.round.empty();
    const int missing = missing_siblings(tallies, own, shard.index, shard.of, named);
    if (missing > 0) wait_for_siblings(session, missing);
    if (!add_siblings(tallies, own, shard.index, facts)) count_again(session);
  }
  own.acted = true;
  return to_text(own);
}

void Engine::wait_for_siblings(Session& session, int missing) const {
  give_way(session, kSiblingsWait,
           std::to_string(missing) + " of " + std::to_string(spec_.shard->of) +
               " shards have not counted their rows yet: the guards judge the whole sync, "
               "nothing was sent; run this shard again when they have");
}

void Engine::count_again(Session& session) const {
  give_way(session, milliseconds(0),
           "other shards have counted another model, which has changed since: the guards judge "
           "the whole sync, nothing was sent; run this shard again, it then counts the whole");
}

void Engine::give_way(Session& session, milliseconds wait, const std::string& why) const {
  const auto due = world_.clock->wall() + wait;
  session.report.not_before_ms =
      std::chrono::duration_cast<milliseconds>(due.time_since_epoch()).count();
  throw Ended(Status::unfinished, why);
}

}  // namespace tailrace
