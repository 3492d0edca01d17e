#include "row/row_view.hpp"

#include <gtest/gtest.h>

#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace tailrace {
namespace {

std::string text_of(std::string_view raw) {
  std::string scratch;
  return std::string(Cell(raw).text(scratch));
}

std::string escaped(std::string_view text) {
  std::string out;
  append_escaped(out, text);
  return out;
}

Schema schema_of(std::size_t fields, std::size_t columns) {
  Schema schema;
  schema.columns.resize(columns);
  schema.field_count = fields;
  return schema;
}

std::string random_bytes(std::mt19937_64& random, std::size_t most) {
  // Bytes that mean something to COPY come often.
  static const std::string special = std::string("\\\t\n\r\b\f\v.Nbtx0178\"") + '\0';
  std::string out;
  const std::size_t n = random() % (most + 1);
  for (std::size_t i = 0; i < n; ++i) {
    out.push_back(random() % 2 == 0 ? special[random() % special.size()]
                                    : static_cast<char>(random() % 256));
  }
  return out;
}

TEST(Cell, NullIsNotTheEmptyTextAndNotTheLettersOfNull) {
  EXPECT_TRUE(Cell("\\N").is_null());
  EXPECT_FALSE(Cell("").is_null());
  EXPECT_FALSE(Cell("\\\\N").is_null());
  EXPECT_EQ(text_of("\\\\N"), "\\N");
  EXPECT_EQ(text_of(""), "");
}

TEST(Cell, TextWithoutEscapesIsAViewOfTheRow) {
  const std::string raw = "plain text";
  std::string scratch = "untouched";
  EXPECT_EQ(Cell(raw).text(scratch).data(), raw.data());
  EXPECT_EQ(scratch, "untouched");
}

TEST(Cell, UndoesEveryEscapeThatCopyFromKnows) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"\\b\\f\\n\\r\\t\\v\\\\", "\b\f\n\r\t\v\\"},
      {"a\\tb\\nc", "a\tb\nc"},
      {"\\101\\60\\7", std::string("A0\x07")},
      {"\\1011", "A1"},           // three octal digits at most
      {"\\18", std::string("\x01") + "8"},
      {"\\777", "\xff"},          // cut to a byte, as PostgreSQL does
      {"\\000", std::string(1, '\0')},
      {"\\x41\\x4a\\x4A", "AJJ"},
      {"\\x4", "\x04"},
      {"\\x4g", std::string("\x04") + "g"},
      {"\\x414", "A4"},           // two hex digits at most
      {"\\xg", "xg"},             // no digit: the letter itself
      {"\\x", "x"},
      {"\\q\\.\\\"", "q.\""},     // any other character stands for itself
      {"end\\", "end"},           // a backslash that ends the value is dropped
      {"\\\\x41", "\\x41"},       // bytea: an escaped backslash before hex is no escape
  };
  for (const auto& [raw, expected] : cases) EXPECT_EQ(text_of(raw), expected) << raw;
}

TEST(Cell, EscapingWritesTheOneFormOfCopyTo) {
  EXPECT_EQ(escaped("a\b\f\n\r\t\v\\z"), "a\\b\\f\\n\\r\\t\\v\\\\z");
  // Other control characters and bytes above 127 go as they are.
  EXPECT_EQ(escaped("\x01\x1f\x7f\xc3\xa9"), "\x01\x1f\x7f\xc3\xa9");
  EXPECT_EQ(escaped("\\N"), "\\\\N");
  EXPECT_EQ(escaped(""), "");
}

TEST(Cell, EveryTextSurvivesEscapingAndItsUndoing) {
  std::mt19937_64 random(20260101);
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = random_bytes(random, 40);
    const std::string raw = escaped(text);
    ASSERT_EQ(raw.find('\t'), std::string::npos);
    ASSERT_EQ(raw.find('\n'), std::string::npos);
    ASSERT_FALSE(Cell(raw).is_null());
    ASSERT_EQ(text_of(raw), text);
  }
}

TEST(Cell, TextOfHostileBytesStaysInBounds) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20'000; ++i) {
    // An exact allocation lets a sanitizer see a read past the end.
    const std::string bytes = random_bytes(random, 12);
    const std::vector<char> raw(bytes.begin(), bytes.end());
    const std::string text = text_of(std::string_view(raw.data(), raw.size()));
    ASSERT_LE(text.size(), raw.size());
  }
}

TEST(RowView, FindsEachColumn) {
  const Schema schema = schema_of(3, 4);
  const RowView row("a\t\t\\N\tkey", schema);
  EXPECT_EQ(row.cell(0).raw(), "a");
  EXPECT_EQ(row.cell(1).raw(), "");
  EXPECT_TRUE(row.cell(2).is_null());
  EXPECT_EQ(row.cell(3).raw(), "key");
  EXPECT_THROW(static_cast<void>(row.cell(4)), std::out_of_range);
}

TEST(RowView, ATabInsideAValueIsEscapedAndSeparatesNothing) {
  const Schema schema = schema_of(2, 2);
  const std::string line = escaped("left\tstill left") + "\t" + escaped("right");
  const RowView row(line, schema);
  std::string scratch;
  EXPECT_EQ(row.cell(0).text(scratch), "left\tstill left");
  EXPECT_EQ(row.cell(1).raw(), "right");
}

TEST(RowView, FieldsLeaveOutTheKeyColumnsBehindThem) {
  EXPECT_EQ(RowView("a\tb\tc", schema_of(3, 3)).fields(), "a\tb\tc");
  EXPECT_EQ(RowView("a\tb\tc", schema_of(2, 3)).fields(), "a\tb");
  EXPECT_EQ(RowView("a\t\t", schema_of(1, 3)).fields(), "a");
  EXPECT_EQ(RowView("\t\t", schema_of(1, 3)).fields(), "");
  EXPECT_THROW(static_cast<void>(RowView("a\tb", schema_of(1, 3)).fields()), std::out_of_range);
}

TEST(CellCursor, GivesEveryColumnOnceEmptyOnesToo) {
  CellCursor cursor("\ta\t");
  EXPECT_EQ(cursor.next()->raw(), "");
  EXPECT_EQ(cursor.next()->raw(), "a");
  EXPECT_EQ(cursor.next()->raw(), "");
  EXPECT_FALSE(cursor.next().has_value());
  EXPECT_FALSE(cursor.next().has_value());
}

}  // namespace
}  // namespace tailrace
