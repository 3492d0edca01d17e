#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "state/postgres_transaction.hpp"
#include "state/store.hpp"

namespace tailrace {

/// Table `run`.
class PostgresRuns {
 public:
  explicit PostgresRuns(PostgresTransaction& transaction) : transaction_(transaction) {}

  void start(const Holder& holder, const RunRow& run);
  /// Takes back start(), where it happened.
  void forget(const Holder& holder, const std::string& run_id);
  /// Runs of the sync that never ended and whose shard has a newer epoch, or is of another layout.
  void interrupt_others(const Holder& holder, std::int64_t now_ms);
  void end(const Holder& holder, const RunRow& run);
  [[nodiscard]] bool has_ended(const Holder& holder, const RunRow& run);
  void move(std::int64_t from_sync_id, std::int64_t to_sync_id);
  /// Whether a run has claimed anything; runs that were copied have not.
  [[nodiscard]] bool any_started();
  void keep(std::int64_t sync_id, std::size_t runs);
  [[nodiscard]] std::vector<RunRow> latest(const std::string& sync, std::size_t limit);

 private:
  PostgresTransaction& transaction_;
};

}  // namespace tailrace
