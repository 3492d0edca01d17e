// Our canonical text against the text that a PostgreSQL server writes for the same values.

#include "source/arrow_text.hpp"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "source/postgres_source.hpp"
#include "source/reading.hpp"
#include "support/postgres_server.hpp"

namespace tailrace::test {
namespace {

constexpr int kSamples = 4000;

/// The same values in every run: a failure can be looked at again.
std::mt19937_64 fixed_random() {
  return std::mt19937_64(20'240'101);  // NOLINT(bugprone-random-generator-seed)
}

/// Each of `expressions` as PostgreSQL writes it, in order.
std::vector<std::string> postgres_text(const std::vector<std::string>& expressions) {
  std::string select = "SELECT v FROM (VALUES ";
  for (std::size_t i = 0; i < expressions.size(); ++i) {
    if (i > 0) select += ',';
    select += "(" + std::to_string(i) + "," + expressions[i] + ")";
  }
  PostgresSource source(PostgresServer::shared().dsn(), select + ") AS t(i, v) ORDER BY i", {});
  return rows_of(source);
}

std::string exact(double value) {
  std::array<char, 40> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "'%.17g'::float8", value);
  return buffer.data();
}

std::string exact(float value) {
  std::array<char, 40> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "'%.9g'::float4", static_cast<double>(value));
  return buffer.data();
}

/// Random bit patterns, random short decimals, whole numbers and powers of ten.
template <typename Float, typename Bits>
std::vector<Float> float_samples() {
  auto random = fixed_random();
  std::vector<Float> samples;
  while (samples.size() < kSamples) {
    const auto any = std::bit_cast<Float>(static_cast<Bits>(random()));
    if (std::isfinite(any)) samples.push_back(any);
    const auto power = static_cast<int>(random() % 40) - 20;
    samples.push_back(
        static_cast<Float>(static_cast<double>(random() % 100'000) * std::pow(10.0, power)));
    samples.push_back(static_cast<Float>(random() % (std::uint64_t{1} << 50U)));
    samples.push_back(static_cast<Float>(std::pow(10.0, power)));
  }
  return samples;
}

/// Above the largest whole numbers that a float holds without gaps, decimals lie exactly between
/// two floats; PostgreSQL does not use these even where they read back right, and writes one more
/// digit or two.
template <typename Float>
bool may_differ(Float value) {
  return std::fabs(value) > std::ldexp(Float(1), std::numeric_limits<Float>::digits);
}

template <typename Float>
void expect_postgres_floats(const std::vector<Float>& samples) {
  std::vector<std::string> expressions;
  expressions.reserve(samples.size());
  for (const Float sample : samples) expressions.push_back(exact(sample));
  const auto expected = postgres_text(expressions);
  ASSERT_EQ(expected.size(), samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    std::string ours;
    append_float(ours, samples[i]);
    Float back = 0;
    std::from_chars(ours.data(), ours.data() + ours.size(), back);
    ASSERT_EQ(back, samples[i]) << ours;
    if (may_differ(samples[i])) {
      EXPECT_LE(ours.size(), expected[i].size()) << ours << " for " << expected[i];
    } else {
      EXPECT_EQ(ours, expected[i]);
    }
  }
}

TEST(ArrowText, FloatsAreWrittenAsPostgresWritesThem) {
  expect_postgres_floats(float_samples<double, std::uint64_t>());
}

TEST(ArrowText, SingleFloatsAreWrittenAsPostgresWritesThem) {
  expect_postgres_floats(float_samples<float, std::uint32_t>());
}

TEST(ArrowText, TimestampsAndDatesAreWrittenAsPostgresWritesThem) {
  auto random = fixed_random();
  // From 4713 BC to 294276 AD: what PostgreSQL can hold.
  std::uniform_int_distribution<std::int64_t> microseconds(-210'000'000'000'000'000,
                                                           9'200'000'000'000'000'000);
  std::uniform_int_distribution<std::int64_t> days(-2'400'000, 100'000'000);
  std::vector<std::string> expressions;
  std::vector<std::string> ours;
  for (int i = 0; i < kSamples; ++i) {
    const std::int64_t value =
        microseconds(random) / (i % 3 == 0 ? 1'000'000 : 1) * (i % 3 == 0 ? 1'000'000 : 1);
    expressions.emplace_back("(timestamptz 'epoch' + ")
        .append(std::to_string(value / 86'400'000'000))
        .append(" * interval '1 day' + ")
        .append(std::to_string(value % 86'400'000'000))
        .append(" * interval '1 microsecond')::text");
    ours.emplace_back();
    append_timestamp(ours.back(), value, TimeUnit::micro, true, TimestampForm::sql);
    const std::int64_t day = days(random);
    expressions.push_back("(date 'epoch' + " + std::to_string(day) + ")::text");
    ours.emplace_back();
    append_date(ours.back(), day);
  }
  EXPECT_EQ(postgres_text(expressions), ours);
}

TEST(ArrowText, IntervalsAreWrittenAsPostgresWritesThem) {
  auto random = fixed_random();
  std::vector<std::string> expressions;
  std::vector<std::string> ours;
  const auto part = [&random](std::int64_t range) {
    const auto any = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(2 * range));
    return random() % 3 == 0 ? 0 : any - range;
  };
  for (int i = 0; i < kSamples; ++i) {
    const IntervalParts parts{part(100), part(100),
                              part(1'000) * (i % 2 == 0 ? 1'000'000'000 : 123'457),
                              TimeUnit::micro};
    expressions.push_back("(" + std::to_string(parts.months) + " * interval '1 month' + " +
                          std::to_string(parts.days) + " * interval '1 day' + " +
                          std::to_string(parts.value) + " * interval '1 microsecond')::text");
    ours.emplace_back();
    append_interval(ours.back(), parts);
  }
  EXPECT_EQ(postgres_text(expressions), ours);
}

}  // namespace
}  // namespace tailrace::test
