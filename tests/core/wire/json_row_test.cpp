#include "wire/json_row.hpp"

#include <random>
#include <stdexcept>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "row/row_view.hpp"
#include "wire/hostile_text.hpp"

namespace tailrace::wire {
namespace {

Schema schema_of(std::vector<Column> columns, std::size_t keys_behind = 0) {
  Schema schema;
  schema.field_count = columns.size() - keys_behind;
  schema.columns = std::move(columns);
  return schema;
}

std::string write(const Schema& schema, std::string_view line, RowForm form = {}) {
  RowScratch scratch;
  std::string out;
  RowWriter(schema, form).write(out, line, scratch);
  return out;
}

TEST(RowWriter, WritesTheFieldsAndNotTheKeysBehindThem) {
  const Schema schema = schema_of(
      {{"a", Type::text}, {"n", Type::integer}, {"b", Type::boolean}, {"key", Type::text}}, 1);
  EXPECT_EQ(write(schema, "x\\ty\t5\tt\tk1"), R"({"a":"x\ty","n":5,"b":true})");
}

TEST(RowWriter, NullIsClearedOrKept) {
  Schema schema = schema_of({{"a", Type::text}, {"b", Type::integer}, {"c", Type::text}});
  schema.columns[1].nulls = Nulls::keep;
  EXPECT_EQ(write(schema, "\\N\t\\N\tz"), R"({"a":null,"c":"z"})");
  EXPECT_EQ(write(schema, "\\N\t\\N\t\\N"), R"({"a":null,"c":null})");
  RowForm form;
  form.clear = RowForm::Clear::empty_text;
  EXPECT_EQ(write(schema, "\\N\t1\t\\N", form), R"({"a":"","b":1,"c":""})");
  schema.columns[0].nulls = Nulls::keep;
  schema.columns[2].nulls = Nulls::keep;
  EXPECT_EQ(write(schema, "\\N\t\\N\t\\N"), "{}");
}

TEST(RowWriter, DottedNamesBecomeNestedObjectsWhereverTheyStand) {
  const Schema schema = schema_of({{"address.city", Type::text},
                                   {"name", Type::text},
                                   {"address.geo.lat", Type::floating},
                                   {"z", Type::text},
                                   {"address.geo.lon", Type::floating},
                                   {"address.zip", Type::text}});
  EXPECT_EQ(write(schema, "Paris\tAnn\t48.85\tq\t2.35\t75001"),
            R"({"address":{"city":"Paris","geo":{"lat":48.85,"lon":2.35},"zip":"75001"},)"
            R"("name":"Ann","z":"q"})");
}

TEST(RowWriter, AnObjectWithNothingInItIsLeftOut) {
  Schema schema = schema_of({{"a", Type::text},
                             {"o.p.x", Type::text},
                             {"o.p.y", Type::text},
                             {"b", Type::text},
                             {"u.v", Type::text}});
  for (Column& column : schema.columns) column.nulls = Nulls::keep;
  EXPECT_EQ(write(schema, "1\t\\N\t\\N\t2\t\\N"), R"({"a":"1","b":"2"})");
  EXPECT_EQ(write(schema, "1\t\\N\ty\t2\t\\N"), R"({"a":"1","o":{"p":{"y":"y"}},"b":"2"})");
  EXPECT_EQ(write(schema, "\\N\t\\N\t\\N\t\\N\t3"), R"({"u":{"v":"3"}})");
  EXPECT_EQ(write(schema, "\\N\t\\N\t\\N\t\\N\t\\N"), "{}");
}

TEST(RowWriter, NamesThatCannotBeOneObjectAreRefused) {
  const RowForm form;
  for (const std::vector<Column>& columns :
       std::vector<std::vector<Column>>{{{"a", Type::text}, {"a.b", Type::text}},
                                        {{"a.b", Type::text}, {"a", Type::text}},
                                        {{"a.b.c", Type::text}, {"a.b", Type::text}},
                                        {{"a", Type::text}, {"a", Type::text}},
                                        {{"a..b", Type::text}},
                                        {{".a", Type::text}},
                                        {{"a.", Type::text}},
                                        {{"", Type::text}}}) {
    EXPECT_THROW(RowWriter(schema_of(columns), form), std::invalid_argument) << columns[0].name;
  }
  std::string deep = "a";
  for (int i = 0; i < 40; ++i) deep += ".a";
  EXPECT_THROW(RowWriter(schema_of({{deep, Type::text}}), form), std::invalid_argument);
}

TEST(RowWriter, FlatNamesKeepTheirDots) {
  RowForm form;
  form.nested = false;
  EXPECT_EQ(write(schema_of({{"a.b", Type::text}, {"a", Type::text}}), "1\t2", form),
            R"({"a.b":"1","a":"2"})");
}

TEST(RowWriter, TextValuesAreAllStrings) {
  RowForm form;
  form.text_values = true;
  form.clear = RowForm::Clear::empty_text;
  const Schema schema = schema_of({{"i", Type::integer},
                                   {"b", Type::boolean},
                                   {"j", Type::json},
                                   {"d", Type::decimal},
                                   {"n", Type::integer},
                                   {"t", Type::timestamptz}});
  EXPECT_EQ(write(schema, "12\tf\t{\"a\":1}\t0.10\t\\N\t2024-01-01 00:00:00.5+00", form),
            R"({"i":"12","b":"false","j":"{\"a\":1}","d":"0.10","n":"",)"
            R"("t":"2024-01-01T00:00:00.5Z"})");
}

TEST(RowWriter, AClearedRowKeepsItsMatchFieldAlone) {
  Schema schema = schema_of(
      {{"a", Type::text}, {"id", Type::integer}, {"o.x", Type::text}, {"kept", Type::text}});
  schema.match = 1;
  schema.columns[3].nulls = Nulls::keep;  // of a NULL of the model, and there is no row any more
  RowScratch scratch;
  std::string out;
  RowWriter(schema, {}).write_cleared(out, "42", scratch);
  EXPECT_EQ(out, R"({"a":null,"id":42,"o":{"x":null},"kept":null})");
}

TEST(RowWriter, FieldsThatAreNotToBeSentAreLeftOutAndTheMatchFieldNever) {
  Schema schema = schema_of({{"a", Type::text},
                             {"id", Type::integer},
                             {"o.x", Type::text},
                             {"o.y", Type::text},
                             {"z", Type::text},
                             {"key", Type::text}},
                            1);
  schema.match = 1;
  const RowWriter writer(schema, {});
  RowScratch scratch;
  const auto written = [&](std::string_view send, std::string_view line = "1\t7\tx\t\\N\tz\tk") {
    std::string out;
    writer.write(out, line, scratch, send);
    return out;
  };
  using namespace std::string_view_literals;
  EXPECT_EQ(written("\0\0\0\0\0"sv), R"({"id":7})");
  EXPECT_EQ(written("\1\0\0\0\0"sv), R"({"a":"1","id":7})");
  EXPECT_EQ(written("\0\0\0\1\1"sv), R"({"id":7,"o":{"y":null},"z":"z"})") << "NULL is a value";
  EXPECT_EQ(written("\1\1\1\1\1"sv), written({}));
  schema.columns[3].nulls = Nulls::keep;
  std::string kept;
  RowWriter(schema, {}).write(kept, "1\t7\tx\t\\N\tz\tk", scratch, "\0\0\0\1\0"sv);
  EXPECT_EQ(kept, R"({"id":7})") << "a NULL that keeps is not sent, changed or not";
  EXPECT_THROW((void)written("\1\1\1\1"sv), std::invalid_argument);
  EXPECT_THROW((void)written("\1\1\1\1\1\1"sv), std::invalid_argument);
}

TEST(RowWriter, AShortLineThrows) {
  EXPECT_THROW((void)write(schema_of({{"a", Type::text}, {"b", Type::text}}), "1"),
               std::out_of_range);
}

TEST(RowWriter, NothingIsAllocatedOnceTheRoomHasGrown) {
  const Schema schema =
      schema_of({{"o.a", Type::text}, {"b", Type::timestamptz}, {"o.c", Type::text}});
  const RowWriter writer(schema, {});
  RowScratch scratch;
  std::string out;
  const std::string line = "x\\\\y and more text\t2024-01-01 00:00:00.123456+00\t\\N";
  writer.write(out, line, scratch);
  const std::size_t grown = out.capacity();
  const void* const text = scratch.text.data();
  const void* const cells = scratch.cells.data();
  for (int i = 0; i < 100; ++i) {
    out.clear();
    writer.write(out, line, scratch);
  }
  EXPECT_EQ(out.capacity(), grown);
  EXPECT_EQ(scratch.text.data(), text);
  EXPECT_EQ(scratch.cells.data(), cells);
}

TEST(RowWriter, NoRowIsLongerThanItsBound) {
  const std::vector<std::string> texts = hostile_texts();
  std::mt19937_64 random(3);
  const Schema schema = schema_of({{"a.text \"quoted\"", Type::text},
                                   {"b", Type::boolean},
                                   {"a.t", Type::timestamptz},
                                   {"j", Type::json},
                                   {"x", Type::bytes},
                                   {"n", Type::decimal}});
  RowForm as_text;
  as_text.text_values = true;
  const RowWriter writers[] = {RowWriter(schema, {}), RowWriter(schema, as_text)};
  RowScratch scratch;
  std::string out;
  for (int i = 0; i < 5'000; ++i) {
    std::string line;
    append_escaped(line, texts[random() % texts.size()]);
    line += random() % 2 == 0 ? "\tf" : "\t\\N";
    line += "\t2024-01-01 00:00:00.120000+00\t";
    append_escaped(line, nlohmann::json(texts[random() % texts.size()]).dump());
    line += "\t\\\\x0a0b\t-1.5";
    for (const RowWriter& writer : writers) {
      out.clear();
      writer.write(out, line, scratch);
      ASSERT_LE(out.size(), writer.bound(line));
      ASSERT_LE(writer.bound(line), writer.bound(line, 1u << 30)) << "the rough one";
      ASSERT_TRUE(nlohmann::json::accept(out)) << out;
    }
  }
  out.clear();
  writers[0].write(out, "plain words\tt\t\\N\t1\t\\N\t2", scratch);
  EXPECT_LT(writers[0].bound("plain words\tt\t\\N\t1\t\\N\t2"), out.size() + 80) << "and not idle";
}

}  // namespace
}  // namespace tailrace::wire
