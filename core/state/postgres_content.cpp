#include "state/postgres_content.hpp"

#include <algorithm>
#include <span>
#include <string_view>

#include "state/errors.hpp"
#include "state/protocol.hpp"
#include "state/row_sum.hpp"

namespace tailrace {
namespace {

constexpr std::int64_t kPageBytes = 4 * 1024 * 1024;
constexpr std::int64_t kFirstPage = 16;
constexpr std::int64_t kLargestPage = 4096;

[[noreturn]] void corrupt(const PostgresShard& shard, const std::string& what) {
  throw StateLost("state: " + what + " of sync " + std::to_string(shard.sync_id) + ", shard " +
                  std::to_string(shard.shard) + ": corrupt or incomplete");
}

/// How many rows to ask for: as many as fill a page, going by the page before.
std::int64_t next_page(const PostgresResult& page, int blob_column) {
  std::int64_t bytes = 0;
  for (int i = 0; i < page.rows(); ++i) {
    bytes += static_cast<std::int64_t>(page.bytes(i, blob_column).size());
  }
  const std::int64_t each = bytes / std::max(page.rows(), 1) + 1;
  return std::clamp<std::int64_t>(kPageBytes / each, 1, kLargestPage);
}

std::int64_t sealed_sum(std::string_view blob) { return RowSum().add_sealed(blob).value(); }

std::int64_t sum_of(const PostgresShard& shard, const SnapshotBucket& bucket,
                    std::int64_t keys_sum) {
  return RowSum()
      .add(shard.sync_id)
      .add(shard.shard)
      .add(bucket.bucket)
      .add(keys_sum)
      .add_sealed(bucket.absent)
      .add_sealed(bucket.entries)
      .value();
}

std::int64_t sum_of(const PostgresShard& shard, const JournalRow& row) {
  return RowSum()
      .add(shard.sync_id)
      .add(shard.shard)
      .add(row.seq)
      .add(row.epoch)
      .add(row.run_id)
      .add(static_cast<std::int64_t>(row.kind))
      .add(row.send_by_ms)
      .add_sealed(row.entries)
      .value();
}

SnapshotBucket bucket_from(const PostgresShard& shard, const PostgresResult& from, int row,
                           bool with_keys) {
  SnapshotBucket bucket;
  bucket.bucket = static_cast<std::uint32_t>(from.integer(row, 0));
  bucket.absent = from.bytes(row, 3);
  bucket.entries = from.bytes(row, 4);
  if (with_keys) bucket.keys = from.bytes(row, 5);
  const std::int64_t keys_sum = from.integer(row, 2);
  const bool sound = sum_of(shard, bucket, keys_sum) == from.integer(row, 1) &&
                     (!with_keys || sealed_sum(bucket.keys) == keys_sum);
  if (!sound) corrupt(shard, "snapshot");
  return bucket;
}

JournalRow journal_from(const PostgresShard& shard, const PostgresResult& from, int row) {
  JournalRow found;
  found.seq = from.integer(row, 0);
  found.epoch = from.integer(row, 1);
  found.run_id = from.text(row, 2);
  found.kind = static_cast<JournalKind>(from.integer(row, 3));
  found.send_by_ms = from.integer(row, 4);
  found.entries = from.bytes(row, 6);
  if (sum_of(shard, found) != from.integer(row, 5)) corrupt(shard, "journal");
  return found;
}

/// Columns of journal rows, for unnest().
struct JournalColumns {
  std::vector<std::int64_t> seq, epoch, kind, send_by, sum;
  std::vector<std::string> run_id;
  std::vector<PostgresBlob> entries;

  JournalColumns(const PostgresShard& shard, std::span<const JournalRow> rows) {
    for (const JournalRow& row : rows) {
      seq.push_back(row.seq);
      epoch.push_back(row.epoch);
      run_id.push_back(row.run_id);
      kind.push_back(static_cast<std::int64_t>(row.kind));
      send_by.push_back(row.send_by_ms);
      sum.push_back(sum_of(shard, row));
      entries.push_back({row.entries});
    }
  }
};

}  // namespace

void PostgresContent::read_snapshot(bool with_keys, const StateStore::BucketVisitor& visit) {
  constexpr const char* sql =
      "SELECT bucket, sum, keys_sum, absent, entries, CASE WHEN $5 = 1 THEN keys END "
      "FROM tailrace.snapshot WHERE sync_id = $1 AND shard = $2 AND bucket > $3 "
      "ORDER BY bucket LIMIT $4";
  std::int64_t last = -1;
  std::int64_t limit = kFirstPage;
  std::int64_t sum = 0;
  for (;;) {
    const PostgresResult page = transaction_.run(
        PostgresStatement(sql, shard_.sync_id, shard_.shard, last, limit, with_keys ? 1 : 0));
    for (int i = 0; i < page.rows(); ++i) {
      last = page.integer(i, 0);
      sum = plus(sum, page.integer(i, 1));
      visit(bucket_from(shard_, page, i, with_keys));
    }
    if (page.rows() < limit) break;
    limit = next_page(page, 4);
  }
  if (sum != shard_.snapshot_sum) corrupt(shard_, "snapshot");
}

SnapshotBucket PostgresContent::read_bucket(std::uint32_t number) {
  const PostgresResult found = transaction_.run(PostgresStatement(
      "SELECT bucket, sum, keys_sum, absent, entries, keys FROM tailrace.snapshot "
      "WHERE sync_id = $1 AND shard = $2 AND bucket = $3",
      shard_.sync_id, shard_.shard, static_cast<std::int64_t>(number)));
  if (found.rows() == 0) return SnapshotBucket{number, {}, {}, {}};
  return bucket_from(shard_, found, 0, true);
}

void PostgresContent::put_buckets(const std::vector<SnapshotBucket>& buckets) {
  std::vector<std::int64_t> numbers;
  for (const SnapshotBucket& bucket : buckets) numbers.push_back(bucket.bucket);
  const PostgresResult before = transaction_.run(PostgresStatement(
      "DELETE FROM tailrace.snapshot WHERE sync_id = $1 AND shard = $2 AND bucket = ANY($3) "
      "RETURNING sum, octet_length(entries)",
      shard_.sync_id, shard_.shard, numbers));
  for (int i = 0; i < before.rows(); ++i) {
    shard_.snapshot_sum = minus(shard_.snapshot_sum, before.integer(i, 0));
    shard_.entries -= before.integer(i, 1) / static_cast<std::int64_t>(sizeof(SnapshotEntry));
  }
  for (const SnapshotBucket& bucket : buckets) {
    if (bucket.entries.empty()) continue;
    const std::int64_t keys_sum = sealed_sum(bucket.keys);
    const std::int64_t sum = sum_of(shard_, bucket, keys_sum);
    transaction_.later(PostgresStatement(
        "INSERT INTO tailrace.snapshot (sync_id, shard, bucket, sum, keys_sum, absent, entries, "
        "keys) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        shard_.sync_id, shard_.shard, static_cast<std::int64_t>(bucket.bucket), sum, keys_sum,
        PostgresBlob{bucket.absent}, PostgresBlob{bucket.entries}, PostgresBlob{bucket.keys}));
    shard_.snapshot_sum = plus(shard_.snapshot_sum, sum);
    shard_.entries += static_cast<std::int64_t>(entries_in(bucket.entries));
  }
}

void PostgresContent::drop_snapshot() {
  transaction_.later(
      PostgresStatement("DELETE FROM tailrace.snapshot WHERE sync_id = $1 AND shard = $2",
                        shard_.sync_id, shard_.shard));
  shard_.snapshot_sum = 0;
  shard_.entries = 0;
}

void PostgresContent::read_journal(const StateStore::JournalVisitor& visit) {
  constexpr const char* sql =
      "SELECT seq, epoch, run_id, kind, send_by, sum, entries FROM tailrace.journal "
      "WHERE sync_id = $1 AND shard = $2 AND seq > $3 ORDER BY seq LIMIT $4";
  std::int64_t seq = shard_.folded_seq;
  std::int64_t limit = kFirstPage;
  // A row before the folded ones' end would be one that came back.
  for (std::int64_t after = INT64_MIN;;) {
    const PostgresResult page =
        transaction_.run(PostgresStatement(sql, shard_.sync_id, shard_.shard, after, limit));
    for (int i = 0; i < page.rows(); ++i) {
      after = page.integer(i, 0);
      if (after != ++seq) corrupt(shard_, "journal");
      visit(journal_from(shard_, page, i));
    }
    if (page.rows() < limit) break;
    limit = next_page(page, 6);
  }
  if (seq != shard_.last_seq) corrupt(shard_, "journal");
}

bool PostgresContent::has_journal_rows(const std::vector<JournalRow>& rows) {
  if (rows.empty()) return true;
  const PostgresResult found = transaction_.run(PostgresStatement(
      "SELECT seq, epoch, run_id, kind, send_by, sum, entries FROM tailrace.journal "
      "WHERE sync_id = $1 AND shard = $2 AND seq BETWEEN $3 AND $4 ORDER BY seq",
      shard_.sync_id, shard_.shard, rows.front().seq, rows.back().seq));
  if (found.rows() != static_cast<int>(rows.size())) return false;
  for (int i = 0; i < found.rows(); ++i) {
    if (!same_row(journal_from(shard_, found, i), rows[static_cast<std::size_t>(i)])) return false;
  }
  return true;
}

void PostgresContent::add_journal(const std::vector<JournalRow>& rows) {
  for (std::size_t from = 0; from < rows.size();) {
    std::size_t end = from;
    for (std::int64_t bytes = 0; end < rows.size() && bytes < kPageBytes; ++end) {
      bytes += static_cast<std::int64_t>(rows[end].entries.size() + 1);
    }
    const JournalColumns columns(shard_, std::span(rows).subspan(from, end - from));
    transaction_.later(PostgresStatement(
        "INSERT INTO tailrace.journal (sync_id, shard, seq, epoch, run_id, kind, send_by, sum, "
        "entries) SELECT $1, $2, * FROM unnest($3, $4, $5, $6, $7, $8, $9)",
        shard_.sync_id, shard_.shard, columns.seq, columns.epoch, columns.run_id, columns.kind,
        columns.send_by, columns.sum, columns.entries));
    from = end;
  }
  if (!rows.empty()) shard_.last_seq = rows.back().seq;
}

void PostgresContent::drop_journal(std::int64_t folded_seq) {
  transaction_.later(PostgresStatement(
      "DELETE FROM tailrace.journal WHERE sync_id = $1 AND shard = $2 AND seq <= $3",
      shard_.sync_id, shard_.shard, folded_seq));
  shard_.folded_seq = folded_seq;
}

void PostgresContent::fill(const ShardImage& image) {
  put_buckets(image.buckets);
  add_journal(image.journal);
  write_rejected(image.rejected);
}

PostgresStatement append_if_unchanged(const PostgresShard& before, const PostgresShard& after,
                                      const std::vector<JournalRow>& rows) {
  const JournalColumns columns(before, rows);
  return PostgresStatement(
      "WITH held AS (UPDATE tailrace.sync_shard SET last_seq = $5, sum = $6, "
      "latest_at = greatest(latest_at, $7) WHERE sync_id = $1 AND shard = $2 AND epoch = $3 "
      "AND sum = $4 AND last_seq = $15 AND lease_until <> 0 RETURNING sync_id, shard) "
      "INSERT INTO tailrace.journal (sync_id, shard, seq, epoch, run_id, kind, send_by, sum, "
      "entries) SELECT held.*, added.* FROM held, unnest($8, $9, $10, $11, $12, $13, $14) AS added",
      before.sync_id, before.shard, before.epoch, before.sum(), after.last_seq, after.sum(),
      after.latest_ms, columns.seq, columns.epoch, columns.run_id, columns.kind, columns.send_by,
      columns.sum, columns.entries, before.last_seq);
}

}  // namespace tailrace
