#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "destination/destination.hpp"

namespace tailrace::postgres {

/// The results of a write's statements, in their order: whether the match field is unique (one row
/// of one text, "t" or "f"; always "t" for inserts), rows of the batch whose records are one, rows
/// that were written. All but the first are rows of one text, the row's index.
enum Result : std::size_t { kIsUnique = 0, kSameRecords = 1, kWritten = 2 };

/// A table and the column that its records are matched by, and the SQL of what is done to it.
class Script {
 public:
  /// `table`: its name, or schema and name with a dot between. Throws std::invalid_argument for
  /// any other text.
  Script(std::string_view table, const Schema& schema);

  [[nodiscard]] wire::Request write(const Batch& batch) const;
  /// Bytes that a row adds to a request's body, at most.
  [[nodiscard]] std::size_t row_bytes(const BatchRow& row) const;

  /// Columns of the table: name, type, kind (see describe in questions.cpp) …
  [[nodiscard]] wire::Request describe() const;
  [[nodiscard]] wire::Request tables() const;
  /// Rows of (index of the value, match, field …); the fields are null where there is no record.
  [[nodiscard]] wire::Request by_match(const std::vector<std::string>& values) const;
  /// Match values of a page of records, those behind `after` in their order.
  [[nodiscard]] wire::Request page(const std::string* after) const;

  [[nodiscard]] const std::string& table() const { return table_; }

 private:
  [[nodiscard]] wire::Request request(std::string_view verb) const;
  void add_rows_table(wire::Request& request, bool whole_rows) const;
  void add_checks(wire::Request& request, bool must_be_unique) const;
  void add_update(wire::Request& request, bool masked) const;
  void add_insert(wire::Request& request, const std::vector<std::string>& masks, bool merge) const;
  void add_delete(wire::Request& request) const;
  void add_clear(wire::Request& request) const;
  /// Writes the rows as COPY takes them, and tells which fields rows do not send.
  [[nodiscard]] std::vector<std::string> write_rows(std::string& body, const Batch& batch) const;
  [[nodiscard]] std::string mask_of(const BatchRow& row) const;

  std::string table_;   // quoted
  std::string match_;   // quoted
  std::vector<std::string> columns_;  // quoted, in the order of the fields
  Schema schema_;
  bool keeps_nulls_ = false;
};

}  // namespace tailrace::postgres
