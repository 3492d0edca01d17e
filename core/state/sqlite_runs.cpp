#include "state/sqlite_runs.hpp"

#include "state/errors.hpp"
#include "state/sqlite_rows.hpp"

namespace tailrace {
namespace {

std::int64_t sum_of(const Holder& holder, const RunRow& run) {
  return RowSum()
      .add(run.run_id)
      .add(holder.sync_id)
      .add(run.sync)
      .add(holder.shard)
      .add(holder.of)
      .add(holder.epoch)
      .add(run.status)
      .add(run.counts)
      .add(run.started_at_ms)
      .add(run.ended_at_ms)
      .add(run.report)
      .value();
}

/// A row of table `run` with the columns in the order of the statements below.
struct StoredRun {
  std::int64_t number = 0;
  Holder holder;
  RunRow run;

  explicit StoredRun(const SqliteStatement& from)
      : number(from.integer(0)),
        holder{from.integer(2), static_cast<int>(from.integer(4)),
               static_cast<int>(from.integer(5)), from.integer(6)},
        run{std::string(from.bytes(1)), std::string(from.bytes(3)),
            std::string(from.bytes(7)), from.integer(9),
            from.integer(10),           std::string(from.bytes(8)),
            std::string(from.bytes(12))} {
    if (sum_of(holder, run) != from.integer(11)) {
      throw StateLost("state: a row of table run is corrupt");
    }
  }
};

}  // namespace

void SqliteRuns::start(const Holder& holder, const RunRow& run) {
  connection_
      .prepare(
          "INSERT INTO run (id, sync_id, sync, shard, of, epoch, status, counts, started_at, "
          "ended_at, sum, report) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(run.run_id)
      .bind(holder.sync_id)
      .bind(run.sync)
      .bind(holder.shard)
      .bind(holder.of)
      .bind(holder.epoch)
      .bind(run.status)
      .bind(run.counts)
      .bind(run.started_at_ms)
      .bind(run.ended_at_ms)
      .bind(sum_of(holder, run))
      .bind(run.report)
      .run();
}

void SqliteRuns::interrupt_others(const Holder& holder, std::int64_t now_ms) {
  std::vector<StoredRun> others;
  {
    SqliteStatement row = connection_.prepare(
        "SELECT number, id, sync_id, sync, shard, of, epoch, status, counts, started_at, ended_at, "
        "sum, report FROM run WHERE sync_id = ? AND status = 'running' AND (shard = ? OR of <> ?)");
    row.bind(holder.sync_id).bind(holder.shard).bind(holder.of);
    while (row.step()) others.emplace_back(row);
  }
  for (StoredRun& other : others) {
    other.run.status = "interrupted";
    other.run.ended_at_ms = now_ms;
    end(other.holder, other.run);
  }
}

void SqliteRuns::end(const Holder& holder, const RunRow& run) {
  connection_
      .prepare(
          "UPDATE run SET id = ?, sync = ?, status = ?, counts = ?, started_at = ?, "
          "ended_at = ?, sum = ?, report = ? "
          "WHERE sync_id = ? AND shard = ? AND of = ? AND epoch = ?")
      .bind(run.run_id)
      .bind(run.sync)
      .bind(run.status)
      .bind(run.counts)
      .bind(run.started_at_ms)
      .bind(run.ended_at_ms)
      .bind(sum_of(holder, run))
      .bind(run.report)
      .bind(holder.sync_id)
      .bind(holder.shard)
      .bind(holder.of)
      .bind(holder.epoch)
      .run();
}

void SqliteRuns::move(std::int64_t from_sync_id, std::int64_t to_sync_id) {
  std::vector<StoredRun> runs;
  {
    SqliteStatement row = connection_.prepare(
        "SELECT number, id, sync_id, sync, shard, of, epoch, status, counts, started_at, ended_at, "
        "sum, report FROM run WHERE sync_id = ?");
    row.bind(from_sync_id);
    while (row.step()) runs.emplace_back(row);
  }
  for (StoredRun& stored : runs) {
    stored.holder.sync_id = to_sync_id;
    connection_.prepare("UPDATE run SET sync_id = ?, sum = ? WHERE number = ?")
        .bind(to_sync_id)
        .bind(sum_of(stored.holder, stored.run))
        .bind(stored.number)
        .run();
  }
}

bool SqliteRuns::any_started() {
  return connection_.prepare("SELECT 1 FROM run WHERE epoch > 0 LIMIT 1").step();
}

bool SqliteRuns::has_ended(const Holder& holder, const RunRow& run) {
  SqliteStatement row = connection_.prepare(
      "SELECT 1 FROM run WHERE sync_id = ? AND shard = ? AND of = ? AND epoch = ? AND id = ? "
      "AND status = ? AND ended_at = ?");
  row.bind(holder.sync_id)
      .bind(holder.shard)
      .bind(holder.of)
      .bind(holder.epoch)
      .bind(run.run_id)
      .bind(run.status)
      .bind(run.ended_at_ms);
  return row.step();
}

void SqliteRuns::keep(std::int64_t sync_id, std::size_t runs) {
  connection_
      .prepare(
          "DELETE FROM run WHERE sync_id = ? AND number <= (SELECT number FROM run "
          "WHERE sync_id = ? ORDER BY number DESC LIMIT 1 OFFSET ?)")
      .bind(sync_id)
      .bind(sync_id)
      .bind(static_cast<std::int64_t>(runs))
      .run();
}

std::vector<RunRow> SqliteRuns::latest(const std::string& sync, std::size_t limit) {
  SqliteStatement row = connection_.prepare(
      "SELECT number, id, sync_id, sync, shard, of, epoch, status, counts, started_at, ended_at, "
      "sum, report FROM run NOT INDEXED WHERE ? = '' OR sync = ? ORDER BY number DESC LIMIT ?");
  row.bind(sync).bind(sync).bind(static_cast<std::int64_t>(limit));
  std::vector<RunRow> runs;
  while (row.step()) runs.push_back(StoredRun(row).run);
  return runs;
}

}  // namespace tailrace
