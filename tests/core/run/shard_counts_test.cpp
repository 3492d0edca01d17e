// What shards count for each other: whose counts add up to the whole, and which are used up.

#include "run/shard_counts.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "state/errors.hpp"

namespace tailrace::testing {
namespace {

GuardFacts facts_of(std::uint64_t changed, std::uint64_t known) {
  GuardFacts facts;
  facts.counts.scanned = facts.counts.changed = changed;
  facts.counts.removed = facts.counts.gone = 1;
  facts.known = known;
  return facts;
}

ShardTally tally(const std::string& compared, std::int64_t generation = 1, bool acted = false) {
  ShardTally made;
  made.generation = generation;
  made.acted = acted;
  made.compared = compared;
  made.counts = counts_of(facts_of(10, 100));
  return made;
}

TEST(ShardCounts, AreReadAsTheyWereWritten) {
  const ShardTallies read = read_tallies({{3, "r", 5, to_text(tally("model", 7, true))}});
  ASSERT_TRUE(read.contains(3));
  EXPECT_EQ(read.at(3).generation, 7);
  EXPECT_TRUE(read.at(3).acted);
  EXPECT_EQ(read.at(3).compared, "model");
  for (const std::string text : {"", "7", "{", "[]"}) {
    EXPECT_THROW(static_cast<void>(read_tallies({{0, "r", 5, text}})), StateLost) << text;
  }
}

TEST(ShardCounts, OfOneModelAddUpToTheWhole) {
  const ShardTallies tallies{{0, tally("a")}, {1, tally("a")}, {2, tally("a")}};
  GuardFacts facts = facts_of(5, 50);
  EXPECT_TRUE(add_siblings(tallies, tally("a"), 1, facts));
  EXPECT_EQ(facts.counts.changed, 25u) << "its own once, and not as it was kept";
  EXPECT_EQ(facts.counts.removed, 3u);
  EXPECT_EQ(facts.known, 250u);
}

TEST(ShardCounts, OfAnotherModelAddNothing) {
  const ShardTallies tallies{{0, tally("a")}, {1, tally("a")}, {2, tally("b")}};
  GuardFacts facts = facts_of(5, 50);
  EXPECT_FALSE(add_siblings(tallies, tally("a"), 1, facts));
  EXPECT_EQ(facts.counts.changed, 5u);
  EXPECT_EQ(facts.known, 50u);
}

TEST(ShardCounts, AnEarlierCountOfItsOwnIsNoSiblings) {
  const ShardTallies tallies{{0, tally("a")}, {1, tally("earlier")}};
  GuardFacts facts = facts_of(5, 50);
  EXPECT_TRUE(add_siblings(tallies, tally("a"), 1, facts));
}

TEST(ShardCounts, WhatASiblingActedOnIsUsedUpInARoundWithoutAName) {
  const ShardTallies tallies{{0, tally("a", 1, true)}, {1, tally("a", 1, true)}};
  ShardTally own = tally("a", next_generation(tallies, 0));
  EXPECT_EQ(own.generation, 2);
  EXPECT_EQ(missing_siblings(tallies, own, 0, 3, false), 2);
  EXPECT_EQ(missing_siblings(tallies, own, 0, 3, true), 1);
}

TEST(ShardCounts, AShardThatNeverCountedIsInTheLatestRound) {
  EXPECT_EQ(next_generation({}, 0), 1);
  EXPECT_EQ(next_generation({{1, tally("a", 4)}, {2, tally("a", 3, true)}}, 0), 4);
  EXPECT_EQ(next_generation({{1, tally("a", 4, true)}}, 0), 5);
  EXPECT_EQ(next_generation({{0, tally("a", 2)}, {1, tally("a", 9, true)}}, 0), 2);
}

TEST(ShardCounts, OnlyModelsThatDifferMakeAShardCountAlone) {
  EXPECT_FALSE(counts_alone({}, 0, 2, true)) << "it has not counted itself";
  EXPECT_FALSE(counts_alone({{1, tally("b")}}, 0, 2, true));
  EXPECT_FALSE(counts_alone({{0, tally("a")}}, 0, 2, true)) << "its sibling has not";
  EXPECT_FALSE(counts_alone({{0, tally("a")}, {1, tally("a")}}, 0, 2, true));
  EXPECT_TRUE(counts_alone({{0, tally("a")}, {1, tally("b")}}, 0, 2, true));
  const ShardTallies used_up{{0, tally("a", 1, true)}, {1, tally("b", 1, true)}};
  EXPECT_FALSE(counts_alone(used_up, 0, 2, false)) << "they count anew";
  EXPECT_TRUE(counts_alone(used_up, 0, 2, true));
}

}  // namespace
}  // namespace tailrace::testing
