#include "state/sqlite_logins.hpp"

#include "state/errors.hpp"

namespace tailrace {
namespace {

LoginRow row_of(const SqliteStatement& from) {
  LoginRow row{std::string(from.bytes(0)), from.integer(1), from.integer(2),
               std::string(from.bytes(4))};
  if (row.sum() != from.integer(3)) throw StateLost("state: a row of table login is corrupt");
  return row;
}

}  // namespace

LoginRow SqliteLogins::read(const std::string& login) {
  SqliteStatement row = connection_.prepare(
      "SELECT login, number, lease_until, sum, sealed FROM login WHERE login = ?");
  row.bind(login);
  if (row.step()) return row_of(row);
  return {login, 0, 0, {}};
}

void SqliteLogins::write(const LoginRow& row) {
  connection_
      .prepare(
          "INSERT OR REPLACE INTO login (login, number, lease_until, sum, sealed) "
          "VALUES (?, ?, ?, ?, ?)")
      .bind(row.login)
      .bind(row.number)
      .bind(row.lease_until_ms)
      .bind(row.sum())
      .bind_blob(row.sealed)
      .run();
}

std::vector<LoginRow> SqliteLogins::all() {
  SqliteStatement row = connection_.prepare(
      "SELECT login, number, lease_until, sum, sealed FROM login ORDER BY login");
  std::vector<LoginRow> rows;
  while (row.step()) rows.push_back(row_of(row));
  return rows;
}

}  // namespace tailrace
