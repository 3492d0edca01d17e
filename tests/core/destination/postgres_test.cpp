#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "destination/rows.hpp"

namespace tailrace {
namespace {

using Words = std::vector<std::string>;

using nlohmann::json;

std::vector<std::string> statements(const Call& call) {
  std::vector<std::string> all;
  for (const wire::Header& header : call.request.headers) all.push_back(header.value);
  return all;
}

/// The answer to a write: the match column is unique, no two rows are one record, and these were
/// written by each of the statements.
wire::Reply written(const std::vector<std::vector<int>>& each) {
  json body = json::array({json::array({json::array({"t"})}), json::array()});
  for (const std::vector<int>& rows : each) {
    json result = json::array();
    for (const int row : rows) result.push_back(json::array({std::to_string(row)}));
    body.push_back(result);
  }
  return json_reply(200, body);
}

std::vector<std::string> words_after(Operation operation, const wire::Reply& reply) {
  TestRows rows(3);
  const auto postgres = postgres_of(rows.schema);
  const Batch batch = rows.batch(operation);
  const Step step = postgres->begin(batch);
  EXPECT_EQ(step.calls.size(), 1u);
  return words_of(postgres->reply(batch, {}, step.calls.front(), reply), 3);
}

TEST(PostgresDestination, RowsAreTheBodyAsTheModelWroteThem) {
  TestRows rows(2);
  const auto postgres = postgres_of(rows.schema);
  const Call call = postgres->begin(rows.batch()).calls.front();
  const Batch batch = rows.batch();
  std::size_t tabs = 0;
  for (const char c : call.request.body) tabs += c == '\t' ? 1 : 0;
  EXPECT_EQ(tabs, 2 * (2 + rows.schema.field_count - 1)) << "index, mask and the fields alone";
  EXPECT_EQ(call.request.body.substr(0, 3), "0\t\t");
  EXPECT_LE(call.request.body.size(),
            postgres->row_bytes(batch.rows[0]) + postgres->row_bytes(batch.rows[1]));
  const auto copies = statements(call);
  EXPECT_EQ(std::count(copies.begin(), copies.end(), "COPY pg_temp.tailrace_rows FROM STDIN"), 1);
}

TEST(PostgresDestination, NamesAndValuesCannotEndTheirQuotes) {
  TestRows rows(1);
  rows.schema.columns[1].name = "a\"; DROP TABLE x; --";
  const auto postgres = postgres_of(rows.schema, "s\"x.t\"y");
  for (const std::string& one : statements(postgres->begin(rows.batch()).calls.front())) {
    EXPECT_EQ(std::count(one.begin(), one.end(), '"') % 2, 0) << one;
    EXPECT_EQ(one.find("a\"; DROP"), std::string::npos) << one;
  }
  for (const char* name : {"", ".", "a.", ".a", "a.b.c"}) {
    EXPECT_THROW(static_cast<void>(postgres_of(rows.schema, name)), std::invalid_argument) << name;
  }
}

TEST(PostgresDestination, WhatIsNotSentHasAStatementOfItsOwn) {
  TestRows rows(3);
  const auto postgres = postgres_of(rows.schema);
  Batch batch = rows.batch();
  std::vector<BatchRow> some(batch.rows.begin(), batch.rows.end());
  std::string mask(rows.schema.field_count, '\1');
  mask[1] = '\0';
  some[1].send = mask;
  batch.rows = some;
  const auto all = statements(postgres->begin(batch).calls.front());
  const auto inserts = std::count_if(all.begin(), all.end(), [](const std::string& one) {
    return one.find("INSERT INTO") != std::string::npos;
  });
  EXPECT_EQ(inserts, 2);
}

TEST(PostgresDestination, EachRowIsSettledByTheStatementThatWroteIt) {
  EXPECT_EQ(words_after(Operation::upsert, written({{0}, {1, 2}})), Words(3, "accepted"));
  EXPECT_EQ(words_after(Operation::upsert, written({{0}, {2}})),
            (Words{"accepted", "rejected", "accepted"}));
  EXPECT_EQ(words_after(Operation::update, written({{2}})),
            (Words{"skipped", "skipped", "accepted"}));
  EXPECT_EQ(words_after(Operation::insert, written({{0, 1}})),
            (Words{"accepted", "accepted", "rejected"}));
  EXPECT_EQ(words_after(Operation::delete_, written({{1}})), Words(3, "accepted"));
  EXPECT_EQ(words_after(Operation::upsert, written({{0, 0}, {1, 2}})),
            (Words{"unknown", "accepted", "accepted"}));
  EXPECT_EQ(words_after(Operation::upsert, written({{0}, {7}})), Words(3, "unknown"));
}

TEST(PostgresDestination, TheLineThatCopyNamesIsRefusedAlone) {
  const json error = {{"code", "22P02"}, {"message", "invalid input"}, {"line", "2"}};
  EXPECT_EQ(words_after(Operation::upsert, json_reply(400, error)),
            (std::vector<std::string>{"regrouped", "rejected", "regrouped"}));
  const json nobody = {{"code", "22P02"}, {"message", "invalid input"}, {"line", "9"}};
  EXPECT_EQ(words_after(Operation::upsert, json_reply(400, nobody)),
            std::vector<std::string>(3, "regrouped"));
}

TEST(PostgresDestination, CodesSayWhetherItIsWorthAnotherTry) {
  const auto word = [](const char* code) {
    return words_after(Operation::upsert, json_reply(400, {{"code", code}, {"message", "m"}}))[0];
  };
  for (const char* code : {"40P01", "40001", "53300", "55P03", "57014", "57P01"}) {
    EXPECT_EQ(word(code), "retryable") << code;
  }
  for (const char* code : {"23505", "22001", "P0001"}) EXPECT_EQ(word(code), "regrouped") << code;

  TestRows rows(1);
  const auto postgres = postgres_of(rows.schema);
  const Batch batch = rows.batch();
  const Call call = postgres->begin(batch).calls.front();
  for (const char* code : {"42P01", "42501", "42P10", "28P01", "25006", "0A000"}) {
    const Step step =
        postgres->reply(batch, {}, call, json_reply(400, {{"code", code}, {"message", "m"}}));
    ASSERT_TRUE(step.stop) << code;
    EXPECT_EQ(step.stop->kind, Stop::Kind::configuration) << code;
  }
  const wire::Reply not_unique = json_reply(200, json::parse(R"([[["f"]], [], [], []])"));
  EXPECT_TRUE(postgres->reply(batch, {}, call, not_unique).stop);
}

}  // namespace
}  // namespace tailrace
