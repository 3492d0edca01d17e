// Plan files: one is written where a run would send, and a run sends one
// instead of the model.
#include <algorithm>
#include <utility>

#include "run/engine_session.hpp"
#include "run/plan_errors.hpp"
#include "run/plan_parts.hpp"
#include "run/plan_position.hpp"
#include "run/whole_state.hpp"

namespace tailrace {
namespace {

using std::chrono::milliseconds;

[[noreturn]] void fail_other(const std::string& what, const std::string& then,
                             const std::string& now) {
  throw StalePlan("plan: it was made for " + what + " '" + then + "', which is '" + now +
                  "' now: nothing was sent, plan again");
}

void need_same(const std::string& what, const std::string& then, const std::string& now) {
  if (then != now) fail_other(what, then, now);
}

/// But for the types: they are the model's, and come with the plan.
bool same_fields(const Schema& a, const Schema& b) {
  const auto same_column = [](const Column& left, const Column& right) {
    return left.name == right.name && left.nulls == right.nulls && left.digits == right.digits &&
           left.link == right.link;
  };
  return a.field_count == b.field_count && a.key == b.key && a.match == b.match &&
         std::equal(a.columns.begin(), a.columns.end(), b.columns.begin(), b.columns.end(),
                    same_column);
}

/// The rows are right only for the very sync they were compared for.
void check_spec(const PlanHeader& header, const RunSpec& spec) {
  need_same("sync", header.sync, spec.sync);
  need_same("account", header.account, spec.account);
  need_same("object", header.object, spec.object.value("name", std::string()));
  need_same("the kind of source", header.source_kind, spec.source.kind);
  const bool mapped_so = header.mapping_fingerprint == spec.mapping_fingerprint &&
                         same_fields(header.schema, spec.schema);
  if (!mapped_so) {
    throw StalePlan(
        "plan: the mapping has changed since the plan was made: "
        "nothing was sent, plan again");
  }
  if (header.mode != spec.mode || header.on_removed != spec.on_removed) {
    throw StalePlan(
        "plan: mode or on_removed has changed since the plan was "
        "made: nothing was sent, plan"
        " again");
  }
}

/// Something older than what the caller knows of is a lost state, not a stale
/// plan.
bool is_behind(const std::optional<ExpectedState>& expect, const std::vector<ShardPosition>& now,
               int shard) {
  if (!expect) return false;
  for (const ShardPosition& at : now) {
    if (at.shard != shard) continue;
    return at.epoch < expect->epoch || at.last_seq < expect->last_seq;
  }
  return true;
}

} // namespace

/// What can be said of the plan without a claim: a refusal here leaves other
/// plans as they are.
void Engine::open_plan_file(Session& session) {
  PlanReading reading{spec_.spill_directory, spec_.buffer_bytes, [this] {
                        if (cancelled_.load()) {
                          throw Ended(Status::cancelled, "cancelled while the plan was read");
                        }
                      }};
  session.sealed.emplace(open_plan(spec_.plan.read, session.store->identity(), reading));
  const PlanHeader& header = session.sealed->header;
  check_spec(header, spec_);
  for (std::size_t i = 0; i < spec_.schema.columns.size(); ++i) {
    spec_.schema.columns[i].type = header.schema.columns[i].type;
  }
  session.encoding = header.encoding;
  if (header.of > 1) spec_.shard = ShardOf{header.shard, header.of, header.run_id};
  const std::vector<ShardPosition> now =
      positions_of(session.store->shards({header.sync, header.account, header.object, 0, 1}));
  if (!is_behind(spec_.expect, now, header.shard)) check_position(header, now);

  session.changes.emplace(std::move(session.sealed->rows));
  Report& report = session.report;
  report.diff = header.counts;
  report.invalid_sample = header.invalid_sample;
  report.nulls = header.nulls;
  report.breaches = header.breaches;
  std::erase_if(report.breaches, [&](const Breach& breach) {
    const std::vector<std::string>& allowed = spec_.allow_guards;
    return std::find(allowed.begin(), allowed.end(), breach.guard) != allowed.end();
  });
  report.notes.push_back("sent from the plan of " + format_time(header.created_at_ms) + " (run " +
                         header.run_id + "), the model was not read");
  session.diff_finished = true;
  progress_.scanned.store(header.counts.scanned, std::memory_order_relaxed);
  progress_.planned.store(session.planned(), std::memory_order_relaxed);
  refuse_breaches(session, false);
}

/// After the claim, and before anything else is done with it.
void Engine::take_plan(Session& session) {
  const PlanHeader& header = session.sealed->header;
  std::size_t journal_rows = 0;
  session.with_store([&](StateStore& store) {
    store.read_journal(session.claim->holder, [&](const JournalRow&) { ++journal_rows; });
    check_claim(header, *session.claim, journal_rows);
    session.state = load_state(store, *session.claim, spec_.timing.quiet.count());
  });
  check_state(header, session.state.table);
  session.destination = world_.destination(spec_.connection, spec_.object, spec_.schema);
  prepare_mode(session);
  session.guarded = true;               // when the plan was made
  session.full_refresh = header.resync;  // and not what is due by now
  const double total = seconds_between(session.started, world_.clock->now());
  session.report.seconds.read = total;
}

void Engine::check_plan_ask() const {
  if (spec_.plan.write.empty() && spec_.plan.directory.empty()) return;
  if (spec_.shard || spec_.only_keys) {
    throw std::invalid_argument(
        "plan: a plan file holds what the whole sync "
        "would send: leave out shard and keys");
  }
  // Found out now and not when the model was read.
  if (spec_.plan.write.empty()) {
    check_parts_ask(spec_.plan.directory, spec_.plan.parts);
  } else {
    check_plan_path(spec_.plan.write);
  }
}

/// Finds the state in whatever layout of shards it is.
void Engine::look(Session& session, const SyncAddress& address) const {
  if (!spec_.shard) {
    session.shards = session.store->shards(address);
  } else if (std::optional<Claim> claim = session.store->peek(address)) {
    session.shards = {std::move(*claim)};
  }
  session.claim = claim_of_whole(session.shards);
}

/// What was planned, where the state is now.
PlanContent Engine::plan_content(Session& session) const {
  const Differ& differ = *session.differ;
  PlanHeader header;
  header.run_id = spec_.run_id;
  header.created_at_ms = session.report.started_at_ms;
  header.sync = spec_.sync;
  header.account = spec_.account;
  header.object = session.report.object;
  header.positions = positions_of(session.shards);
  // A run may have written down by now how jobs of an earlier one ended.
  if (session.committer) header.positions.front().last_seq = session.committer->last_seq();
  header.mapping_fingerprint = spec_.mapping_fingerprint;
  header.source_kind = spec_.source.kind;
  header.encoding = session.encoding;
  header.schema = spec_.schema;
  header.mode = spec_.mode;
  header.on_removed = spec_.on_removed;
  header.resync = session.full_refresh;
  header.counts = header.whole = differ.counts();
  header.known = session.state.known;
  header.breaches = session.report.breaches;
  header.nulls = session.report.nulls;
  header.invalid_sample = differ.invalid_sample();
  header.fingerprint = header.whole_fingerprint = differ.plan_fingerprint();
  return {std::move(header),
          session.state.table,
          {differ.newly_absent(), differ.returned(), differ.forgotten()},
          *session.changes,
          [&differ](const IdentityHash& identity) { return differ.is_duplicate(identity); }};
}

/// Seals what was planned, into one file or into parts, and says where.
void Engine::write_plan_file(Session& session) {
  const PlanFiles& files = spec_.plan;
  if (files.write.empty() && files.directory.empty()) {
    if (keep_plan(session)) session.plan["file"] = files.keep;
    return;
  }
  const SyncAddress& found_at = session.found_at;
  if (found_at.sync != spec_.sync || found_at.account != spec_.account) {
    throw std::invalid_argument("plan: the state is still that of '" + found_at.sync + "' at '" +
                                found_at.account +
                                "', an earlier name: a run carries it over, plan then");
  }
  const PlanContent content = plan_content(session);
  const StoreIdentity& store = session.store->identity();
  if (files.write.empty()) {
    session.plan["parts"] = write_plan_parts(files.directory, files.parts, store, content);
  } else {
    session.plan["file"] = write_plan(files.write, store, content);
  }
}

} // namespace tailrace
