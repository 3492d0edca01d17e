#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include <libpq-fe.h>

namespace tailrace {

/// Text of any bytes as PostgreSQL can keep it, and back: NUL, what is no UTF-8, and the mark
/// itself become U+001A and two hexadecimal digits. All else stays as it is, for users to read.
[[nodiscard]] std::string to_postgres_text(std::string_view bytes);
[[nodiscard]] std::string from_postgres_text(std::string_view text);

/// Bytes as a bytea. Not copied: they must live until the statement was sent.
struct PostgresBlob {
  std::string_view bytes;
};
struct PostgresTime {
  std::int64_t unix_ms;  // 0: NULL
};
struct PostgresJson {
  std::string_view document;  // empty: NULL
};

/// Parameters $1, $2 … of one statement, in PostgreSQL's binary form: no digits to print and parse,
/// and a blob goes as it is.
class PostgresParams {
 public:
  PostgresParams() = default;
  PostgresParams(PostgresParams&&) = default;
  PostgresParams& operator=(PostgresParams&&) = default;

  void add(std::int64_t value);      // bigint
  void add(double value);            // double precision
  void add(std::int32_t value);      // integer
  void add(std::string_view text);   // text, of any bytes
  void add(PostgresBlob value);      // bytea
  void add(PostgresTime value);      // timestamptz
  void add(PostgresJson value);      // json
  // Arrays, for unnest() and ANY(): one statement for many rows.
  void add(const std::vector<std::int64_t>& values);
  void add(const std::vector<std::string>& values);
  void add(const std::vector<PostgresBlob>& values);
  void add(const std::vector<PostgresTime>& values);

  [[nodiscard]] int count() const { return static_cast<int>(types_.size()); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] const Oid* types() const { return types_.data(); }
  [[nodiscard]] const char* const* values() const { return values_.data(); }
  [[nodiscard]] const int* lengths() const { return lengths_.data(); }
  [[nodiscard]] const int* formats() const { return formats_.data(); }

 private:
  void keep(Oid type, std::string bytes);
  void refer(Oid type, const char* at, std::size_t length);

  std::deque<std::string> kept_;  // does not move what it holds
  std::vector<Oid> types_;
  std::vector<const char*> values_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
  std::size_t bytes_ = 0;
};

/// A number of rows for LIMIT.
[[nodiscard]] std::int64_t postgres_limit(std::size_t rows);

/// What one statement gave, in binary form. Throws StateLost where a column is not of the type that
/// is asked for: then the table is not what it was made as.
class PostgresResult {
 public:
  explicit PostgresResult(PGresult* result) : result_(result) {}
  ~PostgresResult() { PQclear(result_); }
  PostgresResult(PostgresResult&& other) noexcept : result_(other.result_) {
    other.result_ = nullptr;
  }
  PostgresResult& operator=(PostgresResult&&) = delete;

  [[nodiscard]] PGresult* get() const { return result_; }
  [[nodiscard]] ExecStatusType status() const { return PQresultStatus(result_); }
  [[nodiscard]] int rows() const { return PQntuples(result_); }
  /// Rows that INSERT, UPDATE or DELETE touched.
  [[nodiscard]] std::int64_t touched() const;
  [[nodiscard]] std::string_view command() const { return PQcmdStatus(result_); }

  [[nodiscard]] bool null(int row, int column) const;
  [[nodiscard]] std::int64_t integer(int row, int column) const;  // bigint, integer, smallint, oid
  [[nodiscard]] double real(int row, int column) const;
  [[nodiscard]] bool flag(int row, int column) const;
  [[nodiscard]] std::string text(int row, int column) const;
  [[nodiscard]] std::string_view bytes(int row, int column) const;  // as long as the result
  [[nodiscard]] std::int64_t time_ms(int row, int column) const;  // 0 for NULL

 private:
  PGresult* result_;
};

}  // namespace tailrace
