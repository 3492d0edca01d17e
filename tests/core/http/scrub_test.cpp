#include "http/scrub.hpp"

#include <gtest/gtest.h>

#include <random>

namespace tailrace::http {
namespace {

TEST(Scrubber, HidesKnownSecretsEverywhere) {
  const Scrubber scrubber({"tok-123456", "pa:ss/word"});
  EXPECT_EQ(scrubber.clean("token tok-123456 and tok-123456!"), "token *** and ***!");
  EXPECT_EQ(scrubber.clean("x=pa:ss/word"), "x=***");
}

TEST(Scrubber, HidesWhatLooksLikeASecret) {
  const Scrubber scrubber({});
  EXPECT_EQ(scrubber.clean("Authorization: Bearer abc.def-ghi rest"),
            "Authorization: Bearer *** rest");
  EXPECT_EQ(scrubber.clean("GET /x?api_key=abc&y=1"), "GET /x?api_key=***&y=1");
  EXPECT_EQ(scrubber.clean("PASSWORD=hunter2;next"), "PASSWORD=***;next");
  EXPECT_EQ(scrubber.clean("no such ApiKey: abc"), "no such ApiKey: ***");
  EXPECT_EQ(scrubber.clean("postgresql://me:s3cret@db:5432/x failed"),
            "postgresql://***@db:5432/x failed");
}

TEST(Scrubber, LeavesOrdinaryTextAlone) {
  const Scrubber scrubber({"ab", ""});
  EXPECT_EQ(scrubber.clean("Property \"size\" was not valid: abc"),
            "Property \"size\" was not valid: abc");
  EXPECT_EQ(scrubber.clean("BadApiKey: Invalid API key"), "BadApiKey: Invalid API key");
}

TEST(Scrubber, EscapesControlCharactersSoThatOneEventIsOneLine) {
  const Scrubber scrubber({});
  EXPECT_EQ(scrubber.clean(std::string("a\nb\r\t\x1b[31m\0z", 12)), "a\\nb\\r\\t\\x1b[31m\\x00z");
}

TEST(Scrubber, CutsOnACharacterBoundary) {
  const Scrubber scrubber({});
  EXPECT_EQ(scrubber.clean("aé€😀", 3), "aé");
  EXPECT_EQ(scrubber.clean("aé€😀", 6), "aé€");
  EXPECT_EQ(scrubber.clean(std::string(600, 'x')).size(), 512u);
}

TEST(Scrubber, ASecretAtTheCutIsHiddenWhole) {
  const Scrubber scrubber({"supersecretvalue"});
  const std::string text = std::string(505, 'x') + "supersecretvalue";
  EXPECT_EQ(scrubber.clean(text).find("super"), std::string::npos);
}

TEST(Scrubber, GivesValidUtf8ForAnyBytes) {
  const Scrubber scrubber({"secret"});
  std::mt19937 random(11);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes;
    for (int i = 0; i < 80; ++i) bytes += static_cast<char>(random() & 0xff);
    const std::string clean = scrubber.clean(bytes, 64);
    EXPECT_LE(clean.size(), 64u);
    for (const char c : clean) EXPECT_GE(static_cast<unsigned char>(c), 0x20);
  }
}

}  // namespace
}  // namespace tailrace::http
