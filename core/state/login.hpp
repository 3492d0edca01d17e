#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace tailrace {

/// The right to renew a login's token, which one process at a time has.
struct LoginLease {
  bool granted = false;
  std::int64_t wait_ms = 0;  // where not granted: until it ends by itself
  std::int64_t number = 0;   // of the lease, rising
  std::string sealed;        // what was kept last; empty: nothing
};

/// What a store keeps of a login: a refresh token that its endpoint has replaced, sealed by the
/// caller under secrets that are in no store.
struct LoginRow {
  std::string login;
  std::int64_t number = 0;
  std::int64_t lease_until_ms = 0;  // 0: free
  std::string sealed;

  [[nodiscard]] std::int64_t sum() const;
};

/// Takes the lease in the row, where it is free. Throws std::invalid_argument where the login has
/// no name or the lease no length.
[[nodiscard]] LoginLease take_lease(LoginRow& row, std::int64_t lease_ms, std::int64_t now_ms);

/// Ends the lease of that number, and replaces what is kept where `sealed` is set. False where
/// another has taken it since: the row is as it was.
[[nodiscard]] bool end_lease(LoginRow& row, std::int64_t number,
                             const std::optional<std::string>& sealed);

/// A row that another store kept, free, with a number that none of this store's leases has had.
[[nodiscard]] LoginRow imported_login(const LoginRow& row, std::int64_t number_here);

}  // namespace tailrace
