// A run's second half: the changeset goes through the destination.
#include <algorithm>
#include <utility>

#include "http/scrub.hpp"
#include "run/ask.hpp"
#include "run/engine_session.hpp"
#include "run/sender.hpp"

namespace tailrace {
namespace {

using std::chrono::milliseconds;

Operation removal_of(OnRemoved on_removed) {
  switch (on_removed) {
    case OnRemoved::archive: return Operation::archive;
    case OnRemoved::clear: return Operation::clear;
    case OnRemoved::ignore:
    case OnRemoved::delete_: return Operation::delete_;
  }
  throw std::logic_error("on_removed without an operation");
}

std::vector<wire::RateRule> rates_of(const Capabilities& can, const nlohmann::json& connection) {
  const auto limits = connection.find("limits");
  if (limits == connection.end() || limits->is_null()) return can.rates;
  std::vector<wire::RateRule> rules;
  for (const auto& limit : *limits) {
    const auto window = static_cast<std::int64_t>(limit.at("per_s").get<double>() * 1000);
    rules.push_back({0, limit.at("requests").get<double>(), milliseconds(window), "configured"});
  }
  return rules;
}

}  // namespace

void Engine::send(Session& session) {
  session.rows_counted = true;
  if (session.planned() == 0) return;
  const Clock::Time before = world_.clock->now();
  const nlohmann::json& connection = spec_.connection;
  const Capabilities& can = session.destination->capabilities();
  const nlohmann::json auth = connection.value("auth", nlohmann::json::object());
  session.auth = http::make_auth(auth);

  SenderOptions options;
  options.max_in_flight = can.max_in_flight;
  if (const auto found = connection.find("max_in_flight");
      found != connection.end() && found->is_number_unsigned()) {
    options.max_in_flight = std::max<std::size_t>(1, found->get<std::size_t>());
  }
  options.rates = rates_of(can, connection);
  options.headers = headers_of(connection);
  options.timing = spec_.timing;
  options.seed = std::hash<std::string>{}(spec_.run_id);

  http::TransportOptions wires = transport_options(connection, spec_.user_agent);
  wires.max_in_flight = options.max_in_flight;
  session.transport = world_.transport(wires);
  {
    http::Transport* transport = session.transport.get();
    const std::lock_guard lock(cancel_mutex_);
    interrupt_ = [transport] { transport->wake(); };
  }
  progress_.phase.store(Phase::send);

  std::int64_t store_now = 0;
  session.committer->with_store([&](StateStore& store) { store_now = store.now_ms(); });
  const auto steady =
      std::chrono::duration_cast<milliseconds>(world_.clock->now().time_since_epoch());
  Sender* told = nullptr;
  Batcher::Hooks hooks{
      [&](const IdentityHash& identity) { return session.differ->is_duplicate(identity); },
      [&](const Withheld& row) { told->withheld(row); }, store_now};
  session.changes->rewind();
  Batcher batches(*session.changes, spec_.schema, *session.destination, session.state,
                  removal_of(spec_.on_removed), std::move(hooks));
  const http::Scrubber scrubber(http::secrets_of(auth));
  Sender sender({spec_.schema, *session.destination, batches, *session.transport, *session.auth,
                 scrubber, *session.committer, *world_.clock, cancelled_, progress_},
                std::move(options), session.report);
  told = &sender;
  sender.run(store_now - steady.count());
  session.report.seconds.send = seconds_between(before, world_.clock->now());
  session.report.seconds.settle = session.committer->busy_seconds();
  session.trouble = sender.trouble();
  if (sender.was_cancelled()) throw Ended(Status::cancelled, "cancelled while rows were sent");
  const std::optional<Stop>& stop = sender.stopped();
  if (!stop) return;
  if (stop->retry_after) {
    session.report.not_before_ms =
        std::chrono::duration_cast<milliseconds>(
            (world_.clock->wall() + *stop->retry_after).time_since_epoch())
            .count();
  }
  const bool quota = stop->kind == Stop::Kind::quota;
  throw Ended(quota ? Status::quota : Status::config, stop->message);
}

}  // namespace tailrace
