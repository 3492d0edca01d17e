#include "state/packing.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "state/errors.hpp"
#include "state/journal.hpp"
#include "state/snapshot.hpp"

namespace tailrace {
namespace {

IdentityHash hash(std::uint64_t high, std::uint64_t low) { return {high, low}; }

const std::vector<SnapshotEntry> kEntries{{hash(1, 9), 100}, {hash(1, 10), 0}, {hash(7, 0), 1}};
const std::vector<AbsentEntry> kAbsent{{0, 20'000}, {2, 20'100}};
const std::vector<EntryKeys> kKeys{
    {"a1", "a@example.org", "003x"}, {"", "", ""}, {std::string("z\0\x1F", 3), "", ""}};
const std::vector<IntentBatch> kIntents{
    {StateOp::write,
     2,
     "job 7",
     std::string(32, '\xAB'),
     {{hash(1, 9), 100, "a1", "a@example.org"}, {hash(7, 0), 1, "b", ""}}},
    {StateOp::remove, 1, "", "", {{hash(1, 10), 0, "c", ""}}}};
const std::vector<OutcomeBatch> kOutcomes{
    {41, 0, 1'700'000'000'123, {{RowOutcome::accepted, "003x"}, {RowOutcome::rejected, ""}}},
    {41, 1, -5, {{RowOutcome::unknown, ""}}}};
const std::vector<VoidBatch> kVoids{{41, 0},
                                    {std::numeric_limits<std::int64_t>::max(), UINT32_MAX}};

/// A blob, and what reading it gives, written again.
struct Sample {
  std::string name;
  std::string blob;
  std::function<std::string(const std::string&)> repack;
};

std::vector<Sample> samples() {
  return {
      {"entries", pack_entries(kEntries),
       [](const std::string& b) { return pack_entries(unpack_entries(b)); }},
      {"absent", pack_absent(kAbsent),
       [](const std::string& b) { return pack_absent(unpack_absent(b)); }},
      {"keys", pack_keys(kKeys), [](const std::string& b) { return pack_keys(unpack_keys(b)); }},
      {"intents", pack_intents(kIntents),
       [](const std::string& b) { return pack_intents(unpack_intents(b)); }},
      {"outcomes", pack_outcomes(kOutcomes),
       [](const std::string& b) { return pack_outcomes(unpack_outcomes(b)); }},
      {"voids", pack_voids(kVoids),
       [](const std::string& b) { return pack_voids(unpack_voids(b)); }},
  };
}

std::string body_of(const std::string& blob) { return blob.substr(0, blob.size() - 8); }

/// The body with a checksum that fits, so that what is behind the checksum is tried.
std::string reseal(std::string body) {
  const std::uint64_t sum = checksum(body);
  for (int i = 0; i < 8; ++i) body.push_back(static_cast<char>((sum >> (8 * i)) & 0xFF));
  return body;
}

std::string hex(const std::string& bytes) {
  std::string out;
  for (const char c : bytes) {
    constexpr const char* digits = "0123456789abcdef";
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

TEST(Packing, GivesBackWhatWentIn) {
  for (const Sample& sample : samples()) {
    EXPECT_EQ(sample.repack(sample.blob), sample.blob) << sample.name;
  }
  EXPECT_EQ(unpack_keys(pack_keys(kKeys)), kKeys);
  const std::vector<IntentBatch> intents = unpack_intents(pack_intents(kIntents));
  ASSERT_EQ(intents.size(), 2U);
  EXPECT_EQ(intents[0].op, StateOp::write);
  EXPECT_EQ(intents[0].attempt, 2U);
  EXPECT_EQ(intents[0].memo, "job 7");
  EXPECT_EQ(intents[0].body_sha256, std::string(32, '\xAB'));
  EXPECT_EQ(intents[0].rows.at(0).match, "a@example.org");
  EXPECT_EQ(intents[1].op, StateOp::remove);
  EXPECT_EQ(intents[1].rows.at(0).identity, hash(1, 10));
  const std::vector<OutcomeBatch> outcomes = unpack_outcomes(pack_outcomes(kOutcomes));
  EXPECT_EQ(outcomes.at(0).rows.at(0).destination_id, "003x");
  EXPECT_EQ(outcomes.at(1).sent_at_ms, -5);
  EXPECT_EQ(unpack_voids(pack_voids(kVoids)).at(1).intent_seq,
            std::numeric_limits<std::int64_t>::max());
}

TEST(Packing, BytesOfFormatOneStayAsTheyAre) {
  EXPECT_EQ(hex(body_of(pack_entries({kEntries[0]}))),
            "e101"
            "01"
            "0100000000000000"
            "0900000000000000"
            "6400000000000000");
  EXPECT_EQ(hex(body_of(pack_absent({{2, 300}}))),
            "e201"
            "01"
            "02000000"
            "2c010000");
  EXPECT_EQ(hex(body_of(pack_keys({{"k", "", "id"}}))),
            "e301"
            "01"
            "016b"
            "00"
            "026964");
  EXPECT_EQ(
      hex(body_of(pack_intents({{StateOp::remove, 300, "m", "", {{hash(1, 2), 3, "k", ""}}}}))),
      "e401"
      "01"
      "02"
      "ac02"
      "016d"
      "00"
      "01"
      "0100000000000000"
      "0200000000000000"
      "0300000000000000"
      "016b"
      "00");
  EXPECT_EQ(hex(body_of(pack_outcomes({{5, 1, 258, {{RowOutcome::accepted, "x"}}}}))),
            "e501"
            "01"
            "05"
            "01"
            "0201000000000000"
            "01"
            "01"
            "0178");
  EXPECT_EQ(hex(body_of(pack_voids({{5, 1}}))),
            "e601"
            "01"
            "05"
            "01");
  EXPECT_EQ(checksum(""), 0x2D06800538D394C2U) << "XXH3 of 64 bits, without a seed";
  EXPECT_EQ(checksum("tailrace"), 0xA4CAE4CB9CF477D9U);
}

TEST(Packing, NothingIsFoundInEmptyLists) {
  EXPECT_EQ(pack_absent({}), "");
  EXPECT_TRUE(unpack_absent("").empty());
  EXPECT_TRUE(unpack_entries(pack_entries({})).empty());
  EXPECT_TRUE(unpack_intents(pack_intents({})).empty());
  EXPECT_THROW(static_cast<void>(unpack_entries("")), StateLost);
}

TEST(Packing, EveryCutIsRefused) {
  for (const Sample& sample : samples()) {
    const std::size_t least = sample.name == "absent" ? 1 : 0;  // an empty blob has no absent entry
    for (std::size_t size = least; size < sample.blob.size(); ++size) {
      const std::string cut = sample.blob.substr(0, size);
      EXPECT_THROW(static_cast<void>(sample.repack(cut)), StateLost) << sample.name << " " << size;
    }
    EXPECT_THROW(static_cast<void>(sample.repack(sample.blob + '\0')), StateLost);
  }
}

TEST(Packing, EveryFlippedBitIsRefused) {
  for (const Sample& sample : samples()) {
    for (std::size_t bit = 0; bit < sample.blob.size() * 8; ++bit) {
      std::string flipped = sample.blob;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
      EXPECT_THROW(static_cast<void>(sample.repack(flipped)), StateLost) << sample.name << bit;
    }
  }
}

TEST(Packing, DamageBehindARightChecksumIsRefusedOrReadAsItStands) {
  std::mt19937_64 random(7);
  for (const Sample& sample : samples()) {
    const std::string body = body_of(sample.blob);
    for (std::size_t size = 0; size < body.size(); ++size) {
      EXPECT_THROW(static_cast<void>(sample.repack(reseal(body.substr(0, size)))), StateLost)
          << sample.name << " " << size;
    }
    for (int round = 0; round < 1000; ++round) {
      std::string damaged = body;
      for (std::uint64_t n = random() % 3 + 1; n > 0; --n) {
        const std::size_t bit = random() % (damaged.size() * 8);
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
      }
      try {
        static_cast<void>(sample.repack(reseal(damaged)));
      } catch (const StateLost&) {
        continue;
      }
    }
  }
}

TEST(Packing, HugeCountsAreRefusedBeforeAnythingIsAllocated) {
  const std::string huge = "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F";
  for (const Sample& sample : samples()) {
    const std::string body = body_of(sample.blob).substr(0, 2) + huge;
    EXPECT_THROW(static_cast<void>(sample.repack(reseal(body))), StateLost) << sample.name;
    EXPECT_THROW(static_cast<void>(sample.repack(reseal(body + std::string(64, 'x')))), StateLost);
  }
}

TEST(Packing, NumbersThatDoNotFitAreRefused) {
  const std::string too_long = "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02";
  EXPECT_THROW(
      static_cast<void>(unpack_voids(reseal("\xE6\x01\x01" + too_long + std::string(1, 0)))),
      StateLost);
  const std::string above_int64 = "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01";
  EXPECT_THROW(
      static_cast<void>(unpack_voids(reseal("\xE6\x01\x01" + above_int64 + std::string(1, 0)))),
      StateLost);
}

TEST(Packing, EntriesOutOfOrderAndOfOtherKindsAreRefused) {
  EXPECT_THROW(static_cast<void>(unpack_entries(pack_entries({kEntries[1], kEntries[0]}))),
               StateLost);
  EXPECT_THROW(static_cast<void>(unpack_entries(pack_entries({kEntries[1], kEntries[1]}))),
               StateLost);
  EXPECT_THROW(static_cast<void>(unpack_absent(pack_absent({{3, 1}, {3, 1}}))), StateLost);
  EXPECT_THROW(static_cast<void>(unpack_keys(pack_entries(kEntries))), StateLost);
  EXPECT_THROW(static_cast<void>(unpack_intents(pack_voids(kVoids))), StateLost);
}

TEST(Snapshot, BucketsHoldAboutFourThousandEntries) {
  EXPECT_EQ(bucket_bits_for(0), 0);
  EXPECT_EQ(bucket_bits_for(6144), 0);
  EXPECT_EQ(bucket_bits_for(6145), 1);
  for (std::size_t entries = 10'000; entries < 40'000'000; entries *= 3) {
    const std::size_t mean = entries >> bucket_bits_for(entries);
    EXPECT_GE(mean, 3072U);
    EXPECT_LE(mean, 6144U);
  }
}

TEST(Snapshot, TheLeadingBitsNameTheBucket) {
  EXPECT_EQ(bucket_of(hash(~0ULL, 0), 0), 0U);
  EXPECT_EQ(bucket_of(hash(0x8000000000000000U, 0), 1), 1U);
  EXPECT_EQ(bucket_of(hash(0xABCDEF0000000000U, 0), 24), 0xABCDEFU);
}

TEST(Snapshot, ShardsAreEvenAndIndependentOfTheBucket) {
  std::vector<int> counts(7);
  std::mt19937_64 random(3);
  for (int i = 0; i < 70'000; ++i) ++counts[shard_of({42, random()}, 7)];
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 500);
  EXPECT_EQ(shard_of({~0ULL, ~0ULL}, 7), 6U);
  EXPECT_EQ(shard_of({0, 0}, 7), 0U);
}

}  // namespace
}  // namespace tailrace
