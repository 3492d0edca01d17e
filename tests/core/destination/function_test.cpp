#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "destination/registry.hpp"
#include "destination/rows.hpp"

namespace tailrace {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;

class FunctionTest : public testing::Test {
 protected:
  FunctionTest() : rows_(3) {}

  std::unique_ptr<Destination> function(json more = json::object()) {
    json object = {
        {"name", "people"}, {"operations", {"upsert", "insert", "delete"}}, {"batch_rows", 10}};
    object.update(more);
    return make_destination({{"type", "function"}}, object, rows_.schema);
  }
  Step answer(const wire::Reply& reply, Operation operation = Operation::upsert) {
    const auto destination = function();
    const Batch batch = rows_.batch(operation);
    return destination->reply(batch, {}, destination->begin(batch).calls.at(0), reply);
  }
  Words words(const json& outcomes) {
    return words_of(answer(json_reply(200, {{"outcomes", outcomes}})), 3);
  }

  TestRows rows_;
};

TEST_F(FunctionTest, ItIsCalledWithTheRowsAndAllThatIsKnownOfThem) {
  Batch batch = rows_.batch();
  batch.attempt = 2;
  const Step step = function()->begin(batch);
  ASSERT_EQ(step.calls.size(), 1u);
  EXPECT_EQ(step.calls[0].effect, Effect::keyed_write);
  const json body = json::parse(step.calls[0].request.body);
  EXPECT_EQ(body["operation"], "upsert");
  EXPECT_EQ(body["object"], "people");
  EXPECT_EQ(body["attempt"], 2);
  EXPECT_EQ(body["batch"], rows_.trace);
  EXPECT_EQ(body["keys"], (json{"a0", "a1", "a2"}));
  EXPECT_EQ(body["matches"][1], "user1@example.com");
  EXPECT_EQ(body["fields"][0], (json{"email", "text"}));
  EXPECT_EQ(body["rows"].size(), 3u);
  EXPECT_EQ(body["rows"][2]["note"], "note 2");
  EXPECT_NE(step.calls[0].request.body.find("\"score\":1.50"), std::string::npos) << "exact";
}

TEST_F(FunctionTest, OfRowsThatAreTakenAwayOnlyKeysAreKnown) {
  TestRows gone(0);
  gone.add("k", "m@example.com", "");
  const Step step = function()->begin(gone.batch(Operation::delete_));
  const json body = json::parse(step.calls.at(0).request.body);
  EXPECT_EQ(body["rows"], json::array({nullptr}));
  EXPECT_EQ(body["matches"], json::array({"m@example.com"}));
}

TEST_F(FunctionTest, AnInsertIsRepeatedUnderAKeyAlone) {
  Batch batch = rows_.batch(Operation::insert);
  EXPECT_EQ(function()->begin(batch).calls.at(0).effect, Effect::unkeyed_write);
  batch.idempotency_key = "once";
  const Step step = function()->begin(batch);
  EXPECT_EQ(step.calls.at(0).effect, Effect::keyed_write);
  EXPECT_EQ(json::parse(step.calls[0].request.body)["idempotency_key"], "once");
  EXPECT_FALSE(function()->capabilities().idempotency_ttl);
  EXPECT_EQ(function({{"idempotency_ttl_s", 60}})->capabilities().idempotency_ttl,
            std::chrono::seconds(60));
}

TEST_F(FunctionTest, EachRowHasTheOutcomeThatIsSaid) {
  const json yes = {{"outcome", "accepted"}, {"id", "7"}};
  const json no = {{"outcome", "rejected"}, {"code", "bad"}, {"message", "m"}, {"field", "f"}};
  EXPECT_EQ(words({yes, no, {{"outcome", "retry"}}}), (Words{"accepted", "rejected", "retryable"}));
  EXPECT_EQ(words({{{"outcome", "unknown"}}, {{"outcome", "skipped"}}, yes}),
            (Words{"unknown", "skipped", "accepted"}));
  const Step step = answer(json_reply(200, {{"outcomes", {yes, no, yes}}}));
  EXPECT_EQ(step.verdicts.at(0).destination_id, "7");
  EXPECT_EQ(step.verdicts.at(1).reason.field, "f");
}

TEST_F(FunctionTest, WhatSaysNothingOfARowLeavesItUnknown) {
  const Words doubt{"unknown", "unknown", "unknown"};
  const json yes = {{"outcome", "accepted"}};
  EXPECT_EQ(words({yes, yes}), doubt) << "two for three rows";
  EXPECT_EQ(words("accepted"), doubt);
  EXPECT_EQ(words({yes, {{"outcome", "fine"}}, json()}), (Words{"accepted", "unknown", "unknown"}));
  EXPECT_EQ(words_of(answer(reply_of(200, "{")), 3), doubt);
  EXPECT_EQ(words_of(answer(json_reply(201, {{"outcomes", {yes, yes, yes}}})), 3), doubt);
}

TEST_F(FunctionTest, HowItEndedIsSaidInTheWordsOfHttp) {
  const json said = {{"code", "Boom"}, {"message", "it broke"}};
  EXPECT_EQ(words_of(answer(json_reply(500, said)), 3), (Words{"unknown", "unknown", "unknown"}));
  EXPECT_EQ(words_of(answer(json_reply(409, said)), 3),
            (Words{"regrouped", "regrouped", "regrouped"}));
  EXPECT_EQ(words_of(answer(json_reply(429, said)), 3),
            (Words{"retryable", "retryable", "retryable"}));
  const Step stopped = answer(json_reply(400, said));
  ASSERT_TRUE(stopped.stop);
  EXPECT_NE(stopped.stop->message.find("it broke"), std::string::npos);
}

TEST_F(FunctionTest, AFunctionThatDoesNothingIsNoDestination) {
  EXPECT_THROW(function({{"operations", json::array()}}), std::invalid_argument);
  EXPECT_THROW(function({{"operations", {"fly"}}}), std::invalid_argument);
}

}  // namespace
}  // namespace tailrace
