// Events of one metric: the document of each, under an id that is recorded once, and the answers.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "destination/klaviyo/facts.hpp"
#include "destination/nonsense.hpp"
#include "destination/rows.hpp"

namespace tailrace {
namespace {

using nlohmann::json;
using Texts = std::vector<std::string>;

/// Events by their profile's external id, with a time, a value and two properties.
struct Feed {
  explicit Feed(std::size_t count = 3, const std::string& match = "external_id") {
    rows.schema.columns = {{match, match == "external_id" ? Type::integer : Type::text},
                           {"time", Type::timestamptz},
                           {"value", Type::decimal},
                           {"properties.score", Type::decimal},
                           {"properties.plan", Type::text}};
    rows.schema.field_count = 5;
    rows.schema.key = {0};
    rows.schema.match = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::string key = std::to_string(100 + i);
      rows.add(key, key, key + "\t2024-05-01 10:00:00+00\t9.90\t1.50\t\\N");
    }
  }
  /// The sync's fields in place of those.
  void map(std::vector<Column> columns, const std::string& line) {
    rows.schema.columns = std::move(columns);
    rows.schema.field_count = rows.schema.columns.size();
    rows.add("7", line.substr(0, line.find('\t')), line);
  }
  void open(const std::string& metric = "Churn Scored") {
    feed = klaviyo_of(rows.schema, "event:" + metric);
    batch = rows.batch(Operation::insert);
  }
  Step begin(const std::string& key = "k1") {
    if (!feed) open();
    batch.idempotency_key = key;
    return feed->begin(batch);
  }
  json sent(const std::string& key = "k1") {
    return json::parse(begin(key).calls.at(0).request.body).at("data").at("attributes");
  }
  Step answer(const wire::Reply& reply) {
    const Call call = begin().calls.at(0);
    return feed->reply(batch, {}, call, reply);
  }
  TestRows rows{0};
  std::unique_ptr<Destination> feed;
  Batch batch;
};

json one_error(const std::string& pointer, const char* code = "invalid") {
  return {{"code", code},
          {"title", "Invalid input."},
          {"detail", "no good"},
          {"source", {{"pointer", pointer}}}};
}

wire::Reply errors(int status, const std::vector<json>& all) {
  return json_reply(status, {{"errors", all}});
}

TEST(KlaviyoEvents, AnEventIsARequestOfItsOwn) {
  Feed feed;
  const Step step = feed.begin("k1");
  ASSERT_EQ(step.calls.size(), 3u);
  const Call& call = step.calls[0];
  EXPECT_EQ(call.effect, Effect::keyed_write);
  EXPECT_EQ(call.request.method, wire::Method::post);
  EXPECT_EQ(call.request.path, "/api/events");
  EXPECT_EQ(call.request.content_type, "application/vnd.api+json");
  EXPECT_EQ(call.rate_class, klaviyo::kTrack);
  ASSERT_EQ(call.request.headers.size(), 1u);
  EXPECT_EQ(call.request.headers[0].value, "2026-07-15");
  const json metric = {{"type", "metric"}, {"attributes", {{"name", "Churn Scored"}}}};
  const json profile = {{"type", "profile"}, {"attributes", {{"external_id", "100"}}}};
  EXPECT_EQ(json::parse(call.request.body), json({{"data",
                                                   {{"type", "event"},
                                                    {"attributes",
                                                     {{"metric", {{"data", metric}}},
                                                      {"profile", {{"data", profile}}},
                                                      {"time", "2024-05-01T10:00:00Z"},
                                                      {"value", 9.9},
                                                      {"unique_id", "k1-0"},
                                                      {"properties", {{"score", 1.5}}}}}}}}))
      << "NULL leaves a property out, and a number is text where Klaviyo has text";
  const Capabilities& can = feed.feed->capabilities();
  EXPECT_EQ(can.operations, std::vector{Operation::insert});
  EXPECT_EQ(can.rows_of(Operation::insert), 1u);
  EXPECT_TRUE(can.insert_needs_match);
  EXPECT_EQ(feed.feed->requests_for(Operation::insert, 50'000), 50'000u);
}

TEST(KlaviyoEvents, AnEventGoesByTheKeyOfItsBatchAndIsTheSameEachTime) {
  Feed feed(1);
  EXPECT_EQ(feed.sent("k7").at("unique_id"), "k7");
  EXPECT_EQ(feed.begin("k7").calls[0].request.body, feed.begin("k7").calls[0].request.body);
  EXPECT_EQ(feed.begin("k7").calls[0].effect, Effect::keyed_write);
  // Without one it is named all the same: two events of a second would be one.
  const Step step = feed.begin("");
  EXPECT_EQ(step.calls[0].effect, Effect::unkeyed_write);
  EXPECT_EQ(feed.sent("").at("unique_id"), "r1-7");
  EXPECT_GE(feed.feed->capabilities().idempotency_ttl, std::chrono::hours(24));
}

TEST(KlaviyoEvents, AnIdOfTheUsersOwnIsKeptAndNullGetsOurs) {
  for (const auto& [cell, id] :
       std::vector<std::pair<std::string, std::string>>{{"12", "12"}, {"\\N", "k1"}}) {
    Feed feed(0);
    feed.map({{"email", Type::text}, {"unique_id", Type::integer}}, "a@acme.test\t" + cell);
    EXPECT_EQ(feed.sent().at("unique_id"), id);
    EXPECT_EQ(feed.sent().at("properties"), json::object()) << "an event has to have them";
  }
}

TEST(KlaviyoEvents, AnEventOfNobodyIsNotSent) {
  Feed feed(0);
  feed.rows.schema.columns.resize(2);
  feed.rows.schema.field_count = 2;
  feed.rows.add("7", "", "\\N\t2024-05-01 10:00:00+00");
  const Step step = feed.begin();
  EXPECT_TRUE(step.calls.empty());
  ASSERT_EQ(words_of(step, 1), Texts{"rejected"});
  EXPECT_EQ(step.verdicts[0].reason.code, "blank_match");
}

TEST(KlaviyoEvents, AProfileMayHaveSeveralIdentifiersAndLosesNone) {
  Feed feed(0);
  feed.map({{"email", Type::text}, {"external_id", Type::integer}, {"phone_number", Type::text}},
           "a@acme.test\t5\t\\N");
  EXPECT_EQ(feed.sent().at("profile").at("data"),
            json({{"type", "profile"},
                  {"attributes", {{"email", "a@acme.test"}, {"external_id", "5"}}}}));
}

TEST(KlaviyoEvents, AProfileOfAnIdHasAttributesAllTheSame) {
  Feed feed(0);
  feed.map({{"id", Type::text}, {"email", Type::text}}, "01A\t\\N");
  EXPECT_EQ(feed.sent().at("profile").at("data"),
            json({{"type", "profile"}, {"id", "01A"}, {"attributes", json::object()}}));
  Feed both(0);
  both.map({{"id", Type::text}, {"email", Type::text}}, "01A\ta@acme.test");
  EXPECT_EQ(both.sent().at("profile").at("data"),
            json({{"type", "profile"}, {"id", "01A"}, {"attributes", {{"email", "a@acme.test"}}}}));
}

TEST(KlaviyoEvents, WhatAnEventSaysOfItselfKeepsItsTypes) {
  Feed feed(0);
  feed.map({{"email", Type::text},
            {"value_currency", Type::text},
            {"backfill", Type::boolean},
            {"properties.time", Type::text},
            {"properties.items", Type::list},
            {"properties.cart", Type::json},
            {"properties.first", Type::boolean}},
           "a@acme.test\tUSD\tt\tnoon\t[1,\"b\"]\t{\"attributes\":{\"unique_id\":7}}\tf");
  const json sent = feed.sent();
  EXPECT_EQ(sent.at("value_currency"), "USD");
  EXPECT_EQ(sent.at("backfill"), true);
  EXPECT_EQ(sent.at("unique_id"), "k1");
  EXPECT_EQ(sent.at("properties"), json({{"time", "noon"},
                                         {"items", {1, "b"}},
                                         {"cart", {{"attributes", {{"unique_id", 7}}}}},
                                         {"first", false}}));
}

TEST(KlaviyoEvents, ABodyIsNoLongerThanItsRowIsReckoned) {
  for (const std::string& text :
       {std::string("x"), std::string(90'000, '"'), std::string(50'000, '\x01'), std::string()}) {
    Feed feed(0);
    feed.map({{"email", Type::text}, {"properties.note", Type::text}}, "a@acme.test\t" + text);
    feed.open(std::string(120, '"'));
    const std::string body = feed.begin(std::string(64, 'f')).calls.at(0).request.body;
    EXPECT_LE(body.size(), feed.feed->row_bytes(feed.batch.rows[0]));
  }
}

TEST(KlaviyoEvents, OnlyTheAnswerThatIsKlaviyosTakesAnEvent) {
  Feed feed(1);
  EXPECT_EQ(words_of(feed.answer(reply_of(202, "")), 1), Texts{"accepted"});
  EXPECT_EQ(words_of(feed.answer(reply_of(202, "{}")), 1), Texts{"accepted"});
  for (const wire::Reply& reply :
       {reply_of(200, ""), reply_of(201, "{}"), reply_of(204, ""), reply_of(206, ""),
        reply_of(202, "<html>", "text/html"), reply_of(202, "{\"data\":"),
        errors(202, {one_error("/data")})}) {
    EXPECT_EQ(words_of(feed.answer(reply), 1), Texts{"unknown"}) << reply.status << reply.body;
  }
  for (const Nonsense& one : nonsense()) {
    const Texts words = words_of(feed.answer(one.reply), 1);
    EXPECT_EQ(words == Texts{"accepted"}, one.name == "empty 202") << one.name;
  }
}

TEST(KlaviyoEvents, AnErrorThatPointsIntoTheRowRejectsIt) {
  const std::vector<std::pair<std::string, std::string>> places = {
      {"/data/attributes/profile/data/attributes/email", "email"},
      {"/data/attributes/profile/data/id", "id"},
      {"/data/attributes/properties/score", "properties.score"},
      {"/data/attributes/value", "value"},
  };
  for (const auto& [pointer, field] : places) {
    for (const int status : {400, 404, 409}) {
      Feed feed(1);
      const Step step = feed.answer(errors(status, {one_error(pointer)}));
      EXPECT_FALSE(step.stop) << pointer;
      ASSERT_EQ(words_of(step, 1), Texts{"rejected"}) << pointer;
      EXPECT_EQ(step.verdicts[0].reason.code, "invalid");
      if (status != 409) {
        EXPECT_EQ(step.verdicts[0].reason.field, field);
      }
    }
  }
}

TEST(KlaviyoEvents, AnErrorOfTheRequestStopsTheRun) {
  for (const std::vector<json>& all : std::vector<std::vector<json>>{
           {one_error("/data/attributes/metric/data/attributes/name")},
           {one_error("/data/attributes/value"), one_error("/data/attributes/metric")},
           {one_error("/data")},
           {one_error("/data/")},
           {one_error("")}}) {
    Feed feed(1);
    const Step step = feed.answer(errors(400, all));
    ASSERT_TRUE(step.stop);
    EXPECT_EQ(words_of(step, 1), Texts{"retryable"});
  }
  Feed feed(1);
  const Step denied = feed.answer(errors(403, {one_error("/data/attributes/value", "denied")}));
  ASSERT_TRUE(denied.stop);
  EXPECT_NE(denied.stop->message.find("scopes"), std::string::npos);
  const Step nowhere = feed.answer(errors(404, {one_error("/data/", "not_found")}));
  ASSERT_TRUE(nowhere.stop);
  EXPECT_EQ(nowhere.stop->message.find("list"), std::string::npos);
}

TEST(KlaviyoEvents, AProfileThatIsNotThereIsItsRowsMatter) {
  Feed feed(1, "id");
  const Step step = feed.answer(errors(404, {one_error("/data/", "not_found")}));
  EXPECT_FALSE(step.stop);
  EXPECT_EQ(words_of(step, 1), Texts{"rejected"});
}

TEST(KlaviyoEvents, ARequestThatIsTooLargeIsItsRowsMatterToo) {
  Feed feed(1);
  EXPECT_EQ(words_of(feed.answer(reply_of(413, "")), 1), Texts{"rejected"});
}

TEST(KlaviyoEvents, WaitsAsLongAsItIsAskedTo) {
  Feed feed(1);
  wire::Reply busy = errors(429, {one_error("/data/", "throttled")});
  busy.retry_after = std::chrono::seconds(7);
  const Step step = feed.answer(busy);
  EXPECT_EQ(words_of(step, 1), Texts{"retryable"});
  EXPECT_EQ(step.pause, std::chrono::seconds(7));
  EXPECT_TRUE(feed.answer(reply_of(401, "")).reauthenticate);
}

std::string refused_event(const std::string& object, const std::string& field = "time",
                          const std::string& match = "email") {
  Schema schema = Feed().rows.schema;
  schema.columns[0].name = match;
  schema.columns[1].name = field;
  try {
    static_cast<void>(klaviyo_of(schema, object));
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return {};
}

TEST(KlaviyoEvents, AreNamedByTheirMetric) {
  const std::string umlauts = "\xC3\xBC";  // one character of two bytes
  std::string longest;
  for (std::size_t i = 0; i < klaviyo::kMaxMetric; ++i) longest += umlauts;
  for (const std::string& name : {std::string("Churn Scored"), std::string("a:b"), longest}) {
    EXPECT_EQ(refused_event("event:" + name), "") << name;
  }
  for (const std::string& name : {std::string(), std::string(" Scored"), std::string("Scored "),
                                  std::string("a\nb"), std::string("\xFF"), longest + "x"}) {
    EXPECT_NE(refused_event("event:" + name).find("event:METRIC"), std::string::npos) << name;
  }
  EXPECT_NE(refused_event("events").find("event:METRIC"), std::string::npos);
}

TEST(KlaviyoEvents, HaveTheirOwnAttributesAndTheirProfilesIdentifiers) {
  for (const char* field : {"value_currency", "unique_id", "backfill", "phone_number", "id",
                            "properties.anything at all"}) {
    EXPECT_EQ(refused_event("event:Scored", field), "") << field;
  }
  for (const char* field : {"first_name", "location.city", "plan", "properties", "properties.",
                            "properties.a.b", "metric", "profile.email"}) {
    EXPECT_NE(refused_event("event:Scored", field).find("properties.plan"), std::string::npos)
        << field;
  }
  EXPECT_NE(refused_event("event:Scored", "time", "first_name").find("external_id"),
            std::string::npos);
}

TEST(KlaviyoEvents, AreDescribedOnceTheKeyMayReadThem) {
  Feed feed;
  feed.open();
  const ReadAsk ask{ReadAsk::Kind::describe, {}};
  ReadStep step = feed.feed->read(ask);
  const Call asked = step.calls.at(0);
  EXPECT_EQ(asked.request.path, "/api/events");
  EXPECT_EQ(asked.request.query, "fields%5Bevent%5D=datetime&page%5Bsize%5D=1");
  EXPECT_EQ(asked.effect, Effect::none);
  const wire::Reply none = json_reply(200, {{"data", json::array()}});
  step = feed.feed->read(ask, &asked, &none);
  Texts names;
  for (const FieldFact& field : step.fields) names.push_back(field.name);
  EXPECT_EQ(names, (Texts{"id", "email", "phone_number", "external_id", "time", "value",
                          "value_currency", "unique_id", "backfill", "properties.*"}));
  EXPECT_EQ(step.fields[4].takes, Takes::moment);
  const wire::Reply denied = errors(403, {one_error("/data/", "permission_denied")});
  EXPECT_TRUE(feed.feed->read(ask, &asked, &denied).stop);
  EXPECT_FALSE(feed.feed->capabilities().answers(ReadAsk::Kind::by_match));
}

}  // namespace
}  // namespace tailrace
