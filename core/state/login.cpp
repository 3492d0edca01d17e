#include "state/login.hpp"

#include <stdexcept>

#include "state/row_sum.hpp"

namespace tailrace {

std::int64_t LoginRow::sum() const {
  return RowSum().add(login).add(number).add(lease_until_ms).add(sealed).value();
}

LoginLease take_lease(LoginRow& row, std::int64_t lease_ms, std::int64_t now_ms) {
  if (row.login.empty() || lease_ms <= 0) {
    throw std::invalid_argument("state: a lease of a login needs its name and a length");
  }
  if (row.lease_until_ms > now_ms) return {false, row.lease_until_ms - now_ms, 0, {}};
  row.number += 1;
  row.lease_until_ms = now_ms + lease_ms;
  return {true, 0, row.number, row.sealed};
}

}  // namespace tailrace
