#include "row/line_store.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <system_error>

namespace tailrace {
namespace {

/// Lines in memory; counts what is read.
struct Text final : LineStore {
  std::string text;
  mutable int reads = 0;
  std::size_t read(std::uint64_t offset, std::span<char> into) const override {
    ++reads;
    return std::string_view(text)
        .substr(std::min<std::size_t>(offset, text.size()))
        .copy(into.data(), into.size());
  }
};

TEST(LineCursor, GivesEachLineInTheBatchsOrder) {
  auto store = std::make_shared<Text>();
  store->text = "..second...first..third";
  auto lines = std::make_shared<StoredLines>();
  lines->store = store;
  lines->places = {{11, 5}, {2, 6}, {0, 0}, {18, 5}};
  LineCursor cursor(lines);
  EXPECT_EQ(cursor.next(), "first");
  EXPECT_EQ(cursor.next(), "second");
  EXPECT_EQ(cursor.next(), "");
  EXPECT_EQ(cursor.next(), "third");
  EXPECT_EQ(cursor.next(), std::nullopt);
  EXPECT_EQ(cursor.next(), std::nullopt);
}

TEST(LineCursor, ReadsManyLinesAtOnce) {
  auto store = std::make_shared<Text>();
  auto lines = std::make_shared<StoredLines>();
  constexpr std::size_t kRows = 100'000;
  for (std::size_t i = 0; i < kRows; ++i) {
    const std::string line = "row " + std::to_string(i);
    lines->places.push_back({store->text.size(), static_cast<std::uint32_t>(line.size())});
    store->text += line + "\n";
  }
  lines->store = store;
  LineCursor cursor(lines);
  for (std::size_t i = 0; i < kRows; ++i) {
    ASSERT_EQ(cursor.next(), "row " + std::to_string(i));
  }
  EXPECT_LE(store->reads, static_cast<int>(store->text.size() / LineCursor::kWindowBytes) + 2);
}

TEST(LineCursor, TakesALineLongerThanItsWindow) {
  auto store = std::make_shared<Text>();
  store->text = "a" + std::string(3 * LineCursor::kWindowBytes, 'x') + "b";
  auto lines = std::make_shared<StoredLines>();
  lines->store = store;
  lines->places = {{0, 1},
                   {1, static_cast<std::uint32_t>(3 * LineCursor::kWindowBytes)},
                   {store->text.size() - 1, 1}};
  LineCursor cursor(lines);
  EXPECT_EQ(cursor.next(), "a");
  EXPECT_EQ(cursor.next(), std::string(3 * LineCursor::kWindowBytes, 'x'));
  EXPECT_EQ(cursor.next(), "b");
}

TEST(LineCursor, SaysWhichFieldsAreSent) {
  auto store = std::make_shared<Text>();
  store->text = "ab";
  auto lines = std::make_shared<StoredLines>();
  lines->store = store;
  lines->places = {{0, 1}, {1, 1}};
  LineCursor all(lines);
  static_cast<void>(all.next());
  EXPECT_EQ(all.send(), "");
  lines->fields = 2;
  lines->send = std::string("\1\0\0\1", 4);
  LineCursor some(lines);
  static_cast<void>(some.next());
  EXPECT_EQ(some.send(), std::string("\1\0", 2));
  static_cast<void>(some.next());
  EXPECT_EQ(some.send(), std::string("\0\1", 2));
}

TEST(LineCursor, AStoreThatWasCutIsAnError) {
  auto store = std::make_shared<Text>();
  store->text = "short";
  auto lines = std::make_shared<StoredLines>();
  lines->store = store;
  lines->places = {{0, 50}};
  LineCursor cursor(lines);
  EXPECT_THROW(static_cast<void>(cursor.next()), std::system_error);
}

}  // namespace
}  // namespace tailrace
