// What each Arrow type becomes, and that the same logical value gives the same bytes.

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "row/row_view.hpp"
#include "source/arrow_build.hpp"
#include "source/arrow_source.hpp"
#include "source/reading.hpp"

namespace tailrace::test {
namespace {

using Lines = std::vector<std::string>;
template <typename T>
using Values = std::vector<std::optional<T>>;

ArrowNode table_of(const std::vector<ArrowNode>& columns) {
  const auto rows = static_cast<std::size_t>(columns.at(0).length);
  return structs(std::vector<bool>(rows, true), columns);
}

struct Read {
  std::vector<SourceColumn> columns;
  Lines lines;
};

Read read(const std::vector<ArrowNode>& batches) {
  Read result;
  ArrowFeed feed;
  feed.batches = batches;
  {
    ArrowSource source(feed.stream());
    result.columns = source.open();
    result.lines = rest_of(source);
  }
  EXPECT_EQ(feed.released, 1);
  EXPECT_EQ(live_arrow_structs(), 0);
  return result;
}

/// One column in one batch.
void expect_column(const ArrowNode& column, Type type, const Lines& expected) {
  const Read result = read({table_of({column})});
  EXPECT_EQ(result.lines, expected) << column.format;
  ASSERT_EQ(result.columns.size(), 1U);
  EXPECT_EQ(result.columns[0].type, type) << column.format;
}

template <typename T>
void expect_integers(const std::string& format) {
  using Limits = std::numeric_limits<T>;
  expect_column(fixed<T>(format, {Limits::min(), std::nullopt, T{7}, Limits::max()}), Type::integer,
                {std::to_string(Limits::min()), "\\N", "7", std::to_string(Limits::max())});
}

TEST(ArrowValues, IntegersOfEveryWidthKeepTheirExtremes) {
  expect_integers<std::int8_t>("c");
  expect_integers<std::uint8_t>("C");
  expect_integers<std::int16_t>("s");
  expect_integers<std::uint16_t>("S");
  expect_integers<std::int32_t>("i");
  expect_integers<std::uint32_t>("I");
  expect_integers<std::int64_t>("l");
  expect_integers<std::uint64_t>("L");
}

TEST(ArrowValues, FloatsAreShortestAndInPostgresNotation) {
  const double infinity = std::numeric_limits<double>::infinity();
  expect_column(
      fixed<double>("g",
                    {0.1, 0.1 + 0.2, -0.0, 100000.0, 1e15, 123456789012345.0, 1e-4, 1e-5, 5e-324,
                     1.7976931348623157e308, std::nan(""), infinity, -infinity, std::nullopt, 1.0}),
      Type::floating,
      {"0.1", "0.30000000000000004", "-0", "100000", "1e+15", "123456789012345", "0.0001", "1e-05",
       "5e-324", "1.7976931348623157e+308", "NaN", "Infinity", "-Infinity", "\\N", "1"});
  expect_column(fixed<float>("f", {0.1F, 123456.0F, 1234567.0F, 16777216.0F}), Type::floating,
                {"0.1", "123456", "1.234567e+06", "1.6777216e+07"});
  // 1, 2^-24 (the least), 65504 (the greatest), -infinity, NaN, -0.5
  expect_column(fixed<std::uint16_t>("e", {0x3C00, 0x0001, 0x7BFF, 0xFC00, 0x7E00, 0xB800}),
                Type::floating, {"1", "5.9604645e-08", "65504", "-Infinity", "NaN", "-0.5"});
}

TEST(ArrowValues, BooleansAreBits) {
  Values<bool> values;
  Lines expected;
  for (int i = 0; i < 20; ++i) {
    values.emplace_back(i % 3 == 0);
    expected.emplace_back(i % 3 == 0 ? "t" : "f");
  }
  values.emplace_back(std::nullopt);
  expected.emplace_back("\\N");
  expect_column(booleans(values), Type::boolean, expected);
  expect_column(fixed<std::int8_t>("c", {1, 0, -3}).with("ARROW:extension:name", "arrow.bool8"),
                Type::boolean, {"t", "f", "t"});
}

TEST(ArrowValues, DecimalsAreExactAtAnyScale) {
  const std::string most(38, '9');
  expect_column(
      decimals(10, 16, {most, "-" + most, "0", "1", "-1", std::nullopt, "10000000000"}),
      Type::decimal,
      {"9999999999999999999999999999.9999999999", "-9999999999999999999999999999.9999999999",
       "0.0000000000", "0.0000000001", "-0.0000000001", "\\N", "1.0000000000"});
  expect_column(
      decimals(
          0, 16,
          {"170141183460469231731687303715884105727", "-170141183460469231731687303715884105728"}),
      Type::decimal,
      {"170141183460469231731687303715884105727", "-170141183460469231731687303715884105728"});
  expect_column(decimals(-2, 16, {"12", "0", "-5"}), Type::decimal, {"1200", "0", "-500"});
  expect_column(decimals(76, 32, {std::string(76, '9'), "-" + std::string(76, '9')}), Type::decimal,
                {"0." + std::string(76, '9'), "-0." + std::string(76, '9')});
  expect_column(decimals(2, 4, {"123", "-5"}), Type::decimal, {"1.23", "-0.05"});
  expect_column(decimals(2, 8, {"1000000000000000000"}), Type::decimal, {"10000000000000000.00"});
  for (const char* group :
       {"1000000000", "999999999", "1000000000000000000", "123000000000000000000456"}) {
    expect_column(decimals(0, 16, {group}), Type::decimal, {group});
  }
}

TEST(ArrowValues, DatesReachBeyondFourDigitsAndBelowTheFirstYear) {
  constexpr auto kMax = std::numeric_limits<std::int32_t>::max();
  const Lines expected{
      "1970-01-01",  "1969-12-31", "2024-02-29",    "1900-03-01",    "2000-02-29",    "9999-12-31",
      "10000-01-01", "0001-01-01", "0001-12-31 BC", "0044-03-15 BC", "0005-02-29 BC", "infinity",
      "-infinity",   "\\N"};
  expect_column(
      fixed<std::int32_t>("tdD", {0, -1, 19'782, -25'508, 11'016, 2'932'896, 2'932'897, -719'162,
                                  -719'163, -735'160, -720'930, kMax, -kMax, std::nullopt}),
      Type::date, expected);
  expect_column(fixed<std::int64_t>("tdm", {0, -86'400'000, -1, 86'399'999}), Type::date,
                {"1970-01-01", "1969-12-31", "1969-12-31", "1970-01-01"});
}

TEST(ArrowValues, TimesAndTimestampsAreTheSameInEveryUnit) {
  const Lines times{"00:00:00", "23:59:59", "\\N", "24:00:00"};
  expect_column(fixed<std::int32_t>("tts", {0, 86'399, std::nullopt, 86'400}), Type::time, times);
  expect_column(fixed<std::int32_t>("ttm", {0, 86'399'000, std::nullopt, 86'400'000}), Type::time,
                times);
  expect_column(fixed<std::int64_t>("ttu", {0, 86'399'000'000, std::nullopt, 86'400'000'000}),
                Type::time, times);
  expect_column(fixed<std::int64_t>("ttn", {1'500'000'000, 1, 3'600'000'001'000}), Type::time,
                {"00:00:01.5", "00:00:00.000000001", "01:00:00.000001"});

  const std::int64_t second = 1'704'067'200;  // 2024-01-01
  for (const auto& [unit, factor] : std::vector<std::pair<std::string, std::int64_t>>{
           {"s", 1}, {"m", 1'000}, {"u", 1'000'000}, {"n", 1'000'000'000}}) {
    const Values<std::int64_t> values{second * factor, -factor, std::nullopt};
    expect_column(fixed<std::int64_t>("ts" + unit + ":", values), Type::timestamp,
                  {"2024-01-01 00:00:00", "1969-12-31 23:59:59", "\\N"});
    expect_column(fixed<std::int64_t>("ts" + unit + ":Europe/Paris", values), Type::timestamptz,
                  {"2024-01-01 00:00:00+00", "1969-12-31 23:59:59+00", "\\N"});
  }
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  expect_column(fixed<std::int64_t>("tsu:UTC", {second * 1'000'000 + 500'000, -1,
                                                -63'517'824'000'000'000, kMax, -kMax, -kMax - 1}),
                Type::timestamptz,
                {"2024-01-01 00:00:00.5+00", "1969-12-31 23:59:59.999999+00",
                 "0044-03-15 00:00:00+00 BC", "infinity", "-infinity", "-infinity"});
  // Seconds beyond what any calendar needs must not overflow.
  EXPECT_EQ(read({table_of({fixed<std::int64_t>("tss:", {kMax - 1, -kMax + 1})})}).lines.size(),
            2U);
}

TEST(ArrowValues, IntervalsAreIso8601) {
  expect_column(fixed<std::int64_t>("tDu", {0, 3'661'500'000, -1'500'000, 90'000'000'000}),
                Type::interval, {"PT0S", "PT1H1M1.5S", "PT-1.5S", "PT25H"});
  expect_column(fixed<std::int32_t>("tiM", {14, -1, 0}), Type::interval, {"P1Y2M", "P-1M", "PT0S"});
  ArrowNode days = fixed<std::int32_t>("tiD", {3, 4'000, -1, 0});
  days.length = 2;
  expect_column(days, Type::interval, {"P3DT4S", "P-1D"});
  ArrowNode mixed = fixed<std::int32_t>("tin", {14, 3, 705'032'704, 1, 0, 0, 0, 0});
  mixed.length = 2;
  expect_column(mixed, Type::interval, {"P1Y2M3DT5S", "PT0S"});
}

TEST(ArrowValues, TextIsTheSameInEveryLayout) {
  const Strings values{"plain",
                       std::nullopt,
                       "",
                       "tab\there",
                       "\\N",
                       "line\nfeed",
                       "longer than twelve bytes, so out of line",
                       "ünï¢ödé 🚂",
                       "another long one for the second buffer of the array"};
  const Lines expected{"plain",
                       "\\N",
                       "",
                       "tab\\there",
                       "\\\\N",
                       "line\\nfeed",
                       "longer than twelve bytes, so out of line",
                       "ünï¢ödé 🚂",
                       "another long one for the second buffer of the array"};
  for (const char* format : {"u", "U"}) {
    expect_column(sequences(format, values), Type::text, expected);
  }
  expect_column(views("vu", values), Type::text, expected);
  expect_column(
      encoded(fixed<std::int8_t>("c", {0, 1, 2, 3, 4, 5, 6, 7, 8}), sequences("u", values)),
      Type::text, expected);
  expect_column(sequences("u", {"", "", std::nullopt}), Type::text, {"", "", "\\N"});
  ArrowNode no_bytes = sequences("u", {"", ""});
  no_bytes.buffers[2] = std::nullopt;
  expect_column(no_bytes, Type::text, {"", ""});
}

TEST(ArrowValues, BytesAreHexWithTheirBackslashEscaped) {
  const Strings values{std::string("\x00\xff\x5c", 3), std::nullopt, std::string("abc")};
  const Lines expected{"\\\\x00ff5c", "\\N", "\\\\x616263"};
  expect_column(sequences("z", values), Type::bytes, expected);
  expect_column(sequences("Z", values), Type::bytes, expected);
  expect_column(views("vz", values), Type::bytes, expected);
  expect_column(fixed_bytes(3, values), Type::bytes, expected);
  std::string scratch;
  EXPECT_EQ(Cell(expected[0]).text(scratch), "\\x00ff5c");
}

TEST(ArrowValues, ExtensionsGiveStorageItsMeaning) {
  const std::string raw = "\xa0\xee\xbc\x99\x9c\x0b\x4e\xf8\xbb\x6d\x6b\xb9\xbd\x38\x0a\x11";
  const std::string uuid = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
  const std::string name = "ARROW:extension:name";
  expect_column(fixed_bytes(16, {raw, std::nullopt}).with(name, "arrow.uuid"), Type::uuid,
                {uuid, "\\N"});
  expect_column(sequences("z", {raw}).with("ADBC:postgresql:typname", "uuid"), Type::uuid, {uuid});
  expect_column(sequences("u", {R"({"a": "x\ny"})"}).with(name, "arrow.json"), Type::json,
                {R"({"a": "x\\ny"})"});
  const auto opaque = [&](const ArrowNode& node, const std::string& type) {
    return node.with(name, "arrow.opaque")
        .with("ARROW:extension:metadata",
              R"({"type_name": ")" + type + R"(", "vendor_name": "PostgreSQL"})");
  };
  expect_column(opaque(sequences("u", {"1234.50", "NaN"}), "numeric"), Type::decimal,
                {"1234.50", "NaN"});
  expect_column(opaque(sequences("u", {"{}"}), "jsonb"), Type::json, {"{}"});
  expect_column(opaque(sequences("u", {"glad"}), "mood"), Type::text, {"glad"});
  expect_column(sequences("u", {"x"}).with(name, "somebody.elses"), Type::text, {"x"});
}

TEST(ArrowValues, NestedValuesBecomeJson) {
  const Lines expected{"[1,null,3]", "[]", "\\N", "[4]"};
  const auto element = fixed<std::int32_t>("i", {1, std::nullopt, 3, 4});
  expect_column(lists("+l", {3, 0, std::nullopt, 1}, element), Type::list, expected);
  expect_column(lists("+L", {3, 0, std::nullopt, 1}, element), Type::list, expected);
  expect_column(fixed_lists(2, {true, false}, fixed<double>("g", {0.5, std::nan(""), 1, 2})),
                Type::list, {"[0.5,\"NaN\"]", "\\N"});
  expect_column(
      structs({true, false, true},
              {fixed<std::int64_t>("l", {1, 2, std::nullopt}).named("a\"b"),
               sequences("u", {"x\ty", "z", "\x01"}).named("t"),
               fixed<std::int64_t>("tsu:UTC", {500'000, 0, 0}).named("at"),
               booleans({true, false, false}).named("ok"),
               decimals(2, 16, {"150", "1", "-7"}).named("d"),
               sequences("z", {"\xff", "", ""}).named("z"), nulls(3).named("n")}),
      Type::json,
      {R"({"a\\"b":1,"t":"x\\ty","at":"1970-01-01T00:00:00.5+00:00","ok":true,"d":1.50,)"
       R"("z":"\\\\xff","n":null})",
       "\\N",
       R"({"a\\"b":null,"t":"\\u0001","at":"1970-01-01T00:00:00+00:00","ok":false,"d":-0.07,)"
       R"("z":"\\\\x","n":null})"});
  expect_column(maps({2, 0, std::nullopt}, sequences("u", {"k", "l"}),
                     fixed<std::int32_t>("i", {1, std::nullopt})),
                Type::json, {R"({"k":1,"l":null})", "{}", "\\N"});
  expect_column(maps({1}, fixed<std::int32_t>("i", {5}), lists("+l", {1}, booleans({true}))),
                Type::json, {R"({"5":[true]})"});
  const auto json =
      sequences("u", {R"({"b":1})", "not json"}).with("ARROW:extension:name", "arrow.json");
  expect_column(lists("+l", {2}, json), Type::list, {R"([{"b":1},"not json"])"});
}

TEST(ArrowValues, NullsHideWhereverTheyAre) {
  expect_column(nulls(2), Type::text, {"\\N", "\\N"});
  expect_column(
      encoded(fixed<std::uint8_t>("C", {1, std::nullopt, 0}), sequences("u", {std::nullopt, "b"})),
      Type::text, {"b", "\\N", "\\N"});
  // A whole row may be null.
  const Read rows = read({structs({true, false, true}, {fixed<std::int32_t>("i", {1, 2, 3}),
                                                        sequences("u", {"a", "b", "c"})})});
  EXPECT_EQ(rows.lines, (Lines{"1\ta", "\\N\t\\N", "3\tc"}));
  // A bitmap counts only where nulls are not ruled out.
  ArrowNode ruled_out = fixed<std::int32_t>("i", {1, std::nullopt});
  ruled_out.null_count = 0;
  expect_column(ruled_out, Type::integer, {"1", "99"});
}

/// The rows of one logical table, in several physical forms.
TEST(ArrowValues, TheSameTableGivesTheSameLinesInEveryPhysicalForm) {
  const Strings names{"ann", "bob", std::nullopt, "dan", "eve", "bob"};
  const auto ids32 = fixed<std::int32_t>("i", {1, 2, 3, 4, 5, 6}).named("id");
  const auto ids8 = fixed<std::uint8_t>("C", {1, 2, 3, 4, 5, 6}).named("id");
  const auto plain = sequences("u", names).named("name");
  const auto dictionary = encoded(fixed<std::int16_t>("s", {0, 3, std::nullopt, 1, 2, 3}),
                                  views("vu", {"ann", "dan", "eve", "bob"}))
                              .named("name");
  const auto micro =
      fixed<std::int64_t>("tsu:UTC", {0, 1'000'000, std::nullopt, 2'500'000, 3'000'000, 4'000'000})
          .named("at");
  const auto nano = fixed<std::int64_t>("tsn:+02:00", {0, 1'000'000'000, std::nullopt,
                                                       2'500'000'000, 3'000'000'000, 4'000'000'000})
                        .named("at");
  const auto tags = lists("+l", {2, 0, 1, std::nullopt, 1, 0}, sequences("u", {"a", "b", "c", "d"}))
                        .named("tags");
  const auto whole = table_of({ids32, plain, micro, tags});
  const Lines expected = read({whole}).lines;
  ASSERT_EQ(expected.size(), 6U);
  EXPECT_EQ(expected[3], "4\tdan\t1970-01-01 00:00:02.5+00\t\\N");

  const auto other = table_of({ids8, dictionary, nano, tags});
  EXPECT_EQ(read({other}).lines, expected);
  // cut into batches at every place, by the table's own offset
  for (std::int64_t cut = 0; cut <= 6; ++cut) {
    EXPECT_EQ(read({whole.sliced(0, cut), whole.sliced(cut, 6 - cut)}).lines, expected) << cut;
  }
  // cut by the columns' offsets
  for (std::int64_t cut = 1; cut < 6; ++cut) {
    const auto part = [cut](const ArrowNode& column) { return column.sliced(cut, 6 - cut); };
    const auto read_part = read({table_of({part(ids8), part(dictionary), part(nano), part(tags)})});
    EXPECT_EQ(read_part.lines, Lines(expected.begin() + cut, expected.end())) << cut;
  }
  // by both
  auto both =
      table_of({ids32.sliced(1, 5), plain.sliced(1, 5), micro.sliced(1, 5), tags.sliced(1, 5)});
  EXPECT_EQ(read({both.sliced(2, 3)}).lines, Lines(expected.begin() + 3, expected.end()));
}

TEST(ArrowValues, SlicesOfNestedArraysKeepTheirElements) {
  const auto element = fixed<std::int32_t>("i", {10, 11, 12, 13, 14, 15}).sliced(1, 5);
  expect_column(lists("+l", {2, 1, 2}, element).sliced(1, 2), Type::list, {"[13]", "[14,15]"});
  expect_column(fixed_lists(2, {true, true}, element.sliced(0, 4)).sliced(1, 1), Type::list,
                {"[13,14]"});
  const auto members = structs({true, false, true, true}, {element.sliced(0, 4).named("v")});
  expect_column(members.sliced(1, 3), Type::json, {"\\N", R"({"v":13})", R"({"v":14})"});
  const auto map = maps({1, 2, 1}, sequences("u", {"a", "b", "c", "d"}), element.sliced(0, 4));
  expect_column(map.sliced(1, 2), Type::json, {R"({"b":12,"c":13})", R"({"d":14})"});
}

}  // namespace
}  // namespace tailrace::test
