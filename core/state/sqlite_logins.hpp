#pragma once

#include <string>
#include <vector>

#include "state/login.hpp"
#include "state/sqlite.hpp"

namespace tailrace {

/// Table `login`. Each row has a checksum.
class SqliteLogins {
 public:
  explicit SqliteLogins(SqliteConnection& connection) : connection_(connection) {}

  /// A row that holds nothing, where there is none.
  [[nodiscard]] LoginRow read(const std::string& login);
  void write(const LoginRow& row);
  [[nodiscard]] std::vector<LoginRow> all();

 private:
  SqliteConnection& connection_;
};

}  // namespace tailrace
