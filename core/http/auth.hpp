#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "wire/request.hpp"

namespace tailrace::http {

/// Text that prints as ***. The value is wiped when it goes.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  Secret(Secret&&) noexcept = default;
  Secret& operator=(Secret&&) noexcept = default;
  ~Secret();

  /// For the one place that sends it.
  [[nodiscard]] const std::string& reveal() const { return value_; }
  [[nodiscard]] bool empty() const { return value_.empty(); }

 private:
  std::string value_;
};

/// Puts credentials on requests.
class Auth {
 public:
  virtual ~Auth() = default;
  /// Headers to add to a request. Throws std::invalid_argument never: checked when made.
  [[nodiscard]] virtual std::vector<wire::Header> headers() const = 0;
  /// True where a refused token can be renewed.
  [[nodiscard]] virtual bool renewable() const { return false; }
};

/// `auth`: {"bearer": t} | {"token": t} | {"basic": {"user", "password"}} |
/// {"header": {"name", "value"}} | {} (none). Throws std::invalid_argument for another shape, or
/// for values with CR, LF or NUL.
[[nodiscard]] std::unique_ptr<Auth> make_auth(const nlohmann::json& auth);

/// All secret texts of a connection, for the scrubber.
[[nodiscard]] std::vector<std::string> secrets_of(const nlohmann::json& auth);

}  // namespace tailrace::http
