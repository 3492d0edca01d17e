#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "destination/destination.hpp"
#include "destination/rows.hpp"

namespace tailrace {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;
using std::chrono_literals::operator""s;

json row_json(std::size_t row) {
  const std::string n = std::to_string(row);
  json value = {{"email", "user" + n + "@example.com"},
                {"active", true},
                {"note", "note " + n},
                {"seen_at", "2024-01-01T00:00:00.5Z"}};
  value["score"] = json::parse(n + ".50");
  return value;
}

class RestTest : public testing::Test {
 protected:
  RestTest() : rows_(3) {}

  Step begin(const json& object, Operation operation = Operation::upsert) {
    return rest_of(rows_.schema, object)->begin(rows_.batch(operation));
  }
  /// The answer to the first call.
  Step answer(const json& object, const wire::Reply& reply,
              Operation operation = Operation::upsert) {
    const auto destination = rest_of(rows_.schema, object);
    const Batch batch = rows_.batch(operation);
    const Step first = destination->begin(batch);
    return destination->reply(batch, {}, first.calls.at(0), reply);
  }
  Words words(const json& object, const wire::Reply& reply,
              Operation operation = Operation::upsert) {
    return words_of(answer(object, reply, operation), 3);
  }

  TestRows rows_;
};

// --- requests ----------------------------------------------------------------------------------

TEST_F(RestTest, RowsGoAsAnArray) {
  const Step step = begin({{"path", "/accounts"}, {"batch_rows", 10}, {"body", "rows"}});
  ASSERT_EQ(step.calls.size(), 1u);
  EXPECT_EQ(step.calls[0].request.method, wire::Method::post);
  EXPECT_EQ(step.calls[0].request.path, "/accounts");
  EXPECT_EQ(step.calls[0].request.content_type, "application/json");
  EXPECT_EQ(json::parse(step.calls[0].request.body),
            json::array({row_json(0), row_json(1), row_json(2)}));
  EXPECT_NE(step.calls[0].request.body.find("\"score\":1.50"), std::string::npos) << "exact";
}

TEST_F(RestTest, AShapeHoldsTheRowsWhereItSays) {
  const json shape = json::parse(
      R"({"inputs":"$rows","meta":{"from":"a \"b\"","n":[1,null,[],{}],"o":{"p":{}}}})");
  const Step step = begin({{"path", "/a"}, {"batch_rows", 10}, {"body", shape}});
  json expected = shape;
  expected["inputs"] = json::array({row_json(0), row_json(1), row_json(2)});
  EXPECT_EQ(json::parse(step.calls.at(0).request.body), expected);
}

TEST_F(RestTest, OneRowARequest) {
  const Step step = begin({{"path", "/a/{key}?by={match}"}, {"method", "PUT"}, {"body", "object"}});
  ASSERT_EQ(step.calls.size(), 3u);
  EXPECT_EQ(step.calls[2].request.method, wire::Method::put);
  EXPECT_EQ(step.calls[2].request.path, "/a/a2");
  EXPECT_EQ(step.calls[2].request.query, "by=user2%40example.com");
  EXPECT_EQ(json::parse(step.calls[2].request.body), row_json(2));
  const Step wrapped = begin({{"path", "/a"}, {"body", {{"data", "$row"}, {"id", "$key"}}}});
  EXPECT_EQ(json::parse(wrapped.calls.at(1).request.body),
            (json{{"data", row_json(1)}, {"id", "a1"}}));
  const Step array_of_one = begin({{"path", "/a"}});
  EXPECT_EQ(json::parse(array_of_one.calls.at(0).request.body), json::array({row_json(0)}));
}

TEST_F(RestTest, SubRequestsAreShapedRowByRow) {
  const json row = {
      {"method", "PUT"}, {"path", "/b/{key}"}, {"body", {{"data", "$row"}}}, {"who", "$match"}};
  const Step step = begin(
      {{"path", "/batch"}, {"batch_rows", 10}, {"row", row}, {"body", {{"requests", "$rows"}}}});
  const json requests = json::parse(step.calls.at(0).request.body).at("requests");
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_EQ(requests[1], (json{{"method", "PUT"},
                               {"path", "/b/a1"},
                               {"who", "user1@example.com"},
                               {"body", {{"data", row_json(1)}}}}));
}

TEST_F(RestTest, RowDataNeverChangesTheAddress) {
  TestRows rows;
  const Words hostile{"a/b",
                      "../x",
                      "?q",
                      "#f",
                      "a b",
                      "%2e%2e",
                      "http://evil",
                      "@h",
                      "\xC3\xA9",
                      "a\x1F"
                      "b",
                      "..%2f",
                      "\\..\\",
                      "\r\nX: y"};
  for (const std::string& key : hostile) rows.add(key, "m", "m\t1\tt\tx\t\\N\tk");
  const auto destination = rest_of(rows.schema, {{"path", "/a/{key}/z"}, {"body", "object"}});
  const Step step = destination->begin(rows.batch());
  ASSERT_EQ(step.calls.size(), hostile.size());
  for (const Call& call : step.calls) {
    const std::string& path = call.request.path;
    EXPECT_EQ(std::count(path.begin(), path.end(), '/'), 3) << path;
    EXPECT_TRUE(path.starts_with("/a/") && path.ends_with("/z")) << path;
    EXPECT_EQ(path.find_first_of("?#@\\ \r\n:"), std::string::npos) << path;
    EXPECT_TRUE(call.request.query.empty());
  }
  EXPECT_EQ(step.calls[9].request.path, "/a/a%2Cb/z") << "columns of a key";
}

TEST_F(RestTest, AKeyThatWouldNameTheCollectionIsRejected) {
  for (const char* path : {"/a/{key}", "/a/{key}/", "/a/{key}/z", "/a?id={key}", "/{key}"}) {
    TestRows rows;
    rows.add("", "m", "m\t1\tt\tx\t\\N\tk");
    rows.add("fine", "m", "m\t1\tt\tx\t\\N\tk");
    const auto destination =
        rest_of(rows.schema, {{"path", "/a"}, {"delete", {{"method", "DELETE"}, {"path", path}}}});
    const Step step = destination->begin(rows.batch(Operation::delete_));
    EXPECT_EQ(words_of(step, 2), (Words{"rejected", "open"})) << path;
    EXPECT_EQ(step.calls.size(), 1u);
  }
  for (const char* key : {".", ".."}) {
    TestRows rows;
    rows.add(key, "m", "m\t1\tt\tx\t\\N\tk");
    const auto made = [&](const char* path) {
      return rest_of(rows.schema, {{"path", path}, {"body", "object"}})->begin(rows.batch());
    };
    EXPECT_EQ(words_of(made("/a/{key}"), 1), Words{"rejected"});
    EXPECT_EQ(words_of(made("/a/{key}/b"), 1), Words{"rejected"});
    EXPECT_EQ(words_of(made("/a/{key}?x=1"), 1), Words{"rejected"});
    EXPECT_EQ(made("/a/x{key}").calls.size(), 1u);
    EXPECT_EQ(made("/a?id={key}").calls.size(), 1u);
  }
}

TEST_F(RestTest, DeletesGoOneByOneByKey) {
  const json object = {{"path", "/a"}, {"batch_rows", 10}, {"delete", {{"path", "/a/{key}"}}}};
  const Step step = begin(object, Operation::delete_);
  ASSERT_EQ(step.calls.size(), 3u);
  EXPECT_EQ(step.calls[1].request.method, wire::Method::delete_);
  EXPECT_EQ(step.calls[1].request.path, "/a/a1");
  EXPECT_TRUE(step.calls[1].request.body.empty());
  EXPECT_EQ(step.calls[1].effect, Effect::keyed_write);
  EXPECT_THROW((void)begin({{"path", "/a"}}, Operation::delete_), std::logic_error);
}

TEST_F(RestTest, ALostAnswerIsJudgedByOperationAndDeclaration) {
  const auto effect = [&](json object, Operation operation) {
    object["path"] = "/a";
    object["insert"] = {{"method", "PUT"}};
    return begin(object, operation).calls.at(0).effect;
  };
  EXPECT_EQ(effect({{"method", "POST"}}, Operation::upsert), Effect::keyed_write);
  EXPECT_EQ(effect(json::object(), Operation::insert), Effect::unkeyed_write)
      << "repeated, it would be refused as there already";
  EXPECT_EQ(effect({{"idempotent", true}}, Operation::insert), Effect::keyed_write);
  EXPECT_EQ(effect({{"idempotent", false}}, Operation::upsert), Effect::unkeyed_write);
}

TEST_F(RestTest, NumbersAndClearsAreWrittenAsDeclared) {
  TestRows rows;
  rows.add("k", "m", "m\t12345678901234567.5\tf\t\\N\t\\N\tk");
  const auto body = [&](json object) {
    object["path"] = "/a";
    object["body"] = "object";
    return rest_of(rows.schema, object)->begin(rows.batch()).calls.at(0).request.body;
  };
  EXPECT_EQ(body({}), R"({"email":"m","score":12345678901234567.5,"active":false,"note":null,)"
                      R"("seen_at":null})");
  EXPECT_EQ(body({{"numbers", "safe_number"}, {"clear_as", "empty_text"}}),
            R"({"email":"m","score":"12345678901234567.5","active":false,"note":"",)"
            R"("seen_at":""})");
}

TEST_F(RestTest, DottedFieldsAreNested) {
  rows_.schema.columns[1].name = "stats.score";
  rows_.schema.columns[3].name = "stats.note";
  const json body =
      json::parse(begin({{"path", "/a"}, {"body", "object"}}).calls.at(0).request.body);
  EXPECT_EQ(body.at("stats"), (json{{"score", 0.5}, {"note", "note 0"}}));
}

TEST_F(RestTest, NoBodyIsLongerThanItsRowsBounds) {
  rows_.add("k\"\x01", "\x02\"", "\x02\"\t1\tf\t\x01\x02\"\\\\\t\\N\tk");
  const json row = {{"path", "/b/{key}"}, {"k", "$key"}, {"m", "$match"}, {"d", "$row"}};
  const auto destination = rest_of(
      rows_.schema, {{"path", "/a"}, {"batch_rows", 10}, {"row", row}, {"body", {{"r", "$rows"}}}});
  const Batch batch = rows_.batch();
  std::size_t bound = 0;
  for (const BatchRow& one : batch.rows) bound += destination->row_bytes(one);
  const std::string body = destination->begin(batch).calls.at(0).request.body;
  EXPECT_TRUE(json::accept(body));
  EXPECT_LE(body.size(), bound);
}

// --- answers: the status speaks for all rows
// --------------------------------------------------------

const json kStatusOnly = {{"path", "/a"}, {"batch_rows", 10}};

TEST_F(RestTest, APlausibleSuccessAcceptsAllRows) {
  EXPECT_EQ(words(kStatusOnly, reply_of(200, R"({"accepted":3})")), Words(3, "accepted"));
  EXPECT_EQ(words(kStatusOnly, reply_of(200, "OK", "text/plain")), Words(3, "accepted"));
  EXPECT_EQ(words(kStatusOnly, reply_of(200, R"({"error":null,"errors":[],"status":"ok"})")),
            Words(3, "accepted"));
  for (const int status : {201, 202, 204}) {
    EXPECT_EQ(words(kStatusOnly, reply_of(status, "", "")), Words(3, "accepted")) << status;
  }
}

TEST_F(RestTest, AnImplausibleSuccessIsUnknownAndSaysWhy) {
  const auto code = [&](const wire::Reply& reply) {
    const Step step = answer(kStatusOnly, reply);
    EXPECT_EQ(words_of(step, 3), Words(3, "unknown")) << reply.body;
    return step.verdicts.at(0).reason.code;
  };
  EXPECT_EQ(code(reply_of(200, "<html>", "")), "html_answer");
  EXPECT_EQ(code(reply_of(200, "hello", "text/html; charset=utf-8")), "html_answer");
  EXPECT_EQ(code(reply_of(200, "")), "empty_answer");
  EXPECT_EQ(code(reply_of(200, "{\"a\":")), "unreadable_answer");
  EXPECT_EQ(code(reply_of(200, "{\"a\":", "")), "unreadable_answer");
  for (const char* body : {R"({"success":false})", R"({"ok":false})", R"({"error":"no"})",
                           R"({"errors":[1]})", R"({"status":"Failed"})", R"({"error":{"a":1}})"}) {
    EXPECT_EQ(code(reply_of(200, body)), "failure_in_success");
  }
}

TEST_F(RestTest, WhatASuccessLooksLikeMayBeDeclared) {
  json object = kStatusOnly;
  object["answer"] = "any";
  EXPECT_EQ(words(object, reply_of(200, "")), Words(3, "accepted"));
  EXPECT_EQ(words(object, reply_of(200, "<ok/>", "text/xml")), Words(3, "accepted"));
  object["answer"] = "json";
  EXPECT_EQ(words(object, reply_of(204, "", "")), Words(3, "unknown"));
  EXPECT_EQ(words(object, reply_of(200, "OK", "text/plain")), Words(3, "unknown"));
  EXPECT_EQ(words(object, reply_of(200, "{}")), Words(3, "accepted"));
}

TEST_F(RestTest, StatusesAreReadAsRfc9110HasThem) {
  for (const int status : {400, 404, 409, 413, 422}) {
    EXPECT_EQ(words(kStatusOnly, reply_of(status, "{}")), Words(3, "regrouped")) << status;
  }
  for (const int status : {403, 405, 415}) {
    const Step step = answer(kStatusOnly, reply_of(status, "{}"));
    EXPECT_EQ(words_of(step, 3), Words(3, "retryable")) << status;
    ASSERT_TRUE(step.stop);
    EXPECT_EQ(step.stop->kind, Stop::Kind::configuration);
  }
  EXPECT_TRUE(answer(kStatusOnly, reply_of(401, "{}")).reauthenticate);
  for (const int status : {425, 429}) {
    EXPECT_EQ(words(kStatusOnly, reply_of(status, "")), Words(3, "retryable")) << status;
  }
  for (const int status : {408, 500, 501, 502, 503, 504, 302}) {
    EXPECT_EQ(words(kStatusOnly, reply_of(status, "")), Words(3, "unknown")) << status;
  }
  wire::Reply later = reply_of(429, "");
  later.retry_after = 30s;
  EXPECT_EQ(answer(kStatusOnly, later).pause, 30s);
}

TEST_F(RestTest, ARejectedRowSaysWhatTheApiSaid) {
  rows_ = TestRows(1);
  const json object = {{"path", "/a"}, {"body", "object"}};
  const auto reason = [&](const std::string& body) {
    const auto destination = rest_of(rows_.schema, object);
    const Batch batch = rows_.batch();
    const Step step =
        destination->reply(batch, {}, destination->begin(batch).calls.at(0), reply_of(422, body));
    EXPECT_EQ(words_of(step, 1), Words{"rejected"});
    return step.verdicts.at(0).reason;
  };
  Reason flat = reason(R"({"code":"too_long","message":"note is too long","field":"note"})");
  EXPECT_EQ(flat.code, "too_long");
  EXPECT_EQ(flat.message, "note is too long");
  EXPECT_EQ(flat.field, "note");
  EXPECT_EQ(reason(R"({"error":{"code":7,"message":"m"}})").code, "7");
  EXPECT_EQ(reason(R"({"type":"about:x","title":"t","detail":"d"})").message, "d");
  EXPECT_EQ(reason(R"({"error":"bad"})").message, "bad");
  EXPECT_EQ(reason("not JSON").code, "http_422");
  EXPECT_EQ(reason("not JSON").message, "not JSON");
}

TEST_F(RestTest, StatusesMayBeDeclared) {
  json object = kStatusOnly;
  object["statuses"] = {
      {"409", "accepted"}, {"400", "terminal"}, {"418", "stop"}, {"503", "retry"}};
  EXPECT_EQ(words(object, reply_of(409, R"({"error":"exists"})")), Words(3, "accepted"));
  EXPECT_EQ(answer(object, reply_of(400, "{}")).stop->kind, Stop::Kind::configuration);
  EXPECT_EQ(answer(object, reply_of(418, "{}")).stop->kind, Stop::Kind::quota);
  EXPECT_EQ(words(object, reply_of(503, "{}")), Words(3, "retryable"));
}

TEST_F(RestTest, ARecordThatIsNotThere) {
  const json one = {{"path", "/a/{key}"},
                    {"body", "object"},
                    {"update", json::object()},
                    {"clear", json::object()},
                    {"archive", {{"path", "/a/{key}/archive"}}},
                    {"delete", {{"path", "/a/{key}"}}}};
  const wire::Reply gone = reply_of(404, R"({"code":"E7","message":"no such record"})");
  EXPECT_EQ(words(one, gone, Operation::update)[0], "skipped");
  EXPECT_EQ(answer(one, gone, Operation::update).verdicts.at(0).reason.code, kMissing);
  EXPECT_EQ(words(one, gone, Operation::delete_)[0], "accepted");
  EXPECT_EQ(words(one, gone, Operation::archive)[0], "accepted");
  EXPECT_EQ(words(one, gone, Operation::clear)[0], "accepted");
  EXPECT_EQ(words(one, gone, Operation::upsert)[0], "rejected");
  EXPECT_EQ(words(one, reply_of(410, ""), Operation::delete_)[0], "accepted");
  const wire::Reply page = reply_of(404, "<html>Not Found", "text/html");
  EXPECT_EQ(words(one, page, Operation::delete_)[0], "unknown") << "a proxy knows no records";
  EXPECT_EQ(words(one, page, Operation::update)[0], "unknown");
  const Step wrong = answer(one, page);
  ASSERT_TRUE(wrong.stop);
  EXPECT_NE(wrong.stop->message.find("path"), std::string::npos);
}

// --- answers with results
// ----------------------------------------------------------------------------

json with_results(const json& results) {
  return {{"path", "/a"}, {"batch_rows", 10}, {"results", results}};
}

const json kErrors = {{"path", "errors"}, {"key", "key"},         {"status", "status"},
                      {"code", "code"},   {"message", "message"}, {"field", "field"}};

TEST_F(RestTest, RowsThatTheErrorsDoNotNameWereAccepted) {
  const json object = with_results(kErrors);
  const Step step = answer(object, reply_of(207, R"({"errors":[{"key":"a1","status":422,
      "code":"too_long","message":"note","field":"note"}],"accepted":2})"));
  EXPECT_EQ(words_of(step, 3), (Words{"accepted", "rejected", "accepted"}));
  EXPECT_EQ(step.verdicts[1].reason.code, "too_long");
  EXPECT_EQ(step.verdicts[1].reason.field, "note");
  EXPECT_EQ(words(object, reply_of(200, R"({"errors":[]})")), Words(3, "accepted"));
  EXPECT_EQ(words(object, reply_of(200, R"({"errors":[{"key":"user2@example.com"}]})")),
            (Words{"accepted", "accepted", "rejected"}))
      << "by match value too";
}

TEST_F(RestTest, AnErrorThatNamesNoRowOfOursLeavesTheOthersUnknown) {
  const json object = with_results(kErrors);
  for (const char* errors : {R"([{"key":"nobody"}])", "[{}]", "[null]", "[7]", R"(["a0"])",
                             R"([{"key":null}])", R"([{"key":{"a":1}}])"}) {
    const std::string body = std::string(R"({"errors":)") + errors + "}";
    EXPECT_EQ(words(object, reply_of(200, body)), Words(3, "unknown")) << errors;
  }
  EXPECT_EQ(words(object, reply_of(200, R"({"errors":[{"key":"nobody"},{"key":"a0"}]})")),
            (Words{"rejected", "unknown", "unknown"}));
}

TEST_F(RestTest, ADeclaredListThatIsNotThereIsNoEvidence) {
  const json object = with_results(kErrors);
  for (const char* body : {"", "{}", "[]", R"({"errors":null})", R"({"errors":{}})",
                           R"({"errors":0})", R"({"success":true})", "<html>", "{\"errors\":["}) {
    EXPECT_EQ(words(object, reply_of(200, body)), Words(3, "unknown")) << body;
  }
  EXPECT_EQ(words(object, reply_of(204, "", "")), Words(3, "unknown"));
}

TEST_F(RestTest, TheListMayBeDeclaredOptional) {
  json results = kErrors;
  results["optional"] = true;
  const json object = with_results(results);
  EXPECT_EQ(words(object, reply_of(200, R"({"ok":true})")), Words(3, "accepted"));
  EXPECT_EQ(words(object, reply_of(200, R"({"errors":null})")), Words(3, "accepted"));
  for (const char* body : {R"({"success":false})", R"({"errors":7})", R"({"error":"x"})", "[]", "",
                           R"({"errors":"many"})"}) {
    EXPECT_EQ(words(object, reply_of(200, body)), Words(3, "unknown")) << body;
  }
}

TEST_F(RestTest, ACountThatDisagreesLeavesTheUnnamedRowsUnknown) {
  json results = kErrors;
  results["count"] = "stats.accepted";
  const json object = with_results(results);
  EXPECT_EQ(words(object, reply_of(200, R"({"errors":[{"key":"a0"}],"stats":{"accepted":2}})")),
            (Words{"rejected", "accepted", "accepted"}));
  for (const char* body :
       {R"({"errors":[{"key":"a0"}],"stats":{"accepted":1}})",
        R"({"errors":[{"key":"a0"}],"stats":{}})", R"({"errors":[{"key":"a0"}]})"}) {
    EXPECT_EQ(words(object, reply_of(200, body)), (Words{"rejected", "unknown", "unknown"}));
  }
}

TEST_F(RestTest, RowsStatusesAreReadOneByOne) {
  const json object = with_results(kErrors);
  const Step step = answer(object, reply_of(207, R"({"errors":[{"key":"a0","status":429},
      {"key":"a1","status":"503"},{"key":"a2","status":409}]})"));
  EXPECT_EQ(words_of(step, 3), (Words{"retryable", "unknown", "rejected"}));
  EXPECT_TRUE(step.verdicts[0].reason.transient);
  EXPECT_EQ(step.verdicts[2].reason.code, "409");
}

TEST_F(RestTest, ErrorsMayNameRowsByIndex) {
  const json object = with_results({{"path", "failed"}, {"index", "i"}});
  EXPECT_EQ(words(object, reply_of(200, R"({"failed":[{"i":1}]})")),
            (Words{"accepted", "rejected", "accepted"}));
  EXPECT_EQ(words(object, reply_of(200, R"({"failed":[{"i":"2"}]})")),
            (Words{"accepted", "accepted", "rejected"}));
  for (const char* index : {"3", "-1", "1.5", "\"x\"", "null", "true", "99999999999999999999"}) {
    const std::string body = std::string(R"({"failed":[{"i":)") + index + "}]}";
    EXPECT_EQ(words(object, reply_of(200, body)), Words(3, "unknown")) << index;
  }
  const json both = with_results({{"path", "failed"}, {"index", "i"}, {"key", "k"}});
  EXPECT_EQ(words(both, reply_of(200, R"({"failed":[{"i":1,"k":"a1"}]})")),
            (Words{"accepted", "rejected", "accepted"}));
  EXPECT_EQ(words(both, reply_of(200, R"({"failed":[{"i":1,"k":"a2"}]})")), Words(3, "unknown"))
      << "they disagree";
}

TEST_F(RestTest, AWholeListHasAnEntryForEachRow) {
  const json object = with_results({{"form", "list"},
                                    {"path", "data.items"},
                                    {"key", "who.email"},
                                    {"status", "result"},
                                    {"message", "why"},
                                    {"id", "id"}});
  const Step step = answer(object, reply_of(200, R"({"data":{"items":[
      {"who":{"email":"user2@example.com"},"result":"created","id":77},
      {"who":{"email":"user0@example.com"},"result":"ERROR","why":"no"}]}})"));
  EXPECT_EQ(words_of(step, 3), (Words{"rejected", "unknown", "accepted"}));
  EXPECT_EQ(step.verdicts[2].destination_id, "77");
  EXPECT_EQ(step.verdicts[0].reason.message, "no");
  for (const char* word : {"true", "200", "\"204\"", "\"OK\"", "\"success\""}) {
    const std::string body =
        std::string(R"({"data":{"items":[{"who":{"email":"user1@example.com"},)") + R"("result":)" +
        word + "}]}}";
    EXPECT_EQ(words(object, reply_of(200, body)), (Words{"unknown", "accepted", "unknown"}))
        << word;
  }
  for (const char* word : {"null", "\"\"", "\"queued\"", "{}", "302", "0", "\"2000\"", "1e2"}) {
    const std::string body =
        std::string(R"({"data":{"items":[{"who":{"email":"user1@example.com"},)") + R"("result":)" +
        word + "}]}}";
    EXPECT_EQ(words(object, reply_of(200, body)), Words(3, "unknown")) << word;
  }
}

TEST_F(RestTest, AListInOrderNeedsAnEntryForEveryRow) {
  const json object = with_results(
      {{"form", "list"}, {"path", "responses"}, {"status", "status"}, {"message", "body.message"}});
  const Step step = answer(object, reply_of(200, R"({"responses":[{"status":200,"body":{}},
      {"status":400,"body":{"message":"bad"}},{"status":201}]})"));
  EXPECT_EQ(words_of(step, 3), (Words{"accepted", "rejected", "accepted"}));
  EXPECT_EQ(step.verdicts[1].reason.message, "bad");
  for (const char* body :
       {R"({"responses":[{"status":200},{"status":200}]})",
        R"({"responses":[{"status":200},{"status":200},{"status":200},{"status":200}]})",
        R"({"responses":[]})"}) {
    EXPECT_EQ(words(object, reply_of(200, body)), Words(3, "unknown")) << body;
  }
}

TEST_F(RestTest, RowsOfOneNameCannotBeToldApart) {
  TestRows rows;
  rows.add("x", "same", "same\t1\tt\tx\t\\N\tx");
  rows.add("y", "same", "same\t1\tt\tx\t\\N\ty");
  const auto destination = rest_of(rows.schema, with_results(kErrors));
  const Batch batch = rows.batch();
  const Call call = destination->begin(batch).calls.at(0);
  const auto seen = [&](const char* body) {
    return words_of(destination->reply(batch, {}, call, reply_of(200, body)), 2);
  };
  EXPECT_EQ(seen(R"({"errors":[{"key":"same"}]})"), Words(2, "unknown"));
  EXPECT_EQ(seen(R"({"errors":[{"key":"y"}]})"), (Words{"accepted", "rejected"}));
}

TEST_F(RestTest, AnAnswerCutAnywhereAcceptsNothing) {
  const std::string whole = R"({"errors":[{"key":"a1","status":422}],"accepted":2})";
  for (std::size_t length = 0; length < whole.size(); ++length) {
    ASSERT_EQ(words(with_results(kErrors), reply_of(200, whole.substr(0, length))),
              Words(3, "unknown"));
    ASSERT_EQ(words(kStatusOnly, reply_of(200, whole.substr(0, length))), Words(3, "unknown"));
  }
}

TEST(RestIdentity, IsTheValueItself) {
  const TestRows rows;
  const auto rest = rest_of(rows.schema, {{"path", "/a"}});
  EXPECT_EQ(rest->identity(" A "), " A ");
  EXPECT_EQ(rest->identity("\t \n"), std::nullopt);
  std::string out = "before";
  EXPECT_TRUE(rest->identity_into(" A ", out));
  EXPECT_EQ(out, " A ");
  EXPECT_FALSE(rest->identity_into("", out));
}

TEST(RestCapabilities, ComeFromTheDeclaration) {
  const TestRows rows;
  const Capabilities can =
      rest_of(rows.schema, {{"path", "/a"}, {"batch_rows", 250}, {"batch_bytes", 5000}})
          ->capabilities();
  EXPECT_EQ(can.max_rows, 250u);
  EXPECT_EQ(can.max_bytes, 5000u);
  EXPECT_TRUE(can.rates.empty());
  EXPECT_EQ(std::count(can.operations.begin(), can.operations.end(), Operation::delete_), 0);
  const Capabilities with_delete =
      rest_of(rows.schema, {{"path", "/a"}, {"delete", {{"path", "/a/{key}"}}}})->capabilities();
  EXPECT_EQ(
      std::count(with_delete.operations.begin(), with_delete.operations.end(), Operation::delete_),
      1);
  EXPECT_EQ(with_delete.max_rows, 1u);
}

}  // namespace
}  // namespace tailrace
