#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <libpq-fe.h>

#include "state/postgres_store.hpp"
#include "support/postgres_server.hpp"

namespace tailrace::test {

/// A database of the test's own in a server, with a clock that stands still until it is moved; gone
/// with the object.
class ScratchDatabase {
 public:
  explicit ScratchDatabase(PostgresServer& server = PostgresServer::shared());
  ~ScratchDatabase();
  ScratchDatabase(const ScratchDatabase&) = delete;
  ScratchDatabase& operator=(const ScratchDatabase&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::string url(const std::string& user = "postgres") const;

  /// Statements by the superuser. Returns the first value as text.
  std::string sql(const std::string& statements) const;
  void advance(std::int64_t ms) const;
  /// The store as an earlier version of the tables had it.
  void take_back_to_format(int format) const;

  /// With the database's clock.
  [[nodiscard]] static PostgresOptions options(bool create = true);
  std::unique_ptr<PostgresStore> open(bool create = true,
                                      const std::string& user = "postgres") const;

 private:
  using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;

  PostgresServer& server_;
  std::string name_;
  Connection superuser_{nullptr, PQfinish};
};

}  // namespace tailrace::test
