#include "http/oauth_seal.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tailrace::http {
namespace {

OauthSettings settings(const std::string& refresh_token = "r1", const std::string& secret = "s") {
  OauthSettings made;
  made.grant = Grant::refresh_token;
  made.origin = "https://login.example.com";
  made.path = "/token";
  made.client_id = "app";
  made.client_secret = Secret(secret);
  made.refresh_token = Secret(refresh_token);
  return made;
}

TEST(TokenSeal, OpensWhatItSealed) {
  const TokenSeal seal(settings());
  for (const std::string& token : std::vector<std::string>{"r2", "", std::string(5000, 'x')}) {
    const auto opened = TokenSeal(settings()).open(seal.seal(Secret(token)));
    ASSERT_TRUE(opened.has_value());
    EXPECT_EQ(opened->reveal(), token);
  }
}

TEST(TokenSeal, ShowsNothingAndNeverTheSameTwice) {
  const TokenSeal seal(settings());
  const std::string sealed = seal.seal(Secret("refresh-canary"));
  EXPECT_EQ(sealed.find("canary"), std::string::npos);
  EXPECT_NE(sealed, seal.seal(Secret("refresh-canary")));
  EXPECT_EQ(seal.login().size(), 32U);
  EXPECT_EQ(seal.login(), TokenSeal(settings()).login());
}

TEST(TokenSeal, OfAnotherLoginIsClosed) {
  const std::string sealed = TokenSeal(settings()).seal(Secret("r2"));
  EXPECT_FALSE(TokenSeal(settings("r9")).open(sealed).has_value());
  EXPECT_FALSE(TokenSeal(settings("r1", "other")).open(sealed).has_value());
  EXPECT_NE(TokenSeal(settings()).login(), TokenSeal(settings("r9")).login());
}

TEST(TokenSeal, NoticesEveryChange) {
  const TokenSeal seal(settings());
  const std::string sealed = seal.seal(Secret("r2-token"));
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    std::string changed = sealed;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(seal.open(changed).has_value()) << at;
    EXPECT_FALSE(seal.open(sealed.substr(0, at)).has_value()) << at;
  }
}

}  // namespace
}  // namespace tailrace::http
