#include "state/postgres_notes.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <utility>

#include "state/errors.hpp"
#include "state/identity_text.hpp"
#include "state/row_sum.hpp"

namespace tailrace {
namespace {

constexpr std::size_t kNotesTogether = 5000;

std::vector<PostgresBlob> blobs_of(const std::vector<std::string>& values) {
  std::vector<PostgresBlob> blobs;
  blobs.reserve(values.size());
  for (const std::string& value : values) blobs.push_back({value});
  return blobs;
}

std::int64_t sum_of(std::int64_t sync_id, std::string_view identity, std::string_view hashes) {
  return RowSum().add(sync_id).add(identity).add(hashes).value();
}

std::int64_t sum_of(std::int64_t sync_id, const ShardCount& count) {
  return RowSum()
      .add(sync_id)
      .add(count.shard)
      .add(count.round)
      .add(count.counts)
      .add(count.at_ms)
      .value();
}

std::int64_t sum_of(const RateAsk& ask, const RateSlot& slot) {
  return RowSum()
      .add(ask.account)
      .add(ask.rule)
      .add(slot.until_ms)
      .add(std::bit_cast<std::int64_t>(slot.used))
      .value();
}

}  // namespace

void PostgresLog::add(std::int64_t sync_id, const std::string& run_id,
                      const std::vector<LogRow>& rows, std::int64_t at_ms) {
  for (std::size_t from = 0; from < rows.size(); from += kNotesTogether) {
    std::array<std::vector<std::string>, 5> texts;
    const std::size_t end = std::min(from + kNotesTogether, rows.size());
    for (std::size_t i = from; i < end; ++i) {
      const LogRow& row = rows[i];
      const std::array<const std::string*, 5> columns{&row.key, &row.op, &row.status, &row.code,
                                                      &row.message};
      for (std::size_t c = 0; c < columns.size(); ++c) texts[c].push_back(*columns[c]);
    }
    transaction_.later(PostgresStatement(
        "INSERT INTO tailrace.row_log (run_id, sync, at, key, op, status, code, message) "
        "SELECT $2, sync.sync, $3, added.* FROM tailrace.sync, unnest($4, $5, $6, $7, $8) AS added "
        "WHERE sync.id = $1",
        sync_id, run_id, PostgresTime{at_ms}, texts[0], texts[1], texts[2], texts[3], texts[4]));
  }
}

std::vector<LogEntry> PostgresLog::of_key(const std::string& sync, const std::string& key,
                                          std::size_t limit) {
  const PostgresResult found = transaction_.run(PostgresStatement(
      "SELECT run_id, sync, key, op, status, code, message, at FROM tailrace.row_log "
      "WHERE key = $1 AND ($2 = '' OR sync = $2) ORDER BY number DESC LIMIT $3",
      key, sync, postgres_limit(limit)));
  std::vector<LogEntry> entries;
  for (int i = 0; i < found.rows(); ++i) {
    const auto text = [&](int column) { return found.text(i, column); };
    entries.push_back(
        {text(0), text(1), {text(2), text(3), text(4), text(5), text(6)}, found.time_ms(i, 7)});
  }
  return entries;
}

// Later rows have later times, so the walk ends at the first that stays.
void PostgresLog::drop_older(std::int64_t than_ms) {
  transaction_.later(PostgresStatement(
      "DELETE FROM tailrace.row_log WHERE number < coalesce("
      "(SELECT number FROM tailrace.row_log WHERE at >= $1 ORDER BY number LIMIT 1), "
      "(SELECT max(number) + 1 FROM tailrace.row_log))",
      PostgresTime{than_ms}));
}

std::vector<std::string> PostgresFields::read(std::span<const IdentityHash> identities) {
  std::map<std::string, std::string, std::less<>> hashes;
  std::vector<std::string> all;
  for (const IdentityHash& identity : identities) all.push_back(bytes_of(identity));
  for (std::size_t from = 0; from < all.size(); from += kNotesTogether) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(from);
    const auto count = std::min(kNotesTogether, all.size() - from);
    const std::vector<std::string> some(begin, begin + static_cast<std::ptrdiff_t>(count));
    const PostgresResult found = transaction_.run(
        PostgresStatement("SELECT identity, sum, hashes FROM tailrace.field_hashes "
                          "WHERE sync_id = $1 AND identity = ANY($2)",
                          sync_id_, blobs_of(some)));
    for (int i = 0; i < found.rows(); ++i) {
      if (sum_of(sync_id_, found.bytes(i, 0), found.bytes(i, 2)) != found.integer(i, 1)) {
        throw StateLost("state: a row of table field_hashes is corrupt");
      }
      hashes.emplace(found.bytes(i, 0), found.bytes(i, 2));
    }
  }
  std::vector<std::string> out;
  for (const std::string& identity : all) {
    const auto found = hashes.find(identity);
    out.push_back(found == hashes.end() ? std::string() : found->second);
  }
  return out;
}

void PostgresFields::put(const std::vector<FieldHashes>& rows) {
  // The last of one identity counts, and one statement may touch a row once.
  std::map<IdentityHash, const std::string*> last;
  for (const FieldHashes& row : rows) last[row.identity] = &row.hashes;
  std::vector<std::string> identities;
  std::vector<std::int64_t> sums;
  std::vector<PostgresBlob> hashes;
  std::vector<IdentityHash> emptied;
  for (const auto& [identity, value] : last) {
    if (value->empty()) {
      emptied.push_back(identity);
      continue;
    }
    identities.push_back(bytes_of(identity));
    sums.push_back(sum_of(sync_id_, identities.back(), *value));
    hashes.push_back({*value});
  }
  drop(emptied);
  if (identities.empty()) return;
  transaction_.later(
      PostgresStatement("INSERT INTO tailrace.field_hashes (sync_id, identity, sum, hashes) "
                        "SELECT $1, * FROM unnest($2, $3, $4) ON CONFLICT (sync_id, identity) "
                        "DO UPDATE SET sum = excluded.sum, hashes = excluded.hashes",
                        sync_id_, blobs_of(identities), sums, hashes));
}

void PostgresFields::drop(const std::vector<IdentityHash>& identities) {
  if (identities.empty()) return;
  std::vector<std::string> all;
  for (const IdentityHash& identity : identities) all.push_back(bytes_of(identity));
  transaction_.later(PostgresStatement(
      "DELETE FROM tailrace.field_hashes WHERE sync_id = $1 AND identity = ANY($2)", sync_id_,
      blobs_of(all)));
}

void PostgresFields::drop_all() {
  transaction_.later(
      PostgresStatement("DELETE FROM tailrace.field_hashes WHERE sync_id = $1", sync_id_));
}

void PostgresCounts::put(const ShardCount& count) {
  transaction_.later(PostgresStatement(
      "INSERT INTO tailrace.shard_count (sync_id, shard, round, counts, at, sum) "
      "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (sync_id, shard) DO UPDATE SET "
      "round = excluded.round, counts = excluded.counts, at = excluded.at, sum = excluded.sum",
      sync_id_, count.shard, count.round, count.counts, count.at_ms, sum_of(sync_id_, count)));
}

std::vector<ShardCount> PostgresCounts::all() {
  const PostgresResult found = transaction_.run(PostgresStatement(
      "SELECT shard, round, at, counts, sum FROM tailrace.shard_count WHERE sync_id = $1 "
      "ORDER BY shard",
      sync_id_));
  std::vector<ShardCount> counts;
  for (int i = 0; i < found.rows(); ++i) {
    counts.push_back({static_cast<int>(found.integer(i, 0)), found.text(i, 1), found.integer(i, 2),
                      found.text(i, 3)});
    if (sum_of(sync_id_, counts.back()) != found.integer(i, 4)) {
      throw StateLost("state: a row of table shard_count is corrupt");
    }
  }
  return counts;
}

PostgresStatement PostgresBudget::locking(const std::string& store_id) const {
  const std::int64_t key = RowSum().add(store_id).add(ask_.account).add(ask_.rule).value();
  return PostgresStatement("SELECT pg_catalog.pg_advisory_xact_lock($1)", key);
}

PostgresStatement PostgresBudget::reading() const {
  return PostgresStatement(
      "SELECT slot, used, sum FROM tailrace.rate_budget WHERE account = $1 AND rule = $2 "
      "ORDER BY slot",
      ask_.account, ask_.rule);
}

std::vector<RateSlot> PostgresBudget::counting(const PostgresResult& read,
                                               std::int64_t now_ms) const {
  std::vector<RateSlot> slots;
  for (int i = 0; i < read.rows(); ++i) {
    const RateSlot slot{read.integer(i, 0), read.real(i, 1)};
    if (sum_of(ask_, slot) != read.integer(i, 2)) {
      throw StateLost("state: a row of table rate_budget is corrupt");
    }
    if (slot.until_ms > now_ms) slots.push_back(slot);
  }
  return slots;
}

void PostgresBudget::add(const RateSlot& slot, const std::vector<RateSlot>& counting,
                         std::int64_t now_ms) {
  RateSlot sum = slot;
  for (const RateSlot& other : counting) {
    if (other.until_ms == slot.until_ms) sum.used += other.used;
  }
  transaction_.later(PostgresStatement(
      "DELETE FROM tailrace.rate_budget WHERE account = $1 AND rule = $2 AND slot <= $3",
      ask_.account, ask_.rule, now_ms));
  transaction_.later(
      PostgresStatement("INSERT INTO tailrace.rate_budget (account, rule, slot, used, sum) "
                        "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account, rule, slot) "
                        "DO UPDATE SET used = excluded.used, sum = excluded.sum",
                        ask_.account, ask_.rule, sum.until_ms, sum.used, sum_of(ask_, sum)));
}

}  // namespace tailrace
