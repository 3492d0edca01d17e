#include <gtest/gtest.h>

#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "diff/differ.hpp"
#include "diff_fixture.hpp"
#include "source/reader.hpp"
#include "source/source.hpp"

namespace tailrace {
namespace {

using Lines = std::vector<std::string>;

/// email (the match field), score, at: what time zones and locales write in their own ways.
Schema accounts() {
  Schema schema;
  schema.columns = {{"email", Type::text, Nulls::clear, kDefaultDigits},
                    {"score", Type::floating, Nulls::clear, kDefaultDigits},
                    {"at", Type::timestamptz, Nulls::clear, kDefaultDigits}};
  schema.field_count = 3;
  schema.key = {0};
  return schema;
}

Lines model_of(int rows) {
  Lines lines;
  for (int i = 0; i < rows; ++i) {
    lines.push_back("k" + std::to_string(i) + "@x.org\t" + std::to_string(i) +
                    ".25\t2026-03-29 02:30:00+00");
  }
  lines.insert(lines.end(), {"twice@x.org\t1\t\\N", "twice@x.org\t2.5\t\\N", "\\N\t3\t\\N"});
  return lines;
}

Hasher fixed_hasher() {
  Hasher::Secret secret{};
  for (std::size_t i = 0; i < secret.size(); ++i) secret[i] = static_cast<std::uint8_t>(i * 7);
  return {secret, "m1"};
}

/// Every fourth row is known as it is, every fourth with another version; some left the model.
void fill(StateView& state, const Schema& schema, const Hasher& hasher) {
  std::string scratch;
  const Lines model = model_of(200);
  for (std::size_t i = 0; i < 200; i += 2) {
    const RowView row(model[i], schema);
    const std::string email = model[i].substr(0, model[i].find('\t'));
    const StateTable::Slot slot = state.table.insert(hasher.identity(email));
    state.table.version(slot) = hasher.version(row, scratch) ^ (i % 4 == 0 ? 0 : 1);
    state.table.marks(slot).acknowledged = true;
  }
  for (int i = 0; i < 9; ++i) {
    const IdentityHash gone = hasher.identity("gone" + std::to_string(i) + "@x.org");
    state.table.marks(state.table.insert(gone)).in_doubt = true;
    state.doubts[gone].keys = {"gone" + std::to_string(i) + "@x.org", {}, {}};
  }
}

/// Plans `next`'s chunks against that state.
template <typename Next>
std::string fingerprint_of(const Next& next) {
  const Schema schema = accounts();
  const Hasher hasher = fixed_hasher();
  StateView state;
  fill(state, schema, hasher);
  Changeset changes(".");
  DiffOptions options;
  options.on_removed = OnRemoved::delete_;
  Differ differ(schema, hasher, state, options, changes);
  Chunk chunk;
  while (next(chunk)) differ.consume(chunk);
  differ.finish({0, [](std::uint32_t) { return SnapshotBucket{}; }, {}});
  EXPECT_EQ(differ.counts().added, 100u);
  EXPECT_EQ(differ.counts().changed, 50u);
  EXPECT_EQ(differ.counts().removed, 9u);
  EXPECT_EQ(differ.counts().invalid, 3u);
  return differ.plan_fingerprint();
}

class Cut {
 public:
  Cut(const Lines& lines, std::size_t rows) : lines_(lines), rows_(rows) {}
  bool operator()(Chunk& chunk) {
    chunk.clear();
    for (std::size_t i = 0; i < rows_ && at_ < lines_.size(); ++i) chunk.append(lines_[at_++]);
    return chunk.rows() > 0;
  }

 private:
  const Lines& lines_;
  std::size_t rows_;
  std::size_t at_ = 0;
};

class CutSource final : public Source {
 public:
  CutSource(const Lines& lines, std::size_t rows) : cut_(lines, rows) {}
  std::vector<SourceColumn> open() override { return {}; }
  bool next(Chunk& chunk) override { return cut_(chunk); }
  void cancel() noexcept override {}
  std::string encoding() const override { return "memory/1"; }

 private:
  Cut cut_;
};

std::string fingerprint_of(const Lines& lines, std::size_t chunk_rows) {
  Cut cut(lines, chunk_rows);
  return fingerprint_of([&](Chunk& chunk) { return cut(chunk); });
}

// With this secret, on every machine.
constexpr const char* kGolden = "578a3eaa044e30cb90c06f244acf29fc";

TEST(PlanFingerprint, IsEqualWhateverTheScanOrder) {
  Lines lines = model_of(200);
  std::mt19937 random(5);
  for (int times = 0; times < 20; ++times) {
    EXPECT_EQ(fingerprint_of(lines, 64), kGolden);
    std::shuffle(lines.begin(), lines.end(), random);
  }
}

TEST(PlanFingerprint, IsEqualHoweverTheModelComesInChunks) {
  const Lines lines = model_of(200);
  for (const std::size_t rows : {1u, 2u, 15u, 16u, 17u, 100u, 1000u}) {
    EXPECT_EQ(fingerprint_of(lines, rows), kGolden) << rows;
  }
}

TEST(PlanFingerprint, IsEqualWhicheverThreadReads) {
  const Lines lines = model_of(200);
  for (const std::size_t rows : {1u, 7u, 300u}) {
    Reader reader(std::make_unique<CutSource>(lines, rows));
    (void)reader.open();
    EXPECT_EQ(fingerprint_of([&](Chunk& chunk) { return reader.next(chunk); }), kGolden) << rows;
  }
}

TEST(PlanFingerprint, IsEqualInEveryTimeZoneAndLocale) {
  const char* const zone = std::getenv("TZ");
  const std::string before = zone == nullptr ? "" : zone;
  const std::string locale = std::setlocale(LC_ALL, nullptr);
  const Lines lines = model_of(200);
  for (const char* there : {"UTC", "America/New_York", "Asia/Kathmandu", "<-03>3"}) {
    ::setenv("TZ", there, 1);
    ::tzset();
    for (const char* name : {"C", "C.UTF-8", "de_DE.UTF-8", "tr_TR.UTF-8", ""}) {
      std::setlocale(LC_ALL, name);  // one that is not installed leaves the last one
      EXPECT_EQ(fingerprint_of(lines, 64), kGolden) << there << " " << name;
    }
  }
  std::setlocale(LC_ALL, locale.c_str());
  if (zone == nullptr) {
    ::unsetenv("TZ");
  } else {
    ::setenv("TZ", before.c_str(), 1);
  }
  ::tzset();
}

TEST(PlanFingerprint, DiffersWithEveryValueThatIsSent) {
  Lines lines = model_of(200);
  std::swap(lines[1], lines[199]);
  lines[1] = "k199@x.org\t199.26\t2026-03-29 02:30:00+00";
  EXPECT_NE(fingerprint_of(lines, 64), kGolden);
}

}  // namespace
}  // namespace tailrace
