#include "wire/cell.hpp"

#include <cmath>
#include <random>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "wire/hostile_text.hpp"
#include "wire/json_writer.hpp"

namespace tailrace::wire {
namespace {

Column column_of(Type type) { return Column{"f", type, Nulls::clear, kDefaultDigits}; }

/// The cell as a source hands it over: `value` in COPY text format.
std::string raw_of(std::string_view value) {
  std::string raw;
  append_escaped(raw, value);
  return raw;
}

CellProblem check(std::string_view value, Type type) {
  std::string scratch;
  const std::string raw = raw_of(value);
  return check_cell(Cell(raw), column_of(type), scratch);
}

std::string json_of(std::string_view value, Type type, NumberForm numbers = NumberForm::number) {
  std::string scratch;
  std::string out;
  JsonWriter json(out);
  const std::string raw = raw_of(value);
  write_cell(json, Cell(raw), column_of(type), numbers, scratch);
  return out;
}

std::string text_of(std::string_view value, Type type) {
  std::string scratch;
  std::string out = "|";
  const std::string raw = raw_of(value);
  append_cell_text(out, Cell(raw), column_of(type), scratch);
  return out.substr(1);
}

TEST(Cell, NullIsNullInJsonAndNothingAsText) {
  std::string scratch;
  std::string out;
  JsonWriter json(out);
  json.begin_array();
  write_cell(json, Cell("\\N"), column_of(Type::integer), NumberForm::number, scratch);
  write_cell(json, Cell("\\N"), column_of(Type::text), NumberForm::string, scratch);
  json.end_array();
  EXPECT_EQ(out, "[null,null]");
  append_cell_text(out, Cell("\\N"), column_of(Type::text), scratch);
  EXPECT_EQ(out, "[null,null]");
  EXPECT_EQ(check_cell(Cell("\\N"), column_of(Type::decimal), scratch), CellProblem::none);
}

TEST(Cell, TenThousandNumbersKeepEveryDigit) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 10'000; ++i) {
    const auto whole = static_cast<std::int64_t>(random());
    const std::string integer = std::to_string(whole);
    ASSERT_EQ(check(integer, Type::integer), CellProblem::none);
    ASSERT_EQ(json_of(integer, Type::integer), integer);
    ASSERT_EQ(nlohmann::json::parse(json_of(integer, Type::integer)).get<std::int64_t>(), whole);

    // numeric(38,10): 28 digits before the point, 10 behind.
    std::string decimal = random() % 2 == 0 ? "-" : "";
    decimal += static_cast<char>('1' + random() % 9);
    for (std::uint64_t n = random() % 28; n > 0; --n)
      decimal += static_cast<char>('0' + random() % 10);
    decimal += '.';
    for (int n = 0; n < 10; ++n) decimal += static_cast<char>('0' + random() % 10);
    ASSERT_EQ(check(decimal, Type::decimal), CellProblem::none) << decimal;
    ASSERT_EQ(json_of(decimal, Type::decimal), decimal);
    ASSERT_EQ(json_of(decimal, Type::decimal, NumberForm::string), '"' + decimal + '"');
    ASSERT_EQ(text_of(decimal, Type::decimal), decimal);
  }
  EXPECT_EQ(json_of("18446744073709551615", Type::integer), "18446744073709551615");
}

TEST(Cell, SafeNumbersAreTextWhereADoubleWouldLie) {
  const auto safe = [](std::string_view value, Type type) {
    return json_of(value, type, NumberForm::safe_number);
  };
  EXPECT_EQ(safe("9007199254740992", Type::integer), "9007199254740992");
  EXPECT_EQ(safe("-9007199254740992", Type::integer), "-9007199254740992");
  EXPECT_EQ(safe("9007199254740993", Type::integer), "\"9007199254740993\"");
  EXPECT_EQ(safe("-9223372036854775808", Type::integer), "\"-9223372036854775808\"");
  EXPECT_EQ(safe("18446744073709551615", Type::integer), "\"18446744073709551615\"");
  EXPECT_EQ(safe("0.1", Type::decimal), "0.1");
  EXPECT_EQ(safe("0.000", Type::decimal), "0.000");
  EXPECT_EQ(safe("123456789012.345", Type::decimal), "123456789012.345");
  EXPECT_EQ(safe("1234567890123.4567", Type::decimal), "\"1234567890123.4567\"");
  EXPECT_EQ(safe("0.30000000000000004", Type::floating), "0.30000000000000004");
}

/// Fifteen significant digits survive a double, whatever they are: the rule behind safe_number.
TEST(Cell, WhatIsCalledSafeComesBackFromADouble) {
  std::mt19937_64 random(2);
  int numbers = 0;
  for (int i = 0; i < 10'000; ++i) {
    std::string digits = std::to_string(random() % 10'000'000'000'000'000u);
    digits.insert(1 + random() % digits.size(), ".");
    if (digits.back() == '.') digits += '5';
    const std::string written = json_of(digits, Type::decimal, NumberForm::safe_number);
    if (written.front() == '"') continue;
    ++numbers;
    char back[64];
    const int places = static_cast<int>(digits.size() - digits.find('.') - 1);
    std::snprintf(back, sizeof back, "%.*f", places, std::stod(written));
    ASSERT_EQ(back, digits);
  }
  EXPECT_GT(numbers, 500);
}

TEST(Cell, NumbersThatAreNoneAreProblems) {
  for (const Type type : {Type::integer, Type::floating, Type::decimal}) {
    for (const std::string_view text : {"NaN", "-NaN", "Infinity", "-Infinity", "inf", "nan",
                                        "-inf", "1e400", "-1e400", "1e309"}) {
      EXPECT_EQ(check(text, type), CellProblem::not_finite) << text;
    }
    EXPECT_EQ(check("9" + std::string(400, '0'), type), CellProblem::not_finite);
    for (const std::string_view text : {"",
                                        " ",
                                        ".5",
                                        "5.",
                                        "+5",
                                        "007",
                                        "-",
                                        "1,5",
                                        "1 ",
                                        " 1",
                                        "0x10",
                                        "1e",
                                        "1_000",
                                        "five",
                                        "1;2",
                                        "1}",
                                        "--1",
                                        "\n1",
                                        "t",
                                        "1e5e5",
                                        "\xC2\xA0"
                                        "1",
                                        "\xD9\xA1"}) {
      EXPECT_EQ(check(text, type), CellProblem::bad_number) << text;
    }
    for (const std::string_view text :
         {"0", "-0", "1", "0.5", "1e+15", "1e-07", "-1.5E3", "1e-400", "1.7976931348623157e+308"}) {
      EXPECT_EQ(check(text, type), CellProblem::none) << text;
      EXPECT_EQ(json_of(text, type), text);
    }
  }
}

TEST(Cell, BooleansAreJsonBooleans) {
  EXPECT_EQ(json_of("t", Type::boolean), "true");
  EXPECT_EQ(json_of("f", Type::boolean), "false");
  EXPECT_EQ(text_of("t", Type::boolean), "true");
  EXPECT_EQ(text_of("f", Type::boolean), "false");
  for (const std::string_view text : {"", "T", "true", "1", "yes", "tt"}) {
    EXPECT_EQ(check(text, Type::boolean), CellProblem::malformed) << text;
  }
}

struct TimeCase {
  Type type;
  std::string_view value;
  CellProblem problem;
  std::string_view written;
};

constexpr auto kGood = CellProblem::none;
constexpr auto kBad = CellProblem::bad_time;
constexpr auto kNotFinite = CellProblem::not_finite;

TEST(Cell, TimesAreRfc3339OrAProblem) {
  const TimeCase cases[] = {
      {Type::date, "2024-01-01", kGood, "2024-01-01"},
      {Type::date, "0001-01-01", kGood, "0001-01-01"},
      {Type::date, "9999-12-31", kGood, "9999-12-31"},
      {Type::date, "2024-02-29", kGood, "2024-02-29"},
      {Type::date, "2000-02-29", kGood, "2000-02-29"},
      {Type::date, "2023-02-29", kBad, ""},
      {Type::date, "1900-02-29", kBad, ""},
      {Type::date, "2024-04-31", kBad, ""},
      {Type::date, "2024-13-01", kBad, ""},
      {Type::date, "2024-00-01", kBad, ""},
      {Type::date, "2024-01-00", kBad, ""},
      {Type::date, "2024-01-32", kBad, ""},
      {Type::date, "0000-01-01", kBad, ""},
      {Type::date, "10000-01-01", kBad, ""},
      {Type::date, "0044-03-15 BC", kBad, ""},
      {Type::date, "2024-1-1", kBad, ""},
      {Type::date, "01/02/2024", kBad, ""},
      {Type::date, "2024-01-01T00:00:00Z", kBad, ""},
      {Type::date, "", kBad, ""},
      {Type::date, "infinity", kNotFinite, ""},
      {Type::date, "-infinity", kNotFinite, ""},
      {Type::time, "00:00:00", kGood, "00:00:00"},
      {Type::time, "23:59:59.999999", kGood, "23:59:59.999999"},
      {Type::time, "12:30:00.500000", kGood, "12:30:00.5"},
      {Type::time, "12:30:00.000", kGood, "12:30:00"},
      {Type::time, "24:00:00", kBad, ""},
      {Type::time, "12:60:00", kBad, ""},
      {Type::time, "12:30:60", kBad, ""},
      {Type::time, "12:30", kBad, ""},
      {Type::time, "12:30:00.", kBad, ""},
      {Type::time, "12:30:00,5", kBad, ""},
      {Type::time, "12:30:00+00", kBad, ""},
      {Type::timestamp, "2024-01-01 00:00:00", kGood, "2024-01-01T00:00:00"},
      {Type::timestamp, "2024-01-01 00:00:00.5", kGood, "2024-01-01T00:00:00.5"},
      {Type::timestamp, "2024-01-01 10:20:30.123456", kGood, "2024-01-01T10:20:30.123456"},
      {Type::timestamp, "2024-01-01 10:20:30.120000", kGood, "2024-01-01T10:20:30.12"},
      {Type::timestamp, "2024-01-01 10:20:30.000000", kGood, "2024-01-01T10:20:30"},
      {Type::timestamp, "2024-01-01T10:20:30", kGood, "2024-01-01T10:20:30"},
      {Type::timestamp, "9999-12-31 23:59:59.999999", kGood, "9999-12-31T23:59:59.999999"},
      {Type::timestamp, "2024-03-31 02:30:00", kGood, "2024-03-31T02:30:00"},
      {Type::timestamp, "2024-01-01 00:00:00+00", kBad, ""},
      {Type::timestamp, "2024-01-01", kBad, ""},
      {Type::timestamp, "2024-01-01 24:00:00", kBad, ""},
      {Type::timestamp, "2016-12-31 23:59:60", kBad, ""},
      {Type::timestamp, "10000-01-01 00:00:00", kBad, ""},
      {Type::timestamp, "0044-03-15 00:00:00 BC", kBad, ""},
      {Type::timestamp, "infinity", kNotFinite, ""},
      {Type::timestamptz, "2024-01-01 00:00:00.5+00", kGood, "2024-01-01T00:00:00.5Z"},
      {Type::timestamptz, "2024-01-01 00:00:00+00", kGood, "2024-01-01T00:00:00Z"},
      {Type::timestamptz, "2024-06-30 23:59:59.000100+00", kGood, "2024-06-30T23:59:59.0001Z"},
      {Type::timestamptz, "2024-01-01 00:00:00.100000+00:00", kGood, "2024-01-01T00:00:00.1Z"},
      {Type::timestamptz, "2024-01-01T00:00:00Z", kGood, "2024-01-01T00:00:00Z"},
      {Type::timestamptz, "0001-01-01 00:00:00+00", kGood, "0001-01-01T00:00:00Z"},
      {Type::timestamptz, "2024-01-01 00:00:00", kBad, ""},
      {Type::timestamptz, "2024-01-01 00:00:00+02", kBad, ""},
      {Type::timestamptz, "2024-01-01 00:00:00+05:30", kBad, ""},
      {Type::timestamptz, "2024-01-01 00:00:00-00", kBad, ""},
      {Type::timestamptz, "10000-01-01 00:00:00+00", kBad, ""},
      {Type::timestamptz, "0044-03-15 00:00:00+00 BC", kBad, ""},
      {Type::timestamptz, "2024-01-01 00:00:00.+00", kBad, ""},
      {Type::timestamptz, "+00", kBad, ""},
      {Type::timestamptz, "infinity", kNotFinite, ""},
      {Type::timestamptz, "-infinity", kNotFinite, ""},
      {Type::interval, "P1Y2M3DT4H5M6.5S", kGood, "P1Y2M3DT4H5M6.5S"},
      {Type::interval, "infinity", kNotFinite, ""},
  };
  static_assert(std::size(cases) >= 60);
  for (const TimeCase& c : cases) {
    EXPECT_EQ(check(c.value, c.type), c.problem) << c.value;
    if (c.problem != kGood) continue;
    EXPECT_EQ(text_of(c.value, c.type), c.written) << c.value;
    EXPECT_EQ(json_of(c.value, c.type), '"' + std::string(c.written) + '"') << c.value;
  }
}

TEST(Cell, BytesAreBase64) {
  const std::pair<std::string_view, std::string_view> cases[] = {{"\\x", ""},
                                                                 {"\\x66", "Zg=="},
                                                                 {"\\x666f", "Zm8="},
                                                                 {"\\x666f6f", "Zm9v"},
                                                                 {"\\x666f6f62", "Zm9vYg=="},
                                                                 {"\\x666f6f6261", "Zm9vYmE="},
                                                                 {"\\x666f6f626172", "Zm9vYmFy"},
                                                                 {"\\x00ff10", "AP8Q"},
                                                                 {"\\xfbfffe", "+//+"}};
  for (const auto& [value, written] : cases) {
    EXPECT_EQ(check(value, Type::bytes), CellProblem::none);
    EXPECT_EQ(text_of(value, Type::bytes), written);
    EXPECT_EQ(json_of(value, Type::bytes), '"' + std::string(written) + '"');
  }
  for (const std::string_view text : {"", "x", "\\", "\\x6", "\\xzz", "66", "\\X66", "\\x66 "}) {
    EXPECT_EQ(check(text, Type::bytes), CellProblem::malformed) << text;
  }
}

TEST(Cell, JsonAndListsGoAsTheyAre) {
  const std::string document = R"({"a":[1.10,"x\n",null],"b":{"c":12345678901234567890}})";
  EXPECT_EQ(check(document, Type::json), CellProblem::none);
  EXPECT_EQ(json_of(document, Type::json), document);
  EXPECT_EQ(text_of(document, Type::json), document);
  EXPECT_EQ(json_of("[1,2]", Type::list), "[1,2]");
  for (const std::string_view text :
       {"", "{", "{'a':1}", "[1,]", "NaN", "undefined", "[] []", "\"\\ud800\"", "\xEF\xBB\xBF{}"}) {
    EXPECT_EQ(check(text, Type::json), CellProblem::bad_json) << text;
    EXPECT_EQ(check(text, Type::list), CellProblem::bad_json) << text;
  }
  EXPECT_EQ(check("\"\x80\"", Type::json), CellProblem::not_utf8);
  EXPECT_EQ(check("[1e400]", Type::json), CellProblem::not_finite);
}

TEST(Cell, JsonTenThousandLevelsDeepIsAProblemNotACrash) {
  const std::string deep = std::string(10'000, '[') + std::string(10'000, ']');
  EXPECT_EQ(check(deep, Type::json), CellProblem::bad_json);
  const std::string allowed = std::string(kJsonDepth, '[') + std::string(kJsonDepth, ']');
  EXPECT_EQ(check(allowed, Type::json), CellProblem::none);
}

TEST(Cell, TextIsCheckedForUtf8AndNul) {
  EXPECT_EQ(check("\xC3\x28", Type::text), CellProblem::not_utf8);
  EXPECT_EQ(check("\xED\xA0\x80", Type::text), CellProblem::not_utf8);
  EXPECT_EQ(check(std::string_view("a\0b", 3), Type::text), CellProblem::nul);
  std::string scratch;
  EXPECT_EQ(check_cell(Cell("a\\000b"), column_of(Type::text), scratch), CellProblem::nul);
  EXPECT_EQ(check("\xEF\xBB\xBFx", Type::text), CellProblem::none);
}

TEST(Cell, HostileTextComesBackThroughTheCell) {
  for (const std::string& text : hostile_texts()) {
    const bool has_nul = text.find('\0') != std::string::npos;
    EXPECT_EQ(check(text, Type::text), has_nul ? CellProblem::nul : CellProblem::none);
    EXPECT_EQ(text_of(text, Type::text), text);
    EXPECT_EQ(nlohmann::json::parse(json_of(text, Type::text)).get<std::string>(), text);
  }
}

TEST(Cell, EveryProblemHasAName) {
  for (const CellProblem problem :
       {CellProblem::none, CellProblem::not_utf8, CellProblem::not_finite, CellProblem::bad_json,
        CellProblem::bad_number, CellProblem::nul, CellProblem::bad_time, CellProblem::malformed}) {
    EXPECT_FALSE(to_text(problem).empty());
  }
  EXPECT_EQ(to_text(CellProblem::bad_time), "bad_time");
}

}  // namespace
}  // namespace tailrace::wire
