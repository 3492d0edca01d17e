#pragma once

#include <chrono>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "http/secret.hpp"
#include "wire/request.hpp"

namespace tailrace::http {

enum class Grant : std::uint8_t { client_credentials, refresh_token, jwt_bearer };

/// Where and how tokens are asked for.
struct OauthSettings {
  Grant grant = Grant::client_credentials;
  std::string origin;  // of the token endpoint: https, or http to a loopback address
  std::string path;
  std::string query;
  std::string client_id;
  Secret client_secret;
  bool client_in_form = false;  // else as HTTP Basic
  bool in_query = false;  // all that is asked goes in the address of a GET, the client's secret too
  std::string scope;  // empty: not asked for
  std::map<std::string, std::string> params;  // further ones of the form, such as audience
  Secret refresh_token;  // as configured: the endpoint may have replaced it since
  // Of a JWT (RFC 7523):
  Secret private_key;
  std::string issuer;
  std::string subject;
  std::string audience;
  std::string key_id;  // header `kid`; empty: none
  std::chrono::seconds lifetime{180};
  /// The reply's `instance_url` is where requests go, if it passes the checks of a base URL.
  bool base_from_instance_url = false;
  /// Renewed so long before the end, or a tenth of the token's life before it where that is less.
  std::chrono::milliseconds ahead{60'000};
};

/// {"grant": client_credentials | refresh_token | jwt_bearer, "token_url", "client_id",
/// "client_secret", "client_auth": basic | form | query, "scope", "params": {…}, "refresh_token",
/// "private_key" | "key_file", "issuer", "subject", "audience", "key_id", "lifetime_s",
/// "base_url_from": "instance_url", "ahead_s"}. Throws std::invalid_argument, naming the key, for
/// anything else, for a token URL that is neither https nor loopback, for a key that cannot sign.
[[nodiscard]] OauthSettings parse_oauth_settings(const nlohmann::json& oauth2);

/// What is secret in them, in every form that is sent.
[[nodiscard]] std::vector<std::string> oauth_secrets_of(const nlohmann::json& oauth2);

/// The value of a header `Authorization` (RFC 6749 §2.3.1: both parts are form-encoded first).
[[nodiscard]] std::string basic_client(const std::string& id, const std::string& secret);

/// application/x-www-form-urlencoded, in order.
[[nodiscard]] std::string form_of(const std::vector<std::pair<std::string, std::string>>& fields);

}  // namespace tailrace::http
