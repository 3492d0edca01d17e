#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

namespace tailrace::test {

/// A PostgreSQL server of this test process's own: a new cluster below the temporary directory,
/// listening on a unix socket there and nowhere else, gone with the object (and killed by the
/// kernel should the test process die). Its settings are deliberately unlike the ones that the
/// source pins: another time zone, German dates, rounded floats, escaped bytea.
///
/// Throws std::runtime_error with a sentence that says what to do where no server is installed.
class PostgresServer {
 public:
  /// `settings`: name=value each, above those of all tests.
  explicit PostgresServer(std::vector<std::string> settings = {});
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  /// key=value pairs, database postgres.
  [[nodiscard]] std::string dsn(const std::string& user = "postgres") const;

  /// The same of another database of the server, as a URL.
  [[nodiscard]] std::string url(const std::string& database,
                                const std::string& user = "postgres") const;
  /// Where its socket is: .s.PGSQL.5432 in this directory.
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }

  /// Ends it in the middle of whatever it does, and starts it on the same data.
  void crash();
  void start_again();

  /// The server that all tests of one process share, started at first use.
  static PostgresServer& shared();

 private:
  void create_cluster() const;
  void init_cluster() const;
  [[nodiscard]] std::string programs_digest() const;
  void start();
  void wait_until_ready() const;

  std::vector<std::string> settings_;
  std::filesystem::path programs_;
  std::filesystem::path directory_;
  pid_t server_ = -1;
};

/// One statement by the superuser, outside of what is tested. Returns the first value as text.
std::string run_sql(const std::string& sql);

}  // namespace tailrace::test
