#include "run/engine.hpp"

#include <system_error>

#include "run/ask.hpp"
#include "run/engine_session.hpp"
#include "run/kept_plan.hpp"
#include "run/new_fields.hpp"
#include "run/plan.hpp"
#include "run/plan_errors.hpp"

namespace tailrace {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

}  // namespace

Engine::Engine(RunSpec spec, Surroundings surroundings)
    : spec_(std::move(spec)), world_(std::move(surroundings)) {}
Engine::~Engine() = default;

void Engine::cancel() {
  cancelled_.store(true);
  const std::lock_guard lock(cancel_mutex_);
  if (interrupt_) interrupt_();
}

/// What interrupt_ wakes belongs to the session: it must be forgotten before the session goes, on
/// every way out, because the committer's thread and cancel() may call it until then.
struct Engine::ForgetInterrupt {
  Engine& engine;
  ~ForgetInterrupt() {
    const std::lock_guard lock(engine.cancel_mutex_);
    engine.interrupt_ = nullptr;
  }
};

RunResult Engine::run() {
  Session session;
  const ForgetInterrupt on_the_way_out{*this};
  session.started = world_.clock->now();
  session.report.run_id = spec_.run_id;
  session.report.sync = spec_.sync;
  session.report.started_at_ms =
      std::chrono::duration_cast<milliseconds>(world_.clock->wall().time_since_epoch()).count();
  perform_to_an_end(session);
  progress_.phase.store(Phase::done);
  session.report.assert_counts(session.diff_finished);
  return result_of(session);
}

/// The one place where what cannot go on becomes the run's end.
void Engine::perform_to_an_end(Session& session) {
  try {
    perform(session);
  } catch (const Ended& ended) {
    end_with(session, ended.status, ended.what());
  } catch (const SourceError& error) {
    session.source_code = error.code;
    const Status status = cancelled_.load()     ? Status::cancelled
                          : error.configuration ? Status::config
                                                : Status::unfinished;
    end_with(session, status, error.what());
  } catch (const StalePlan& error) {
    end_with(session, Status::refused, error.what());
  } catch (const StateLost& error) {
    end_with(session, Status::state_lost, error.what());
  } catch (const Fenced& error) {
    end_with(session, Status::busy, error.what());
  } catch (const JobsOpen& error) {
    end_with(session, Status::config, error.what());
  } catch (const StoreUnavailable& error) {
    end_with(session, Status::unfinished, error.what());
  } catch (const std::invalid_argument& error) {
    end_with(session, Status::config, error.what());
  } catch (const std::system_error& error) {
    end_with(session, Status::unfinished, error.what());
  }
}

RunResult Engine::result_of(Session& session) const {
  RunResult result;
  result.report = std::move(session.report);
  result.plan = std::move(session.plan);
  if (session.diff_finished && spec_.task == Task::verify) {
    result.verify = session.verification.to_json();
  }
  if (session.recording != nullptr) session.attempt["answers"] = session.recording->answers();
  result.attempt = std::move(session.attempt);
  result.source_code = session.source_code;
  return result;
}

void Engine::perform(Session& session) {
  check_plan_ask();
  // What cannot log in is told before the model is read.
  if (spec_.task != Task::plan && spec_.task != Task::adopt) make_login(session);
  open(session);
  if (spec_.plan.read.empty()) {
    claim(session);
    read(session);
    guard(session);
  } else {
    open_plan_file(session);
    claim(session);
    take_plan(session);
  }
  switch (spec_.task) {
    case Task::plan: return plan(session);
    case Task::verify: return verify_all(session);
    case Task::attempt:
      attempt(session);
      if (spec_.try_send) break;
      session.count_not_attempted();
      return end_with(session, Status::planned, "");
    case Task::run: judge_mapping(session); break;
    case Task::adopt: break;
  }
  deliver(session);
}

void Engine::plan(Session& session) {
  const PlanAsk ask = plan_ask(session);
  session.plan = make_plan(ask, *session.changes, [&] { ++session.report.outcomes.not_attempted; });
  session.rows_counted = true;
  if (spec_.create_fields) session.plan["create_fields"] = to_json(fields_to_make(session));
  write_plan_file(session);
  end_with(session, Status::planned, "");
}

void Engine::verify_all(Session& session) {
  session.count_as_planned();
  verify(session);
  const std::string& failure = session.verification.failure;
  end_with(session, failure.empty() ? Status::done : Status::unfinished, failure);
}

/// Nothing stands in its way any more.
void Engine::deliver(Session& session) {
  // It was of the state that this run is about to change.
  if (!spec_.plan.keep.empty()) drop_plan_at(spec_.plan.keep);
  restate(session);
  if (takes_as_delivered(session)) {
    adopt(session);
  } else {
    send(session);
  }
  finish(session);
}

/// The first run is over when one has finished: a run that was killed while it took rows as
/// delivered goes on with that.
bool Engine::takes_as_delivered(const Session& session) const {
  if (spec_.task == Task::adopt) return true;
  // One row that is sent by hand is no first run.
  if (spec_.task == Task::attempt || spec_.only_keys) return false;
  return spec_.backfill == Backfill::skip && session.claim->mapping_fingerprint.empty();
}

PlanAsk Engine::plan_ask(const Session& session) const {
  const Claim& claim = *session.claim;
  const bool finished_before = !claim.mapping_fingerprint.empty();
  PlanAsk ask{session.report,
              spec_.schema,
              *session.destination,
              session.state.known,
              session.differ->plan_fingerprint(),
              [&session](const IdentityHash& id) { return session.is_duplicate(id); }};
  ask.write = write_operation(spec_.mode);
  ask.removal = removal_operation(spec_.on_removed);
  ask.rates = rates_of(session.destination->capabilities(), spec_.connection);
  ask.mapping_changed = finished_before && claim.mapping_fingerprint != spec_.mapping_fingerprint;
  ask.encoding_changed = !claim.encoding.empty() && claim.encoding != session.encoding;
  ask.takes_as_delivered = takes_as_delivered(session);
  return ask;
}

void Engine::open(Session& session) {
  progress_.phase.store(Phase::read);
  if (!spec_.trace.path.empty()) {
    session.trace = std::make_unique<RequestTrace>(spec_.trace,
                                                   transport_options(spec_.connection, {}).base_url,
                                                   secrets_of(spec_.connection));
  }
  if (spec_.plan.read.empty()) {
    auto source = world_.source(spec_);
    session.encoding = source->encoding();
    session.reader = std::make_unique<Reader>(std::move(source), world_.reading);
    Reader* reader = session.reader.get();
    const std::lock_guard lock(cancel_mutex_);
    interrupt_ = [reader] { reader->cancel(); };
  }
  if (cancelled_.load()) throw Ended(Status::cancelled, "cancelled before the model was read");
  session.store = world_.store(spec_.state_url, !spec_.expect.has_value());
  const StoreIdentity& identity = session.store->identity();
  session.report.store_id = identity.id;
  if (spec_.expect && identity.id != spec_.expect->store_id) {
    throw StateLost("the state store is not the one this sync used before (expected " +
                    spec_.expect->store_id + ", found " + identity.id +
                    "): restore it, or run `tailrace reset`");
  }
  session.hasher.emplace(identity.secret, spec_.mapping_fingerprint);
}

void Engine::claim(Session& session) {
  SyncAddress address{spec_.sync, spec_.account, spec_.object.value("name", std::string()), 0, 1};
  if (spec_.shard) {
    address.shard = spec_.shard->index;
    address.of = spec_.shard->of;
  }
  session.report.account = address.account;
  session.report.object = address.object;
  carry_old_name(session, address);
  session.found_at = address;
  know_login(session, address);
  if (only_looks(spec_)) {
    look(session, address);
  } else {
    take_lease(session, address);
  }
  session.report.epoch = session.claim->holder.epoch;
  session.report.last_seq = session.claim->last_seq;
  check_expected(session);
  if (session.leased) make_committer(session);
}

void Engine::take_lease(Session& session, const SyncAddress& address) {
  RunRow run;
  run.run_id = spec_.run_id;
  run.sync = spec_.sync;
  run.status = "running";
  run.started_at_ms = session.report.started_at_ms;
  // Known from here on, however this run ends.
  if (session.report.login) {
    const json login = to_json(*session.report.login, address.account, address.object);
    run.report = json{{"login", login}}.dump();
  }
  session.claim = session.store->claim(address, run, spec_.timing.lease.count());
  if (!session.claim) {
    throw Ended(Status::busy, "another run of '" + spec_.sync + "' is at work");
  }
  session.leased = true;
  session.shards = {*session.claim};
}

void Engine::make_committer(Session& session) {
  const Claim& claim = *session.claim;
  CommitterOptions options;
  options.holder = claim.holder;
  options.run_id = spec_.run_id;
  options.last_seq = claim.last_seq;
  options.lease = spec_.timing.lease;
  options.send_window = spec_.timing.send_window;
  options.store_patience = spec_.timing.store_patience;
  session.committer = world_.committer(*session.store, options, [this] {
    const std::lock_guard lock(cancel_mutex_);
    if (interrupt_ && progress_.phase.load() == Phase::send) interrupt_();
  });
}

void Engine::check_expected(const Session& session) const {
  if (!spec_.expect) return;
  const std::int64_t before = session.claim->holder.epoch - (session.leased ? 1 : 0);
  if (before >= spec_.expect->epoch && session.claim->last_seq >= spec_.expect->last_seq) return;
  throw StateLost("the state store is an older copy of the one this sync used (epoch " +
                  std::to_string(before) + ", expected at least " +
                  std::to_string(spec_.expect->epoch) +
                  "): restore the newer one, or run `tailrace reset`");
}

}  // namespace tailrace
