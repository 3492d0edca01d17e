#pragma once

#include <string>
#include <vector>

#include "state/login.hpp"
#include "state/postgres_transaction.hpp"

namespace tailrace {

/// Table `login`. Each row has a checksum.
class PostgresLogins {
 public:
  explicit PostgresLogins(PostgresTransaction& transaction) : transaction_(transaction) {}

  /// The row, which nobody else may change before the transaction ends; one that holds nothing is
  /// made where there is none.
  [[nodiscard]] LoginRow lock(const std::string& login);
  void write(const LoginRow& row);
  [[nodiscard]] std::vector<LoginRow> all();

 private:
  PostgresTransaction& transaction_;
};

}  // namespace tailrace
