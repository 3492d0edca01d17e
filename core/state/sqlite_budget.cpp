#include "state/sqlite_budget.hpp"

#include <algorithm>
#include <bit>

#include "state/errors.hpp"
#include "state/row_sum.hpp"

namespace tailrace {
namespace {

std::int64_t sum_of(const RateAsk& ask, const RateSlot& slot) {
  return RowSum()
      .add(ask.account)
      .add(ask.rule)
      .add(slot.until_ms)
      .add(std::bit_cast<std::int64_t>(slot.used))
      .value();
}

}  // namespace

std::vector<RateSlot> SqliteBudget::counting(const RateAsk& ask, std::int64_t now_ms) {
  SqliteStatement row = connection_.prepare(
      "SELECT slot, used, sum FROM rate_budget WHERE account = ? AND rule = ? AND slot > ? "
      "ORDER BY slot");
  row.bind(ask.account).bind(ask.rule).bind(now_ms);
  std::vector<RateSlot> slots;
  while (row.step()) {
    slots.push_back({row.integer(0), row.real(1)});
    if (sum_of(ask, slots.back()) != row.integer(2)) {
      throw StateLost("state: a row of table rate_budget is corrupt");
    }
  }
  return slots;
}

void SqliteBudget::add(const RateAsk& ask, const RateSlot& slot, std::int64_t now_ms) {
  RateSlot sum = slot;
  for (const RateSlot& other : counting(ask, now_ms)) {
    if (other.until_ms == slot.until_ms) sum.used += other.used;
  }
  connection_.prepare("DELETE FROM rate_budget WHERE account = ? AND rule = ? AND slot <= ?")
      .bind(ask.account)
      .bind(ask.rule)
      .bind(now_ms)
      .run();
  connection_
      .prepare(
          "INSERT OR REPLACE INTO rate_budget (account, rule, slot, used, sum) "
          "VALUES (?, ?, ?, ?, ?)")
      .bind(ask.account)
      .bind(ask.rule)
      .bind(sum.until_ms)
      .bind_real(sum.used)
      .bind(sum_of(ask, sum))
      .run();
}

void SqliteBudget::take_out(const RateAsk& ask, const RateSlot& slot, std::int64_t now_ms) {
  if (slot.used > 0 && slot.until_ms > now_ms) add(ask, {slot.until_ms, -slot.used}, now_ms);
}

}  // namespace tailrace
