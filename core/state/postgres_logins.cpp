#include "state/postgres_logins.hpp"

#include "state/errors.hpp"

namespace tailrace {
namespace {

LoginRow row_of(const PostgresResult& from, int at) {
  LoginRow row{from.text(at, 0), from.integer(at, 1), from.integer(at, 2),
               std::string(from.bytes(at, 4))};
  if (row.sum() != from.integer(at, 3)) {
    throw StateLost("state: a row of table login is corrupt");
  }
  return row;
}

}  // namespace

LoginRow PostgresLogins::lock(const std::string& login) {
  const LoginRow blank{login, 0, 0, {}};
  transaction_.later(
      PostgresStatement("INSERT INTO tailrace.login (login, number, lease_until, sum, sealed) "
                        "VALUES ($1, 0, 0, $2, $3) ON CONFLICT (login) DO NOTHING",
                        login, blank.sum(), PostgresBlob{blank.sealed}));
  const PostgresResult found = transaction_.run(PostgresStatement(
      "SELECT login, number, lease_until, sum, sealed FROM tailrace.login WHERE login = $1 "
      "FOR UPDATE",
      login));
  if (found.rows() != 1) throw StateLost("state: a row of table login is missing");
  return row_of(found, 0);
}

void PostgresLogins::write(const LoginRow& row) {
  transaction_.run(PostgresStatement(
      "UPDATE tailrace.login SET number = $2, lease_until = $3, sum = $4, sealed = $5 "
      "WHERE login = $1",
      row.login, row.number, row.lease_until_ms, row.sum(), PostgresBlob{row.sealed}));
}

std::vector<LoginRow> PostgresLogins::all() {
  const PostgresResult found = transaction_.run(PostgresStatement(
      "SELECT login, number, lease_until, sum, sealed FROM tailrace.login ORDER BY login"));
  std::vector<LoginRow> rows;
  for (int i = 0; i < found.rows(); ++i) rows.push_back(row_of(found, i));
  return rows;
}

}  // namespace tailrace
