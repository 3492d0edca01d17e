#include "wire/json_writer.hpp"

#include <limits>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "wire/hostile_text.hpp"

namespace tailrace::wire {
namespace {

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

TEST(JsonWriter, PutsCommasWhereTheyBelong) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.key("a");
  json.begin_array();
  json.integer(1);
  json.begin_object();
  json.end_object();
  json.begin_array();
  json.end_array();
  json.null();
  json.end_array();
  json.key("b");
  json.boolean(true);
  json.key("c");
  json.begin_object();
  json.key("d");
  json.raw("1e5");
  json.end_object();
  json.key("e");
  json.string("x");
  json.end_object();
  EXPECT_EQ(out, R"({"a":[1,{},[],null],"b":true,"c":{"d":1e5},"e":"x"})");
}

TEST(JsonWriter, WritesEveryIntegerExactly) {
  std::string out;
  JsonWriter json(out);
  json.begin_array();
  json.integer(std::numeric_limits<std::int64_t>::min());
  json.integer(-1);
  json.integer(0);
  json.integer(std::numeric_limits<std::int64_t>::max());
  json.end_array();
  EXPECT_EQ(out, "[-9223372036854775808,-1,0,9223372036854775807]");
}

TEST(JsonWriter, EscapesWhatJsonWantsEscapedAndNothingElse) {
  EXPECT_EQ(json_string("a\"b\\c/d"), R"("a\"b\\c/d")");
  EXPECT_EQ(json_string("\b\f\n\r\t\v\x1F\x7F"), "\"\\b\\f\\n\\r\\t\\u000b\\u001f\x7F\"");
  EXPECT_EQ(json_string(std::string_view("\0", 1)), R"("\u0000")");
  EXPECT_EQ(json_string("\xE2\x80\xA8\xF0\x9F\x98\x80"), "\"\xE2\x80\xA8\xF0\x9F\x98\x80\"");
}

TEST(JsonWriter, FindsASpecialByteWhereverItStands) {
  for (std::size_t length = 1; length <= 40; ++length) {
    for (std::size_t at = 0; at < length; ++at) {
      for (const char special : {'"', '\\', '\x01', '\n', '\x1F'}) {
        std::string text(length, '!');  // the byte beside the quote
        text[at] = special;
        ASSERT_EQ(nlohmann::json::parse(json_string(text)).get<std::string>(), text)
            << length << " bytes, special at " << at;
      }
    }
  }
}

TEST(JsonWriter, BytesThatAreNoUtf8BecomeReplacementCharacters) {
  EXPECT_EQ(json_string("a\x80z"), "\"a\xEF\xBF\xBDz\"");
  EXPECT_EQ(json_string("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
  EXPECT_EQ(json_string("cut \xE2\x82"), "\"cut \xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST(JsonWriter, HostileTextComesBackAsItWas) {
  const std::vector<std::string> corpus = hostile_texts();
  ASSERT_GE(corpus.size(), 500u);
  std::string out;
  JsonWriter json(out);
  json.begin_array();
  for (const std::string& text : corpus) json.string(text);
  json.end_array();
  const nlohmann::json parsed = nlohmann::json::parse(out);
  ASSERT_EQ(parsed.size(), corpus.size());
  for (std::size_t i = 0; i < corpus.size(); ++i) {
    EXPECT_EQ(parsed[i].get<std::string>(), corpus[i]) << "text " << i;
  }
}

TEST(JsonWriter, HostileNamesComeBackAsTheyWere) {
  for (const std::string& text : hostile_texts()) {
    std::string out;
    JsonWriter json(out);
    json.begin_object();
    json.key(text);
    json.integer(1);
    json.end_object();
    EXPECT_EQ(nlohmann::json::parse(out).begin().key(), text);
  }
}

}  // namespace
}  // namespace tailrace::wire
