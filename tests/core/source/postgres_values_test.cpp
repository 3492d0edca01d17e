// What each PostgreSQL type becomes, under a server whose own settings would write it otherwise.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "row/row_view.hpp"
#include "source/postgres_source.hpp"
#include "source/reading.hpp"
#include "support/postgres_server.hpp"

namespace tailrace::test {
namespace {

struct Value {
  std::string sql;
  Type type;
  std::string raw;          // as it stands in the row, COPY escapes and all
  std::string source_type;  // empty: not looked at
};

PostgresSource values_of(const std::string& select) {
  return {PostgresServer::shared().dsn(), select, {}};
}

/// Reads all values as the columns of one row and compares them one by one.
void expect_values(const std::vector<Value>& values) {
  std::string select;
  for (const Value& value : values) {
    select += (select.empty() ? "SELECT " : ", ") + value.sql;
  }
  PostgresSource source = values_of(select);
  const auto columns = source.open();
  const auto lines = rest_of(source);
  ASSERT_EQ(lines.size(), 1U);
  ASSERT_EQ(columns.size(), values.size());
  CellCursor cursor(lines[0]);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto cell = cursor.next();
    ASSERT_TRUE(cell.has_value());
    EXPECT_EQ(cell->raw(), values[i].raw) << values[i].sql;
    EXPECT_EQ(columns[i].type, values[i].type) << values[i].sql;
    if (!values[i].source_type.empty()) {
      EXPECT_EQ(columns[i].source_type, values[i].source_type);
    }
  }
  EXPECT_FALSE(cursor.next().has_value());
}

TEST(PostgresValues, NumbersKeepEveryDigit) {
  expect_values({
      {"9223372036854775807::int8", Type::integer, "9223372036854775807", "bigint"},
      {"(-9223372036854775808)::int8", Type::integer, "-9223372036854775808", ""},
      {"(-32768)::int2", Type::integer, "-32768", "smallint"},
      {"2147483647::int4", Type::integer, "2147483647", "integer"},
      {"4294967295::oid", Type::integer, "4294967295", "oid"},
      {"1234567890123456789012345678.0123456789::numeric(38,10)", Type::decimal,
       "1234567890123456789012345678.0123456789", "numeric"},
      {"1.10::numeric", Type::decimal, "1.10", ""},
      {"'NaN'::numeric", Type::decimal, "NaN", ""},
      {"'Infinity'::numeric", Type::decimal, "Infinity", ""},
      {"0.1::float8", Type::floating, "0.1", "double precision"},
      {"(0.1::float8 + 0.2::float8)", Type::floating, "0.30000000000000004", ""},
      {"'NaN'::float8", Type::floating, "NaN", ""},
      {"'-Infinity'::float8", Type::floating, "-Infinity", ""},
      {"'-0'::float8", Type::floating, "-0", ""},
      {"1e15::float8", Type::floating, "1e+15", ""},
      {"0.1::float4", Type::floating, "0.1", "real"},
      {"1234567::float4", Type::floating, "1.234567e+06", ""},
      {"true", Type::boolean, "t", "boolean"},
      {"false", Type::boolean, "f", ""},
      {"null::int4", Type::integer, "\\N", ""},
      {"12.5::money", Type::text, "$12.50", "money"},
  });
}

TEST(PostgresValues, TimesAreIsoAndUtcWhateverTheServersZone) {
  expect_values({
      {"timestamptz '2024-07-01 12:00:00+02'", Type::timestamptz, "2024-07-01 10:00:00+00",
       "timestamp with time zone"},
      {"timestamptz '2024-11-03 01:30:00.5 America/New_York'", Type::timestamptz,
       "2024-11-03 06:30:00.5+00", ""},
      {"timestamp '2024-01-02 03:04:05.678901'", Type::timestamp, "2024-01-02 03:04:05.678901",
       "timestamp without time zone"},
      {"timestamp 'infinity'", Type::timestamp, "infinity", ""},
      {"timestamptz '-infinity'", Type::timestamptz, "-infinity", ""},
      {"timestamp '12024-01-02 03:04:05'", Type::timestamp, "12024-01-02 03:04:05", ""},
      {"date '0044-03-15 BC'", Type::date, "0044-03-15 BC", "date"},
      {"date '2024-02-29'", Type::date, "2024-02-29", ""},
      {"time '23:59:59.25'", Type::time, "23:59:59.25", "time without time zone"},
      {"timetz '23:59:59+02'", Type::text, "23:59:59+02", "time with time zone"},
      {"interval '1 year 2 months 3 days 04:05:06.7'", Type::interval, "P1Y2M3DT4H5M6.7S",
       "interval"},
      {"interval '-1 day 2 hours'", Type::interval, "P-1DT2H", ""},
  });
}

// The order of day and month in a model's own literals stays what the session makes of it.
TEST(PostgresValues, TheModelsDateLiteralsKeepTheServersOrder) {
  expect_values({{"'02.01.2024'::date", Type::date, "2024-01-02", ""}});
}

TEST(PostgresValues, DocumentsBytesAndIdsInTheirPlainForms) {
  expect_values({
      {"'\\x00ff5c'::bytea", Type::bytes, "\\\\x00ff5c", "bytea"},
      {"'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid", Type::uuid,
       "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "uuid"},
      {"'{\"a\" : 1}'::json", Type::json, "{\"a\" : 1}", "json"},
      {"'{\"b\":1,  \"a\":\"x\\ny\"}'::jsonb", Type::json, R"({"a": "x\\ny", "b": 1})", "jsonb"},
  });
}

TEST(PostgresValues, TypesOfTheUserAreText) {
  run_sql("CREATE TYPE mood AS ENUM ('sad', 'glad')");
  run_sql("CREATE DOMAIN positive AS int CHECK (VALUE > 0)");
  run_sql("CREATE DOMAIN email AS text");
  run_sql("CREATE TYPE pair AS (a int, b text)");
  expect_values({
      {"'glad'::mood", Type::text, "glad", "mood"},
      {"5::positive", Type::integer, "5", ""},
      {"'a@b.c'::email", Type::text, "a@b.c", ""},
      {"(1, 'x y')::pair", Type::text, "(1,\"x y\")", "pair"},
      {"ARRAY[1, NULL, 3]", Type::text, "{1,NULL,3}", "integer[]"},
      {"ARRAY['a\"b', E'c\\\\d']", Type::text, R"({"a\\"b","c\\\\d"})", "text[]"},
      {"int4range(1, 5)", Type::text, "[1,5)", "int4range"},
      {"'ab'::char(5)", Type::text, "ab   ", "character"},
      {"'ab'::varchar(5)", Type::text, "ab", "character varying"},
      {"to_jsonb(ARRAY[1, 2])", Type::json, "[1, 2]", ""},
  });
}

TEST(PostgresValues, HostileTextComesBackUnchanged) {
  const std::vector<std::string> corpus{"tab\there",
                                        "line\nfeed",
                                        "carriage\rreturn",
                                        "\\N",
                                        "back\\slash",
                                        "\\.",
                                        "",
                                        "NULL",
                                        "\b\f\v",
                                        "ünï¢ödé 🚂",
                                        "\xEF\xBB\xBF bom",
                                        "\xE2\x80\xAE rtl",
                                        "quote ' \" $$",
                                        std::string(3, '\\'),
                                        "\x7f\x01"};
  run_sql("CREATE TABLE hostile (id serial, value text)");
  for (const std::string& text : corpus) {
    std::string hex;
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (const char c : text) {
      hex.push_back(kDigits[static_cast<unsigned char>(c) >> 4U]);
      hex.push_back(kDigits[static_cast<unsigned char>(c) & 0xFU]);
    }
    run_sql("INSERT INTO hostile (value) VALUES (convert_from('\\x" + hex + "', 'UTF8'))");
  }
  PostgresSource source = values_of("SELECT value FROM hostile ORDER BY id");
  const auto lines = rows_of(source);
  ASSERT_EQ(lines.size(), corpus.size());
  for (std::size_t i = 0; i < corpus.size(); ++i) {
    std::string scratch;
    EXPECT_FALSE(Cell(lines[i]).is_null());
    EXPECT_EQ(Cell(lines[i]).text(scratch), corpus[i]);
    std::string ours;
    append_escaped(ours, corpus[i]);
    EXPECT_EQ(ours, lines[i]) << "our escapes are PostgreSQL's";
  }
}

TEST(PostgresValues, WideRowsAndNamesThatNeedQuotesWork) {
  PostgresSource source = values_of(
      R"(SELECT 1 AS "Weird ""Name""", 2 AS "a", 3 AS "a", repeat('x', 20000000) AS big)");
  const auto columns = source.open();
  ASSERT_EQ(columns.size(), 4U);
  EXPECT_EQ(columns[0].name, "Weird \"Name\"");
  EXPECT_EQ(columns[2].name, "a");
  const auto lines = rest_of(source);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].size(), 20'000'006U);
}

}  // namespace
}  // namespace tailrace::test
