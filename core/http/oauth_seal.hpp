#pragma once

#include <optional>
#include <string>

#include "http/oauth_settings.hpp"
#include "http/secret.hpp"

namespace tailrace::http {

/// Seals a refresh token for a place that others may read. The key is made of the login's own
/// secrets as they are configured: who has the place and not the configuration can do nothing with
/// it, and a login that is given a new refresh token finds nothing of the old one.
class TokenSeal {
 public:
  explicit TokenSeal(const OauthSettings& settings);

  /// Names the login, and tells nothing of its secrets: 32 hex digits.
  [[nodiscard]] const std::string& login() const { return login_; }
  /// AES-256-GCM under a fresh nonce. Throws std::runtime_error where OpenSSL refuses.
  [[nodiscard]] std::string seal(const Secret& token) const;
  /// nullopt for what this login did not seal, or what was changed since.
  [[nodiscard]] std::optional<Secret> open(const std::string& sealed) const;

 private:
  std::string login_;
  Secret key_;
};

}  // namespace tailrace::http
