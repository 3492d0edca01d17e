#include "wire/csv_reader.hpp"

#include <gtest/gtest.h>

#include <random>

#include "wire/csv_files.hpp"
#include "wire/csv_writer.hpp"

namespace tailrace::wire {
namespace {

struct Read {
  Table table;  // header first
  CsvProblem problem = CsvProblem::none;
  bool operator==(const Read&) const = default;
};

/// The text read in pieces of `step` bytes.
Read read(std::string_view text, std::size_t step = 1 << 20, CsvLimits limits = {},
          char delimiter = ',') {
  Read out;
  CsvReader reader(
      [&](std::span<const std::string_view> cells) {
        out.table.emplace_back(cells.begin(), cells.end());
        return true;
      },
      limits, delimiter);
  for (std::size_t at = 0; at < text.size(); at += step) {
    if (!reader.take(text.substr(at, step))) break;
  }
  const bool whole = reader.end();
  out.problem = reader.problem();
  EXPECT_EQ(whole, out.problem == CsvProblem::none);
  EXPECT_EQ(reader.rows(), out.table.size() + (out.problem == CsvProblem::too_many_rows ? 1 : 0));
  if (!reader.header().empty()) out.table.insert(out.table.begin(), reader.header());
  return out;
}

TEST(CsvReader, ReadsWhatTheStandardAllows) {
  const std::vector<std::pair<std::string, Table>> cases = {
      {"a,b\n1,2\n", {{"a", "b"}, {"1", "2"}}},
      {"a,b\r\n1,2\r\n", {{"a", "b"}, {"1", "2"}}},
      {"a,b\n1,2", {{"a", "b"}, {"1", "2"}}},
      {"a,b\n1,", {{"a", "b"}, {"1", ""}}},
      {"a,b\n,\n", {{"a", "b"}, {"", ""}}},
      {"a\n\n\nx\n\n", {{"a"}, {"x"}}},
      {"a\n\"\"\n", {{"a"}, {""}}},
      {"a,b\n\"1,2\",\"say \"\"hi\"\"\"\n", {{"a", "b"}, {"1,2", "say \"hi\""}}},
      {"a,b\n\"two\nlines\",\"and\r\nmore\"\n", {{"a", "b"}, {"two\nlines", "and\r\nmore"}}},
      {"a,b\n x , y \n", {{"a", "b"}, {" x ", " y "}}},
      {"a,b\nit\"s,5\" nail\n", {{"a", "b"}, {"it\"s", "5\" nail"}}},
      {"\xEF\xBB\xBF\"a\",b\n1,2\n", {{"a", "b"}, {"1", "2"}}},
      {"\xEF\xBB\n1\n", {{"\xEF\xBB"}, {"1"}}},
      {"a,b\n1,2\r", {{"a", "b"}, {"1", "2"}}},
      {"\"a\"", {{"a"}}},
      {"a", {{"a"}}},
      {std::string("a,b\n\0,\xFF\n", 8), {{"a", "b"}, {std::string(1, '\0'), "\xFF"}}},
  };
  for (const auto& [text, table] : cases) {
    for (std::size_t step = 1; step <= text.size(); ++step) {
      EXPECT_EQ(read(text, step), (Read{table, CsvProblem::none})) << text << " by " << step;
    }
  }
  EXPECT_EQ(read("a;b\n1,5;2\n", 3, {}, ';').table, (Table{{"a", "b"}, {"1,5", "2"}}));
}

TEST(CsvReader, StopsWhereAFileMakesNoSenseAndKeepsWhatCameBefore) {
  const std::vector<std::pair<std::string, CsvProblem>> cases = {
      {"a,b\n1,2\n\"x\"y,3\n4,5\n", CsvProblem::after_quote},
      {"a,b\n1,2\n\"x\" ,3\n4,5\n", CsvProblem::after_quote},
      {"a,b\n1,2\nx\ry,3\n4,5\n", CsvProblem::lone_return},
      {"a,b\n1,2\n\"x", CsvProblem::cut},
      {"a,b\n1,2\n\"x\"\"", CsvProblem::cut},
      {"a,b\n1,2\n3\n4,5\n", CsvProblem::columns},
      {"a,b\n1,2\n3,4,5\n4,5\n", CsvProblem::columns},
  };
  for (const auto& [text, problem] : cases) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{5}, text.size()}) {
      EXPECT_EQ(read(text, step), (Read{{{"a", "b"}, {"1", "2"}}, problem})) << text;
    }
  }
  EXPECT_EQ(read("").problem, CsvProblem::no_header);
  EXPECT_EQ(read("\xEF\xBB\xBF").problem, CsvProblem::no_header);
  EXPECT_EQ(read("\n\r\n\n").problem, CsvProblem::no_header);
}

TEST(CsvReader, HoldsNoMoreThanItsLimits) {
  CsvLimits limits;
  limits.max_field_bytes = 8;
  limits.max_row_bytes = 12;
  limits.max_columns = 3;
  limits.max_rows = 2;
  const std::vector<std::pair<std::string, CsvProblem>> cases = {
      {"a,b\n12345678,1234\n", CsvProblem::none},
      {"a,b\n123456789,1\n", CsvProblem::field_too_long},
      {"a,b\n\"123456789\",1\n", CsvProblem::field_too_long},
      {"a,b\n12345678,12345\n", CsvProblem::row_too_long},
      {"a,b,c\n1,2,3\n", CsvProblem::none},
      {"a,b,c,d\n", CsvProblem::too_many_columns},
      {"a\n1\n2\n", CsvProblem::none},
      {"a\n1\n2\n3\n4\n", CsvProblem::too_many_rows},
  };
  for (const auto& [text, problem] : cases) {
    for (const std::size_t step : {std::size_t{1}, text.size()}) {
      EXPECT_EQ(read(text, step, limits).problem, problem) << text;
    }
  }
}

TEST(CsvReader, StopsWhenItIsTold) {
  int rows = 0;
  CsvReader reader([&](std::span<const std::string_view>) { return ++rows < 2; });
  EXPECT_FALSE(reader.take("a\n1\n2\n3\n4\n"));
  EXPECT_EQ(rows, 2);
  EXPECT_EQ(reader.problem(), CsvProblem::stopped);
  EXPECT_FALSE(reader.take("5\n"));
  EXPECT_FALSE(reader.end());
  EXPECT_EQ(rows, 2);
}

TEST(CsvReader, FindsColumnsByName) {
  CsvReader reader([](std::span<const std::string_view>) { return true; });
  EXPECT_EQ(reader.column("a"), std::nullopt);
  reader.take("sf__Id,sf__Created,a\n");
  EXPECT_EQ(reader.column("a"), 2u);
  EXPECT_EQ(reader.column("sf__Id"), 0u);
  EXPECT_EQ(reader.column("A"), std::nullopt);
}

TEST(CsvReader, EveryProblemHasAName) {
  for (int i = 0; i <= static_cast<int>(CsvProblem::stopped); ++i) {
    EXPECT_FALSE(to_text(static_cast<CsvProblem>(i)).empty());
  }
}

TEST(CsvReader, ReadsWhatPythonWrote) {
  for (const auto& [file, document] : {std::pair{"returns_crlf.csv", "returns.json"},
                                       std::pair{"returns_all_quoted.csv", "returns.json"},
                                       std::pair{"plain_lf.csv", "plain.json"}}) {
    const Table table = table_of(document);
    const std::string text = data_file(file);
    for (const std::size_t step : {1u, 2u, 3u, 7u, 64u, 4096u, 1u << 20}) {
      EXPECT_EQ(read(text, step), (Read{table, CsvProblem::none})) << file << " by " << step;
    }
  }
}

/// The same by the words of RFC 4180, one character at a time over the whole text; nothing for a
/// text that is no file.
std::optional<Table> slowly(const std::string& text) {
  Table table;
  std::vector<std::string> row;
  std::string cell;
  bool any = false;  // of the row, something was there
  std::size_t at = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  const auto end_row = [&] {
    if (any || !cell.empty()) {
      row.push_back(cell);
      table.push_back(row);
    }
    row.clear();
    cell.clear();
    any = false;
  };
  while (at < text.size()) {
    if (cell.empty() && text[at] == '"') {
      any = true;
      for (++at;; ++at) {
        if (at >= text.size()) return std::nullopt;
        if (text[at] != '"') {
          cell += text[at];
        } else if (at + 1 < text.size() && text[at + 1] == '"') {
          cell += text[at++];
        } else {
          break;
        }
      }
      ++at;
      if (at < text.size() && text[at] != ',' && text[at] != '\n' && text[at] != '\r') {
        return std::nullopt;
      }
    } else if (text[at] != ',' && text[at] != '\n' && text[at] != '\r') {
      while (at < text.size() && text[at] != ',' && text[at] != '\n' && text[at] != '\r') {
        cell += text[at++];
      }
    }
    if (at >= text.size()) break;
    if (text[at] == ',') {
      any = true;
      row.push_back(cell);
      cell.clear();
    } else if (text[at] == '\n') {
      end_row();
    } else {
      if (at + 1 < text.size() && text[at + 1] != '\n') return std::nullopt;
      end_row();
      ++at;
    }
    ++at;
  }
  end_row();
  if (table.empty()) return std::nullopt;
  for (const auto& one : table) {
    if (one.size() != table[0].size()) return std::nullopt;
  }
  return table;
}

TEST(CsvReader, AgreesWithASlowReaderOnTwentyThousandTextsHoweverTheyAreCut) {
  std::mt19937_64 random(7);
  const std::string letters = "\"\",,\n\n\r\nab \xEF\xBB\xBF";
  int files = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    const std::size_t length = random() % 24;
    for (std::size_t i = 0; i < length; ++i) text += letters[random() % letters.size()];
    const std::optional<Table> expected = slowly(text);
    const Read whole = read(text);
    ASSERT_EQ(whole.problem == CsvProblem::none, expected.has_value())
        << ::testing::PrintToString(text);
    if (expected) {
      ++files;
      ASSERT_EQ(whole.table, *expected) << ::testing::PrintToString(text);
    }
    ASSERT_EQ(read(text, 1 + random() % 5), whole) << ::testing::PrintToString(text);
  }
  EXPECT_GT(files, 500);
}

TEST(CsvReader, ReadsBackEveryTableThatWeWrite) {
  std::mt19937_64 random(11);
  const std::string letters = "\"\",;\n\r ab#N/A\t\\";
  for (int round = 0; round < 2'000; ++round) {
    const std::size_t columns = 1 + random() % 4;
    Table table{{}};
    for (std::size_t i = 0; i < columns; ++i) table[0].push_back("c" + std::to_string(i));
    for (std::size_t rows = random() % 6; rows > 0; --rows) {
      table.emplace_back(columns);
      for (std::string& cell : table.back()) {
        for (std::size_t i = random() % 6; i > 0; --i) cell += letters[random() % letters.size()];
      }
    }
    CsvForm form;
    form.delimiter = random() % 2 == 0 ? ',' : ';';
    if (random() % 2 == 0) form.line_end = CsvForm::LineEnd::crlf;
    if (random() % 2 == 0) form.empty_text = CsvForm::EmptyText::bare;
    const CsvRowWriter writer(text_schema(table[0]), form);
    CsvScratch scratch;
    std::string text;
    writer.header(text);
    for (std::size_t i = 1; i < table.size(); ++i) writer.write(text, line_of(table[i]), scratch);
    ASSERT_EQ(read(text, 1 + random() % 9, {}, form.delimiter), (Read{table, CsvProblem::none}))
        << ::testing::PrintToString(text);
  }
}

}  // namespace
}  // namespace tailrace::wire
