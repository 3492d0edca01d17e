#include "wire/utf8.hpp"

#include <string>

#include <gtest/gtest.h>

namespace tailrace::wire {
namespace {

TEST(Utf8, KnowsWellFormedSequences) {
  EXPECT_EQ(utf8_sequence("a"), 1u);
  EXPECT_EQ(utf8_sequence("\xC3\xA9"), 2u);
  EXPECT_EQ(utf8_sequence("\xE2\x82\xAC"), 3u);
  EXPECT_EQ(utf8_sequence("\xF0\x9F\x98\x80"), 4u);
  EXPECT_EQ(utf8_sequence("\xF4\x8F\xBF\xBF"), 4u);
  EXPECT_EQ(utf8_sequence("\xEF\xBB\xBF"), 3u);
}

TEST(Utf8, RefusesWhatIsNotOne) {
  const std::string_view bad[] = {"",
                                  "\x80",              // stray continuation
                                  "\xC0\x80",          // overlong NUL
                                  "\xC1\xBF",          // overlong
                                  "\xE0\x9F\xBF",      // overlong
                                  "\xF0\x8F\xBF\xBF",  // overlong
                                  "\xED\xA0\x80",      // surrogate
                                  "\xED\xBF\xBF",      // surrogate
                                  "\xF4\x90\x80\x80",  // above U+10FFFF
                                  "\xF5\x80\x80\x80",
                                  "\xFF",
                                  "\xC3",  // cut
                                  "\xE2\x82",
                                  "\xF0\x9F\x98",
                                  "\xC3(",
                                  "\xE2(\xAC",
                                  "\xF0\x9F(\x80"};
  for (const std::string_view text : bad) EXPECT_EQ(utf8_sequence(text), 0u) << text;
}

TEST(Utf8, FindsABadByteWhereverItStands) {
  for (std::size_t length = 1; length <= 40; ++length) {
    for (std::size_t at = 0; at < length; ++at) {
      std::string text(length, 'a');
      ASSERT_TRUE(is_utf8(text));
      text[at] = '\x80';
      ASSERT_FALSE(is_utf8(text)) << length << " bytes, bad at " << at;
    }
  }
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("plain ascii, then \xE2\x82\xAC and \xF0\x9F\x98\x80 at the end"));
}

TEST(Utf8, CutsBetweenCharacters) {
  const std::string euros = "\xE2\x82\xAC\xE2\x82\xAC";
  EXPECT_EQ(utf8_prefix(euros, 6), euros);
  EXPECT_EQ(utf8_prefix(euros, 5), "\xE2\x82\xAC");
  EXPECT_EQ(utf8_prefix(euros, 4), "\xE2\x82\xAC");
  EXPECT_EQ(utf8_prefix(euros, 3), "\xE2\x82\xAC");
  EXPECT_EQ(utf8_prefix(euros, 2), "");
  EXPECT_EQ(utf8_prefix("abc", 2), "ab");
  EXPECT_EQ(utf8_prefix("\x80\x80\x80\x80\x80\x80", 5).size(), 2u) << "not UTF-8: cut somewhere";
}

TEST(Utf8, TrimsAsciiSpaceOnly) {
  EXPECT_EQ(trimmed(" \t\r\n\v\f x y \n"), "x y");
  EXPECT_EQ(trimmed("   "), "");
  EXPECT_EQ(trimmed("\xC2\xA0x"), "\xC2\xA0x");
}

}  // namespace
}  // namespace tailrace::wire
