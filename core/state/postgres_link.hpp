#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <libpq-fe.h>

#include "state/postgres_error.hpp"
#include "state/postgres_value.hpp"

namespace tailrace {

/// A connection string and what of it must never be told.
class PostgresAddress {
 public:
  /// Throws std::invalid_argument where libpq cannot read it; the message quotes nothing of it.
  explicit PostgresAddress(std::string url);

  [[nodiscard]] const std::string& url() const { return url_; }
  /// For all of its hosts together.
  [[nodiscard]] std::chrono::milliseconds connect_limit() const { return connect_limit_; }
  [[nodiscard]] std::string scrub(std::string message) const;

 private:
  std::string url_;
  std::vector<std::string> secrets_;
  std::chrono::milliseconds connect_limit_;
};

struct PostgresStatement {
  template <typename... Values>
  explicit PostgresStatement(const char* its_sql, const Values&... values) : sql(its_sql) {
    (params.add(values), ...);
  }

  const char* sql;
  PostgresParams params;
};

/// A list of statements: they cannot be copied, which a list in braces would do.
template <typename... Statements>
[[nodiscard]] std::vector<PostgresStatement> batch(Statements&&... statements) {
  std::vector<PostgresStatement> all;
  all.reserve(sizeof...(statements));
  (all.push_back(std::forward<Statements>(statements)), ...);
  return all;
}

/// One connection. libpq itself rather than libpqxx, for three things that the latter has not: many
/// statements and the COMMIT in one round trip, results in binary form, and an end to each wait: a
/// server that is gone or frozen cannot hold a run. Throws PostgresFault.
class PostgresLink {
 public:
  explicit PostgresLink(const PostgresAddress& address);

  /// Sends all statements at once and gives the result of each. At the first that fails the rest
  /// is not executed, and its error thrown.
  std::vector<PostgresResult> run(const std::vector<PostgresStatement>& statements);

  /// How long the server may be silent. It starts anew with each byte that arrives or is taken.
  void set_patience(std::chrono::milliseconds patience) { patience_ = patience; }

  [[nodiscard]] bool in_transaction() const;
  [[nodiscard]] bool lost() const { return lost_ || PQstatus(handle_.get()) == CONNECTION_BAD; }
  [[nodiscard]] int server_version() const { return PQserverVersion(handle_.get()); }
  [[nodiscard]] std::string server_encoding() const;
  /// As the server told it at the login. Behind a pooler it is the pooler's, and pg_backend_pid()
  /// another from one transaction to the next.
  [[nodiscard]] int login_pid() const { return PQbackendPID(handle_.get()); }

  /// For a forked child: closing would end the parent's session.
  void abandon();

 private:
  struct Finish {
    void operator()(PGconn* handle) const { PQfinish(handle); }
  };

  void connect(const PostgresAddress& address);
  void send(const std::vector<PostgresStatement>& statements);
  [[nodiscard]] PGresult* next();
  void wait(bool to_write, std::chrono::steady_clock::time_point until, const char* for_what);
  [[noreturn]] void fail_lost(const std::string& why, const std::string& sqlstate = {});
  [[nodiscard]] PostgresFault fault_of(PGresult* result) const;

  std::unique_ptr<PGconn, Finish> handle_;
  std::chrono::milliseconds patience_{30'000};
  bool lost_ = false;
};

}  // namespace tailrace
