#include "wire/json_scan.hpp"

#include <random>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace tailrace::wire {
namespace {

bool valid(std::string_view text) { return scan_json(text, 64).valid; }

TEST(JsonScan, TakesWhatTheGrammarTakes) {
  for (const std::string_view text :
       {"null", " true ", "false", "0", "-0", "1.5e+10", "\"\"", "[]", "{}", "[1,2,[3]]",
        R"({"a":{"b":[{}]},"c":null})", "\t[\n1 ,\r2 ]", R"("\u00e9\n\/\ud83d\ude00")",
        "\"\xF0\x9F\x98\x80\xE2\x80\xA8\"", R"({"a":1,"a":2})", "[[],{}]", "\"\x7F\""}) {
    EXPECT_TRUE(valid(text)) << text;
  }
}

TEST(JsonScan, RefusesWhatItDoesNot) {
  for (const std::string_view text : {"",
                                      " ",
                                      "nul",
                                      "nulll",
                                      "True",
                                      "[",
                                      "]",
                                      "[1",
                                      "[1,]",
                                      "[,1]",
                                      "[1 2]",
                                      "{",
                                      "{}}",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{a:1}",
                                      "{1:1}",
                                      "{\"a\" 1}",
                                      "'a'",
                                      "\"a",
                                      "\"\\\"",
                                      "\"\\x41\"",
                                      "\"\\u12\"",
                                      "\"\\u-123\"",
                                      "\"\\ud800\"",
                                      "\"\\udc00\"",
                                      "\"\\ud800\\u0041\"",
                                      "\"\\ud800x\"",
                                      "\"\n\"",
                                      "\"\x80\"",
                                      "\"\xED\xA0\x80\"",
                                      "01",
                                      "1.",
                                      ".5",
                                      "+1",
                                      "-",
                                      "1e",
                                      "1e+",
                                      "0x1",
                                      "NaN",
                                      "Infinity",
                                      "1 1",
                                      "[] []",
                                      "// c\n1",
                                      "\xEF\xBB\xBF{}",
                                      "<html>",
                                      "[1}",
                                      "{\"a\":1]",
                                      "{,}",
                                      "[\"a\":1]"}) {
    EXPECT_FALSE(valid(text)) << text;
  }
  EXPECT_FALSE(valid(std::string_view("\"\0\"", 3)));
  EXPECT_FALSE(valid(std::string_view("1\0", 2)));
}

TEST(JsonScan, DepthIsCapped) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(scan_json(nested(200), 200).valid);
  EXPECT_FALSE(scan_json(nested(201), 200).valid);
  EXPECT_TRUE(scan_json(nested(kScanDepth), 100'000).valid) << "the cap is kScanDepth";
  EXPECT_FALSE(scan_json(nested(kScanDepth + 1), 100'000).valid);
  EXPECT_FALSE(scan_json(nested(5'000'000), kScanDepth).valid);
  std::string objects;
  for (int i = 0; i < 10'000; ++i) objects += "{\"a\":";
  EXPECT_FALSE(scan_json(objects, kScanDepth).valid);
  EXPECT_FALSE(scan_json("[]", 0).valid);
  EXPECT_TRUE(scan_json("1", 0).valid);
}

TEST(JsonScan, CountsValues) {
  EXPECT_EQ(scan_json("1", 8).values, 1u);
  EXPECT_EQ(scan_json("[]", 8).values, 1u);
  EXPECT_EQ(scan_json(R"({"a":1,"b":[true,"x"]})", 8).values, 5u);
}

TEST(JsonScan, TellsNumbersThatNoDoubleHolds) {
  for (const std::string_view text : {"1e308", "-1.7e308", "1e-400", "0e999999999999999999999",
                                      "0.0000001e-99999999999999999999", "1", "0.1e309"}) {
    EXPECT_TRUE(fits_double(text)) << text;
  }
  for (const std::string_view text : {"1e309", "-1e309", "1.8e308", "1e400", "1E+99999999999999999",
                                      "10000000000e300", "0.001e312"}) {
    EXPECT_FALSE(fits_double(text)) << text;
  }
  EXPECT_TRUE(fits_double("1" + std::string(307, '0')));
  EXPECT_TRUE(fits_double("1" + std::string(308, '0')));
  EXPECT_FALSE(fits_double("1" + std::string(309, '0')));
  EXPECT_FALSE(fits_double("1" + std::string(400, '0') + "e-10"));
  EXPECT_TRUE(fits_double("1" + std::string(400, '0') + "e-400"));
  EXPECT_TRUE(fits_double("0." + std::string(500, '0') + "1"));
  EXPECT_TRUE(fits_double("5." + std::string(500, '1')));
  EXPECT_FALSE(scan_json("[1,1e400]", 8).finite);
  EXPECT_TRUE(scan_json("[1,1e30]", 8).finite);
}

/// An outside opinion: random documents, whole and damaged, judged by another parser. Repeated
/// member names and numbers out of range are where the two differ by intent; neither occurs here.
TEST(JsonScan, AgreesWithAnotherParserOnDamagedDocuments) {
  std::mt19937_64 random(7);
  const std::string base =
      R"({"a":[1,-2.5e3,"x\u00e9\"",{"b":null,"c":[true,false,[],{}]}],"d":{"e":"\ud83d\ude00"}})";
  const std::string alphabet = "{}[]\":,\\u0123456789abcdefntrE+-. \t\xC3\xA9\x80";
  int valid_seen = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string text = base;
    for (std::uint64_t edits = 1 + random() % 2; edits > 0; --edits) {
      const std::size_t at = random() % text.size();
      const char c = alphabet[random() % alphabet.size()];
      switch (random() % 3) {
        case 0: text[at] = c; break;
        case 1: text.erase(at, 1); break;
        default: text.insert(at, 1, c);
      }
    }
    const JsonScan ours = scan_json(text, 64);
    if (ours.valid && !ours.finite) continue;
    ASSERT_EQ(ours.valid, nlohmann::json::accept(text)) << text;
    valid_seen += ours.valid ? 1 : 0;
  }
  EXPECT_GT(valid_seen, 20'000);
}

}  // namespace
}  // namespace tailrace::wire
