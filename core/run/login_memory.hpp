#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "row/hash.hpp"

namespace tailrace {

/// What a run remembers of the login that it worked with, so that a later one notices that other
/// credentials lead to another account of the tool.
struct LoginMemory {
  std::string mark;     // of the credentials, see login_mark()
  std::string account;  // as the tool told it; empty where it never did
};

/// A mark that differs where the credentials do. It is keyed by the store's secret, so that nobody
/// who reads it can try out credentials. Throws std::runtime_error where OpenSSL refuses.
[[nodiscard]] std::string login_mark(const Hasher::Secret& store_secret,
                                     const nlohmann::json& connection);

/// Beside a run's report, for the state of this account and object.
[[nodiscard]] nlohmann::json to_json(const LoginMemory& memory, const std::string& account,
                                     const std::string& object);

/// The memory that a stored report has of this account and object.
[[nodiscard]] std::optional<LoginMemory> login_of(const std::string& report,
                                                  const std::string& account,
                                                  const std::string& object);

}  // namespace tailrace
