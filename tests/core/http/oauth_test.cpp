#include "http/oauth.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "json_with.hpp"
#include "rfc7515_key.hpp"
#include "token_endpoint.hpp"

namespace tailrace::http {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using testing::TokenWorld;
using testing::with;

json client() {
  return {{"grant", "client_credentials"},
          {"token_url", "https://login.example.com/oauth/token?tenant=7"},
          {"client_id", "app"},
          {"client_secret", "s3cret"}};
}

json refresh() {
  return {{"grant", "refresh_token"}, {"token_url", "https://login.example.com/token"},
          {"client_id", "app"},       {"client_secret", "s3cret"},
          {"client_auth", "form"},    {"refresh_token", "r1-configured"}};
}

json token(const std::string& access, std::optional<int> life = 1800) {
  json body = {{"access_token", access}, {"token_type", "bearer"}};
  if (life) body["expires_in"] = *life;
  return body;
}

std::string bearer(const Auth& auth) { return auth.headers().at(0).value; }

class Oauth : public ::testing::Test {
 protected:
  TokenWorld world_;
};

// -- what is asked
// ---------------------------------------------------------------------------------

TEST_F(Oauth, AsksNothingUntilARequestWaits) {
  const auto auth = world_.login(client());
  world_.work(*auth, false);
  EXPECT_TRUE(world_.endpoint.options.empty());
  EXPECT_FALSE(world_.ready(*auth));
}

TEST_F(Oauth, ProvesTheClientByBasic) {
  const auto auth = world_.login(with(client(), {{"scope", "read write"}}));
  world_.endpoint.say(200, token("t1"));
  world_.work(*auth);
  ASSERT_EQ(world_.endpoint.requests.size(), 1U);
  const Outgoing& asked = world_.endpoint.requests[0];
  EXPECT_EQ(asked.request.method, wire::Method::post);
  EXPECT_EQ(asked.request.path, "/oauth/token");
  EXPECT_EQ(asked.request.query, "tenant=7");
  EXPECT_EQ(asked.request.content_type, "application/x-www-form-urlencoded");
  EXPECT_EQ(asked.request.body, "grant_type=client_credentials&scope=read%20write");
  ASSERT_EQ(asked.credentials.size(), 1U);
  EXPECT_EQ(asked.credentials[0].value, "Basic YXBwOnMzY3JldA==");
  EXPECT_FALSE(asked.idempotent) << "libcurl may not send it twice by itself";
  EXPECT_EQ(bearer(*auth), "Bearer t1");
  EXPECT_EQ(auth->generation(), 1U);
}

TEST_F(Oauth, GoesToTheEndpointUnderTheConnectionsRules) {
  const auto auth = world_.login(client());
  world_.work(*auth);
  ASSERT_EQ(world_.endpoint.options.size(), 1U);
  EXPECT_EQ(world_.endpoint.options[0].base_url, "https://login.example.com");
  EXPECT_EQ(world_.endpoint.options[0].ca_file, "/ca.pem");
  EXPECT_EQ(world_.endpoint.options[0].total_timeout, milliseconds(20'000));
  EXPECT_FALSE(world_.endpoint.options[0].allow_private);
}

TEST_F(Oauth, AsksInTheAddressWhereTheEndpointReadsNothingElse) {
  const auto auth = world_.login(with(client(), {{"client_auth", "query"}, {"scope", "a b"}}));
  world_.work(*auth);
  const Outgoing& asked = world_.endpoint.requests.at(0);
  EXPECT_EQ(asked.request.method, wire::Method::get);
  EXPECT_EQ(asked.request.query,
            "tenant=7&grant_type=client_credentials&scope=a%20b&client_id=app"
            "&client_secret=s3cret");
  EXPECT_EQ(asked.request.body, "");
  EXPECT_EQ(asked.request.content_type, "");
  EXPECT_TRUE(asked.credentials.empty());
}

TEST_F(Oauth, ProvesTheClientInTheFormWhereAsked) {
  const auto auth =
      world_.login(with(client(), {{"client_auth", "form"}, {"params", {{"audience", "api"}}}}));
  world_.work(*auth);
  const Outgoing& asked = world_.endpoint.requests.at(0);
  EXPECT_EQ(asked.request.body,
            "grant_type=client_credentials&audience=api&client_id=app&client_secret=s3cret");
  EXPECT_TRUE(asked.credentials.empty());
}

TEST_F(Oauth, SignsAnAssertionForTheSubject) {
  const auto auth = world_.login({{"grant", "jwt_bearer"},
                                  {"token_url", "https://login.example.com/token"},
                                  {"issuer", "app"},
                                  {"subject", "ann@example.com"},
                                  {"audience", "https://login.example.com"},
                                  {"key_id", "k1"},
                                  {"private_key", testing::kRfc7515Key}});
  world_.work(*auth);
  const std::string body = world_.endpoint.requests.at(0).request.body;
  // RS256 is deterministic: the whole request is known. The signature was made with OpenSSL's
  // command line.
  EXPECT_EQ(body,
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="
            "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.eyJhdWQiOiJodHRwczovL2xvZ2lu"
            "LmV4YW1wbGUuY29tIiwiZXhwIjoxNzkwMDAwMTgwLCJpYXQiOjE3OTAwMDAwMDAsImlzcyI6ImFwcCIs"
            "InN1YiI6ImFubkBleGFtcGxlLmNvbSJ9.FJ9BPFnuwCoU2SXgj3-cN6Dg3swbNsEHulzHbphBYh3Ka6N"
            "QNSk4EfKALC9QOfuaAltmtzDyAU4I08o1fllJqMs_-tyMpDR414zJao-tiNLOqtxPrWuH1Pnv2LW1oXv"
            "Pr_KZk1kWFL863ZJIHVqzirnd3S5GZuYUrCHfKt24L2Fl9QdbSbrzEqYqRKGdGAWOkDosz-jDlYQC5d4"
            "B3QW-H5yEyQi0k_qszzJMCnN3-IOYiZXoKiZuLfEzykrR0ofUlyU2fVG1oY8tbD1tCcAeoeDADp38h56"
            "dzM9fPMPjbnORWnoHOMEgstLpHChrmWxzv30Os5gp_iPDhF7yyeotCQ");
  EXPECT_TRUE(world_.endpoint.requests.at(0).credentials.empty());
}

// -- how long a token holds
// ------------------------------------------------------------------------

TEST_F(Oauth, RenewsAheadWhileTheOldTokenIsStillGood) {
  const auto auth = world_.login(client());
  world_.endpoint.say(200, token("t1", 1800));
  world_.work(*auth);
  world_.pass(milliseconds(1'739'000));
  world_.work(*auth);
  EXPECT_EQ(world_.endpoint.requests.size(), 1U);
  world_.pass(milliseconds(2'000));
  world_.work(*auth);
  EXPECT_EQ(world_.endpoint.requests.size(), 2U) << "a minute ahead";
  EXPECT_TRUE(world_.ready(*auth)) << "requests go on with the old one meanwhile";
  EXPECT_EQ(bearer(*auth), "Bearer t1");
  world_.endpoint.say(200, token("t2"));
  world_.work(*auth);
  EXPECT_EQ(bearer(*auth), "Bearer t2");
}

TEST_F(Oauth, RenewsAShortTokenATenthOfItsLifeAhead) {
  const auto auth = world_.login(client());
  world_.endpoint.say(200, token("t1", 10));
  world_.work(*auth);
  world_.pass(milliseconds(8'900));
  world_.work(*auth);
  EXPECT_EQ(world_.endpoint.requests.size(), 1U);
  world_.pass(milliseconds(200));
  world_.work(*auth);
  EXPECT_EQ(world_.endpoint.requests.size(), 2U);
}

TEST_F(Oauth, StopsRequestsAtTheEndOfATokenThatIsNotRenewedYet) {
  const auto auth = world_.login(client());
  world_.endpoint.say(200, token("t1", 100));
  world_.work(*auth);
  world_.pass(milliseconds(99'999));
  world_.work(*auth);
  EXPECT_TRUE(world_.ready(*auth));
  world_.pass(milliseconds(1));
  EXPECT_FALSE(world_.ready(*auth));
}

TEST_F(Oauth, HoldsATokenWithoutAnEndUntilItIsRefused) {
  const auto auth = world_.login(client());
  world_.endpoint.say(200, token("t1", std::nullopt));
  world_.work(*auth);
  world_.pass(std::chrono::hours(24 * 400));
  world_.work(*auth);
  EXPECT_EQ(world_.endpoint.requests.size(), 1U);
  EXPECT_TRUE(world_.ready(*auth));
}

// -- refusals
// --------------------------------------------------------------------------------------

TEST_F(Oauth, ManyRefusalsOfOneTokenAreOneRenewal) {
  const auto auth = world_.login(client());
  world_.endpoint.say(200, token("t1"));
  world_.work(*auth);
  auth->accepted(1);
  for (int request = 0; request < 8; ++request) {
    EXPECT_TRUE(auth->refused(1));
    world_.work(*auth);
  }
  EXPECT_EQ(world_.endpoint.requests.size(), 2U);
  EXPECT_FALSE(world_.ready(*auth));
  world_.endpoint.say(200, token("t2"));
  world_.work(*auth);
  EXPECT_EQ(bearer(*auth), "Bearer t2");
  EXPECT_TRUE(auth->refused(1)) << "sent with the older token: goes again, and renews nothing";
  world_.work(*auth);
  EXPECT_EQ(world_.endpoint.requests.size(), 2U);
  EXPECT_TRUE(world_.ready(*auth));
}

TEST_F(Oauth, ASecondRefusalWithAFreshTokenIsTheEnd) {
  const auto auth = world_.login(client());
  world_.endpoint.say(200, token("t1"));
  world_.endpoint.say(200, token("t2"));
  world_.work(*auth);
  EXPECT_TRUE(auth->refused(1));
  world_.work(*auth);
  ASSERT_EQ(auth->generation(), 2U);
  EXPECT_FALSE(auth->refused(2));
  ASSERT_TRUE(auth->failure().has_value());
  world_.work(*auth);
  EXPECT_EQ(world_.endpoint.requests.size(), 2U) << "nothing else is sent";
  EXPECT_FALSE(world_.ready(*auth));
}

TEST_F(Oauth, ATokenThatWasGoodMayRunOutAgainAndAgain) {
  const auto auth = world_.login(client());
  for (std::uint64_t generation = 1; generation < 20; ++generation) {
    world_.endpoint.say(200, token("t" + std::to_string(generation), std::nullopt));
    world_.work(*auth);
    ASSERT_EQ(auth->generation(), generation);
    auth->accepted(generation);
    ASSERT_TRUE(auth->refused(generation));
  }
}

TEST_F(Oauth, AnAnswerToAnOlderTokenProvesNothingOfTheNewOne) {
  const auto auth = world_.login(client());
  world_.endpoint.say(200, token("t1"));
  world_.endpoint.say(200, token("t2"));
  world_.work(*auth);
  EXPECT_TRUE(auth->refused(1));
  world_.work(*auth);
  auth->accepted(1);
  EXPECT_FALSE(auth->refused(2));
}

// -- failures of the endpoint
// ----------------------------------------------------------------------

TEST_F(Oauth, ARefusedClientIsConfigurationAndSaysWhatToCheck) {
  const auto auth = world_.login(client());
  world_.endpoint.say(401, {{"error", "invalid_client"}, {"error_description", "unknown app"}});
  world_.work(*auth);
  ASSERT_TRUE(auth->failure().has_value());
  for (const char* part : {"https://login.example.com/oauth/token", "invalid_client", "unknown app",
                           "client_secret", "client_auth"}) {
    EXPECT_NE(auth->failure()->find(part), std::string::npos) << *auth->failure();
  }
  world_.pass(std::chrono::hours(1));
  world_.work(*auth);
  EXPECT_EQ(world_.endpoint.requests.size(), 1U);
}

TEST_F(Oauth, ASpentRefreshTokenSaysToAuthoriseAnew) {
  const auto auth = world_.login(refresh());
  world_.endpoint.say(400, {{"error", "invalid_grant"}});
  world_.work(*auth);
  ASSERT_TRUE(auth->failure().has_value());
  EXPECT_NE(auth->failure()->find("authorise"), std::string::npos);
  EXPECT_EQ(world_.vault.events.back(), "give back");
}

TEST_F(Oauth, PassingFailuresAreTriedAgainLaterAndLater) {
  const auto auth = world_.login(client());
  const auto since = world_.now;
  for (int i = 0; i < 12; ++i) {
    if (i % 2 == 0) {
      world_.endpoint.say(503, "down");
    } else {
      world_.endpoint.fail(wire::Failure::not_sent);
    }
  }
  while (!world_.endpoint.answers.empty()) {
    world_.work(*auth);
    ASSERT_FALSE(auth->failure().has_value());
    ASSERT_EQ(auth->failing_since(), since);
    ASSERT_NE(auth->trouble().find("login.example.com"), std::string::npos);
    const milliseconds wait = auth->wait_for(world_.now);
    ASSERT_GT(wait, milliseconds(0));
    ASSERT_LE(wait, milliseconds(30'000));
    world_.pass(wait);
  }
  world_.endpoint.say(200, token("t1"));
  world_.work(*auth);
  EXPECT_TRUE(world_.ready(*auth));
  EXPECT_FALSE(auth->failing_since().has_value());
  EXPECT_EQ(world_.endpoint.requests.size(), 13U);
}

TEST_F(Oauth, RetryAfterIsKeptToTheMillisecond) {
  const auto auth = world_.login(client());
  world_.endpoint.say(429, "slow down");
  world_.endpoint.answers.back().retry_after = milliseconds(7'000);
  world_.work(*auth);
  world_.pass(milliseconds(6'999));
  world_.work(*auth);
  EXPECT_EQ(world_.endpoint.requests.size(), 1U);
  world_.pass(milliseconds(1));
  world_.work(*auth);
  EXPECT_EQ(world_.endpoint.requests.size(), 2U);
}

TEST_F(Oauth, AFailureAheadOfTheEndLeavesTheTokenInUse) {
  const auto auth = world_.login(client());
  world_.endpoint.say(200, token("t1", 100));
  world_.work(*auth);
  world_.pass(milliseconds(91'000));
  world_.endpoint.say(500, "down");
  world_.work(*auth);
  EXPECT_TRUE(world_.ready(*auth));
  EXPECT_EQ(bearer(*auth), "Bearer t1");
}

// -- refresh tokens that are replaced
// --------------------------------------------------------------

TEST_F(Oauth, AReplacedRefreshTokenIsKeptBeforeAnythingIsSentWithTheNewOnes) {
  const auto auth = world_.login(refresh());
  json answer = token("t1");
  answer["refresh_token"] = "r2-replaced";
  world_.endpoint.say(200, answer);
  world_.vault.away = false;
  auth->work(world_.now, true);
  world_.vault.away = true;
  world_.work(*auth);
  EXPECT_FALSE(world_.ready(*auth)) << "the store cannot be reached: not durable, not used";
  EXPECT_TRUE(auth->failing_since().has_value());
  world_.vault.away = false;
  world_.pass(milliseconds(250));
  world_.work(*auth);
  EXPECT_TRUE(world_.ready(*auth));
  ASSERT_EQ(world_.vault.kept.size(), 1U);
  const std::string& sealed = world_.vault.kept.begin()->second;
  EXPECT_FALSE(sealed.empty());
  EXPECT_EQ(sealed.find("r2-replaced"), std::string::npos);
}

TEST_F(Oauth, TheNextProcessSendsTheReplacedRefreshToken) {
  {
    const auto auth = world_.login(refresh());
    json answer = token("t1");
    answer["refresh_token"] = "r2-replaced";
    world_.endpoint.say(200, answer);
    world_.work(*auth);
    ASSERT_TRUE(world_.ready(*auth));
  }
  const auto next = world_.login(refresh());
  world_.endpoint.say(200, token("t2"));
  world_.work(*next);
  ASSERT_EQ(world_.endpoint.requests.size(), 2U);
  EXPECT_EQ(world_.endpoint.requests[0].request.body,
            "grant_type=refresh_token&refresh_token=r1-configured&client_id=app&"
            "client_secret=s3cret");
  EXPECT_NE(world_.endpoint.requests[1].request.body.find("refresh_token=r2-replaced"),
            std::string::npos);
}

TEST_F(Oauth, ANewRefreshTokenInTheConfigurationIsTakenInPlaceOfAKeptOne) {
  {
    const auto auth = world_.login(refresh());
    json answer = token("t1");
    answer["refresh_token"] = "r2-replaced";
    world_.endpoint.say(200, answer);
    world_.work(*auth);
  }
  const auto next = world_.login(with(refresh(), {{"refresh_token", "r9-authorised-anew"}}));
  world_.work(*next);
  EXPECT_NE(world_.endpoint.requests.at(1).request.body.find("r9-authorised-anew"),
            std::string::npos);
}

TEST_F(Oauth, WaitsWhileAnotherProcessRenews) {
  const auto auth = world_.login(refresh());
  world_.vault.held_by_another = true;
  world_.work(*auth);
  EXPECT_TRUE(world_.endpoint.requests.empty());
  EXPECT_GT(auth->wait_for(world_.now), milliseconds(0));
  world_.vault.held_by_another = false;
  world_.pass(milliseconds(100));
  world_.endpoint.say(200, token("t1"));
  world_.work(*auth);
  EXPECT_TRUE(world_.ready(*auth));
  EXPECT_EQ(world_.vault.events.back(), "give back");
}

TEST_F(Oauth, AKeptTokenThatCannotBeReadIsNeitherUsedNorPassedOver) {
  const auto auth = world_.login(refresh());
  {
    const auto other = world_.login(refresh());
    json answer = token("t1");
    answer["refresh_token"] = "r2-replaced";
    world_.endpoint.say(200, answer);
    world_.work(*other);
  }
  world_.vault.kept.begin()->second.back() ^= 1;
  world_.work(*auth);
  EXPECT_TRUE(auth->failure().has_value());
  EXPECT_EQ(world_.endpoint.requests.size(), 1U) << "the configured one would be taken for stolen";
}

TEST_F(Oauth, AnExchangeUnderWayAtTheEndIsWaitedFor) {
  const auto auth = world_.login(refresh());
  world_.work(*auth);
  json answer = token("t1");
  answer["refresh_token"] = "r2-replaced";
  world_.endpoint.say(200, answer);
  auth->finish(milliseconds(1000));
  EXPECT_EQ(world_.vault.events.back(), "keep");
}

// -- where requests go, what is hidden
// -------------------------------------------------------------

TEST_F(Oauth, TheReplysAddressIsTakenOnlyWhereAskedFor) {
  json answer = token("t1");
  answer["instance_url"] = "https://eu7.example.com/";
  const auto plain = world_.login(client());
  world_.endpoint.say(200, answer);
  world_.work(*plain);
  EXPECT_EQ(plain->base(), nullptr);
  const auto asked = world_.login(with(client(), {{"base_url_from", "instance_url"}}));
  world_.endpoint.say(200, answer);
  world_.work(*asked);
  ASSERT_NE(asked->base(), nullptr);
  EXPECT_EQ(asked->base()->text, "https://eu7.example.com");
}

TEST_F(Oauth, AnAddressThatIsNeitherHttpsNorLoopbackIsRefused) {
  for (const json& url : {json("http://eu7.example.com"), json("file:///etc/passwd"), json(""),
                          json("https://u:p@a.example"), json("https://a.example/?x=1"),
                          json("gopher://a.example"), json(nullptr), json(7)}) {
    const auto auth = world_.login(with(client(), {{"base_url_from", "instance_url"}}));
    json answer = token("t1");
    answer["instance_url"] = url;
    world_.endpoint.say(200, answer);
    world_.work(*auth);
    EXPECT_TRUE(auth->failure().has_value()) << url;
    EXPECT_FALSE(world_.ready(*auth)) << url;
  }
}

TEST_F(Oauth, TheScrubberLearnsEveryToken) {
  const auto auth = world_.login(refresh());
  json answer = token("access-canary-1");
  answer["refresh_token"] = "refresh-canary-2";
  world_.endpoint.say(200, answer);
  world_.work(*auth);
  const std::string clean =
      world_.scrubber.clean("it said access-canary-1 and refresh-canary-2, and went on");
  EXPECT_EQ(clean, "it said *** and ***, and went on");
}

}  // namespace
}  // namespace tailrace::http
