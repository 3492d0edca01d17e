// Which fields of a row differ from what is kept of them, whatever bytes are kept.
#include "run/field_choice.hpp"

#include <gtest/gtest.h>

namespace tailrace {
namespace {

class FieldChoiceTest : public ::testing::Test {
 protected:
  FieldChoiceTest() : hasher_(Hasher::Secret{}, "mapping") {
    schema_.columns = {{"id", Type::text}, {"v", Type::text}, {"x", Type::floating}};
    schema_.field_count = 3;
    schema_.key = {0};
  }

  [[nodiscard]] std::string hashes(const std::string& line) {
    FieldChoice choice(schema_, hasher_);
    std::string out;
    choice.hashes_of(RowView(line, schema_), out);
    return out;
  }
  [[nodiscard]] std::string differing(std::string_view before, const std::string& line) {
    return FieldChoice(schema_, hasher_).differing(before, hashes(line));
  }

  Hasher hasher_;
  Schema schema_;
};

TEST_F(FieldChoiceTest, MarksTheFieldsThatDiffer) {
  const std::string before = hashes("k\ta\t1");
  EXPECT_EQ(differing(before, "k\ta\t1"), "");
  EXPECT_EQ(differing(before, "k\tb\t1"), std::string("\0\1\0", 3));
  EXPECT_EQ(differing(before, "k\t\\N\t2"), std::string("\0\1\1", 3));
  EXPECT_EQ(differing("", "k\ta\t1"), "\1\1\1") << "of nothing is anything known";
}

TEST_F(FieldChoiceTest, ANumberThatDiffersInItsLastDigitsIsTheSame) {
  EXPECT_EQ(differing(hashes("k\ta\t0.1"), "k\ta\t0.10000000000000001"), "");
  EXPECT_NE(differing(hashes("k\ta\t0.1"), "k\ta\t0.1001"), "");
}

TEST_F(FieldChoiceTest, AFieldIsKnownByItsName) {
  const std::string before = hashes("k\ta\t1");
  schema_.columns[1].name = "renamed";
  EXPECT_EQ(differing(before, "k\ta\t1"), std::string("\0\1\0", 3));
}

TEST_F(FieldChoiceTest, WhatIsKeptIsOfOneVersion) {
  const std::string row = hashes("k\ta\t1");
  const std::string kept = fields_of_version(7, row);
  EXPECT_EQ(fields_at(7, kept), row);
  EXPECT_EQ(fields_at(8, kept), "");
  EXPECT_EQ(fields_at(7, row), "") << "as it was kept without a version";
  EXPECT_EQ(fields_at(0, ""), "");
  EXPECT_EQ(fields_at(7, fields_of_version(7, "")), "");
}

TEST_F(FieldChoiceTest, BytesThatAreCutAreNothing) {
  const std::string kept = fields_of_version(7, hashes("k\ta\t1"));
  for (std::size_t bytes = 0; bytes < kept.size(); ++bytes) {
    const std::string_view known = fields_at(7, std::string_view(kept).substr(0, bytes));
    EXPECT_EQ(known.size() % 16, 0u) << bytes;
    if (known.empty()) continue;
    EXPECT_NE(differing(known, "k\ta\t1"), "") << bytes;
  }
}

}  // namespace
}  // namespace tailrace
