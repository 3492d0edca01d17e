#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace tailrace::http {

/// Keeps refresh tokens that a token endpoint has replaced, where every process that uses the login
/// finds them. One process at a time may renew: an endpoint that gives each refresh token out for
/// one use takes two that arrive together for a theft, and revokes both.
class TokenVault {
 public:
  struct Lease {
    bool granted = false;
    std::chrono::milliseconds wait{0};  // where not granted: when to ask again
    std::int64_t number = 0;
    std::string sealed;  // what was kept last; empty: nothing
  };

  virtual ~TokenVault() = default;

  /// The right to renew, for at most `hold`. A process that dies keeps it until then.
  [[nodiscard]] virtual Lease take(const std::string& login, std::chrono::milliseconds hold) = 0;
  /// Replaces what is kept, and ends the lease. True when it is durable, or when another process
  /// has taken the lease meanwhile: what that one keeps is not to be overwritten. False where the
  /// store cannot be reached: ask again.
  [[nodiscard]] virtual bool keep(const std::string& login, std::int64_t number,
                                  const std::string& sealed) = 0;
  /// Ends the lease.
  virtual void give_back(const std::string& login, std::int64_t number) = 0;
};

}  // namespace tailrace::http
