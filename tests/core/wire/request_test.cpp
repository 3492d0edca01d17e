#include "wire/request.hpp"

#include <string>

#include <gtest/gtest.h>

namespace tailrace::wire {
namespace {

TEST(PercentEncode, KeepsOnlyUnreservedBytes) {
  EXPECT_EQ(percent_encode("AZaz09-._~"), "AZaz09-._~");
  EXPECT_EQ(percent_encode("a b/c?d#e&f=g+h%i@j:k"), "a%20b%2Fc%3Fd%23e%26f%3Dg%2Bh%25i%40j%3Ak");
  EXPECT_EQ(percent_encode("\xE2\x82\xAC"), "%E2%82%AC");
  EXPECT_EQ(percent_encode(std::string_view("\0\r\n\x7F\xFF", 5)), "%00%0D%0A%7F%FF");
  EXPECT_EQ(percent_encode(""), "");
}

TEST(PercentEncode, EveryByteComesBack) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string one(1, static_cast<char>(byte));
    const std::string encoded = percent_encode(one);
    if (encoded.size() == 1) {
      EXPECT_EQ(encoded, one);
    } else {
      ASSERT_EQ(encoded.size(), 3u);
      EXPECT_EQ(std::stoi(encoded.substr(1), nullptr, 16), byte);
    }
    EXPECT_EQ(encoded.find_first_of("/?#@:\\ "), std::string::npos);
  }
}

TEST(Reply, GivesTheFirstHeaderOfAName) {
  Reply reply;
  reply.headers = {{"x-a", "1"}, {"x-b", "2"}, {"x-a", "3"}};
  EXPECT_EQ(reply.header("x-a"), "1");
  EXPECT_EQ(reply.header("x-b"), "2");
  EXPECT_EQ(reply.header("x-c"), "");
}

TEST(Method, IsWrittenAsOnTheWire) {
  EXPECT_EQ(to_text(Method::get), "GET");
  EXPECT_EQ(to_text(Method::post), "POST");
  EXPECT_EQ(to_text(Method::put), "PUT");
  EXPECT_EQ(to_text(Method::patch), "PATCH");
  EXPECT_EQ(to_text(Method::delete_), "DELETE");
}

}  // namespace
}  // namespace tailrace::wire
