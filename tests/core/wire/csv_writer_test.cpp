#include "wire/csv_writer.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <stdexcept>

#include "wire/csv_files.hpp"

namespace tailrace::wire {
namespace {

Schema csv_schema(std::vector<Column> columns, std::size_t keys_behind = 0) {
  Schema schema;
  schema.field_count = columns.size() - keys_behind;
  schema.columns = std::move(columns);
  return schema;
}

std::string record(const Schema& schema, std::string_view line, CsvForm form = {},
                   std::string_view send = {}) {
  CsvScratch scratch;
  std::string out;
  CsvRowWriter(schema, std::move(form)).write(out, line, scratch, send);
  return out;
}

std::string header_of(const Schema& schema, CsvForm form = {}) {
  std::string out;
  CsvRowWriter(schema, std::move(form)).header(out);
  return out;
}

/// Lines in memory, as a store has them.
struct Lines final : LineStore {
  std::string text;
  std::size_t read(std::uint64_t offset, std::span<char> into) const override {
    return std::string_view(text)
        .substr(std::min<std::size_t>(offset, text.size()))
        .copy(into.data(), into.size());
  }
};

std::shared_ptr<StoredLines> stored(const std::vector<std::string>& lines) {
  auto store = std::make_shared<Lines>();
  auto all = std::make_shared<StoredLines>();
  for (const std::string& line : lines) {
    store->text += "#";  // rows need not touch one another
    all->places.push_back({store->text.size(), static_cast<std::uint32_t>(line.size())});
    store->text += line;
  }
  all->store = std::move(store);
  return all;
}

std::string file_of(const BodySource& source, std::size_t step) {
  std::string out;
  std::string piece(step, '\0');
  const auto reader = source.open();
  while (const std::size_t got = reader->read(piece)) out.append(piece, 0, got);
  return out;
}

TEST(CsvRowWriter, WritesTheFieldsUnderTheirNames) {
  const Schema schema = csv_schema(
      {{"Id__c", Type::text}, {"Owner.Email", Type::text}, {"n", Type::integer}, {"k"}}, 1);
  EXPECT_EQ(header_of(schema), "Id__c,Owner.Email,n\n");
  EXPECT_EQ(record(schema, "a1\tann@acme.test\t5\tkey"), "a1,ann@acme.test,5\n");
  CsvForm crlf;
  crlf.line_end = CsvForm::LineEnd::crlf;
  EXPECT_EQ(header_of(schema, crlf), "Id__c,Owner.Email,n\r\n");
  EXPECT_EQ(record(schema, "a1\tx\t5\tkey", crlf), "a1,x,5\r\n");
}

TEST(CsvRowWriter, QuotesOnlyWhatNeedsIt) {
  const Schema schema = csv_schema({{"a"}, {"b"}});
  EXPECT_EQ(record(schema, "plain text\t it's = @here; #1 "), "plain text, it's = @here; #1 \n");
  EXPECT_EQ(record(schema, "a,b\tc"), "\"a,b\",c\n");
  EXPECT_EQ(record(schema, "say \"hi\"\t\""), "\"say \"\"hi\"\"\",\"\"\"\"\n");
  EXPECT_EQ(record(schema, "two\\nlines\tback\\rwards"), "\"two\nlines\",\"back\rwards\"\n");
  EXPECT_EQ(record(schema, "tab\\tin\tZürich 🚂"), "tab\tin,Zürich 🚂\n");
  CsvForm semicolons;
  semicolons.delimiter = ';';
  EXPECT_EQ(record(schema, "a,b\tc;d", semicolons), "a,b;\"c;d\"\n");
  EXPECT_EQ(header_of(csv_schema({{"a,b"}, {"say \"hi\""}})), "\"a,b\",\"say \"\"hi\"\"\"\n");
}

TEST(CsvRowWriter, RefusesADelimiterThatCannotBeOne) {
  for (const char bad : {'"', '\n', '\r'}) {
    CsvForm form;
    form.delimiter = bad;
    EXPECT_THROW(CsvRowWriter(csv_schema({{"a"}}), form), std::invalid_argument);
  }
}

TEST(CsvRowWriter, NullIsWhatTheToolTakesForItOrAnEmptyCell) {
  Schema schema = csv_schema({{"a"}, {"b"}, {"c"}});
  schema.columns[1].nulls = Nulls::keep;
  EXPECT_EQ(record(schema, "\\N\t\\N\tz"), ",,z\n");
  CsvForm salesforce;
  salesforce.null = "#N/A";
  salesforce.empty_text = CsvForm::EmptyText::as_null;
  EXPECT_EQ(record(schema, "\\N\t\\N\tz", salesforce), "#N/A,,z\n");
  EXPECT_EQ(record(schema, "\tx\t", salesforce), "#N/A,x,#N/A\n") << "no text is stored as NULL";
  CsvForm odd;
  odd.null = "no \"value\"";
  EXPECT_EQ(record(schema, "\\N\tx\ty", odd), "\"no \"\"value\"\"\",x,y\n");
}

TEST(CsvRowWriter, AnEmptyTextIsQuotedBareOrNull) {
  const Schema schema = csv_schema({{"a"}, {"b"}});
  EXPECT_EQ(record(schema, "\tx"), "\"\",x\n");
  CsvForm bare;
  bare.empty_text = CsvForm::EmptyText::bare;
  EXPECT_EQ(record(schema, "\tx", bare), ",x\n");
}

TEST(CsvRowWriter, ALineIsNeverEmpty) {
  const Schema one = csv_schema({{"a"}});
  CsvForm bare;
  bare.empty_text = CsvForm::EmptyText::bare;
  EXPECT_EQ(record(one, "", bare), "\"\"\n");
  EXPECT_EQ(record(one, "\\N", bare), "\"\"\n");
  EXPECT_EQ(record(csv_schema({{"a"}, {"b"}}), "\\N\t\\N", bare), ",\n");
}

TEST(CsvRowWriter, ValuesAreExactAndInTheirStandardForms) {
  const Schema schema = csv_schema({{"n", Type::decimal},
                                    {"f", Type::floating},
                                    {"i", Type::integer},
                                    {"yes", Type::boolean},
                                    {"no", Type::boolean},
                                    {"d", Type::date},
                                    {"at", Type::timestamptz},
                                    {"local", Type::timestamp},
                                    {"bytes", Type::bytes},
                                    {"j", Type::json}});
  EXPECT_EQ(
      record(schema,
             "12345678901234567890.123456789000\t0.1\t-9007199254740993\tt\tf\t2026-02-03\t"
             "2026-02-03 04:05:06.700000+00\t2026-02-03 04:05:06\t\\\\x00ff\t{\"a\": [1, 2]}"),
      "12345678901234567890.123456789000,0.1,-9007199254740993,true,false,2026-02-03,"
      "2026-02-03T04:05:06.7Z,2026-02-03T04:05:06,AP8=,\"{\"\"a\"\": [1, 2]}\"\n");
}

TEST(CsvRowWriter, BytesThatAreNoUtf8BecomeReplacementCharacters) {
  const Schema schema = csv_schema({{"a"}, {"b"}});
  EXPECT_EQ(record(schema, "x\xFFy\t\xE2\x82,"), "x\xEF\xBF\xBDy,\"\xEF\xBF\xBD\xEF\xBF\xBD,\"\n");
  EXPECT_EQ(header_of(csv_schema({{"\xFF"}})), "\xEF\xBF\xBD\n");
}

TEST(CsvRowWriter, FieldsThatAreNotSentAreEmptyAndTheMatchFieldNeverIs) {
  Schema schema = csv_schema({{"a"}, {"id"}, {"c"}});
  schema.match = 1;
  CsvForm form;
  form.null = "#N/A";
  const std::string_view none("\0\0\0", 3);
  const std::string_view last("\0\0\1", 3);
  EXPECT_EQ(record(schema, "x\tk\t\\N", form, none), ",k,\n");
  EXPECT_EQ(record(schema, "x\tk\t\\N", form, last), ",k,#N/A\n");
  EXPECT_THROW(record(schema, "x\tk\tz", form, "\1"), std::invalid_argument);
}

TEST(CsvRowWriter, AClearedRowKeepsItsMatchFieldAlone) {
  Schema schema = csv_schema({{"a", Type::text, Nulls::keep}, {"id"}, {"c"}});
  schema.match = 1;
  CsvForm form;
  form.null = "#N/A";
  CsvScratch scratch;
  std::string out;
  CsvRowWriter(schema, form).write_cleared(out, "k,1", scratch);
  EXPECT_EQ(out, "#N/A,\"k,1\",#N/A\n");
}

TEST(CsvRowWriter, AShortLineThrows) {
  EXPECT_THROW(record(csv_schema({{"a"}, {"b"}}), "x"), std::out_of_range);
}

TEST(CsvRowWriter, TextThatTheToolWouldTakeForNullIsFound) {
  CsvForm form;
  form.null = "#N/A";
  const CsvRowWriter writer(csv_schema({{"a"}, {"b"}}), form);
  CsvScratch scratch;
  EXPECT_EQ(writer.misread("x\t#N/A", scratch), 1u);
  EXPECT_EQ(writer.misread("\\N\t#N/A ", scratch), std::nullopt);
  EXPECT_EQ(writer.misread("\\N\t\\N", scratch), std::nullopt);
  EXPECT_EQ(CsvRowWriter(csv_schema({{"a"}}), {}).misread("", scratch), std::nullopt);
}

/// What Python's csv module writes of the same table, byte for byte.
class PythonsCsv : public ::testing::TestWithParam<std::pair<std::string, std::string>> {};

TEST_P(PythonsCsv, IsWhatWeWrite) {
  const auto& [file, document] = GetParam();
  const Table table = table_of(document);
  CsvForm form;
  form.empty_text = CsvForm::EmptyText::bare;
  if (file.find("crlf") != std::string::npos) form.line_end = CsvForm::LineEnd::crlf;
  const auto writer = std::make_shared<CsvRowWriter>(text_schema(table[0]), form);
  std::vector<std::string> lines;
  for (std::size_t i = 1; i < table.size(); ++i) lines.push_back(line_of(table[i]));
  const std::string expected = data_file(file);
  const CsvSource source(writer, stored(lines));
  for (const std::size_t step : {std::size_t{1}, std::size_t{4099}, std::size_t{1} << 20}) {
    EXPECT_EQ(file_of(source, step), expected);
  }
  EXPECT_EQ(csv_bytes(*writer, stored(lines)), expected.size());
}

INSTANTIATE_TEST_SUITE_P(Csv, PythonsCsv,
                         ::testing::Values(std::pair{"returns_crlf.csv", "returns.json"},
                                           std::pair{"plain_lf.csv", "plain.json"}));

TEST(CsvSource, SendsOnlyWhatIsMarked) {
  const auto writer = std::make_shared<CsvRowWriter>(csv_schema({{"id"}, {"v"}}), CsvForm{});
  const auto lines = stored({"a\t1", "b\t2"});
  lines->fields = 2;
  lines->send = std::string("\1\0\1\1", 4);
  EXPECT_EQ(file_of(CsvSource(writer, lines), 5), "id,v\na,\nb,2\n");
  EXPECT_EQ(csv_bytes(*writer, lines), 12u);
}

TEST(CsvSource, OfNoRowsIsTheHeader) {
  const auto writer = std::make_shared<CsvRowWriter>(csv_schema({{"id"}, {"v"}}), CsvForm{});
  EXPECT_EQ(file_of(CsvSource(writer, stored({})), 3), "id,v\n");
}

TEST(CsvSource, LongFilesAreMadeInPieces) {
  const auto writer = std::make_shared<CsvRowWriter>(csv_schema({{"id"}}), CsvForm{});
  std::vector<std::string> lines;
  std::string expected = "id\n";
  for (int i = 0; i < 3000; ++i) {
    lines.push_back(std::string(static_cast<std::size_t>(i) % 700, 'x') + std::to_string(i));
    expected += lines.back() + "\n";
  }
  lines.push_back(std::string(1 << 20, 'y'));
  expected += lines.back() + "\n";
  EXPECT_EQ(file_of(CsvSource(writer, stored(lines)), 65536), expected);
}

TEST(FitCsv, CountsWholeRowsAndExactBytes) {
  const CsvRowWriter writer(csv_schema({{"id"}, {"v"}}), {});
  const std::vector<std::string> lines = {"a\t1", "b\tx,y", "c\tlonger", "d\t4"};
  // id,v\n is 5 bytes; then a,1\n 4, b,"x,y"\n 8, c,longer\n 9, d,4\n 4.
  const std::vector<std::pair<std::uint64_t, CsvFit>> expected = {
      {4, {0, 5}},   {8, {0, 5}},   {9, {1, 9}},   {16, {1, 9}},  {17, {2, 17}},
      {25, {2, 17}}, {26, {3, 26}}, {29, {3, 26}}, {30, {4, 30}}, {1000, {4, 30}}};
  for (const auto& [limit, fit] : expected) {
    std::size_t at = 0;
    const CsvFit got = fit_csv(
        writer,
        [&]() -> std::optional<std::string_view> {
          if (at == lines.size()) return std::nullopt;
          return lines[at++];
        },
        limit);
    EXPECT_EQ(got.rows, fit.rows) << limit;
    EXPECT_EQ(got.bytes, fit.bytes) << limit;
  }
}

TEST(FitCsv, CutsAModelIntoFilesThatKeepTheLimitAndLoseNothing) {
  constexpr std::uint64_t kLimit = 4'000;
  const Table table = table_of("returns.json");
  const auto writer = std::make_shared<CsvRowWriter>(text_schema(table[0]), CsvForm{});
  std::vector<std::string> lines;
  for (std::size_t i = 1; i < table.size(); ++i) lines.push_back(line_of(table[i]));
  std::string whole;
  writer->header(whole);
  const std::size_t head = whole.size();
  std::size_t begin = 0;
  std::size_t files = 0;
  while (begin < lines.size()) {
    std::size_t at = begin;
    const CsvFit fit = fit_csv(
        *writer,
        [&]() -> std::optional<std::string_view> {
          if (at == lines.size()) return std::nullopt;
          return lines[at++];
        },
        kLimit);
    ASSERT_GT(fit.rows, 0u);
    const std::vector<std::string> part(
        lines.begin() + static_cast<std::ptrdiff_t>(begin),
        lines.begin() + static_cast<std::ptrdiff_t>(begin + fit.rows));
    const std::string file = file_of(CsvSource(writer, stored(part), fit.bytes), 1000);
    EXPECT_EQ(file.size(), fit.bytes);
    EXPECT_LE(file.size(), kLimit);
    whole += file.substr(head);
    begin += fit.rows;
    ++files;
  }
  EXPECT_GT(files, 5u);
  EXPECT_EQ(whole, file_of(CsvSource(writer, stored(lines)), 1000));
}

}  // namespace
}  // namespace tailrace::wire
