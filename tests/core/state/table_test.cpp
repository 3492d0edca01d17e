#include "state/table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>

namespace tailrace {
namespace {

TEST(StateTable, FindsWhatWasPutInAndNothingElse) {
  StateTable table;
  std::map<IdentityHash, Version> expected;
  std::mt19937_64 random(1);
  for (int i = 0; i < 50'000; ++i) {
    const IdentityHash identity{random(), random() % 1000};
    table.version(table.insert(identity)) = static_cast<Version>(i);
    expected[identity] = static_cast<Version>(i);
  }
  ASSERT_EQ(table.size(), expected.size());
  for (const auto& [identity, version] : expected) {
    const StateTable::Slot slot = table.find(identity);
    ASSERT_NE(slot, StateTable::kNone);
    EXPECT_EQ(table.version(slot), version);
    EXPECT_EQ(table.identity(slot), identity);
  }
  for (int i = 0; i < 50'000; ++i) {
    const IdentityHash identity{random(), random()};
    EXPECT_EQ(table.find(identity) == StateTable::kNone, !expected.contains(identity));
  }
}

TEST(StateTable, ANewEntryHasVersionZeroAndNoMarks) {
  StateTable table;
  const StateTable::Slot slot = table.insert({1, 2});
  const StateTable::Marks& marks = table.marks(slot);
  EXPECT_EQ(table.version(slot), 0U);
  EXPECT_TRUE(marks.used);
  EXPECT_FALSE(marks.acknowledged || marks.absent || marks.in_doubt || marks.rejected);
  EXPECT_EQ(marks.seen, Seen::no);
}

TEST(StateTable, InsertingAgainGivesTheSameSlot) {
  StateTable table;
  const StateTable::Slot slot = table.insert({1, 2});
  table.marks(slot).acknowledged = true;
  EXPECT_EQ(table.insert({1, 2}), slot);
  EXPECT_TRUE(table.marks(slot).acknowledged);
  EXPECT_EQ(table.size(), 1U);
}

TEST(StateTable, GrowingKeepsMarks) {
  StateTable table;
  for (std::uint64_t i = 0; i < 5000; ++i) {
    StateTable::Marks& marks = table.marks(table.insert({i << 51, i}));
    marks.seen = Seen::duplicate;
    marks.in_doubt = i % 2 == 0;
  }
  for (std::uint64_t i = 0; i < 5000; ++i) {
    const StateTable::Marks& marks = table.marks(table.find({i << 51, i}));
    EXPECT_EQ(marks.seen, Seen::duplicate);
    EXPECT_EQ(marks.in_doubt, i % 2 == 0);
  }
}

TEST(StateTable, TheLastSlotsRunOverToTheFirst) {
  StateTable table;
  constexpr std::uint64_t most = UINT64_MAX;
  for (std::uint64_t i = 0; i < 40; ++i) table.insert({most, i});
  for (std::uint64_t i = 0; i < 40; ++i) EXPECT_NE(table.find({most, i}), StateTable::kNone);
  EXPECT_EQ(table.find({most, 40}), StateTable::kNone);
  EXPECT_EQ(table.find({0, 0}), StateTable::kNone);
}

TEST(StateTable, SlotsFollowTheOrderOfTheHash) {
  constexpr std::size_t count = 100'000;
  StateTable table(count);
  std::mt19937_64 random(5);
  std::map<std::uint64_t, int> sorted;
  while (sorted.size() < count) sorted.emplace(random(), 0);
  std::size_t before = 0;
  std::size_t farthest = 0;
  for (const auto& [high, unused] : sorted) {
    const StateTable::Slot slot = table.insert({high, 0});
    if (slot + table.capacity() / 2 < before) break;  // the end has run over to the front
    farthest = std::max(farthest, slot > before ? slot - before : before - slot);
    before = slot;
  }
  EXPECT_GT(before, table.capacity() * 99 / 100);
  EXPECT_LT(farthest, 64U) << "a sorted snapshot is written from front to back";
}

TEST(StateTable, NeedsNoMoreThanFortyBytesARowWhereTheNumberIsKnown) {
  constexpr std::size_t count = 200'000;
  StateTable table(count);
  const std::size_t before = table.capacity();
  std::mt19937_64 random(5);
  for (std::size_t i = 0; i < count; ++i) table.insert({random(), random()});
  EXPECT_EQ(table.capacity(), before) << "it was made large enough";
  EXPECT_LE(table.capacity() * 25, count * 40);
}

}  // namespace
}  // namespace tailrace
