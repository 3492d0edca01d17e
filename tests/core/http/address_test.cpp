#include "http/address.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace tailrace::http {
namespace {

TEST(KindOfAddress, KnowsLoopback) {
  for (const char* ip : {"127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_EQ(kind_of_address(ip), AddressKind::loopback) << ip;
  }
}

TEST(KindOfAddress, CountsEveryAddressOffTheInternetAsPrivate) {
  for (const char* ip : {"0.0.0.0",
                         "10.1.2.3",
                         "100.64.0.1",
                         "169.254.169.254",
                         "172.16.0.1",
                         "172.31.255.255",
                         "192.168.0.1",
                         "192.0.2.1",
                         "198.18.0.1",
                         "198.51.100.7",
                         "203.0.113.9",
                         "224.0.0.1",
                         "255.255.255.255",
                         "::",
                         "fe80::1",
                         "fe80::1%eth0",
                         "fc00::1",
                         "fd12:3456::1",
                         "::ffff:10.0.0.1",
                         "::ffff:169.254.169.254",
                         "64:ff9b::a9fe:a9fe",
                         "2002:a00:1::1",
                         "2001:db8::1",
                         "ff02::1"}) {
    EXPECT_EQ(kind_of_address(ip), AddressKind::private_) << ip;
  }
}

TEST(KindOfAddress, KnowsPublicOnes) {
  for (const char* ip : {"8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111"}) {
    EXPECT_EQ(kind_of_address(ip), AddressKind::public_) << ip;
  }
}

TEST(KindOfAddress, RefusesWhatIsNoAddress) {
  for (const char* ip :
       {"", "localhost", "0x7f000001", "2130706433", "127.1", "1.2.3.4.5", "::g"}) {
    EXPECT_EQ(kind_of_address(ip), AddressKind::invalid) << ip;
  }
}

TEST(CheckBaseUrl, TakesHttpsAndLoopback) {
  EXPECT_EQ(check_base_url("https://api.example.com/v1//").text, "https://api.example.com/v1");
  EXPECT_FALSE(check_base_url("https://api.example.com").loopback);
  for (const char* url : {"http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:9/x"}) {
    EXPECT_TRUE(check_base_url(url).loopback) << url;
  }
}

TEST(CheckBaseUrl, NamesWhatIsWrong) {
  try {
    (void)check_base_url("http://api.example.com");
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("must be https"), std::string::npos);
  }
}

}  // namespace
}  // namespace tailrace::http
