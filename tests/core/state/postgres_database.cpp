#include "postgres_database.hpp"

#include <atomic>
#include <stdexcept>

#include "state/postgres_rows.hpp"
#include "state/postgres_tables.hpp"
#include "state/postgres_transaction.hpp"
#include "store_contract.hpp"

namespace tailrace::test {
namespace {

using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;

Connection connect(const std::string& url) {
  // Whatever a test has set for the database.
  const std::string plain = url + "&options=-c%20default_transaction_read_only%3Doff";
  Connection connection(PQconnectdb(plain.c_str()), PQfinish);
  PQsetNoticeProcessor(connection.get(), [](void*, const char*) {}, nullptr);
  return connection;
}

std::string execute(PGconn* connection, const std::string& statements) {
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection, statements.c_str()),
                                                             PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    throw std::runtime_error(statements + ": " + PQerrorMessage(connection));
  }
  return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
}

class PostgresBackend : public StoreBackend {
 public:
  std::unique_ptr<StateStore> open() override { return database_.open(); }
  void advance(std::int64_t ms) override { database_.advance(ms); }

 private:
  ScratchDatabase database_;
};

}  // namespace

ScratchDatabase::ScratchDatabase(PostgresServer& server) : server_(server) {
  static std::atomic<int> count{0};
  name_ = "scratch" + std::to_string(++count);
  execute(connect(server_.url("postgres")).get(), "CREATE DATABASE " + name_);
  superuser_ = connect(url());
  sql("CREATE SCHEMA test_clock;"
      "CREATE TABLE test_clock.at (at timestamptz);"
      "INSERT INTO test_clock.at VALUES ('2026-09-21 15:33:20Z');"
      "CREATE FUNCTION test_clock.now() RETURNS timestamptz LANGUAGE sql AS "
      "'SELECT at FROM test_clock.at';"
      "GRANT USAGE ON SCHEMA test_clock TO PUBLIC; GRANT SELECT ON test_clock.at TO PUBLIC");
}

ScratchDatabase::~ScratchDatabase() {
  try {
    superuser_.reset();
    execute(connect(server_.url("postgres")).get(), "DROP DATABASE " + name_ + " WITH (FORCE)");
  } catch (const std::exception&) {
    // A server that the test has stopped takes the database with it.
  }
}

std::string ScratchDatabase::url(const std::string& user) const { return server_.url(name_, user); }

std::string ScratchDatabase::sql(const std::string& statements) const {
  return execute(superuser_.get(), statements);
}

void ScratchDatabase::advance(std::int64_t ms) const {
  sql("UPDATE test_clock.at SET at = at + interval '1 ms' * " + std::to_string(ms));
}

void ScratchDatabase::take_back_to_format(int format) const {
  PostgresLink link{PostgresAddress(url())};
  PostgresTransaction transaction(link, PostgresTransaction::Kind::writing);
  PostgresCatalogue catalogue(transaction);
  PostgresStoreRow row = catalogue.store();
  row.identity.format = format;
  catalogue.write(row);
  transaction.commit();
  for (const PostgresTable& table : postgres_tables()) {
    if (table.since > format) sql("DROP TABLE IF EXISTS tailrace." + std::string(table.name));
  }
}

PostgresOptions ScratchDatabase::options(bool create) {
  PostgresOptions options;
  options.create = create;
  options.clock = "test_clock.now()";
  return options;
}

std::unique_ptr<PostgresStore> ScratchDatabase::open(bool create, const std::string& user) const {
  return std::make_unique<PostgresStore>(url(user), options(create));
}

BackendKind postgres_backend() {
  return {"postgres", [] { return std::make_unique<PostgresBackend>(); }};
}

}  // namespace tailrace::test
