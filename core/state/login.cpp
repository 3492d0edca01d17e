#include "state/login.hpp"

#include <algorithm>
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

bool end_lease(LoginRow& row, std::int64_t number, const std::optional<std::string>& sealed) {
  if (row.number != number) return false;
  row.lease_until_ms = 0;
  if (sealed) row.sealed = *sealed;
  return true;
}

LoginRow imported_login(const LoginRow& row, std::int64_t number_here) {
  LoginRow imported = row;
  imported.number = std::max(row.number, number_here);
  imported.lease_until_ms = 0;
  return imported;
}

}  // namespace tailrace
