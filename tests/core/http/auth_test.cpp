#include "http/auth.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace tailrace::http {
namespace {

using nlohmann::json;

std::string header_line(const json& auth) {
  const auto headers = make_auth(auth)->headers();
  return headers.empty() ? "" : headers[0].name + ": " + headers[0].value;
}

TEST(Auth, WritesEachKindOfLogin) {
  EXPECT_EQ(header_line({{"bearer", "abc"}}), "Authorization: Bearer abc");
  EXPECT_EQ(header_line({{"token", "abc"}}), "Authorization: Bearer abc");
  EXPECT_EQ(header_line({{"basic", {{"user", "Aladdin"}, {"password", "open sesame"}}}}),
            "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  EXPECT_EQ(header_line({{"header", {{"name", "X-Key"}, {"value", "k"}}}}), "X-Key: k");
  EXPECT_EQ(header_line({{"scheme", {{"name", "Vendor-Key"}, {"token", "k"}}}}),
            "Authorization: Vendor-Key k");
  EXPECT_EQ(header_line(json::object()), "");
  EXPECT_EQ(header_line(nullptr), "");
}

TEST(Auth, RefusesAnotherShapeWithoutQuotingTheSecret) {
  for (const json& auth :
       {json{{"barer", "s3cret-x"}}, json{{"bearer", 7}}, json{{"basic", {{"user", "u"}}}},
        json{{"bearer", "s3cret-x"}, {"token", "s3cret-x"}}, json("s3cret-x"),
        json{{"bearer", "s3cret-x\r\nX: 1"}}, json{{"header", {{"name", "A"}}}}}) {
    try {
      (void)make_auth(auth);
      FAIL() << auth;
    } catch (const std::invalid_argument& error) {
      EXPECT_EQ(std::string(error.what()).find("s3cret"), std::string::npos);
    }
  }
}

TEST(Auth, ListsEverySecretTextForTheScrubber) {
  const auto texts = secrets_of({{"basic", {{"user", "u"}, {"password", "pass"}}}});
  EXPECT_NE(std::find(texts.begin(), texts.end(), "pass"), texts.end());
  EXPECT_NE(std::find(texts.begin(), texts.end(), "dTpwYXNz"), texts.end());
  EXPECT_EQ(secrets_of({{"scheme", {{"name", "Vendor-Key"}, {"token", "pass"}}}}),
            std::vector<std::string>{"pass"});
  EXPECT_TRUE(secrets_of(nullptr).empty());
}

}  // namespace
}  // namespace tailrace::http
