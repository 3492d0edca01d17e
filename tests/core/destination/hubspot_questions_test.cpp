// What is asked of HubSpot, what its answers mean, and when two values are one.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "destination/destination.hpp"
#include "destination/rows.hpp"

namespace tailrace {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;

class HubSpotQuestions : public testing::Test {
 protected:
  ReadStep ask(const ReadAsk& question, const wire::Reply& reply) {
    const Call call = destination_->read(question).calls.at(0);
    return destination_->read(question, &call, &reply);
  }
  TestRows rows_;
  std::unique_ptr<Destination> destination_ = hubspot_of(rows_.schema);
};

TEST_F(HubSpotQuestions, DescribesProperties) {
  const ReadAsk question{ReadAsk::Kind::describe, {}};
  EXPECT_EQ(destination_->read(question).calls.at(0).request.path, "/crm/v3/properties/contacts");
  const ReadStep step = ask(question, reply_of(200, R"({"results":[
      {"name":"email","type":"string"},
      {"name":"plan","type":"enumeration","options":[{"value":"a"},{"value":"b"}]},
      {"name":"total","type":"number","calculated":true},
      {"name":"owner","type":"string","modificationMetadata":{"readOnlyValue":true}},
      {"name":"ext","type":"string","hasUniqueValue":true}]})"));
  ASSERT_FALSE(step.stop);
  ASSERT_EQ(step.fields.size(), 5u);
  EXPECT_TRUE(step.fields[0].unique);
  EXPECT_EQ(step.fields[1].options, (Words{"a", "b"}));
  EXPECT_EQ(step.fields[1].takes, Takes::one_of);
  EXPECT_FALSE(step.fields[2].writable);
  EXPECT_FALSE(step.fields[3].writable);
  EXPECT_TRUE(step.fields[4].unique);
  EXPECT_TRUE(step.fields[4].writable);
}

TEST_F(HubSpotQuestions, TellsWhatAFieldTakesWhereHubSpotNamesAllOfIt) {
  const ReadStep step = ask({ReadAsk::Kind::describe, {}}, reply_of(200, R"({"results":[
      {"name":"score","type":"number","fieldType":"number","options":[]},
      {"name":"tiers","type":"enumeration","fieldType":"checkbox","options":[{"value":"a"}]},
      {"name":"owner","type":"enumeration","fieldType":"select","options":[]},
      {"name":"team","type":"enumeration","fieldType":"select","externalOptions":true,
       "options":[{"value":"a"}]},
      {"name":"note","type":"string","fieldType":"text","options":[]}]})"));
  std::vector<Takes> takes;
  for (const FieldFact& field : step.fields) takes.push_back(field.takes);
  EXPECT_EQ(takes, (std::vector{Takes::number, Takes::some_of, Takes::anything, Takes::anything,
                                Takes::anything}));
}

TEST_F(HubSpotQuestions, NamesTheAccount) {
  const ReadAsk question{ReadAsk::Kind::account, {}};
  EXPECT_EQ(ask(question, reply_of(200, R"({"portalId":12345678})")).account, "12345678");
  EXPECT_TRUE(ask(question, reply_of(200, "{}")).stop);
}

TEST_F(HubSpotQuestions, ReadsRecordsAHundredACall) {
  ReadAsk question{ReadAsk::Kind::by_match, {}};
  for (int i = 0; i < 250; ++i) question.match.push_back("u" + std::to_string(i));
  const ReadStep first = destination_->read(question);
  ASSERT_EQ(first.calls.size(), 3u);
  EXPECT_EQ(json::parse(first.calls[2].request.body).at("inputs").size(), 50u);
  const ReadStep step = ask(question, reply_of(200, R"({"status":"COMPLETE","results":[
      {"id":"9","properties":{"email":"U1","score":"1","note":null}}]})"));
  EXPECT_EQ(destination_->capabilities().read_rows, 100u);
  ASSERT_EQ(step.records.size(), 1u);
  EXPECT_EQ(step.records[0].match, "u1");
  EXPECT_EQ(step.records[0].destination_id, "9");
  EXPECT_EQ(step.records[0].fields.size(), 3u);
}

TEST_F(HubSpotQuestions, RefusalsAndNonsenseStop) {
  const ReadAsk question{ReadAsk::Kind::describe, {}};
  const ReadStep forbidden =
      ask(question, json_reply(403, {{"status", "error"}, {"category", "MISSING_SCOPES"}}));
  ASSERT_TRUE(forbidden.stop);
  EXPECT_EQ(forbidden.stop->kind, Stop::Kind::configuration);
  const ReadStep outage = ask(question, reply_of(503, ""));
  ASSERT_TRUE(outage.stop);
  EXPECT_EQ(outage.stop->kind, Stop::Kind::quota);
  for (const char* body : {"", "<html>", "[]", "{}", R"({"results":7})"}) {
    EXPECT_TRUE(ask(question, reply_of(200, body)).stop) << body;
  }
  EXPECT_THROW((void)destination_->read({ReadAsk::Kind::limits, {}}), std::logic_error);
}

TEST_F(HubSpotQuestions, AbsentIsWhatHubSpotNamesAsNotFoundAndNothingElse) {
  const ReadAsk question{ReadAsk::Kind::by_match,
                         {"a@b.co", "c@d.co", "e@f.co", "g@h.co", "i@j.co"}};
  const ReadStep step = ask(question, reply_of(207, R"({"status":"COMPLETE","results":[
      {"id":"1","properties":{"email":"A@b.co"}},
      {"id":"2","properties":{"email":"stranger@b.co"}},
      {"id":"3","properties":{"email":"g@h.co"}},
      {"id":"4","properties":{"email":"i@j.co"}},
      {"id":"5","properties":{"email":"i@j.co"}}],
      "errors":[
      {"category":"OBJECT_NOT_FOUND","context":{"ids":["C@D.co","nobody@x.co","g@h.co"]}},
      {"category":"RATE_LIMITS","context":{"ids":["e@f.co"]}}]})"));
  ASSERT_FALSE(step.stop);
  EXPECT_EQ(step.absent, Words{"c@d.co"});
  ASSERT_EQ(step.records.size(), 1u)
      << "strangers, two of one value, and what is said to be gone too";
  EXPECT_EQ(step.records[0].match, "a@b.co");
  for (const char* body : {R"({"status":"PENDING","results":[]})", R"({"status":"COMPLETE"})"}) {
    EXPECT_TRUE(ask(question, reply_of(200, body)).stop) << body;
  }
}

TEST_F(HubSpotQuestions, ListsAllRecordsPageByPage) {
  const ReadAsk question{ReadAsk::Kind::all_ids, {}};
  Call call = destination_->read(question).calls.at(0);
  EXPECT_EQ(call.effect, Effect::none);
  EXPECT_EQ(call.request.method, wire::Method::get);
  EXPECT_EQ(call.request.path, "/crm/v3/objects/contacts");
  EXPECT_EQ(call.request.query, "limit=100&properties=email");
  const auto page = [&](const std::string& body) {
    const wire::Reply reply = reply_of(200, body);
    return destination_->read(question, &call, &reply);
  };
  ReadStep step = page(R"({"results":[{"id":"7","properties":{"email":"A@b.co"}}],
                           "paging":{"next":{"after":"7&x","link":"https://evil.example"}}})");
  ASSERT_EQ(step.records.size(), 1u);
  EXPECT_EQ(step.records[0].match, "a@b.co");
  EXPECT_EQ(step.records[0].destination_id, "7");
  ASSERT_EQ(step.calls.size(), 1u);
  call = step.calls[0];
  EXPECT_EQ(call.request.path, "/crm/v3/objects/contacts") << "never another host";
  EXPECT_EQ(call.request.query, "limit=100&properties=email&after=7%26x");
  EXPECT_TRUE(page(R"({"results":[{"id":"8"}],"paging":{"next":{"after":"7&x"}}})").stop)
      << "a page that leads to itself";
  EXPECT_TRUE(page(R"({"results":[],"paging":{"next":{"after":"9"}}})").stop);
  const ReadStep last = page(R"({"results":[]})");
  EXPECT_FALSE(last.stop);
  EXPECT_TRUE(last.calls.empty());
  EXPECT_TRUE(page("[]").stop);
}

TEST_F(HubSpotQuestions, ValuesAreEqualAsHubSpotKeepsThem) {
  using Their = std::optional<std::string>;
  const auto equal = [&](std::size_t column, const char* ours, const Their& theirs) {
    return destination_->equal_value(column, ours, theirs);
  };
  EXPECT_TRUE(equal(0, " Ann@Example.com ", Their("ann@example.com"))) << "the match field";
  EXPECT_FALSE(equal(0, "ann@example.com", Their("bob@example.com")));
  EXPECT_TRUE(equal(1, "1.50", Their("1.5")));
  EXPECT_FALSE(equal(1, "1.50", Their("1.51")));
  EXPECT_TRUE(equal(2, "t", Their("true")));
  EXPECT_FALSE(equal(2, "t", Their("false")));
  EXPECT_FALSE(equal(2, "f", std::nullopt));
  EXPECT_TRUE(equal(3, "", std::nullopt));
  EXPECT_FALSE(equal(3, "x", Their("X")));
  EXPECT_TRUE(equal(4, "2024-01-01 00:00:00.5004+00", Their("2024-01-01T00:00:00.500Z")));
  EXPECT_TRUE(equal(4, "2024-01-01 00:00:00.5+00", Their("1704067200500")));
  EXPECT_FALSE(equal(4, "2024-01-01 00:00:00.5+00", Their("2024-01-01T00:00:00.501Z")));
  EXPECT_THROW((void)equal(5, "a1", std::nullopt), std::out_of_range) << "a key, no field";
}

}  // namespace
}  // namespace tailrace
