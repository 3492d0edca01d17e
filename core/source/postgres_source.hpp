#pragma once

#include <memory>
#include <string>
#include <vector>

#include "source/dsn.hpp"
#include "source/interrupt.hpp"
#include "source/source.hpp"

namespace tailrace {

/// Reads a model from PostgreSQL with COPY (SELECT …) TO STDOUT, in one READ ONLY, REPEATABLE READ
/// transaction. The settings that change how values are written are pinned for that transaction:
/// DateStyle ISO, TimeZone UTC, shortest exact floats, bytea as hex, ISO 8601 intervals, money in
/// the C locale, UTF8. statement_timeout and the search path stay the user's.
///
/// Values are as COPY writes them: char(n) keeps its padding, numeric its scale, arrays, composites
/// and enums are text (see postgres_types.hpp), infinity and years BC are PostgreSQL's own words.
class PostgresSource : public Source {
 public:
  struct Options {
    std::string application_name = "tailrace";  // where the dsn names none
    std::string comment;  // put before the query as /* … */, for pg_stat_activity and logs
  };

  /// `select`: one SELECT (or VALUES, TABLE, WITH) without a semicolon behind it.
  /// Throws SourceError (configuration) where the dsn cannot be read. Connects in open() only.
  PostgresSource(std::string dsn, std::string select, Options options);
  ~PostgresSource() override;
  PostgresSource(const PostgresSource&) = delete;
  PostgresSource& operator=(const PostgresSource&) = delete;

  [[nodiscard]] std::vector<SourceColumn> open() override;
  [[nodiscard]] bool next(Chunk& chunk) override;
  /// Also while connecting. The server is told by the closed connection and stops within a second
  /// (PostgreSQL 14 and later; older ones at their next row).
  void cancel() noexcept override;
  [[nodiscard]] std::string encoding() const override { return "pgcopy/1"; }

  /// The columns alone, without reading a row; instead of open(). Throws SourceError.
  [[nodiscard]] std::vector<SourceColumn> describe();

 private:
  struct Session;

  void connect();
  [[nodiscard]] std::vector<SourceColumn> columns();
  [[nodiscard]] std::string commented_select() const;
  /// Runs `work`; what libpqxx throws becomes a SourceError, and the session is given up.
  template <typename Work>
  auto guarded(const char* failed, const Work& work);

  Dsn dsn_;
  std::string select_;
  Options options_;
  Interrupt interrupt_;
  std::unique_ptr<Session> session_;
};

}  // namespace tailrace
