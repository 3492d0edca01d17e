#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tailrace {

/// A PostgreSQL connection string (URI or key=value pairs) and what we must know of it.
class Dsn {
 public:
  static constexpr std::chrono::seconds kDefaultConnectTimeout{30};

  /// Throws SourceError (configuration) where libpq cannot read the string. libpq's own words
  /// about it quote parts of the string, often the password, and are left out for that reason.
  explicit Dsn(std::string text);

  [[nodiscard]] const std::string& text() const { return text_; }

  /// `connect_timeout` of the string, else PGCONNECT_TIMEOUT, else 30 s; for one address. Zero:
  /// the user asked for no limit.
  [[nodiscard]] std::chrono::seconds connect_timeout() const { return connect_timeout_; }
  /// How many hosts the string names, at least one.
  [[nodiscard]] std::size_t hosts() const { return hosts_; }

  /// postgresql://host:port/database, of the string or what libpq takes where it is silent. Without
  /// login: whoever has it is at the same database.
  [[nodiscard]] std::string address() const;

  /// `message` with the string's passwords, and PGPASSWORD's, replaced by ***.
  [[nodiscard]] std::string scrub(std::string message) const;

 private:
  std::string text_;
  std::vector<std::string> secrets_;
  std::chrono::seconds connect_timeout_ = kDefaultConnectTimeout;
  std::size_t hosts_ = 1;
};

}  // namespace tailrace
