// What Salesforce is asked, and what its answers say: fields, whose org it is, records.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "destination/rows.hpp"

namespace tailrace::salesforce {
namespace {

using nlohmann::json;

struct Asked {
  Asked() {
    rows.schema.columns = {
        {"Ext__c", Type::text}, {"Score__c", Type::decimal}, {"Owner.Email", Type::text}};
    rows.schema.field_count = 3;
    rows.schema.key = {0};
    rows.schema.match = 0;
    org = salesforce_of(rows.schema);
  }
  ReadStep ask(ReadAsk::Kind kind, const std::vector<std::string>& match = {}) {
    question.kind = kind;
    question.match = match;
    return org->read(question);
  }
  ReadStep answer(const Call& call, const wire::Reply& reply) const {
    return org->read(question, &call, &reply);
  }
  TestRows rows;
  std::unique_ptr<Destination> org;
  ReadAsk question;
};

const FieldFact& named(const ReadStep& step, const std::string& name) {
  const auto found = std::find_if(step.fields.begin(), step.fields.end(),
                                  [&](const FieldFact& one) { return one.name == name; });
  if (found == step.fields.end()) throw std::out_of_range(name);
  return *found;
}

TEST(SalesforceQuestions, DescribesFieldsWithWhatTheyTake) {
  Asked org;
  const ReadStep step = org.ask(ReadAsk::Kind::describe);
  EXPECT_EQ(step.calls.at(0).request.path, "/services/data/v60.0/sobjects/Account/describe");
  const json open = {{"createable", true}, {"updateable", true}, {"nillable", true}};
  json ext = open;
  ext.update({{"name", "Ext__c"}, {"type", "string"}, {"length", 80}, {"externalId", true}});
  json name = open;
  name.update({{"name", "Name"}, {"type", "string"}, {"nillable", false}});
  json rating = open;
  rating.update({{"name", "Rating"},
                 {"type", "picklist"},
                 {"restrictedPicklist", true},
                 {"picklistValues",
                  {{{"value", "Hot"}, {"active", true}}, {{"value", "Old"}, {"active", false}}}}});
  json owner = open;
  owner.update({{"name", "OwnerId"},
                {"type", "reference"},
                {"nillable", false},
                {"relationshipName", "Owner"}});
  const json sum = {{"name", "Sum__c"}, {"calculated", true}, {"nillable", true}};
  const json id = {{"name", "Id"}, {"type", "id"}};
  const ReadStep told =
      org.answer(step.calls[0], json_reply(200, {{"fields", {ext, name, rating, owner, sum, id}}}));
  EXPECT_FALSE(told.stop);
  EXPECT_TRUE(named(told, "Ext__c").unique);
  EXPECT_EQ(named(told, "Ext__c").max_length, 80u);
  EXPECT_TRUE(named(told, "Name").required);
  EXPECT_FALSE(named(told, "Name").unique);
  EXPECT_EQ(named(told, "Rating").options, std::vector<std::string>{"Hot"});
  EXPECT_FALSE(named(told, "Sum__c").writable);
  EXPECT_TRUE(named(told, "Id").writable);
  EXPECT_TRUE(named(told, "Id").unique);
  // The owner may be given by a field of theirs.
  EXPECT_TRUE(named(told, "Owner.*").writable);
  EXPECT_FALSE(named(told, "OwnerId").required);
}

TEST(SalesforceQuestions, TheAccountIsTheOrgsId) {
  Asked org;
  const ReadStep step = org.ask(ReadAsk::Kind::account);
  EXPECT_EQ(step.calls.at(0).request.query, "q=SELECT%20Id%20FROM%20Organization%20LIMIT%201");
  const json body = {{"done", true}, {"totalSize", 1}, {"records", {{{"Id", "00D5g00000000oR"}}}}};
  EXPECT_EQ(org.answer(step.calls[0], json_reply(200, body)).account, "00D5g00000000oREAQ");
  for (const json& odd : {json({{"done", true}, {"records", json::array()}}), json::object()}) {
    EXPECT_TRUE(org.answer(step.calls[0], json_reply(200, odd)).stop);
  }
}

TEST(SalesforceQuestions, LimitsTellTheCallsThatAreLeft) {
  Asked org;
  const ReadStep step = org.ask(ReadAsk::Kind::limits);
  const json body = {{"DailyApiRequests", {{"Max", 15000}, {"Remaining", 14000}}}};
  EXPECT_EQ(org.answer(step.calls.at(0), json_reply(200, body)).calls_left, 14000.0);
}

TEST(SalesforceQuestions, RecordsComeWithTheFieldsOfTheMapping) {
  Asked org;
  const ReadStep step = org.ask(ReadAsk::Kind::by_match, {"K0", "K1", "K2", "K3"});
  ASSERT_EQ(step.calls.size(), 1u);
  EXPECT_TRUE(step.calls[0].request.query.starts_with(
      "q=SELECT%20Id%2CExt__c%2CScore__c%2COwner.Email%20FROM"));
  const json list = {{{"Id", "001000000000001"},
                      {"Ext__c", "K0"},
                      {"Score__c", 1.5},
                      {"Owner", {{"Email", "a@b.c"}}}},
                     {{"Id", "001000000000002"}, {"Ext__c", "k1"}},
                     {{"Id", "001000000000003"}, {"Ext__c", "K3"}, {"Owner", nullptr}}};
  const json body = {{"done", true}, {"totalSize", 3}, {"records", list}};
  const ReadStep told = org.answer(step.calls[0], json_reply(200, body));
  ASSERT_EQ(told.records.size(), 2u);
  EXPECT_EQ(told.records[0].match, "K0");
  EXPECT_EQ(told.records[0].fields.at(1).second, "1.5");
  EXPECT_EQ(told.records[0].fields.at(2).second, "a@b.c");
  EXPECT_EQ(told.records[1].fields.at(2).second, std::nullopt);
  // One that is written otherwise is neither the record nor proof that there is none.
  EXPECT_EQ(told.absent, std::vector<std::string>{"K2"});
}

TEST(SalesforceQuestions, NumbersAreAskedForAgainWithoutQuotes) {
  Asked org;
  const ReadStep step = org.ask(ReadAsk::Kind::by_match, {"7", "8"});
  const json error = {{"errorCode", "INVALID_FIELD"}, {"message", "should not be enclosed"}};
  const ReadStep again = org.answer(step.calls.at(0), json_reply(400, json::array({error})));
  ASSERT_EQ(again.calls.size(), 1u);
  const json list = {{{"Id", "001000000000001"}, {"Ext__c", 7.0}}};
  const json body = {{"done", true}, {"totalSize", 1}, {"records", list}};
  const ReadStep told = org.answer(again.calls[0], json_reply(200, body));
  ASSERT_EQ(told.records.size(), 1u);
  EXPECT_EQ(told.records[0].match, "7");
  EXPECT_EQ(told.absent, std::vector<std::string>{"8"});
  EXPECT_TRUE(org.answer(again.calls[0], json_reply(400, json::array({error}))).stop);
}

TEST(SalesforceQuestions, PagesLeadToTheNextOneAndNowhereElse) {
  Asked org;
  const ReadStep step = org.ask(ReadAsk::Kind::all_ids);
  json body = {{"done", false},
               {"totalSize", 4000},
               {"records", {{{"Id", "001000000000001"}, {"Ext__c", "K0"}}}},
               {"nextRecordsUrl", "https://elsewhere.test/x/01g000000000001-2000"}};
  const ReadStep next = org.answer(step.calls.at(0), json_reply(200, body));
  ASSERT_EQ(next.calls.size(), 1u);
  EXPECT_EQ(next.calls[0].request.path, "/services/data/v60.0/query/01g000000000001-2000");
  EXPECT_TRUE(org.answer(next.calls[0], json_reply(200, body)).stop) << "the same page again";
  body["nextRecordsUrl"] = "/services/data/v60.0/query/..%2Fx?y";
  EXPECT_TRUE(org.answer(step.calls[0], json_reply(200, body)).stop);
}

}  // namespace
}  // namespace tailrace::salesforce
