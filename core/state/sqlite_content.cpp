#include "state/sqlite_content.hpp"

#include <array>
#include <charconv>
#include <string_view>

#include "state/errors.hpp"
#include "state/identity_text.hpp"
#include "state/protocol.hpp"

namespace tailrace {
namespace {

[[noreturn]] void corrupt(const ShardRow& shard, const std::string& what) {
  throw StateLost("state: " + what + " of sync " + std::to_string(shard.sync_id) + ", shard " +
                  std::to_string(shard.shard) + ": corrupt or incomplete");
}

std::int64_t sealed_sum(std::string_view blob) { return RowSum().add_sealed(blob).value(); }

std::int64_t sum_of(const ShardRow& shard, const SnapshotBucket& bucket, std::int64_t keys_sum) {
  return RowSum()
      .add(shard.sync_id)
      .add(shard.shard)
      .add(bucket.bucket)
      .add(keys_sum)
      .add_sealed(bucket.absent)
      .add_sealed(bucket.entries)
      .value();
}

std::int64_t sum_of(const ShardRow& shard, const JournalRow& row) {
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

std::int64_t sum_of(const ShardRow& shard, const RejectedRow& row) {
  return RowSum()
      .add(shard.sync_id)
      .add(shard.shard)
      .add(text_of(row.identity))
      .add(row.key)
      .add(static_cast<std::int64_t>(row.version))
      .add(row.code)
      .add(row.message)
      .add(row.field)
      .add(word_of(row.hold))
      .add(row.attempts)
      .add(row.first_at_ms)
      .add(row.last_at_ms)
      .value();
}

RejectedRow rejected_from(const ShardRow& shard, const SqliteStatement& from) {
  RejectedRow row;
  const std::optional<IdentityHash> identity = identity_from(from.bytes(0));
  const std::optional<std::uint64_t> version = from_hex(from.bytes(2));
  row.code = from.bytes(3);
  row.message = from.bytes(4);
  row.field = from.bytes(5);
  const std::optional<Hold> hold = hold_from(from.bytes(6));
  if (!identity || !version || !hold) corrupt(shard, "rejected rows");
  row.identity = *identity;
  row.key = from.bytes(1);
  row.version = *version;
  row.hold = *hold;
  row.attempts = static_cast<std::int32_t>(from.integer(7));
  row.first_at_ms = from.integer(8);
  row.last_at_ms = from.integer(9);
  if (sum_of(shard, row) != from.integer(10)) corrupt(shard, "rejected rows");
  return row;
}

JournalRow journal_from(const ShardRow& shard, const SqliteStatement& from) {
  JournalRow row;
  row.seq = from.integer(0);
  row.epoch = from.integer(1);
  row.run_id = from.bytes(2);
  row.kind = static_cast<JournalKind>(from.integer(3));
  row.send_by_ms = from.integer(4);
  row.entries = from.bytes(6);
  if (sum_of(shard, row) != from.integer(5)) corrupt(shard, "journal");
  return row;
}

}  // namespace

void SqliteContent::fill(const ShardImage& image) {
  for (const SnapshotBucket& bucket : image.buckets) put_bucket(bucket);
  add_journal(image.journal);
  for (const RejectedRow& row : image.rejected) write_rejected(row);
}

void SqliteContent::read_snapshot(bool with_keys, const StateStore::BucketVisitor& visit) {
  SqliteStatement row = connection_.prepare(
      "SELECT bucket, sum, keys_sum, absent, entries, keys FROM snapshot "
      "WHERE sync_id = ? AND shard = ? ORDER BY bucket");
  row.bind(shard_.sync_id).bind(shard_.shard);
  std::int64_t sum = 0;
  SnapshotBucket bucket;
  while (row.step()) {
    bucket.bucket = static_cast<std::uint32_t>(row.integer(0));
    bucket.absent = row.bytes(3);
    bucket.entries = row.bytes(4);
    if (with_keys) bucket.keys = row.bytes(5);
    const std::int64_t keys_sum = row.integer(2);
    const bool sound = sum_of(shard_, bucket, keys_sum) == row.integer(1) &&
                       (!with_keys || sealed_sum(bucket.keys) == keys_sum);
    if (!sound) corrupt(shard_, "snapshot");
    sum = plus(sum, row.integer(1));
    visit(bucket);
  }
  if (sum != shard_.snapshot_sum) corrupt(shard_, "snapshot");
}

SnapshotBucket SqliteContent::read_bucket(std::uint32_t number) {
  SqliteStatement row = connection_.prepare(
      "SELECT sum, keys_sum, absent, entries, keys FROM snapshot "
      "WHERE sync_id = ? AND shard = ? AND bucket = ?");
  row.bind(shard_.sync_id).bind(shard_.shard).bind(number);
  SnapshotBucket bucket;
  bucket.bucket = number;
  if (!row.step()) return bucket;
  bucket.absent = row.bytes(2);
  bucket.entries = row.bytes(3);
  bucket.keys = row.bytes(4);
  const bool sound = sum_of(shard_, bucket, row.integer(1)) == row.integer(0) &&
                     sealed_sum(bucket.keys) == row.integer(1);
  if (!sound) corrupt(shard_, "snapshot");
  return bucket;
}

void SqliteContent::remove_bucket(std::uint32_t bucket) {
  SqliteStatement row = connection_.prepare(
      "DELETE FROM snapshot WHERE sync_id = ? AND shard = ? AND bucket = ? "
      "RETURNING sum, length(entries)");
  row.bind(shard_.sync_id).bind(shard_.shard).bind(bucket);
  while (row.step()) {
    shard_.snapshot_sum = minus(shard_.snapshot_sum, row.integer(0));
    shard_.entries -= row.integer(1) / static_cast<std::int64_t>(sizeof(SnapshotEntry));
  }
}

void SqliteContent::put_bucket(const SnapshotBucket& bucket) {
  remove_bucket(bucket.bucket);
  if (bucket.entries.empty()) return;
  const std::int64_t keys_sum = sealed_sum(bucket.keys);
  const std::int64_t sum = sum_of(shard_, bucket, keys_sum);
  connection_
      .prepare(
          "INSERT INTO snapshot (sync_id, shard, bucket, sum, keys_sum, absent, entries, keys) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(shard_.sync_id)
      .bind(shard_.shard)
      .bind(bucket.bucket)
      .bind(sum)
      .bind(keys_sum)
      .bind_blob(bucket.absent)
      .bind_blob(bucket.entries)
      .bind_blob(bucket.keys)
      .run();
  shard_.snapshot_sum = plus(shard_.snapshot_sum, sum);
  shard_.entries += static_cast<std::int64_t>(entries_in(bucket.entries));
}

void SqliteContent::drop_snapshot() {
  connection_.prepare("DELETE FROM snapshot WHERE sync_id = ? AND shard = ?")
      .bind(shard_.sync_id)
      .bind(shard_.shard)
      .run();
  shard_.snapshot_sum = 0;
  shard_.entries = 0;
}

void SqliteContent::read_journal(const StateStore::JournalVisitor& visit) {
  SqliteStatement row = connection_.prepare(
      "SELECT seq, epoch, run_id, kind, send_by, sum, entries FROM journal "
      "WHERE sync_id = ? AND shard = ? ORDER BY seq");
  row.bind(shard_.sync_id).bind(shard_.shard);
  std::int64_t seq = shard_.folded_seq;
  while (row.step()) {
    if (row.integer(0) != ++seq) corrupt(shard_, "journal");
    visit(journal_from(shard_, row));
  }
  if (seq != shard_.last_seq) corrupt(shard_, "journal");
}

bool SqliteContent::has_journal_row(const JournalRow& wanted) {
  SqliteStatement row = connection_.prepare(
      "SELECT seq, epoch, run_id, kind, send_by, sum, entries FROM journal "
      "WHERE sync_id = ? AND shard = ? AND seq = ?");
  row.bind(shard_.sync_id).bind(shard_.shard).bind(wanted.seq);
  return row.step() && same_row(journal_from(shard_, row), wanted);
}

void SqliteContent::add_journal(const std::vector<JournalRow>& rows) {
  for (const JournalRow& row : rows) {
    connection_
        .prepare(
            "INSERT INTO journal (sync_id, shard, seq, epoch, run_id, kind, send_by, sum, "
            "entries) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(shard_.sync_id)
        .bind(shard_.shard)
        .bind(row.seq)
        .bind(row.epoch)
        .bind(row.run_id)
        .bind(static_cast<std::int64_t>(row.kind))
        .bind(row.send_by_ms)
        .bind(sum_of(shard_, row))
        .bind_blob(row.entries)
        .run();
    shard_.last_seq = row.seq;
  }
}

void SqliteContent::drop_journal(std::int64_t folded_seq) {
  connection_.prepare("DELETE FROM journal WHERE sync_id = ? AND shard = ? AND seq <= ?")
      .bind(shard_.sync_id)
      .bind(shard_.shard)
      .bind(folded_seq)
      .run();
  shard_.folded_seq = folded_seq;
}

std::vector<RejectedRow> SqliteContent::read_rejected() {
  SqliteStatement row = connection_.prepare(
      "SELECT identity, key, version, code, message, field, hold, attempts, first_at, "
      "last_at, "
      "sum FROM rejected_row WHERE sync_id = ? AND shard = ? ORDER BY identity");
  row.bind(shard_.sync_id).bind(shard_.shard);
  std::vector<RejectedRow> rows;
  std::int64_t sum = 0;
  while (row.step()) {
    rows.push_back(rejected_from(shard_, row));
    sum = plus(sum, row.integer(10));
  }
  if (sum != shard_.rejected_sum) corrupt(shard_, "rejected rows");
  return rows;
}

std::optional<RejectedRow> SqliteContent::rejected(const IdentityHash& identity) {
  const std::string digits = text_of(identity);
  SqliteStatement row = connection_.prepare(
      "SELECT identity, key, version, code, message, field, hold, attempts, first_at, "
      "last_at, "
      "sum FROM rejected_row WHERE sync_id = ? AND shard = ? AND identity = ?");
  row.bind(shard_.sync_id).bind(shard_.shard).bind(digits);
  if (!row.step()) return std::nullopt;
  return rejected_from(shard_, row);
}

void SqliteContent::put_rejected(const RejectedRow& row) {
  const std::optional<RejectedRow> before = rejected(row.identity);
  if (before) drop_rejected(row.identity);
  write_rejected(before ? rejected_again(row, *before) : row);
}

void SqliteContent::write_rejected(const RejectedRow& row) {
  const std::string identity = text_of(row.identity);
  const std::string version = hex(row.version);
  const std::int64_t sum = sum_of(shard_, row);
  connection_
      .prepare(
          "INSERT INTO rejected_row (sync_id, shard, identity, key, version, code, message, "
          "field, hold, attempts, first_at, last_at, sum) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(shard_.sync_id)
      .bind(shard_.shard)
      .bind(identity)
      .bind(row.key)
      .bind(version)
      .bind(row.code)
      .bind(row.message)
      .bind(row.field)
      .bind(word_of(row.hold))
      .bind(row.attempts)
      .bind(row.first_at_ms)
      .bind(row.last_at_ms)
      .bind(sum)
      .run();
  shard_.rejected_sum = plus(shard_.rejected_sum, sum);
}

void SqliteContent::drop_rejected(const IdentityHash& identity) {
  const std::string digits = text_of(identity);
  SqliteStatement row = connection_.prepare(
      "DELETE FROM rejected_row WHERE sync_id = ? AND shard = ? AND identity = ? RETURNING sum");
  row.bind(shard_.sync_id).bind(shard_.shard).bind(digits);
  while (row.step()) shard_.rejected_sum = minus(shard_.rejected_sum, row.integer(0));
}

}  // namespace tailrace
