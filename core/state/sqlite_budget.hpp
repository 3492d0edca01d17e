#pragma once

#include <cstdint>
#include <vector>

#include "state/budget.hpp"
#include "state/sqlite.hpp"

namespace tailrace {

/// Table `rate_budget`. A row is a RateSlot of one limit.
class SqliteBudget {
 public:
  explicit SqliteBudget(SqliteConnection& connection) : connection_(connection) {}

  /// In order of time.
  [[nodiscard]] std::vector<RateSlot> counting(const RateAsk& ask, std::int64_t now_ms);
  /// Adds to what was used, and removes the slots that no longer count.
  void add(const RateAsk& ask, const RateSlot& slot, std::int64_t now_ms);
  /// Does nothing where the slot no longer counts.
  void take_out(const RateAsk& ask, const RateSlot& slot, std::int64_t now_ms);

 private:
  SqliteConnection& connection_;
};

}  // namespace tailrace
