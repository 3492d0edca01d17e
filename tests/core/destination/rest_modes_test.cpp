// What a declared object offers beside upsert: update, insert, archive, clear, and keys that make
// an insert repeatable.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "destination/destination.hpp"
#include "destination/rows.hpp"

namespace tailrace {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;

const json kErrorsWithKey = {
    {"path", "errors"}, {"key", "key"}, {"status", "status"}, {"code", "code"}};
const json kList = {{"form", "list"}, {"path", "r"}, {"key", "k"}, {"status", "s"}, {"code", "c"}};

/// An object that takes rows in batches and has `results` for every operation on them.
json batches(const json& results, const json& update = json::object()) {
  return {{"path", "/a"},
          {"batch_rows", 10},
          {"results", results},
          {"update", update},
          {"insert", {{"exists", {"E-TAKEN"}}}},
          {"clear", json::object()}};
}

class RestModes : public testing::Test {
 protected:
  RestModes() : rows_(3) {}

  Step begin(const json& object, Operation operation, const std::string& key = "") {
    Batch batch = rows_.batch(operation);
    batch.idempotency_key = key;
    return rest_of(rows_.schema, object)->begin(batch);
  }
  Step answer(const json& object, const wire::Reply& reply, Operation operation,
              const std::string& key = "") {
    const auto destination = rest_of(rows_.schema, object);
    Batch batch = rows_.batch(operation);
    batch.idempotency_key = key;
    return destination->reply(batch, {}, destination->begin(batch).calls.at(0), reply);
  }
  Words words(const json& object, const std::string& body, Operation operation, int status = 200) {
    return words_of(answer(object, reply_of(status, body), operation), 3);
  }

  TestRows rows_;
};

TEST_F(RestModes, WhatIsNotDeclaredIsNotOffered) {
  const auto offered = [&](const json& object) {
    return rest_of(rows_.schema, object)->capabilities().operations;
  };
  EXPECT_EQ(offered({{"path", "/a"}}), std::vector{Operation::upsert});
  EXPECT_EQ(offered({{"insert", {{"path", "/a"}}}}), std::vector{Operation::insert});
  EXPECT_EQ(offered(batches(kErrorsWithKey)), (std::vector{Operation::upsert, Operation::update,
                                                           Operation::insert, Operation::clear}));
  EXPECT_THROW((void)begin({{"path", "/a"}}, Operation::update), std::logic_error);
}

TEST_F(RestModes, EachOperationGoesWhereItIsDeclared) {
  const json object = {{"path", "/a"},
                       {"batch_rows", 2},
                       {"update", {{"path", "/a/{match}?v=1"}}},
                       {"insert", {{"path", "/new"}, {"body", {{"one", "$row"}}}}},
                       {"archive", {{"path", "/a/{key}/archive"}, {"body", {{"who", "$match"}}}}},
                       {"clear", {{"path", "/a/{key}"}, {"method", "PUT"}}}};
  const Call update = begin(object, Operation::update).calls.at(1);
  EXPECT_EQ(update.request.method, wire::Method::patch);
  EXPECT_EQ(update.request.path, "/a/user1%40example.com");
  EXPECT_EQ(update.request.query, "v=1");
  EXPECT_EQ(json::parse(update.request.body).at("note"), "note 1");
  const Call insert = begin(object, Operation::insert).calls.at(2);
  EXPECT_EQ(insert.request.path, "/new");
  EXPECT_EQ(json::parse(insert.request.body).at("one").at("note"), "note 2");
  const Call archive = begin(object, Operation::archive).calls.at(0);
  EXPECT_EQ(archive.request.method, wire::Method::post);
  EXPECT_EQ(archive.request.path, "/a/a0/archive");
  EXPECT_EQ(archive.request.body, R"({"who":"user0@example.com"})");
  EXPECT_EQ(archive.effect, Effect::keyed_write);
  const Call clear = begin(object, Operation::clear).calls.at(0);
  EXPECT_EQ(clear.request.method, wire::Method::put);
  EXPECT_EQ(json::parse(clear.request.body), json::parse(R"({"email":"user0@example.com",
      "score":null,"active":null,"note":null,"seen_at":null})"));
}

TEST_F(RestModes, ABatchThatIsTooLargeForAnOperationGoesInSeveralRequests) {
  const json object = {{"path", "/a"},
                       {"batch_rows", 10},
                       {"insert", {{"batch_rows", 2}}},
                       {"delete", {{"path", "/a/{key}"}}}};
  const auto destination = rest_of(rows_.schema, object);
  const Capabilities& can = destination->capabilities();
  EXPECT_EQ(can.max_rows, 10u);
  EXPECT_EQ(can.rows_of(Operation::upsert), 10u);
  EXPECT_EQ(can.rows_of(Operation::insert), 2u);
  EXPECT_EQ(can.rows_of(Operation::delete_), 1u);
  const Batch batch = rows_.batch(Operation::insert);
  const Step step = destination->begin(batch);
  ASSERT_EQ(step.calls.size(), 2u);
  EXPECT_EQ(json::parse(step.calls[0].request.body).size(), 2u);
  EXPECT_EQ(json::parse(step.calls[1].request.body).at(0).at("note"), "note 2");
  EXPECT_EQ(words_of(destination->reply(batch, {}, step.calls[0], reply_of(200, "{}")), 3),
            (Words{"accepted", "accepted", "open"}));
  EXPECT_EQ(words_of(destination->reply(batch, {}, step.calls[1], reply_of(409, "{}")), 3),
            (Words{"open", "open", "rejected"}));
  EXPECT_EQ(words_of(destination->reply(batch, {}, step.calls[0], reply_of(409, "{}")), 3),
            (Words{"regrouped", "regrouped", "open"}));
}

TEST_F(RestModes, AMissingRecordIsToldByTheRowsStatusOrADeclaredCode) {
  const json list = batches(kList, {{"missing", {"E-GONE"}}});
  const std::string body = R"({"r":[{"k":"a0","s":404},{"k":"a1","s":422,"c":"e-gone"},
                                    {"k":"a2","s":200}]})";
  const Step step = answer(list, reply_of(200, body), Operation::update);
  EXPECT_EQ(words_of(step, 3), (Words{"skipped", "skipped", "accepted"}));
  EXPECT_EQ(step.verdicts[1].reason.code, kMissing);
  EXPECT_EQ(words(list, body, Operation::upsert), (Words{"rejected", "rejected", "accepted"}));
  EXPECT_EQ(words(list, body, Operation::clear), (Words{"accepted", "rejected", "accepted"}))
      << "the code is declared for update";
  const json errors = batches(kErrorsWithKey);
  const std::string failed = R"({"errors":[{"key":"a0","status":"not_found"},
                                           {"key":"a2","status":422,"code":"missing"}]})";
  EXPECT_EQ(words(errors, failed, Operation::update), (Words{"skipped", "accepted", "rejected"}))
      << "a code of a field that is missing is no missing record";
}

TEST_F(RestModes, AMissingRecordIsToldByAWholeAnswerOnlyWhereThatIsDeclared) {
  const std::string gone = R"({"code":"E-GONE"})";
  json object = {{"path", "/a"}, {"body", "object"}, {"update", json::object()}};
  EXPECT_EQ(words(object, gone, Operation::update, 404)[0], "rejected")
      << "the address names no record: it may be the address that is wrong";
  EXPECT_EQ(words(object, gone, Operation::update, 422)[0], "rejected");
  object["update"] = {{"missing", {404, "E-GONE"}}};
  EXPECT_EQ(words(object, "{}", Operation::update, 404)[0], "skipped");
  EXPECT_EQ(words(object, gone, Operation::update, 422)[0], "skipped");
  EXPECT_EQ(words(object, gone, Operation::update, 200)[0], "skipped");
  EXPECT_EQ(words(object, gone, Operation::update, 500)[0], "unknown");
  EXPECT_EQ(words(object, "{}", Operation::upsert, 404)[0], "rejected");
  const wire::Reply page = reply_of(404, "<html>", "text/html");
  EXPECT_EQ(words_of(answer(object, page, Operation::update), 3)[0], "unknown");
  json many = {{"path", "/a"}, {"batch_rows", 10}, {"update", {{"missing", {"E-GONE"}}}}};
  EXPECT_EQ(words(many, gone, Operation::update, 422), Words(3, "regrouped"))
      << "of several rows it does not say which";
}

TEST_F(RestModes, ARecordThatExistsRejectsItsInsert) {
  const json list = batches(kList);
  const std::string body = R"({"r":[{"k":"a0","s":"exists"},{"k":"a1","s":200,"c":"E-TAKEN"},
                                    {"k":"a2","s":409}]})";
  EXPECT_EQ(words(list, body, Operation::insert), Words(3, "rejected"));
  EXPECT_EQ(words(list, body, Operation::upsert), (Words{"unknown", "accepted", "rejected"}));
  json one = {{"insert", {{"path", "/a"}, {"exists", {303, "E-TAKEN"}}}}};
  EXPECT_EQ(words(one, "{}", Operation::insert, 409)[0], "rejected");
  EXPECT_EQ(words(one, "{}", Operation::insert, 303)[0], "rejected");
  EXPECT_EQ(words(one, R"({"code":"E-TAKEN"})", Operation::insert, 200)[0], "rejected");
  EXPECT_EQ(words(one, R"({"id":7})", Operation::insert, 201)[0], "accepted");
  one["insert"].erase("exists");
  EXPECT_EQ(words(one, "{}", Operation::insert, 303)[0], "unknown");
}

TEST_F(RestModes, AnOperationsOwnStatusesGoBeforeTheObjects) {
  const json object = {{"path", "/a/{key}"},
                       {"statuses", {{"409", "retry"}, {"418", "terminal"}}},
                       {"update", {{"statuses", {{"409", "rejected"}}}}}};
  EXPECT_EQ(words(object, "{}", Operation::update, 409)[0], "rejected");
  EXPECT_EQ(words(object, "{}", Operation::upsert, 409)[0], "retryable");
  EXPECT_TRUE(answer(object, reply_of(418, "{}"), Operation::update).stop);
}

TEST_F(RestModes, AnInsertUnderAKeyMayBeRepeated) {
  json object = {{"path", "/a"},
                 {"batch_rows", 2},
                 {"insert", {{"path", "/a"}}},
                 {"idempotency", {{"header", "X-Once"}, {"ttl_s", 3600}}}};
  EXPECT_EQ(rest_of(rows_.schema, object)->capabilities().idempotency_ttl, std::chrono::hours(1));
  const Step step = begin(object, Operation::insert, "k1");
  ASSERT_EQ(step.calls.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    const Call& call = step.calls[i];
    EXPECT_EQ(call.effect, Effect::keyed_write);
    ASSERT_EQ(call.request.headers.size(), 1u);
    EXPECT_EQ(call.request.headers[0].name, "X-Once");
    EXPECT_EQ(call.request.headers[0].value, "k1-" + std::to_string(i)) << "each its own";
  }
  object["insert"] = {{"batch_rows", 3}};
  EXPECT_EQ(begin(object, Operation::insert, "k1").calls.at(0).request.headers.at(0).value, "k1");
  const Call without = begin(object, Operation::insert).calls.at(0);
  EXPECT_EQ(without.effect, Effect::unkeyed_write);
  EXPECT_TRUE(without.request.headers.empty());
  EXPECT_TRUE(begin(object, Operation::upsert, "k1").calls.at(0).request.headers.empty());
  object.erase("idempotency");
  const Call undeclared = begin(object, Operation::insert, "k1").calls.at(0);
  EXPECT_EQ(undeclared.effect, Effect::unkeyed_write);
  EXPECT_TRUE(undeclared.request.headers.empty());
  EXPECT_FALSE(rest_of(rows_.schema, object)->capabilities().idempotency_ttl);
}

TEST_F(RestModes, AKeyThatIsStillInUseSaysNothingOfTheInsert) {
  const json object = {{"insert", {{"path", "/a"}}},
                       {"idempotency", {{"ttl_s", 60}, {"busy", {"E-LOCKED"}}}}};
  const auto word = [&](const char* body, const std::string& key) {
    return words_of(answer(object, reply_of(409, body), Operation::insert, key), 3)[0];
  };
  for (const char* body :
       {R"({"error":{"code":"idempotency_key_in_use"}})", R"({"code":"E-LOCKED"})"}) {
    EXPECT_EQ(word(body, "k"), "unknown") << body;
    EXPECT_EQ(word(body, ""), "rejected") << body;
  }
  EXPECT_EQ(word(R"({"code":"exists"})", "k"), "rejected");
}

TEST_F(RestModes, FieldsThatAreNotToBeSentAreLeftOut) {
  const Batch all = rows_.batch();
  std::vector<BatchRow> rows(all.rows.begin(), all.rows.end());
  const std::string note_alone("\0\0\0\1\0", 5);
  rows[1].send = note_alone;
  Batch batch = all;
  batch.rows = rows;
  const Step step = rest_of(rows_.schema, {{"path", "/a"}, {"batch_rows", 3}})->begin(batch);
  const json sent = json::parse(step.calls.at(0).request.body);
  EXPECT_EQ(sent[0].size(), 5u);
  EXPECT_EQ(sent[1], (json{{"email", "user1@example.com"}, {"note", "note 1"}}));
}

}  // namespace
}  // namespace tailrace
