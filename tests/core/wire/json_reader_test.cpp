#include "wire/json_reader.hpp"

#include <string>

#include <gtest/gtest.h>

namespace tailrace::wire {
namespace {

Reply reply_of(std::string body, std::string content_type = "application/json") {
  Reply reply;
  reply.status = 200;
  reply.body = std::move(body);
  reply.headers = {{"content-type", std::move(content_type)}};
  return reply;
}

TEST(JsonReader, ReadsADocument) {
  const auto parsed = read_json(R"({"a":[1,2.5,"x"],"b":null})");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->at("a").at(2), "x");
}

TEST(JsonReader, WhatIsNotOneWholeDocumentIsNothing) {
  for (const std::string_view text :
       {"", " ", "{", "{\"a\":", "[1,2", "\xEF\xBB\xBF{}", "<html></html>", "OK", "{}{}",
        "{\"a\":1}garbage", "\"\xFF\"", "[1e400]", "\x1F\x8B\x08"}) {
    EXPECT_FALSE(read_json(text)) << text;
  }
  EXPECT_FALSE(read_json(std::string_view("{\0}", 3)));
  std::string utf16;
  for (const char c : std::string("{\"a\":1}")) utf16 += std::string(1, c) + '\0';
  EXPECT_FALSE(read_json(utf16));
}

TEST(JsonReader, BytesDepthAndCountAreCapped) {
  const JsonLimits limits{20, 3, 5};
  EXPECT_TRUE(read_json("[[[1]]]", limits));
  EXPECT_FALSE(read_json("[[[[1]]]]", limits));
  EXPECT_TRUE(read_json("[1,2,3,4]", limits));
  EXPECT_FALSE(read_json("[1,2,3,4,5]", limits));
  EXPECT_FALSE(read_json("\"" + std::string(20, 'x') + "\"", limits));
  EXPECT_FALSE(read_json(std::string(100'000, '[')));
  std::string zeros = "[0";
  for (int i = 0; i < 300'000; ++i) zeros += ",0";
  EXPECT_FALSE(read_json(zeros + "]"));
}

TEST(JsonReader, ACharsetThatIsNotUtf8IsNotRead) {
  EXPECT_TRUE(read_json(reply_of("{}")));
  EXPECT_TRUE(read_json(reply_of("{}", "")));
  EXPECT_TRUE(read_json(reply_of("{}", "application/json; charset=UTF-8")));
  EXPECT_TRUE(read_json(reply_of("{}", "application/json;charset=\"utf-8\"; q=1")));
  EXPECT_FALSE(read_json(reply_of("{}", "application/json; charset=utf-16")));
  EXPECT_FALSE(read_json(reply_of("{}", "application/json; charset=ISO-8859-1")));
}

TEST(JsonReader, PathsLeadToMembersAndNowhereElse) {
  const nlohmann::json value = nlohmann::json::parse(R"({"a":{"b":{"c":7}},"l":[1],"s":"x"})");
  ASSERT_NE(at_path(value, "a.b.c"), nullptr);
  EXPECT_EQ(*at_path(value, "a.b.c"), 7);
  EXPECT_EQ(at_path(value, ""), &value);
  for (const std::string_view path : {"a.x", "a.b.c.d", "l.0", "s.x", "x", ".", "a..b"}) {
    EXPECT_EQ(at_path(value, path), nullptr) << path;
  }
}

TEST(JsonReader, ScalarsAreText) {
  const nlohmann::json value = nlohmann::json::parse(
      R"({"s":"x","i":9007199254740993,"u":18446744073709551615,"f":0.5,"t":true,"n":null,"o":{},"l":[]})");
  EXPECT_EQ(text_at(value, "s"), "x");
  EXPECT_EQ(text_at(value, "i"), "9007199254740993");
  EXPECT_EQ(text_at(value, "u"), "18446744073709551615");
  EXPECT_EQ(text_at(value, "f"), "0.5");
  EXPECT_EQ(text_at(value, "t"), "true");
  for (const std::string_view name : {"n", "o", "l", "missing"})
    EXPECT_EQ(text_at(value, name), "");
}

TEST(JsonReader, KnowsAPageForPeople) {
  EXPECT_TRUE(looks_like_html(reply_of("", "text/html")));
  EXPECT_TRUE(looks_like_html(reply_of("{}", "Text/HTML; charset=utf-8")));
  EXPECT_TRUE(looks_like_html(reply_of("  <!doctype html>", "application/json")));
  EXPECT_TRUE(looks_like_html(reply_of("\xEF\xBB\xBF<html>", "")));
  EXPECT_FALSE(looks_like_html(reply_of("{\"a\":\"<b>\"}")));
  EXPECT_FALSE(looks_like_html(reply_of("", "")));
}

}  // namespace
}  // namespace tailrace::wire
