#include "http/oauth_reply.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace tailrace::http {
namespace {

using Kind = TokenAnswer::Kind;
using std::chrono::milliseconds;

TokenAnswer read(int status, std::string body, const std::string& type = "application/json") {
  wire::Reply reply;
  reply.status = status;
  reply.body = std::move(body);
  reply.headers = {{"content-type", type}};
  return read_token_answer(reply);
}

TokenAnswer read_failure(wire::Failure failure) {
  wire::Reply reply;
  reply.failure = failure;
  reply.failure_text = "why";
  return read_token_answer(reply);
}

TEST(TokenAnswer, IsAToken) {
  const TokenAnswer answer =
      read(200, R"({"access_token": "t!0k-EN.1", "token_type": "Bearer", "expires_in": 1800,
                    "refresh_token": "r2", "instance_url": "https://a.example", "id": 7})");
  ASSERT_EQ(answer.kind, Kind::token);
  EXPECT_EQ(answer.token.access.reveal(), "t!0k-EN.1");
  EXPECT_EQ(answer.token.expires_in, milliseconds(1'800'000));
  EXPECT_EQ(answer.token.refresh.reveal(), "r2");
  EXPECT_EQ(answer.token.instance_url, "https://a.example");
}

TEST(TokenAnswer, NeedsNoMoreThanTheToken) {
  const TokenAnswer answer = read(200, R"({"access_token": "t"})");
  ASSERT_EQ(answer.kind, Kind::token);
  EXPECT_FALSE(answer.token.expires_in.has_value());
  EXPECT_TRUE(answer.token.refresh.empty());
}

TEST(TokenAnswer, TakesOnlyALifeThatMakesSense) {
  const auto life = [](const std::string& value) {
    const TokenAnswer answer = read(200, R"({"access_token": "t", "expires_in": )" + value + "}");
    EXPECT_EQ(answer.kind, Kind::token) << value;
    return answer.token.expires_in;
  };
  const milliseconds year(366LL * 86'400'000);
  EXPECT_EQ(life("3600"), milliseconds(3'600'000));
  EXPECT_EQ(life("\"3600\""), milliseconds(3'600'000));
  EXPECT_EQ(life("1.5"), milliseconds(1500));
  EXPECT_EQ(life("1e300"), year);
  EXPECT_EQ(life("99999999999999999999"), year);
  for (const char* value : {"0", "-1", "-1e300", "null", "true", "{}", "[60]", "\"\"", "\"soon\"",
                            "\"60 s\"", "\"nan\"", "\"inf\"", "0.2"}) {
    EXPECT_FALSE(life(value).has_value()) << value;
  }
}

TEST(TokenAnswer, IsNoTokenWhateverElseA2xxHolds) {
  const std::string huge(1 << 20, 'x');
  const std::vector<std::string> bodies = {
      "",
      "{}",
      "null",
      "[]",
      "\"t\"",
      "access_token=t&token_type=bearer",
      "<html><body>Sign in</body></html>",
      R"({"access_token": "t")",
      R"({"access_token": ""})",
      R"({"access_token": null})",
      R"({"access_token": 7})",
      R"({"access_token": {"t": 1}})",
      R"({"access_token": "t\r\nX-Evil: 1"})",
      R"({"access_token": "t\u0000"})",
      R"({"access_token": "two words"})",
      R"({"access_token": "t\u00e4"})",
      R"({"access_token": "t", "token_type": "mac"})",
      R"({"access_token": "t", "token_type": 7})",
      R"({"access_token": ")" + huge + R"("})",
      R"({"access_token": "t", "refresh_token": ")" + std::string(20'000, 'r') + R"("})",
      R"({"error": "invalid_client"})",
      std::string(5000, '[')};
  for (const std::string& body : bodies) {
    EXPECT_EQ(read(200, body).kind, Kind::refused) << body.substr(0, 60);
  }
  EXPECT_EQ(read(200, R"({"access_token": "t"})", "application/json; charset=utf-16").kind,
            Kind::refused);
}

TEST(TokenAnswer, TellsTheEndpointsOwnError) {
  const TokenAnswer answer =
      read(401, R"({"error": "invalid_client", "error_description": "no such client"})");
  EXPECT_EQ(answer.kind, Kind::refused);
  EXPECT_EQ(answer.error, "invalid_client");
  EXPECT_EQ(answer.message, "HTTP 401, invalid_client: no such client");
  EXPECT_EQ(read(400, R"({"message": "bad client"})").message, "HTTP 400: bad client");
  EXPECT_EQ(read(404, "<html>").message, "HTTP 404");
  EXPECT_NE(read(302, "").message.find("redirect"), std::string::npos);
}

TEST(TokenAnswer, IsWorthAnotherTryWhereTheFailureMayPass) {
  for (const int status : {408, 425, 429, 500, 502, 503, 504}) {
    EXPECT_EQ(read(status, "<html>").kind, Kind::later) << status;
  }
  for (const int status : {300, 307, 400, 401, 403, 404, 405, 415}) {
    EXPECT_EQ(read(status, "{}").kind, Kind::refused) << status;
  }
  for (const auto failure : {wire::Failure::lost, wire::Failure::not_sent}) {
    EXPECT_EQ(read_failure(failure).kind, Kind::later);
  }
  for (const auto failure : {wire::Failure::untrusted, wire::Failure::too_large}) {
    EXPECT_EQ(read_failure(failure).kind, Kind::refused);
    EXPECT_EQ(read_failure(failure).message, "why");
  }
}

}  // namespace
}  // namespace tailrace::http
