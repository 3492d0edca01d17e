// One row's request, shown before it is sent.
#include <utility>

#include "run/engine_session.hpp"
#include "run/work.hpp"

namespace tailrace {

/// Fills the result with the requests that the row begins with. Where it is to be sent, the run
/// goes on as any run does, journal and all.
void Engine::attempt(Session& session) {
  const std::string key = spec_.only_keys->empty() ? std::string() : spec_.only_keys->front();
  session.attempt = {{"key", key}, {"requests", nlohmann::json::array()}};
  if (session.planned() == 0) {
    const auto& invalid = session.report.invalid_sample;
    if (!invalid.empty()) {
      throw Ended(Status::config, "the row cannot be sent: " + invalid.front().message);
    }
    throw Ended(Status::config, session.counts().unchanged > 0
                                    ? "the row was delivered before: its record is made once"
                                    : "the model has no row with the key '" + key + "'");
  }
  prepare(session);
  Batcher::Hooks hooks;
  hooks.is_duplicate = [&](const IdentityHash& id) { return session.is_duplicate(id); };
  std::string held;
  hooks.withheld = [&](const Withheld& row) { held = row.reason.message; };
  hooks.doubtful = [&](const WorkRow&) { held = "an earlier insert of it may have happened"; };
  session.changes->rewind();
  Batcher batches(*session.changes, spec_.schema, *session.destination, session.state,
                  batch_policy(session, 0), std::move(hooks));
  const std::optional<Work> work = batches.next();
  if (!work) throw Ended(Status::config, "the row cannot be sent: " + held);
  Batch batch = work->batch(spec_.schema);
  batch.trace = spec_.run_id;
  for (const Call& call : session.destination->begin(batch).calls) {
    session.attempt["requests"].push_back(http::to_json(call.request));
  }
}

}  // namespace tailrace
