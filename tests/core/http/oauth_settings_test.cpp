#include "http/oauth_settings.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "http/auth.hpp"
#include "json_with.hpp"
#include "rfc7515_key.hpp"

namespace tailrace::http {
namespace {

using nlohmann::json;
using testing::with;

json app_settings() {
  return {{"grant", "client_credentials"},
          {"token_url", "https://login.example.com/oauth/token"},
          {"client_id", "app"},
          {"client_secret", "s3cret-canary"}};
}

json jwt_settings() {
  return {{"grant", "jwt_bearer"},
          {"token_url", "https://login.example.com/token"},
          {"issuer", "app"},
          {"subject", "ann@example.com"},
          {"audience", "https://login.example.com"},
          {"private_key", testing::kRfc7515Key}};
}

std::string refusal(const json& oauth2) {
  try {
    static_cast<void>(parse_oauth_settings(oauth2));
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return {};
}

TEST(OauthSettings, CutTheTokenUrlIntoItsParts) {
  const auto parts = [](const char* url) {
    const OauthSettings settings = parse_oauth_settings(with(app_settings(), {{"token_url", url}}));
    return settings.origin + " " + settings.path + " " + settings.query;
  };
  EXPECT_EQ(parts("https://a.example/oauth/token"), "https://a.example /oauth/token ");
  EXPECT_EQ(parts("https://a.example:8443/t/"), "https://a.example:8443 /t/ ");
  EXPECT_EQ(parts("https://a.example"), "https://a.example / ");
  EXPECT_EQ(parts("https://a.example?tenant=7"), "https://a.example / tenant=7");
  EXPECT_EQ(parts("https://a.example/t?tenant=7"), "https://a.example /t tenant=7");
  EXPECT_EQ(parts("http://127.0.0.1:99/t"), "http://127.0.0.1:99 /t ");
}

TEST(OauthSettings, RefuseATokenUrlThatAnybodyCouldReadAlong) {
  for (const char* url : {"http://login.example.com/token", "ftp://a.example/token", "login", "",
                          "https://u:p@a.example/token", "https://a.example/t#x", "file:///etc/x",
                          "http://169.254.169.254/token", "http://127.0.0.1.example.com/t"}) {
    EXPECT_NE(refusal(with(app_settings(), {{"token_url", url}})).find("token_url"),
              std::string::npos)
        << url;
  }
}

TEST(OauthSettings, NameTheKeyThatIsWrongAndQuoteNoSecret) {
  const auto says = [](const json& change, const std::string& text) {
    const std::string why = refusal(with(app_settings(), change));
    EXPECT_NE(why.find(text), std::string::npos) << why;
    EXPECT_EQ(why.find("canary"), std::string::npos);
  };
  says({{"grant", "password"}}, "'grant'");
  says({{"grant", nullptr}}, "'grant'");
  says({{"client_id", nullptr}}, "'client_id'");
  says({{"client_secret", nullptr}}, "'client_secret'");
  says({{"client_secret", "canary\r\nX: 1"}}, "line break");
  says({{"client_auth", "header"}}, "'client_auth'");
  says({{"client_sekret", "canary"}}, "client_sekret");
  says({{"base_url_from", "id"}}, "'base_url_from'");
  says({{"params", "canary"}}, "'params'");
  says({{"ahead_s", -1}}, "'ahead_s'");
  says({{"grant", "refresh_token"}}, "'refresh_token'");
  says({{"grant", "jwt_bearer"}}, "'issuer'");
  EXPECT_EQ(refusal(app_settings()), "");
}

TEST(OauthSettings, TakeOneKeyThatCanSign) {
  EXPECT_EQ(refusal(jwt_settings()), "");
  EXPECT_NE(refusal(with(jwt_settings(), {{"key_file", "/k.pem"}})).find("one of"),
            std::string::npos);
  EXPECT_NE(refusal(with(jwt_settings(), {{"private_key", nullptr}})).find("one of"),
            std::string::npos);
  EXPECT_NE(refusal(with(jwt_settings(), {{"private_key", "x"}})).find("no PEM"),
            std::string::npos);
  EXPECT_NE(refusal(with(jwt_settings(), {{"lifetime_s", 4000}})).find("lifetime_s"),
            std::string::npos);
  const json file = with(jwt_settings(), {{"private_key", nullptr}, {"key_file", "/no/such.pem"}});
  EXPECT_NE(refusal(file).find("/no/such.pem"), std::string::npos);
}

TEST(OauthSettings, EncodeTheClientBeforeItGoesIntoBasic) {
  // RFC 6749 §2.3.1: form-encoded first, so that a colon in the id does not end it.
  EXPECT_EQ(basic_client("a:b", "p&s w"), "Basic YSUzQWI6cCUyNnMlMjB3");
  EXPECT_EQ(form_of({{"grant_type", "x"}, {"a b", "1&2=3+4/\xc3\xa4"}}),
            "grant_type=x&a%20b=1%262%3D3%2B4%2F%C3%A4");
}

TEST(OauthSettings, TellTheScrubberEveryFormOfASecretAndNoName) {
  const json settings =
      with(app_settings(), {{"client_secret", "p&s w canary"}, {"refresh_token", "r-canary"}});
  const auto texts = secrets_of({{"oauth2", settings}});
  const auto has = [&texts](const std::string& text) {
    return std::find(texts.begin(), texts.end(), text) != texts.end();
  };
  EXPECT_TRUE(has("p&s w canary"));
  EXPECT_TRUE(has("p%26s%20w%20canary"));
  EXPECT_TRUE(has("r-canary"));
  EXPECT_TRUE(has(basic_client("app", "p&s w canary").substr(6)));
  EXPECT_FALSE(has("app"));
  EXPECT_FALSE(has("client_credentials"));
  const auto key = secrets_of({{"oauth2", jwt_settings()}});
  EXPECT_GT(key.size(), 10U) << "each line of a key may be quoted alone";
}

}  // namespace
}  // namespace tailrace::http
