#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "state/postgres_transaction.hpp"
#include "state/store.hpp"

namespace tailrace {

/// Table `row_log`.
class PostgresLog {
 public:
  explicit PostgresLog(PostgresTransaction& transaction) : transaction_(transaction) {}

  void add(std::int64_t sync_id, const std::string& run_id, const std::vector<LogRow>& rows,
           std::int64_t at_ms);
  [[nodiscard]] std::vector<LogEntry> of_key(const std::string& sync, const std::string& key,
                                             std::size_t limit);
  void drop_older(std::int64_t than_ms);

 private:
  PostgresTransaction& transaction_;
};

/// Table `field_hashes` of one sync. Each row has a checksum; a row that is missing only means that
/// all fields are sent.
class PostgresFields {
 public:
  PostgresFields(PostgresTransaction& transaction, std::int64_t sync_id)
      : transaction_(transaction), sync_id_(sync_id) {}

  /// In the order of the identities; an empty text where there is none.
  [[nodiscard]] std::vector<std::string> read(std::span<const IdentityHash> identities);
  /// Replaces them; empty hashes remove the row.
  void put(const std::vector<FieldHashes>& rows);
  void drop(const std::vector<IdentityHash>& identities);
  void drop_all();

 private:
  PostgresTransaction& transaction_;
  std::int64_t sync_id_;
};

/// Table `shard_count` of one sync.
class PostgresCounts {
 public:
  PostgresCounts(PostgresTransaction& transaction, std::int64_t sync_id)
      : transaction_(transaction), sync_id_(sync_id) {}

  void put(const ShardCount& count);
  /// By shard.
  [[nodiscard]] std::vector<ShardCount> all();

 private:
  PostgresTransaction& transaction_;
  std::int64_t sync_id_;
};

/// Table `rate_budget` of one limit.
class PostgresBudget {
 public:
  PostgresBudget(PostgresTransaction& transaction, const RateAsk& ask)
      : transaction_(transaction), ask_(ask) {}

  /// Nobody else draws from this limit until the transaction ends. There may be no row yet to lock,
  /// hence an advisory lock, of the store's and the limit's names; in the transaction, so that it
  /// works behind any pooler.
  [[nodiscard]] PostgresStatement locking(const std::string& store_id) const;
  [[nodiscard]] PostgresStatement reading() const;
  /// Of what was read, the slots that count at this time; by time.
  [[nodiscard]] std::vector<RateSlot> counting(const PostgresResult& read,
                                               std::int64_t now_ms) const;
  /// Adds to the slot what was granted (below 0: takes out), and drops those that do not count any
  /// more. `counting`: as they are.
  void add(const RateSlot& slot, const std::vector<RateSlot>& counting, std::int64_t now_ms);

 private:
  PostgresTransaction& transaction_;
  const RateAsk& ask_;
};

}  // namespace tailrace
