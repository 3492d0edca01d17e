#include "wire/hostile_text.hpp"

#include <random>

namespace tailrace::wire {
namespace {

std::vector<std::string> hand_picked() {
  return {
      "",
      " ",
      "\"",
      "\\",
      "\\\\",
      "\\\"",
      "\\u0041",
      "\\N",
      "\\.",
      "/",
      "</script>",
      "{}",
      "[]",
      "null",
      "true",
      "NaN",
      "-Infinity",
      "1e400",
      "{\"a\":1}",
      "\"}],\"x\":[{\"",
      "\n",
      "\r\n",
      "\t",
      "\b\f\v",
      "a\x01\x02\x1F",
      "\x7F",
      "\x1B[31mred",
      "#N/A",
      "=1+1",
      "+1",
      "-1",
      "@SUM(A1)",
      "=cmd|' /C calc'!A0",
      "{{7*7}}",
      "${7*7}",
      "#{7*7}",
      "<%= 7*7 %>",
      "{% raw %}",
      "$rows",
      "$row",
      "{key}",
      "{match}",
      "' OR 1=1 --",
      "'; DROP TABLE x; --",
      "../../etc/passwd",
      "%00",
      "%2e%2e%2f",
      "a,b;c|d",
      "\"quoted\",cell",
      " leading",
      "trailing ",
      "\xEF\xBB\xBF"
      "bom first",
      "\xE2\x80\xA8\xE2\x80\xA9",
      "\xE2\x80\xAE"
      "rtl",
      "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D",
      "e\xCC\x81\xCC\x81\xCC\x81",
      "\xC2\xA0nbsp\xC2\xA0",
      "\xEF\xBF\xBD",
      "\xEF\xBF\xBE",
      "\xEF\xBF\xBF",
      "\xF0\x9F\x98\x80",
      "\xF4\x8F\xBF\xBF",
      "\xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9",
      "\xC4\xB0I\xC4\xB1i",
      "\xC3\x9F",
      "\xED\x9F\xBF\xEE\x80\x80",
      "\xE2\x80\x8B",
      "\xC2\x85",
      "\xDF\xBF\xE0\xA0\x80",
      std::string(1, '\0'),
      std::string("a\0b", 3),
      std::string(70'000, 'x'),
      std::string(5'000, '"'),
      std::string(5'000, '\\'),
  };
}

}  // namespace

std::vector<std::string> hostile_texts() {
  std::vector<std::string> texts = hand_picked();
  const std::vector<std::string> parts = hand_picked();
  std::mt19937_64 random(500);
  while (texts.size() < 600) {
    std::string text;
    for (std::uint64_t count = 1 + random() % 4; count > 0; --count) {
      const std::string& part = parts[random() % parts.size()];
      if (part.size() < 100) text += part;
      text.append(random() % 9, 'a');
    }
    texts.push_back(std::move(text));
  }
  return texts;
}

}  // namespace tailrace::wire
