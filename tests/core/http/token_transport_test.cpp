// Tokens over real sockets: where requests go, and where they never go.

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "http/auth.hpp"
#include "http/scrub.hpp"
#include "one_request.hpp"
#include "support/raw_server.hpp"

namespace tailrace::http {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using tailrace::testing::http_answer;
using tailrace::testing::RawRequest;
using tailrace::testing::RawServer;
using tailrace::testing::Then;
using Send = std::function<void(std::string)>;

RawServer::Handler always(std::string answer) {
  return [answer = std::move(answer)](const RawRequest&, const Send& send) {
    send(answer);
    return Then::keep;
  };
}

std::unique_ptr<Auth> login(const std::string& token_url) {
  AuthWorld world;
  world.options.user_agent = "tailrace/test";
  world.options.total_timeout = 2s;
  world.transport = make_curl_transport;
  return make_auth({{"oauth2",
                     {{"grant", "client_credentials"},
                      {"token_url", token_url},
                      {"client_id", "app"},
                      {"client_secret", "s3cret"}}}},
                   world);
}

/// Works until there is a token, an end, or a failure that may pass.
void settle(Auth& auth) {
  const auto end = std::chrono::steady_clock::now() + 10s;
  for (auto now = std::chrono::steady_clock::now(); now < end;
       now = std::chrono::steady_clock::now()) {
    auth.work(now, true, 20ms);
    if (auth.failure() || auth.failing_since() || auth.wait_for(now) == 0ms) return;
  }
  FAIL() << "no end of the exchange within 10 s";
}

TEST(TokenTransport, AsksTheEndpointAsTheStandardHasIt) {
  RawServer server(
      always(http_answer(200, R"({"access_token": "t1", "token_type": "Bearer", "expires_in": 60})",
                         "Content-Type: application/json\r\n")));
  const auto auth = login(server.url() + "/oauth/token?tenant=7");
  settle(*auth);
  ASSERT_FALSE(auth->failure().has_value()) << *auth->failure();
  EXPECT_EQ(auth->headers().at(0).value, "Bearer t1");
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_TRUE(requests[0].head.starts_with("POST /oauth/token?tenant=7 HTTP/1.1\r\n"));
  EXPECT_TRUE(requests[0].has_header("\r\nAuthorization: Basic YXBwOnMzY3JldA==\r\n"));
  EXPECT_TRUE(requests[0].has_header("\r\nAccept: application/json\r\n"));
  EXPECT_TRUE(requests[0].has_header("\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
  EXPECT_EQ(requests[0].body, "grant_type=client_credentials");
}

TEST(TokenTransport, FollowsNoRedirectWithTheClientsSecret) {
  RawServer other(always(http_answer(200, R"({"access_token": "stolen"})")));
  RawServer server(always(http_answer(307, "", "Location: " + other.url() + "/token\r\n")));
  const auto auth = login(server.url() + "/token");
  settle(*auth);
  ASSERT_TRUE(auth->failure().has_value());
  EXPECT_NE(auth->failure()->find("redirect"), std::string::npos);
  EXPECT_TRUE(other.requests().empty());
}

TEST(TokenTransport, AnEndpointThatHangsIsGivenUpInTime) {
  RawServer server([](const RawRequest&, const Send&) { return Then::keep; });
  const auto before = std::chrono::steady_clock::now();
  const auto auth = login(server.url() + "/token");
  settle(*auth);
  EXPECT_FALSE(auth->failure().has_value());
  EXPECT_TRUE(auth->failing_since().has_value());
  EXPECT_LT(std::chrono::steady_clock::now() - before, 4s);
}

TEST(TokenTransport, AnAnswerWithoutEndIsCutOff) {
  RawServer server(always(http_answer(200, std::string(2 << 20, 'x'))));
  const auto auth = login(server.url() + "/token");
  settle(*auth);
  EXPECT_TRUE(auth->failure().has_value());
}

TEST(TokenTransport, ARequestGoesToTheAddressThatItNames) {
  RawServer own(always(http_answer(200, "own")));
  RawServer other(always(http_answer(200, "other")));
  TransportOptions options;
  options.base_url = own.url();
  const auto transport = make_curl_transport(options);
  const auto base = std::make_shared<const BaseUrl>(check_base_url(other.url() + "/x"));
  for (int turn = 0; turn < 3; ++turn) {
    Outgoing named;
    named.request.method = wire::Method::get;
    named.request.path = "/rows";
    named.base = base;
    EXPECT_EQ(one(*transport, named).reply.body, "other");
    named.base = nullptr;
    EXPECT_EQ(one(*transport, named).reply.body, "own");
  }
  EXPECT_TRUE(other.requests().at(0).head.starts_with("GET /x/rows HTTP/1.1\r\n"));
  EXPECT_EQ(own.requests().size(), 3U);
}

TEST(TokenTransport, ANamedAddressIsHeldAgainstItsOwnKind) {
  RawServer server(always(http_answer(200, "{}")));
  TransportOptions options;
  options.base_url = server.url();
  const auto transport = make_curl_transport(options);
  // A public name that leads to this machine: what was checked is not where it goes.
  Outgoing outgoing;
  outgoing.request.method = wire::Method::get;
  outgoing.request.path = "/rows";
  outgoing.base = std::make_shared<const BaseUrl>(BaseUrl{server.url(), false});
  EXPECT_EQ(one(*transport, outgoing).reply.failure, wire::Failure::untrusted);
  EXPECT_TRUE(server.requests().empty());
}

}  // namespace
}  // namespace tailrace::http
