#include "http/oauth_settings.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>

#include "http/address.hpp"
#include "http/base64.hpp"
#include "http/jwt.hpp"

namespace tailrace::http {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 17> kKnown = {
    "grant",       "token_url",     "client_id", "client_secret", "client_auth",  "scope",
    "params",      "refresh_token", "issuer",    "subject",       "audience",     "key_id",
    "private_key", "key_file",      "ahead_s",   "lifetime_s",    "base_url_from"};

[[noreturn]] void fail(const std::string& why) { throw std::invalid_argument("auth: " + why); }

/// Line ends and NUL have no place in what goes into a header or a form.
std::string text(const json& settings, const char* key) {
  const auto found = settings.find(key);
  if (found == settings.end() || found->is_null()) return {};
  if (!found->is_string()) fail(std::string("'") + key + "' must be text");
  std::string value = found->get<std::string>();
  if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
    fail(std::string("'") + key + "' holds a line break");
  }
  return value;
}

std::string needed(const json& settings, const char* key) {
  std::string value = text(settings, key);
  if (value.empty()) fail(std::string("'") + key + "' is missing");
  return value;
}

double seconds(const json& settings, const char* key, double fallback, double least, double most) {
  const auto found = settings.find(key);
  if (found == settings.end() || found->is_null()) return fallback;
  const double value = found->is_number() ? found->get<double>() : -1;
  if (!(value >= least && value <= most)) {
    fail(std::string("'") + key + "' must be between " + std::to_string(static_cast<int>(least)) +
         " and " + std::to_string(static_cast<int>(most)) + " seconds");
  }
  return value;
}

Grant grant_of(const std::string& word) {
  if (word == "client_credentials") return Grant::client_credentials;
  if (word == "refresh_token") return Grant::refresh_token;
  if (word == "jwt_bearer") return Grant::jwt_bearer;
  fail("'grant' may not be '" + word + "'; known are client_credentials, refresh_token and " +
       "jwt_bearer");
}

void take_token_url(const std::string& url, OauthSettings& settings) {
  const std::size_t host = url.find("://");
  const std::size_t path = host == std::string::npos ? host : url.find_first_of("/?#", host + 3);
  const std::size_t query = url.find('?');
  if (url.find('#') != std::string::npos) fail("token_url may not have a fragment");
  try {
    settings.origin = check_base_url(url.substr(0, path)).text;
  } catch (const std::invalid_argument& error) {
    const std::string why = error.what();
    fail("token_url" + why.substr(why.find(' ')));  // in place of "base_url"
  }
  if (path != std::string::npos && url[path] == '/') {
    settings.path = url.substr(path, query == std::string::npos ? query : query - path);
  }
  if (settings.path.empty()) settings.path = "/";
  if (query != std::string::npos) settings.query = url.substr(query + 1);
}

Secret key_of(const json& settings) {
  const auto pem = settings.find("private_key");
  const std::string file = text(settings, "key_file");
  const bool has_text = pem != settings.end() && pem->is_string();
  if (has_text == !file.empty()) fail("one of 'private_key' and 'key_file' is needed");
  return has_text ? Secret(pem->get<std::string>()) : read_key_file(file);
}

void take_jwt(const json& settings, OauthSettings& parsed) {
  parsed.issuer = needed(settings, "issuer");
  parsed.subject = needed(settings, "subject");
  parsed.audience = needed(settings, "audience");
  parsed.key_id = text(settings, "key_id");
  parsed.lifetime =
      std::chrono::seconds(static_cast<int>(seconds(settings, "lifetime_s", 180, 1, 3600)));
  parsed.private_key = key_of(settings);
  static_cast<void>(JwtKey(parsed.private_key));  // refused here, not at the first request
}

}  // namespace

OauthSettings parse_oauth_settings(const json& oauth2) {
  if (!oauth2.is_object()) fail("'oauth2' must be a mapping");
  for (const auto& [key, value] : oauth2.items()) {
    if (std::find(kKnown.begin(), kKnown.end(), key) == kKnown.end()) {
      fail("oauth2: unknown key '" + key + "'");
    }
  }
  OauthSettings parsed;
  parsed.grant = grant_of(needed(oauth2, "grant"));
  take_token_url(needed(oauth2, "token_url"), parsed);
  parsed.client_id = text(oauth2, "client_id");
  parsed.client_secret = Secret(text(oauth2, "client_secret"));
  const std::string place = text(oauth2, "client_auth");
  if (!place.empty() && place != "basic" && place != "form" && place != "query") {
    fail("'client_auth' must be basic, form or query");
  }
  parsed.in_query = place == "query";
  parsed.client_in_form = place == "form" || parsed.in_query;
  parsed.scope = text(oauth2, "scope");
  if (const auto params = oauth2.find("params"); params != oauth2.end() && !params->is_null()) {
    if (!params->is_object()) fail("'params' must be a mapping");
    for (const auto& [name, value] : params->items()) {
      parsed.params[name] = text(*params, name.c_str());
    }
  }
  const std::string from = text(oauth2, "base_url_from");
  if (!from.empty() && from != "instance_url") fail("'base_url_from' must be instance_url");
  parsed.base_from_instance_url = !from.empty();
  parsed.ahead = std::chrono::milliseconds(
      static_cast<std::int64_t>(seconds(oauth2, "ahead_s", 60, 0, 3600) * 1000));
  switch (parsed.grant) {
    case Grant::client_credentials:
      static_cast<void>(needed(oauth2, "client_id"));
      static_cast<void>(needed(oauth2, "client_secret"));
      break;
    case Grant::refresh_token:
      static_cast<void>(needed(oauth2, "client_id"));
      parsed.refresh_token = Secret(needed(oauth2, "refresh_token"));
      break;
    case Grant::jwt_bearer: take_jwt(oauth2, parsed); break;
  }
  return parsed;
}

std::vector<std::string> oauth_secrets_of(const json& oauth2) {
  std::vector<std::string> secrets;
  if (!oauth2.is_object()) return secrets;
  const auto add = [&secrets](const std::string& value) {
    if (value.empty()) return;
    secrets.push_back(value);
    const std::string encoded = wire::percent_encode(value);
    if (encoded != value) secrets.push_back(encoded);
  };
  const std::string secret = text(oauth2, "client_secret");
  add(secret);
  add(text(oauth2, "refresh_token"));
  if (!secret.empty()) {
    secrets.push_back(basic_client(text(oauth2, "client_id"), secret).substr(6));
  }
  const auto pem = oauth2.find("private_key");
  if (pem != oauth2.end() && pem->is_string()) {
    const std::string key = pem->get<std::string>();
    secrets.push_back(key);
    // Somebody may quote one line of it.
    for (std::size_t at = 0; at < key.size();) {
      const std::size_t end = std::min(key.find('\n', at), key.size());
      const std::string line = key.substr(at, end - at);
      if (line.size() >= 16 && !line.starts_with("-----")) secrets.push_back(line);
      at = end + 1;
    }
  }
  return secrets;
}

std::string basic_client(const std::string& id, const std::string& secret) {
  return "Basic " + base64(wire::percent_encode(id) + ':' + wire::percent_encode(secret));
}

std::string form_of(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    if (!out.empty()) out += '&';
    wire::append_percent_encoded(out, name);
    out += '=';
    wire::append_percent_encoded(out, value);
  }
  return out;
}

}  // namespace tailrace::http
