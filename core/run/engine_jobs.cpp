// Jobs that an earlier run left at the tool: they are asked for before the model is compared.
#include <utility>

#include "run/engine_session.hpp"
#include "run/work.hpp"

namespace tailrace {
namespace {

Operation operation_of(StateOp op, const RunSpec& spec) {
  switch (op) {
    case StateOp::insert: return Operation::insert;
    case StateOp::remove: return removal_operation(spec.on_removed);
    case StateOp::write: break;
  }
  return write_operation(spec.mode);
}

/// A batch as its intent tells it: keys and versions, no fields.
Work work_of(const OpenBatch& open, const RunSpec& spec) {
  Work work;
  work.operation = operation_of(open.intent.op, spec);
  work.resumes = true;
  work.memo = open.intent.memo;
  work.attempt = static_cast<int>(open.intent.attempt);
  WorkIntent intent;
  intent.seq = open.seq;
  intent.batch = open.batch;
  intent.sent = true;
  intent.sent_at_ms = open.send_by_ms;
  for (const IntentRow& row : open.intent.rows) {
    intent.rows.push_back(static_cast<RowIndex>(work.rows.size()));
    WorkRow& one = work.rows.emplace_back();
    one.change = open.intent.op == StateOp::remove ? Change::removed : Change::changed;
    one.identity = row.identity;
    one.version = row.version;
    one.key = row.key;
    one.match = row.match.empty() ? row.key : row.match;
    one.was_unknown = true;
  }
  work.intents.push_back(std::move(intent));
  return work;
}

}  // namespace

void Engine::resume_jobs(Session& session) {
  if (!session.leased || spec_.task != Task::run) return;
  std::vector<Work> left;
  for (const OpenBatch& open : session.state.open) {
    if (open.in_job()) left.push_back(work_of(open, spec_));
  }
  if (left.empty()) return;
  progress_.phase.store(Phase::send);
  Changeset nothing(spec_.spill_directory, spec_.buffer_bytes);
  nothing.seal();
  Report resumed;
  resumed.run_id = spec_.run_id;
  const auto take = [&] {
    session.report.resumed = resumed.outcomes;
    session.report.http = resumed.http;
    if (resumed.not_before_ms) session.report.not_before_ms = resumed.not_before_ms;
  };
  try {
    send_all(session, nothing, resumed, std::move(left));
  } catch (...) {
    take();
    throw;
  }
  take();
  progress_.phase.store(Phase::read);
  if (resumed.outcomes.pending > 0) {
    throw Ended(Status::unfinished, "a job of an earlier run is still at work with " +
                                        std::to_string(resumed.outcomes.pending) +
                                        " rows: the next run asks for it again");
  }
  session.committer->with_store([&](StateStore& store) {
    session.state = load_state(store, *session.claim, spec_.timing.quiet.count());
  });
}

}  // namespace tailrace
