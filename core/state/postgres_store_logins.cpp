// Refresh tokens that were replaced, and who may renew them.

#include "state/postgres_logins.hpp"
#include "state/postgres_store.hpp"

namespace tailrace {

LoginLease PostgresStore::take_login(const std::string& login, std::int64_t lease_ms) {
  LoginLease lease;
  with_link([&](PostgresLink& link) {
    PostgresTransaction transaction(link, Kind::writing);
    PostgresLogins table(transaction);
    LoginRow row = table.lock(login);
    lease = take_lease(row, lease_ms, clock_in(transaction));
    if (lease.granted) table.write(row);
    transaction.commit();
  });
  return lease;
}

bool PostgresStore::end_login(const std::string& login, std::int64_t number,
                              const std::optional<std::string>& sealed) {
  bool ours = false;
  with_link([&](PostgresLink& link) {
    PostgresTransaction transaction(link, Kind::writing);
    PostgresLogins table(transaction);
    LoginRow row = table.lock(login);
    ours = end_lease(row, number, sealed);
    if (ours) table.write(row);
    transaction.commit();
  });
  return ours;
}

std::vector<LoginRow> PostgresStore::logins() {
  std::vector<LoginRow> rows;
  with_link([&](PostgresLink& link) {
    PostgresTransaction transaction(link, Kind::reading);
    rows = PostgresLogins(transaction).all();
    transaction.commit();
  });
  return rows;
}

void PostgresStore::import_logins(std::span<const LoginRow> rows) {
  with_link([&](PostgresLink& link) {
    PostgresTransaction transaction(link, Kind::writing);
    PostgresLogins table(transaction);
    for (const LoginRow& row : rows) {
      table.write(imported_login(row, table.lock(row.login).number));
    }
    transaction.commit();
  });
}

}  // namespace tailrace
