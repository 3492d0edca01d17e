#include "http/auth.hpp"

#include <openssl/crypto.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "http/base64.hpp"
#include "http/oauth.hpp"
#include "http/oauth_settings.hpp"

namespace tailrace::http {
namespace {

using nlohmann::json;

std::string checked(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) {
    throw std::invalid_argument(std::string("auth: '") + key + "' is missing");
  }
  std::string value = found->get<std::string>();
  if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
    throw std::invalid_argument(std::string("auth: '") + key + "' holds a line break");
  }
  return value;
}

/// The same header on every request.
class FixedHeader final : public Auth {
 public:
  FixedHeader(std::string name, std::string value)
      : name_(std::move(name)), value_(std::move(value)) {}
  std::vector<wire::Header> headers() const override { return {{name_, value_.reveal()}}; }

 private:
  std::string name_;
  Secret value_;
};

class NoAuth final : public Auth {
 public:
  std::vector<wire::Header> headers() const override { return {}; }
};

void collect_texts(const json& value, std::vector<std::string>& out) {
  if (value.is_string()) {
    if (!value.get_ref<const std::string&>().empty()) out.push_back(value.get<std::string>());
  } else if (value.is_structured()) {
    for (const auto& item : value) collect_texts(item, out);
  }
}

}  // namespace

Secret::~Secret() {
  if (!value_.empty()) OPENSSL_cleanse(value_.data(), value_.size());
}

const std::optional<std::string>& Auth::failure() const {
  static const std::optional<std::string> none;
  return none;
}

std::uint64_t put_on(Outgoing& outgoing, const Auth& auth, const std::vector<wire::Header>& own) {
  outgoing.credentials = auth.headers();
  outgoing.credentials.insert(outgoing.credentials.end(), own.begin(), own.end());
  outgoing.base = auth.base();
  return auth.generation();
}

std::unique_ptr<Auth> make_auth(const json& auth, const AuthWorld& world) {
  if (auth.is_null() || (auth.is_object() && auth.empty())) return std::make_unique<NoAuth>();
  if (!auth.is_object() || auth.size() != 1) {
    throw std::invalid_argument("auth: exactly one kind of login is needed");
  }
  if (auth.contains("bearer")) {
    return std::make_unique<FixedHeader>("Authorization", "Bearer " + checked(auth, "bearer"));
  }
  if (auth.contains("token")) {
    return std::make_unique<FixedHeader>("Authorization", "Bearer " + checked(auth, "token"));
  }
  if (const auto basic = auth.find("basic"); basic != auth.end()) {
    const std::string login = checked(*basic, "user") + ":" + checked(*basic, "password");
    return std::make_unique<FixedHeader>("Authorization", "Basic " + base64(login));
  }
  if (const auto scheme = auth.find("scheme"); scheme != auth.end()) {
    const std::string login = checked(*scheme, "name") + " " + checked(*scheme, "token");
    return std::make_unique<FixedHeader>("Authorization", login);
  }
  if (const auto header = auth.find("header"); header != auth.end()) {
    return std::make_unique<FixedHeader>(checked(*header, "name"), checked(*header, "value"));
  }
  if (const auto oauth2 = auth.find("oauth2"); oauth2 != auth.end()) {
    return make_token_auth(parse_oauth_settings(*oauth2), world);
  }
  throw std::invalid_argument("auth: unknown kind '" + auth.begin().key() +
                              "'; known are bearer, token, basic, scheme, header and oauth2");
}

std::vector<std::string> secrets_of(const json& auth) {
  std::vector<std::string> texts;
  if (const auto oauth2 = auth.find("oauth2"); auth.is_object() && oauth2 != auth.end()) {
    return oauth_secrets_of(*oauth2);  // names and addresses among the rest are no secrets
  }
  if (const auto scheme = auth.find("scheme"); auth.is_object() && scheme != auth.end()) {
    return {checked(*scheme, "token")};  // the scheme's name is everybody's
  }
  collect_texts(auth, texts);
  if (const auto basic = auth.find("basic"); auth.is_object() && basic != auth.end()) {
    texts.push_back(base64(checked(*basic, "user") + ":" + checked(*basic, "password")));
  }
  return texts;
}

}  // namespace tailrace::http
