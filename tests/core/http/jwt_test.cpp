#include "http/jwt.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "http/base64.hpp"
#include "rfc7515_key.hpp"

namespace tailrace::http {
namespace {

using testing::kRfc7515Key;
using testing::kRfc7515Pkcs1;

std::string refusal(const std::string& pem) {
  try {
    static_cast<void>(JwtKey(Secret(pem)));
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return {};
}

// RFC 7515, appendix A.2.1.
const std::string kHeader = R"({"alg":"RS256"})";
const std::string kClaims =
    "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
const std::string kToken =
    "eyJhbGciOiJSUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
    "fQ"
    ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5"
    "jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L"
    "07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUi"
    "pUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

TEST(Jwt, SignsAsTheStandardsExample) {
  EXPECT_EQ(JwtKey(Secret(kRfc7515Key)).sign(kHeader, kClaims), kToken);
  EXPECT_EQ(JwtKey(Secret(kRfc7515Pkcs1)).sign(kHeader, kClaims), kToken);
}

TEST(Jwt, TakesAKeyWhoseLineEndsAreWrittenOut) {
  std::string text;
  for (const char c : std::string(kRfc7515Key)) text += c == '\n' ? "\\n" : std::string(1, c);
  EXPECT_EQ(JwtKey(Secret(text)).sign(kHeader, kClaims), kToken);
  std::string crlf;
  for (const char c : std::string(kRfc7515Key)) crlf += c == '\n' ? "\r\n" : std::string(1, c);
  EXPECT_EQ(JwtKey(Secret(crlf)).sign(kHeader, kClaims), kToken);
}

TEST(Jwt, RefusesWhatCannotSignAndNeverQuotesIt) {
  EXPECT_NE(refusal("").find("no PEM"), std::string::npos);
  EXPECT_NE(refusal("canary-of-a-key").find("no PEM"), std::string::npos);
  EXPECT_EQ(refusal("canary-of-a-key").find("canary"), std::string::npos);
  std::string cut(kRfc7515Key);
  cut.resize(cut.size() / 2);
  EXPECT_NE(refusal(cut), "");
  const std::string locked =
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n";
  EXPECT_NE(refusal(locked).find("passphrase"), std::string::npos);
  const std::string curve =
      "-----BEGIN PRIVATE KEY-----\n"
      "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgOjecq8CSbXjkHeoV\n"
      "HGO2MpxroqwcTrSZ92ma0jeeiAqhRANCAARj33168VlrqU4UOrKUn6UrXRyeNnL/\n"
      "d27riAC5w4hLgGwWQL8dg9cAffaCbKETsBwainbwiJrk6fpW6Ry5Tr14\n"
      "-----END PRIVATE KEY-----\n";
  EXPECT_NE(refusal(curve).find("RSA"), std::string::npos) << refusal(curve);
}

TEST(Jwt, WritesBase64WithoutPaddingAndWithItsOwnAlphabet) {
  EXPECT_EQ(base64url(""), "");
  EXPECT_EQ(base64url("f"), "Zg");
  EXPECT_EQ(base64url("fo"), "Zm8");
  EXPECT_EQ(base64url("foo"), "Zm9v");
  EXPECT_EQ(base64url("\xfb\xff\xfe"), "-__-");
  EXPECT_EQ(base64("\xfb\xff\xfe"), "+//+");
  EXPECT_EQ(base64("f"), "Zg==");
}

class KeyFile : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "tailrace-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = folder_ + "/key.pem";
    std::ofstream(path_) << kRfc7515Key;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string refusal() {
    try {
      static_cast<void>(read_key_file(path_));
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return {};
  }

  std::string folder_;
  std::string path_;
};

TEST_F(KeyFile, IsReadWhereOnlyItsOwnersMay) {
  for (const mode_t mode : {0600u, 0400u, 0440u, 0640u}) {
    ::chmod(path_.c_str(), mode);
    EXPECT_EQ(read_key_file(path_).reveal(), kRfc7515Key) << mode;
  }
}

TEST_F(KeyFile, IsRefusedWhereOthersMayReadOrChangeIt) {
  for (const mode_t mode : {0644u, 0604u, 0602u, 0660u}) {
    ::chmod(path_.c_str(), mode);
    EXPECT_NE(refusal().find("chmod 600"), std::string::npos) << mode;
    EXPECT_NE(refusal().find(path_), std::string::npos);
  }
}

TEST_F(KeyFile, IsRefusedWhereItIsNone) {
  path_ = folder_ + "/missing.pem";
  EXPECT_NE(refusal().find("missing.pem"), std::string::npos);
  path_ = folder_;
  EXPECT_NE(refusal().find("no file"), std::string::npos) << refusal();
}

}  // namespace
}  // namespace tailrace::http
