// Table rejected_row: the part of PostgresContent that users look into.

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <string_view>
#include <utility>

#include "state/errors.hpp"
#include "state/identity_text.hpp"
#include "state/postgres_content.hpp"
#include "state/protocol.hpp"
#include "state/row_sum.hpp"

namespace tailrace {
namespace {

constexpr std::size_t kRejectedTogether = 1000;

[[noreturn]] void corrupt(const PostgresShard& shard) {
  throw StateLost("state: rejected rows of sync " + std::to_string(shard.sync_id) + ", shard " +
                  std::to_string(shard.shard) + ": corrupt or incomplete");
}

std::int64_t sum_of(const PostgresShard& shard, const RejectedRow& row) {
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

#define TAILRACE_REJECTED                                                                    \
  "SELECT identity, key, version, code, message, field, hold, attempts, first_at, last_at, " \
  "sum FROM tailrace.rejected_row WHERE sync_id = $1 AND shard = $2 "
constexpr const char* kPage = TAILRACE_REJECTED "AND identity > $3 ORDER BY identity LIMIT $4";
constexpr const char* kSome = TAILRACE_REJECTED "AND identity = ANY($3)";
#undef TAILRACE_REJECTED

RejectedRow rejected_from(const PostgresShard& shard, const PostgresResult& from, int at) {
  RejectedRow row;
  const std::optional<IdentityHash> identity = identity_from(from.text(at, 0));
  const std::optional<std::uint64_t> version = from_hex(from.text(at, 2));
  if (!identity || !version) corrupt(shard);
  row.identity = *identity;
  row.key = from.text(at, 1);
  row.version = *version;
  row.code = from.text(at, 3);
  row.message = from.text(at, 4);
  row.field = from.text(at, 5);
  const std::optional<Hold> hold = hold_from(from.text(at, 6));
  row.hold = hold.value_or(Hold::permanent);
  row.attempts = static_cast<std::int32_t>(from.integer(at, 7));
  row.first_at_ms = from.time_ms(at, 8);
  row.last_at_ms = from.time_ms(at, 9);
  if (!hold || sum_of(shard, row) != from.integer(at, 10)) corrupt(shard);
  return row;
}

}  // namespace

std::vector<RejectedRow> PostgresContent::read_rejected() {
  std::vector<RejectedRow> rows;
  std::int64_t sum = 0;
  constexpr std::int64_t limit = 5000;
  for (std::string last;;) {
    const PostgresResult page =
        transaction_.run(PostgresStatement(kPage, shard_.sync_id, shard_.shard, last, limit));
    for (int i = 0; i < page.rows(); ++i) {
      rows.push_back(rejected_from(shard_, page, i));
      sum = plus(sum, page.integer(i, 10));
      last = page.text(i, 0);
    }
    if (page.rows() < limit) break;
  }
  if (sum != shard_.rejected_sum) corrupt(shard_);
  return rows;
}

void PostgresContent::change_rejected(const std::vector<RejectedRow>& put,
                                      const std::vector<IdentityHash>& dropped) {
  if (put.empty() && dropped.empty()) return;
  std::vector<std::string> named;
  for (const RejectedRow& row : put) named.push_back(text_of(row.identity));
  for (const IdentityHash& identity : dropped) named.push_back(text_of(identity));
  const PostgresResult stored =
      transaction_.run(PostgresStatement(kSome, shard_.sync_id, shard_.shard, named));
  std::map<IdentityHash, RejectedRow> rows;
  for (int i = 0; i < stored.rows(); ++i) {
    RejectedRow row = rejected_from(shard_, stored, i);
    shard_.rejected_sum = minus(shard_.rejected_sum, stored.integer(i, 10));
    rows.emplace(row.identity, std::move(row));
  }
  for (const RejectedRow& row : put) {
    const auto [at, fresh] = rows.try_emplace(row.identity, row);
    if (!fresh) at->second = rejected_again(row, at->second);
  }
  for (const IdentityHash& identity : dropped) rows.erase(identity);
  if (stored.rows() > 0) {
    transaction_.later(
        PostgresStatement("DELETE FROM tailrace.rejected_row WHERE sync_id = $1 AND shard = $2 "
                          "AND identity = ANY($3)",
                          shard_.sync_id, shard_.shard, named));
  }
  std::vector<RejectedRow> left;
  for (auto& [identity, row] : rows) left.push_back(std::move(row));
  write_rejected(left);
}

void PostgresContent::write_rejected(const std::vector<RejectedRow>& rows) {
  for (std::size_t from = 0; from < rows.size(); from += kRejectedTogether) {
    std::array<std::vector<std::string>, 7> texts;
    std::vector<std::int64_t> attempts;
    std::vector<std::int64_t> sums;
    std::vector<PostgresTime> first;
    std::vector<PostgresTime> last;
    const std::size_t end = std::min(from + kRejectedTogether, rows.size());
    for (std::size_t i = from; i < end; ++i) {
      const RejectedRow& row = rows[i];
      const std::array<std::string, 7> columns{text_of(row.identity),
                                               row.key,
                                               hex(row.version),
                                               row.code,
                                               row.message,
                                               row.field,
                                               std::string(word_of(row.hold))};
      for (std::size_t c = 0; c < columns.size(); ++c) texts[c].push_back(columns[c]);
      attempts.push_back(row.attempts);
      first.push_back({row.first_at_ms});
      last.push_back({row.last_at_ms});
      sums.push_back(sum_of(shard_, row));
      shard_.rejected_sum = plus(shard_.rejected_sum, sums.back());
    }
    transaction_.later(PostgresStatement(
        "INSERT INTO tailrace.rejected_row (sync_id, shard, identity, key, version, code, message, "
        "field, hold, attempts, first_at, last_at, sum) "
        "SELECT $1, $2, * FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        shard_.sync_id, shard_.shard, texts[0], texts[1], texts[2], texts[3], texts[4], texts[5],
        texts[6], attempts, first, last, sums));
  }
}

}  // namespace tailrace
