// Refresh tokens that were replaced, and who may renew them.

#include "state/sqlite_logins.hpp"
#include "state/sqlite_store.hpp"

namespace tailrace {

LoginLease SqliteStore::take_login(const std::string& login, std::int64_t lease_ms) {
  LoginLease lease;
  with_connection([&](SqliteConnection& connection) {
    SqliteTransaction transaction(connection);
    SqliteLogins table(connection);
    LoginRow row = table.read(login);
    lease = take_lease(row, lease_ms, now_ms());
    if (!lease.granted) return;
    table.write(row);
    transaction.commit();
  });
  return lease;
}

bool SqliteStore::end_login(const std::string& login, std::int64_t number,
                            const std::optional<std::string>& sealed) {
  bool ours = false;
  with_connection([&](SqliteConnection& connection) {
    SqliteTransaction transaction(connection);
    SqliteLogins table(connection);
    LoginRow row = table.read(login);
    ours = end_lease(row, number, sealed);
    if (!ours) return;
    table.write(row);
    transaction.commit();
  });
  return ours;
}

std::vector<LoginRow> SqliteStore::logins() {
  std::vector<LoginRow> rows;
  with_connection([&](SqliteConnection& connection) { rows = SqliteLogins(connection).all(); });
  return rows;
}

void SqliteStore::import_logins(std::span<const LoginRow> rows) {
  with_connection([&](SqliteConnection& connection) {
    SqliteTransaction transaction(connection);
    SqliteLogins table(connection);
    for (const LoginRow& row : rows) {
      table.write(imported_login(row, table.read(row.login).number));
    }
    transaction.commit();
  });
}

}  // namespace tailrace
