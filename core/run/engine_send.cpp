// A run's second half: the changeset goes through the destination.
#include <algorithm>
#include <cmath>
#include <utility>

#include "destination/connection.hpp"
#include "row/mutant.hpp"
#include "run/ask.hpp"
#include "run/engine_session.hpp"
#include "run/field_choice.hpp"
#include "run/sender.hpp"

namespace tailrace {

using std::chrono::milliseconds;

std::vector<wire::RateRule> rates_of(const Capabilities& can, const nlohmann::json& connection) {
  // What the user chose takes the place of what the tool allows; requests of other classes keep
  // the limits that the destination has for them.
  std::vector<wire::RateRule> rules = limits_of(connection);
  const bool chosen = !rules.empty();
  for (const wire::RateRule& rule : can.rates) {
    if (!chosen || rule.rate_class != 0) rules.push_back(rule);
  }
  const std::optional<DailyCalls> daily = daily_calls_of(connection);
  if (!daily) return rules;
  if (daily->share) {
    for (wire::RateRule& rule : rules) {
      if (rule.window != wire::kDay) continue;
      rule.requests = std::max(1.0, std::floor(rule.requests * *daily->share));
      rule.chosen = true;
    }
  } else {
    wire::RateRule rule{0, *daily->calls, wire::kDay, "daily_calls"};
    rule.chosen = true;
    rules.push_back(std::move(rule));
  }
  return rules;
}

/// What the tool allows in a day, as far as it is known before it answers.
[[nodiscard]] static std::optional<double> calls_a_day(const Capabilities& can,
                                                       const nlohmann::json& connection) {
  std::vector<wire::RateRule> rules = limits_of(connection);
  if (rules.empty()) rules = can.rates;
  for (const wire::RateRule& rule : rules) {
    if (rule.window == wire::kDay) return rule.requests;
  }
  return std::nullopt;
}

/// From now on a cancel has to reach the transport's wait.
void Engine::wake_by(http::Transport* transport) {
  const std::lock_guard lock(cancel_mutex_);
  interrupt_ = [transport] { transport->wake(); };
}

BatchPolicy Engine::batch_policy(const Session& session, std::int64_t now_ms) const {
  BatchPolicy policy;
  policy.write = write_operation(spec_.mode);
  policy.removal = removal_operation(spec_.on_removed);
  policy.rejected = spec_.rejected;
  policy.inserts_once = spec_.mode == Mode::insert;
  policy.may_duplicate = session.insert_safety == InsertSafety::duplicate_ok;
  policy.asked_for = spec_.only_keys.has_value();
  policy.now_ms = now_ms;
  policy.fields_changed_at_ms = session.claim->fields_changed_at_ms;
  return policy;
}

/// Marks the fields that differ from what the destination has acknowledged. A row of which that is
/// not known for certain goes whole.
void Engine::choose_fields(Session& session, FieldChoice& fields,
                           std::vector<WorkRow>& rows) const {
  std::vector<IdentityHash> asked;
  for (WorkRow& row : rows) {
    if (row.change == Change::removed) continue;
    fields.hashes_of(RowView(row.line, spec_.schema), row.hashes);
    const StateTable::Slot slot = session.state.table.find(row.identity);
    const bool known = slot != StateTable::kNone && session.state.table.marks(slot).acknowledged &&
                       !session.state.table.marks(slot).in_doubt;
    if (known && !session.full_refresh) asked.push_back(row.identity);
  }
  if (asked.empty()) return;
  std::vector<std::string> before;
  session.committer->with_store(
      [&](StateStore& store) { before = store.read_fields(session.claim->holder, asked); });
  std::size_t next = 0;
  for (WorkRow& row : rows) {
    if (next >= asked.size()) break;
    if (row.identity != asked[next]) continue;
    const Version version = session.state.table.version(session.state.table.find(row.identity));
    const std::string_view known = fields_at(version, before[next++]);
    if (!known.empty() && !mutant(27)) row.send = fields.differing(known, row.hashes);
  }
}

SenderOptions Engine::sender_options(const Session& session) const {
  const nlohmann::json& connection = spec_.connection;
  const Capabilities& can = session.destination->capabilities();
  SenderOptions options;
  options.max_in_flight = can.max_in_flight;
  if (const auto found = connection.find("max_in_flight");
      found != connection.end() && found->is_number_unsigned()) {
    options.max_in_flight = std::max<std::size_t>(1, found->get<std::size_t>());
  }
  options.rates = rates_of(can, connection);
  if (const auto daily = daily_calls_of(connection); daily && daily->share) {
    options.daily_share = daily->share;
    options.calls_a_day = calls_a_day(can, connection);
  }
  options.headers = headers_of(connection);
  options.timing = spec_.timing;
  options.seed = std::hash<std::string>{}(spec_.run_id);
  options.on_missing = spec_.on_missing;
  options.rejected = spec_.rejected;
  options.row_log = spec_.row_log;
  options.changed_fields = spec_.changed_fields;
  options.insert_safety = session.insert_safety;
  options.appends = spec_.mode == Mode::append;
  options.can_read_back = can_read_back(spec_.mode, can);
  options.insert_scope =
      session.report.store_id + '\x1f' + spec_.sync + '\x1f' + session.report.object;
  return options;
}

void Engine::make_login(Session& session) const {
  Login::Parts parts;
  parts.transport = world_.transport;
  parts.clock = world_.clock;
  parts.with_store = [&session](const std::function<void(StateStore&)>& use) {
    session.with_store(use);
  };
  parts.seed = std::hash<std::string>{}(spec_.run_id);
  session.login = std::make_unique<Login>(spec_.connection, spec_.user_agent, std::move(parts));
}

void Engine::connect(Session& session, const SenderOptions& options) {
  http::TransportOptions wires = transport_options(spec_.connection, spec_.user_agent);
  wires.max_in_flight = options.max_in_flight;
  session.transport = world_.transport(wires);
  if (spec_.task == Task::attempt) {
    auto recording = std::make_unique<http::Recording>(std::move(session.transport));
    session.recording = recording.get();
    session.transport = std::move(recording);
  }
  wake_by(session.transport.get());
}

/// Sends a changeset, and before it what earlier runs left in jobs. Its rows are counted in
/// `report`.
void Engine::send_all(Session& session, Changeset& changes, Report& report,
                      std::vector<Work> left_in_jobs) {
  SenderOptions options = sender_options(session);
  if (!session.transport) connect(session, options);
  std::int64_t store_now = 0;
  session.committer->with_store([&](StateStore& store) { store_now = store.now_ms(); });
  const auto steady =
      std::chrono::duration_cast<milliseconds>(world_.clock->now().time_since_epoch());
  Sender* told = nullptr;
  Batcher::Hooks hooks;
  hooks.is_duplicate = [&](const IdentityHash& id) { return session.is_duplicate(id); };
  hooks.withheld = [&](Withheld row) { told->withheld(std::move(row)); };
  hooks.doubtful = [&](WorkRow row) { told->doubtful(std::move(row)); };
  FieldChoice fields(spec_.schema, *session.hasher);
  if (spec_.changed_fields) {
    hooks.choose_fields = [&](std::vector<WorkRow>& rows) { choose_fields(session, fields, rows); };
  }
  changes.rewind();
  Batcher batches(changes, spec_.schema, *session.destination, session.state,
                  batch_policy(session, store_now), std::move(hooks));
  const auto draw = [&](const RateAsk& ask) {
    RateGrant grant;
    session.committer->with_store([&](StateStore& store) { grant = store.draw(ask); });
    return grant;
  };
  AccountBudget account(spec_.account, options.rates, draw, [this] { return world_.clock->now(); });
  http::Auth& auth = session.login->auth();
  Sender sender({spec_.schema, *session.destination, session.state, batches, *session.transport,
                 auth, session.login->scrubber(), *session.committer, account, *world_.clock,
                 cancelled_, progress_, session.trace.get()},
                std::move(options), report);
  told = &sender;
  for (Work& work : left_in_jobs) sender.resume(std::move(work));
  sender.run(store_now - steady.count());
  account.give_back(world_.clock->now());
  // A refresh token that is on its way would be lost with the run.
  auth.finish(sender.was_cancelled() ? spec_.timing.drain / 6 : kTokenPatience);
  session.report.seconds.settle = session.committer->busy_seconds();
  end_sending(session, sender);
}

void Engine::end_sending(Session& session, const Sender& sender) const {
  session.trouble = sender.trouble();
  const Stop* stopped = sender.stopped() ? &*sender.stopped() : nullptr;
  // What has to be put right is told whatever else ended the run.
  if (stopped && stopped->kind == Stop::Kind::configuration) stop_by(session, *stopped);
  if (sender.was_cancelled()) throw Ended(Status::cancelled, "cancelled while rows were sent");
  if (stopped) stop_by(session, *stopped);
}

void Engine::stop_by(Session& session, const Stop& stop) const {
  if (stop.retry_after) {
    session.report.not_before_ms =
        std::chrono::duration_cast<milliseconds>(
            (world_.clock->wall() + *stop.retry_after).time_since_epoch())
            .count();
  }
  const bool quota = stop.kind == Stop::Kind::quota;
  throw Ended(quota ? Status::quota : Status::config, stop.message);
}

void Engine::send(Session& session) {
  // Before the rows are the sender's to count: a transport may refuse its settings, and a tool its
  // object.
  if (session.planned() > 0) {
    if (spec_.task != Task::attempt) prepare(session);
    if (!session.transport) connect(session, sender_options(session));
  }
  session.rows_counted = true;
  if (session.planned() == 0) return;
  progress_.phase.store(Phase::send);
  const Clock::Time before = world_.clock->now();
  const auto measure = [&] {
    session.report.seconds.send += seconds_between(before, world_.clock->now());
  };
  try {
    send_all(session, *session.changes, session.report, {});
  } catch (const Ended&) {
    measure();
    throw;
  }
  measure();
}

}  // namespace tailrace
