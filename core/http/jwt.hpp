#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "http/secret.hpp"

namespace tailrace::http {

/// An RSA private key that signs JSON Web Tokens (RFC 7515, RS256).
class JwtKey {
 public:
  /// `pem`: PKCS #8 or PKCS #1, not encrypted, 2,048 bits or more. Line ends may also be written as
  /// the two characters \n, which is how environment variables often hold a key. Throws
  /// std::invalid_argument, never quoting the key.
  explicit JwtKey(const Secret& pem);
  ~JwtKey();
  JwtKey(JwtKey&&) noexcept;
  JwtKey& operator=(JwtKey&&) noexcept;

  /// The compact form: header.claims.signature. `header` and `claims` are JSON texts. Throws
  /// std::runtime_error where OpenSSL refuses.
  [[nodiscard]] std::string sign(const std::string& header, const std::string& claims) const;

 private:
  struct Key;
  std::unique_ptr<Key> key_;
};

/// The text of a PEM file. Throws std::invalid_argument, naming the file, where it cannot be read,
/// or where others than its owner and group may read it or write to it.
[[nodiscard]] Secret read_key_file(const std::string& path);

}  // namespace tailrace::http
