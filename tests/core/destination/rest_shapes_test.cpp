// What profiles of real tools need of a declaration: shapes, lists of names, marks, codes, ids.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "destination/destination.hpp"
#include "destination/rows.hpp"

namespace tailrace {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;

const json kById = json::parse(R"({"method": "PUT", "path": "/c/{id}", "body": "object",
    "insert": {"path": "/c", "body": "object"}, "update": {"path": "/c/{id}", "method": "PUT"},
    "delete": {"path": "/c/{id}"},
    "find": {"path": "/c/search", "batch_rows": 2, "results": "data", "match": "mail",
             "body": {"field": "$match_field", "in": "$matches"}}})");

class RestShapesTest : public testing::Test {
 protected:
  RestShapesTest() : rows_(3) {}

  std::unique_ptr<Destination> rest(const json& object) { return rest_of(rows_.schema, object); }
  std::string body(const json& object, Operation operation = Operation::upsert) {
    return rest(object)->begin(rows_.batch(operation)).calls.at(0).request.body;
  }
  Words words(const json& object, const wire::Reply& reply,
              Operation operation = Operation::upsert) {
    const auto destination = rest(object);
    const Batch batch = rows_.batch(operation);
    const Step first = destination->begin(batch);
    return words_of(destination->reply(batch, {}, first.calls.at(0), reply), 3);
  }
  static json record(int n, const std::string& id) {
    return {{"mail", "user" + std::to_string(n) + "@example.com"}, {"id", id}};
  }

  TestRows rows_;
};

// --- bodies ------------------------------------------------------------------------------------

TEST_F(RestShapesTest, FieldsAreTheRowWithoutItsMatchField) {
  const json sent =
      json::parse(body({{"path", "/a"},
                        {"batch_rows", 3},
                        {"row", {{"who", {{"$match_field", "$match"}}}, {"what", "$fields"}}}}));
  EXPECT_EQ(sent[1]["who"], (json{{"email", "user1@example.com"}}));
  EXPECT_FALSE(sent[1]["what"].contains("email"));
  EXPECT_EQ(sent[1]["what"]["note"], "note 1");
}

TEST_F(RestShapesTest, ARowsMembersMayStandAmongThoseOfTheShape) {
  const json sent = json::parse(
      body({{"path", "/a"}, {"body", {{"zone", "z"}, {"channel", "#c"}, {"...", "$row"}}}}));
  EXPECT_EQ(sent["channel"], "#c");
  EXPECT_EQ(sent["zone"], "z");
  EXPECT_EQ(sent["email"], "user0@example.com");
  EXPECT_EQ(sent.size(), 7u);
  const std::string alone = body({{"path", "/a"}, {"body", {{"...", "$row"}}}});
  EXPECT_EQ(json::parse(alone).size(), 5u);
}

TEST_F(RestShapesTest, AFieldCannotHaveTheNameOfAMemberThatTheShapeSets) {
  EXPECT_THROW(rest({{"path", "/a"}, {"body", {{"note", "n"}, {"...", "$row"}}}}),
               std::invalid_argument);
}

TEST_F(RestShapesTest, LinesAreARowALine) {
  const auto destination = rest({{"path", "/a"}, {"batch_rows", 3}, {"body", "lines"}});
  const wire::Request request = destination->begin(rows_.batch()).calls.at(0).request;
  EXPECT_EQ(request.content_type, "application/x-ndjson");
  EXPECT_EQ(std::count(request.body.begin(), request.body.end(), '\n'), 3);
  EXPECT_EQ(json::parse(request.body.substr(0, request.body.find('\n')))["note"], "note 0");
}

TEST_F(RestShapesTest, AFormHasTheRowsValuesAsTexts) {
  const auto destination =
      rest({{"path", "/a"},
            {"encode", "form"},
            {"body", {{"list", {"x", "y z"}}, {"in", {{"er", true}}}, {"...", "$row"}}}});
  const wire::Request request = destination->begin(rows_.batch()).calls.at(1).request;
  EXPECT_EQ(request.content_type, "application/x-www-form-urlencoded");
  EXPECT_EQ(request.body,
            "active=true&email=user1%40example.com&in%5Ber%5D=true&list%5B%5D=x&list%5B%5D=y%20z"
            "&note=note%201&score=1.50&seen_at=2024-01-01T00%3A00%3A00.5Z");
}

TEST_F(RestShapesTest, RowsThatAreTooLargeGoNowhereAndTheOthersGoOn) {
  rows_.add("big", "big@example.com",
            "big@example.com\t1\tt\t" + std::string(900, 'x') + "\t2024-01-01 00:00:00+00");
  const auto destination = rest({{"path", "/a"}, {"batch_rows", 10}, {"row_bytes", 500}});
  const Step step = destination->begin(rows_.batch());
  EXPECT_TRUE(step.calls.empty());
  EXPECT_EQ(words_of(step, 4), (Words{"regrouped", "regrouped", "regrouped", "rejected"}));
  EXPECT_EQ(step.verdicts.at(0).reason.code, "row_too_large");
}

TEST_F(RestShapesTest, ARemovalMayNameSeveralRows) {
  const json object = {
      {"delete",
       {{"method", "POST"}, {"path", "/d"}, {"batch_rows", 2}, {"body", {{"ids", "$rows"}}}}}};
  const Step step = rest(object)->begin(rows_.batch(Operation::delete_));
  ASSERT_EQ(step.calls.size(), 2u);
  EXPECT_EQ(step.calls[0].request.body, R"({"ids":["user0@example.com","user1@example.com"]})");
  EXPECT_EQ(step.calls[1].request.body, R"({"ids":["user2@example.com"]})");
}

// --- answers -----------------------------------------------------------------------------------

TEST_F(RestShapesTest, AnErrorInWordsNamesItsRowAfterTheWord) {
  const json object = {
      {"path", "/a"},
      {"batch_rows", 3},
      {"results",
       {{"path", "errors"}, {"index", "index"}, {"index_word", "index"}, {"optional", true}}}};
  const auto said = [&](const json& errors) {
    return words(object, json_reply(201, {{"message", "success"}, {"errors", errors}}));
  };
  const Words second{"accepted", "rejected", "accepted"};
  EXPECT_EQ(words(object, json_reply(201, {{"message", "success"}})),
            (Words{"accepted", "accepted", "accepted"}));
  EXPECT_EQ(said({"bad object at index 1 of attributes"}), second);
  EXPECT_EQ(said({"index: 1"}), second);
  EXPECT_EQ(said(json::array({{{"type", "bad"}, {"index", 1}}})), second);
  // What cannot be placed may be any row.
  const Words doubt{"unknown", "unknown", "unknown"};
  EXPECT_EQ(said({"something is wrong"}), doubt);
  EXPECT_EQ(said({"index 1 or index 2"}), doubt);
  EXPECT_EQ(said({"index 7"}), doubt);
  EXPECT_EQ(said({"index"}), doubt);
  EXPECT_EQ(said(json::array({"index 1", "elsewhere"})), (Words{"unknown", "rejected", "unknown"}));
}

TEST_F(RestShapesTest, RefusedRowsAreThoseOnListsOfNames) {
  const json object = {{"path", "/a"},
                       {"batch_rows", 3},
                       {"results",
                        {{"form", "names"},
                         {"lists", {"invalid", "failed"}},
                         {"count", "done"},
                         {"refused", "bad"}}}};
  const auto said = [&](json body) { return words(object, json_reply(200, std::move(body))); };
  EXPECT_EQ(said({{"done", 3}, {"bad", 0}}), (Words{"accepted", "accepted", "accepted"}));
  const json one = {"user1@example.com"};
  const Words second{"accepted", "rejected", "accepted"};
  EXPECT_EQ(said({{"done", 2}, {"bad", 1}, {"invalid", one}}), second);
  EXPECT_EQ(said({{"done", 2}, {"bad", 1}, {"invalid", one}, {"failed", {{"clash", one}}}}),
            second);
  // More failed than were named: those that are not named are in doubt.
  const Words doubt{"unknown", "rejected", "unknown"};
  EXPECT_EQ(said({{"done", 1}, {"bad", 2}, {"invalid", one}}), doubt);
  EXPECT_EQ(said({{"done", 2}, {"bad", 2}, {"failed", {{"clash", one}}}}), doubt);
  EXPECT_EQ(said({{"invalid", one}}), doubt);
  EXPECT_EQ(said({{"done", 3}, {"bad", 1}}), (Words{"unknown", "unknown", "unknown"}));
}

TEST_F(RestShapesTest, ASuccessHasItsMark) {
  const json object = {
      {"path", "/a"},
      {"batch_rows", 3},
      {"success", {{"path", "ok"}}},
      {"code", "error"},
      {"codes", {{"limited", "retry"}, {"bad_*", "rejected"}, {"gone", "terminal"}}}};
  const auto said = [&](json body) { return words(object, json_reply(200, std::move(body))); };
  EXPECT_EQ(said({{"ok", true}}), (Words{"accepted", "accepted", "accepted"}));
  EXPECT_EQ(said({{"ok", false}, {"error", "limited"}}),
            (Words{"retryable", "retryable", "retryable"}));
  EXPECT_EQ(said({{"ok", false}, {"error", "bad_text"}}),
            (Words{"regrouped", "regrouped", "regrouped"}));
  const Words doubt{"unknown", "unknown", "unknown"};
  EXPECT_EQ(said({{"ok", false}, {"error", "whatever"}}), doubt);
  EXPECT_EQ(said({{"fine", true}}), doubt);
  EXPECT_EQ(words(object, reply_of(200, "ok", "text/plain")), doubt);
  const auto destination = rest(object);
  const Batch batch = rows_.batch();
  const Call call = destination->begin(batch).calls.at(0);
  const Step stopped =
      destination->reply(batch, {}, call, json_reply(200, {{"ok", false}, {"error", "gone"}}));
  ASSERT_TRUE(stopped.stop);
  EXPECT_NE(stopped.stop->message.find("gone"), std::string::npos);
}

TEST_F(RestShapesTest, ACodeStandsWhereItIsSaidAlsoWithinAList) {
  const json object = {{"path", "/a"},
                       {"batch_rows", 3},
                       {"code", {"errors.code"}},
                       {"codes", {{"quota", "retry"}}}};
  const json errors = json::array({{{"code", "quota"}, {"message", "later"}}});
  EXPECT_EQ(words(object, json_reply(403, {{"errors", errors}})),
            (Words{"retryable", "retryable", "retryable"}));
}

// --- records that are written by the API's own id ------------------------------------------------

TEST_F(RestShapesTest, WhatTheApiCannotDoTakesNoRequests) {
  const auto destination = rest(kById);
  const auto& does = destination->capabilities().operations;
  ASSERT_EQ(std::find(does.begin(), does.end(), Operation::archive), does.end());
  EXPECT_EQ(destination->requests_for(Operation::archive, 0), 0u);
}

TEST_F(RestShapesTest, IdsAreAskedForByAsManyMatchValuesAsOneQuestionTakes) {
  const auto destination = rest(kById);
  EXPECT_EQ(destination->capabilities().rows_of(Operation::upsert), 2u);
  EXPECT_EQ(destination->capabilities().rows_of(Operation::insert), 1u);
  EXPECT_EQ(destination->requests_for(Operation::upsert, 5), 8u);
  const Step step = destination->begin(rows_.batch());
  ASSERT_EQ(step.calls.size(), 2u);
  EXPECT_EQ(step.calls[0].effect, Effect::none);
  EXPECT_EQ(step.calls[0].request.path, "/c/search");
  EXPECT_EQ(step.calls[0].request.body,
            R"({"field":"email","in":["user0@example.com","user1@example.com"]})");
}

TEST_F(RestShapesTest, WhatIsFoundIsWrittenAndWhatIsNotIsMade) {
  const auto destination = rest(kById);
  const Batch batch = rows_.batch();
  const Call asked = destination->begin(batch).calls.at(0);
  const Step step =
      destination->reply(batch, {}, asked, json_reply(200, {{"data", {record(1, "i/1")}}}));
  ASSERT_EQ(step.calls.size(), 2u);
  EXPECT_EQ(step.calls[0].request.method, wire::Method::post);
  EXPECT_EQ(step.calls[0].request.path, "/c");
  EXPECT_EQ(step.calls[0].rows, std::vector<RowIndex>{0});
  EXPECT_EQ(step.calls[1].request.method, wire::Method::put);
  EXPECT_EQ(step.calls[1].request.path, "/c/i%2F1");
  EXPECT_EQ(step.calls[1].rows, std::vector<RowIndex>{1});
  EXPECT_EQ(step.calls[1].effect, Effect::keyed_write);
  const Step written = destination->reply(batch, {}, step.calls[1], json_reply(200, {{"id", "1"}}));
  EXPECT_EQ(words_of(written, 3), (Words{"open", "accepted", "open"}));
  const Step gone = destination->reply(batch, {}, step.calls[1], json_reply(404, json::object()));
  EXPECT_EQ(words_of(gone, 3), (Words{"open", "retryable", "open"}));
}

TEST_F(RestShapesTest, ARecordThatIsThereAfterAllIsLookedForOnceMore) {
  const auto destination = rest(kById);
  const Batch batch = rows_.batch();
  const json nobody = {{"data", json::array()}};
  const Call asked = destination->begin(batch).calls.at(0);
  const Call create = destination->reply(batch, {}, asked, json_reply(200, nobody)).calls.at(0);
  const Step again = destination->reply(batch, {}, create, json_reply(409, json::object()));
  ASSERT_EQ(again.calls.size(), 1u);
  EXPECT_EQ(again.calls[0].effect, Effect::none);
  const json found = {{"data", {record(0, "i0")}}};
  const Step write = destination->reply(batch, {}, again.calls[0], json_reply(200, found));
  EXPECT_EQ(write.calls.at(0).request.path, "/c/i0");
  // It is another record that the row clashes with: nobody else's record is written over.
  const Step other = destination->reply(batch, {}, again.calls[0], json_reply(200, nobody));
  EXPECT_TRUE(other.calls.empty());
  EXPECT_EQ(words_of(other, 3), (Words{"rejected", "open", "open"}));
}

TEST_F(RestShapesTest, SeveralRecordsOfOneValueAreNobodysToWrite) {
  const auto destination = rest(kById);
  const Batch batch = rows_.batch();
  const Call asked = destination->begin(batch).calls.at(0);
  const json two = {{"data", {record(0, "a"), record(0, "b")}}};
  const Step step = destination->reply(batch, {}, asked, json_reply(200, two));
  EXPECT_EQ(words_of(step, 3), (Words{"rejected", "open", "open"}));
}

TEST_F(RestShapesTest, RecordsThatAreNotThereArePassedOverOrGoneAlready) {
  const auto destination = rest(kById);
  for (const auto& [operation, word] :
       {std::pair{Operation::update, "skipped"}, std::pair{Operation::delete_, "accepted"}}) {
    const Batch batch = rows_.batch(operation);
    const Call asked = destination->begin(batch).calls.at(1);
    const Step step =
        destination->reply(batch, {}, asked, json_reply(200, {{"data", json::array()}}));
    EXPECT_EQ(words_of(step, 3), (Words{"open", "open", word}));
  }
}

TEST_F(RestShapesTest, AnIdThatIsKnownIsNotAskedFor) {
  TestRows rows(0);
  rows.add("k", "m@example.com", "", "i9");
  const Step step = rest_of(rows.schema, kById)->begin(rows.batch(Operation::delete_));
  ASSERT_EQ(step.calls.size(), 1u);
  EXPECT_EQ(step.calls[0].request.path, "/c/i9");
}

TEST_F(RestShapesTest, AnIdNeedsAWayToFindItAndAnUpsertAWayToMakeOne) {
  EXPECT_THROW(rest({{"path", "/c/{id}"}, {"body", "object"}}), std::invalid_argument);
  json no_insert = kById;
  no_insert.erase("insert");
  EXPECT_THROW(rest(no_insert), std::invalid_argument);
  json made_by_id = kById;
  made_by_id["insert"]["path"] = "/c/{id}";
  EXPECT_THROW(rest(made_by_id), std::invalid_argument);
}

}  // namespace
}  // namespace tailrace
