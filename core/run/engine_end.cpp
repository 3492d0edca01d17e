// A run's end: counts are judged, T4 is written, the lease goes back.
#include "run/engine_session.hpp"

namespace tailrace {
namespace {

using std::chrono::milliseconds;

/// The journal is folded when it has grown past a tenth of the snapshot; rows that left or came
/// back are written down by a fold alone.
bool fold_is_due(std::uint64_t journal_rows, std::uint64_t entries, const FoldInput& input) {
  if (!input.newly_absent.empty() || !input.returned.empty()) return true;
  return journal_rows * 10 > entries;
}

}  // namespace

void Engine::finish(Session& session) {
  progress_.phase.store(Phase::settle);
  Report& report = session.report;
  report.status = judge_end(report, spec_.tolerate);
  if (report.status == Status::unfinished) {
    report.message = "rows are left over" +
                     (session.trouble.empty() ? "" : " (" + session.trouble + ")") +
                     ": the next run goes on with them";
  } else if (report.status == Status::rejected) {
    report.message = std::to_string(report.outcomes.rejected) + " rejected and " +
                     std::to_string(report.diff.invalid) + " invalid rows are above tolerance";
  }
  if (session.adopted) {
    report.notes.push_back(std::to_string(report.outcomes.skipped) +
                           " rows were taken as delivered, nothing was sent");
  }
  end_with(session, report.status, report.message);
}

/// T4: the run's row, the fold where it is due, and the lease given back.
void Engine::end_with(Session& session, Status status, const std::string& message) {
  Report& report = session.report;
  report.status = status;
  report.message = message;
  if (session.diff_finished && !session.rows_counted) session.count_not_attempted();
  report.ended_at_ms =
      std::chrono::duration_cast<milliseconds>(world_.clock->wall().time_since_epoch()).count();
  if (!session.leased || status == Status::state_lost) return;
  if (status == Status::busy) return;  // fenced: nothing more may be written
  try {
    settle_end(session);
  } catch (const std::exception& error) {
    // The rows' outcomes are on record already; what is lost is the run's own row.
    if (status == Status::done) report.status = Status::unfinished;
    report.message += (report.message.empty() ? "" : "; ") +
                      std::string("the end of the run could not be recorded: ") + error.what();
  }
}

void Engine::settle_end(Session& session) {
  session.report.last_seq = session.committer->last_seq();
  session.committer->with_store([&](StateStore& store) { write_end(session, store); });
  session.committer.reset();
}

void Engine::write_end(Session& session, StateStore& store) {
  Report& report = session.report;
  Claim claim = *session.claim;
  claim.last_seq = report.last_seq;
  const bool doubtful =
      !session.state.doubts.empty() || report.outcomes.unknown > 0 || report.http.retries > 0;
  if (doubtful) {
    report.in_doubt = load_state(store, claim, spec_.timing.quiet.count()).doubts.size();
  }
  Finish finish;
  finish.mapping_fingerprint = claim.mapping_fingerprint;
  finish.encoding = claim.encoding;
  finish.bucket_bits = claim.bucket_bits;
  finish.run.run_id = spec_.run_id;
  finish.run.sync = spec_.sync;
  const bool reached_end = report.status == Status::done || report.status == Status::rejected ||
                           report.status == Status::unfinished;
  if (reached_end && session.guarded) {
    finish.mapping_fingerprint = spec_.mapping_fingerprint;
    finish.encoding = session.encoding;
  }
  // Of a run that gave way, or that looked at some keys alone, nothing is said of the model.
  if (reached_end && session.diff_finished && (session.guarded || spec_.only_keys)) {
    note_model(session, store, claim, finish);
  }
  finish.run.status = to_text(report.status);
  finish.run.started_at_ms = report.started_at_ms;
  finish.run.ended_at_ms = report.ended_at_ms;
  const auto replace = nlohmann::json::error_handler_t::replace;
  const nlohmann::json told = report.to_json();
  finish.run.counts = told.at("counts").dump();
  finish.run.report = told.dump(-1, ' ', false, replace);
  store.finish(claim.holder, finish);
}

/// What the run has learned of the model, and the fold where it is due.
void Engine::note_model(Session& session, StateStore& store, const Claim& claim,
                        Finish& finish) const {
  Report& report = session.report;
  PlanLists lists = session.lists();
  finish.forgotten = std::move(lists.forgotten);
  const bool all_sent = session.full_refresh || !session.state.has_baseline || session.adopted;
  finish.resynced = all_sent && report.status != Status::unfinished && !spec_.only_keys;
  const FoldInput input{std::move(lists.newly_absent), std::move(lists.returned)};
  const std::uint64_t journal_rows = session.state.journal_rows + report.outcomes.total();
  if (!fold_is_due(journal_rows, claim.snapshot_entries, input)) return;
  fold_state(store, claim, input, store.now_ms(), spec_.timing.quiet.count(), finish);
  if (!finish.carried.empty()) report.last_seq = finish.carried.back().seq;
}

}  // namespace tailrace
