#include "state/postgres_runs.hpp"

#include <stdexcept>

#include <nlohmann/json.hpp>

namespace tailrace {
namespace {

PostgresJson json_of(const std::string& document) {
  if (!document.empty() && !nlohmann::json::accept(document)) {
    throw std::logic_error("state: a run's counts and report must be JSON");
  }
  return {document};
}

}  // namespace

void PostgresRuns::start(const Holder& holder, const RunRow& run) {
  transaction_.later(PostgresStatement(
      "INSERT INTO tailrace.run (id, sync_id, sync, shard, of, epoch, status, counts, started_at, "
      "ended_at, report) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
      run.run_id, holder.sync_id, run.sync, holder.shard, holder.of, holder.epoch, run.status,
      json_of(run.counts), PostgresTime{run.started_at_ms}, PostgresTime{run.ended_at_ms},
      json_of(run.report)));
}

void PostgresRuns::forget(const Holder& holder, const std::string& run_id) {
  transaction_.later(PostgresStatement(
      "DELETE FROM tailrace.run WHERE sync_id = $1 AND shard = $2 AND of = $3 AND epoch = $4 "
      "AND id = $5 AND status = 'running'",
      holder.sync_id, holder.shard, holder.of, holder.epoch, run_id));
}

void PostgresRuns::interrupt_others(const Holder& holder, std::int64_t now_ms) {
  transaction_.later(PostgresStatement(
      "UPDATE tailrace.run SET status = 'interrupted', ended_at = $4 WHERE sync_id = $1 "
      "AND status = 'running' AND (shard = $2 OR of <> $3)",
      holder.sync_id, holder.shard, holder.of, PostgresTime{now_ms}));
}

void PostgresRuns::end(const Holder& holder, const RunRow& run) {
  transaction_.later(PostgresStatement(
      "UPDATE tailrace.run SET id = $5, sync = $6, status = $7, counts = $8, started_at = $9, "
      "ended_at = $10, report = $11 "
      "WHERE sync_id = $1 AND shard = $2 AND of = $3 AND epoch = $4",
      holder.sync_id, holder.shard, holder.of, holder.epoch, run.run_id, run.sync, run.status,
      json_of(run.counts), PostgresTime{run.started_at_ms}, PostgresTime{run.ended_at_ms},
      json_of(run.report)));
}

bool PostgresRuns::has_ended(const Holder& holder, const RunRow& run) {
  const PostgresResult found = transaction_.run(PostgresStatement(
      "SELECT ended_at FROM tailrace.run WHERE sync_id = $1 AND shard = $2 AND of = $3 "
      "AND epoch = $4 AND id = $5 AND status = $6",
      holder.sync_id, holder.shard, holder.of, holder.epoch, run.run_id, run.status));
  return found.rows() > 0 && found.time_ms(0, 0) == run.ended_at_ms;
}

void PostgresRuns::move(std::int64_t from_sync_id, std::int64_t to_sync_id) {
  transaction_.later(PostgresStatement("UPDATE tailrace.run SET sync_id = $2 WHERE sync_id = $1",
                                       from_sync_id, to_sync_id));
}

bool PostgresRuns::any_started() {
  return transaction_.run(PostgresStatement("SELECT 1 FROM tailrace.run WHERE epoch > 0 LIMIT 1"))
             .rows() > 0;
}

void PostgresRuns::keep(std::int64_t sync_id, std::size_t runs) {
  transaction_.later(PostgresStatement(
      "DELETE FROM tailrace.run WHERE sync_id = $1 AND number <= (SELECT number "
      "FROM tailrace.run WHERE sync_id = $1 ORDER BY number DESC LIMIT 1 OFFSET $2)",
      sync_id, postgres_limit(runs)));
}

std::vector<RunRow> PostgresRuns::latest(const std::string& sync, std::size_t limit) {
  const PostgresResult found = transaction_.run(PostgresStatement(
      "SELECT id, sync, status, started_at, ended_at, counts, report FROM tailrace.run "
      "WHERE $1 = '' OR sync = $1 ORDER BY number DESC LIMIT $2",
      sync, postgres_limit(limit)));
  std::vector<RunRow> runs;
  for (int i = 0; i < found.rows(); ++i) {
    runs.push_back({found.text(i, 0), found.text(i, 1), found.text(i, 2), found.time_ms(i, 3),
                    found.time_ms(i, 4), std::string(found.bytes(i, 5)),
                    std::string(found.bytes(i, 6))});
  }
  return runs;
}

}  // namespace tailrace
