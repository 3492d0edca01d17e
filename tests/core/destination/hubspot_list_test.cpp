// Members of a HubSpot list: who is looked up, who is put on it or taken off, and what answers say.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "destination/destination.hpp"
#include "destination/rows.hpp"

namespace tailrace {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;

std::string mail(std::size_t row) { return "user" + std::to_string(row) + "@example.com"; }
std::string id_of(std::size_t row) { return std::to_string(9000 + row); }

/// The answer to a look-up that finds the rows from `first` up to `last`, and not `missing`.
wire::Reply found(std::size_t first, std::size_t last, const std::vector<std::size_t>& missing) {
  json results = json::array();
  json ids = json::array();
  for (std::size_t row = last; row-- > first;) {
    if (std::find(missing.begin(), missing.end(), row) != missing.end()) {
      ids.push_back(mail(row));
    } else {
      results.push_back({{"id", id_of(row)}, {"properties", {{"email", mail(row)}}}});
    }
  }
  json body = {{"status", "COMPLETE"}, {"results", results}};
  if (!ids.empty()) {
    body["errors"] = {{{"category", "OBJECT_NOT_FOUND"}, {"context", {{"ids", ids}}}}};
  }
  return json_reply(ids.empty() ? 200 : 207, body);
}

class HubSpotList : public testing::Test {
 protected:
  explicit HubSpotList(std::size_t rows = 3) : rows_(rows) {}

  /// The step behind a look-up of all rows.
  Step looked_up(Operation operation, const std::vector<std::size_t>& missing = {}) {
    batch_ = rows_.batch(operation);
    const Step first = list_->begin(batch_);
    return list_->reply(batch_, {}, first.calls.at(0), found(0, batch_.rows.size(), missing));
  }
  Words changed(Operation operation, const json& answer, int status = 200) {
    const Step step = looked_up(operation);
    return words_of(list_->reply(batch_, {}, step.calls.at(0), json_reply(status, answer)), 3);
  }

  TestRows rows_;
  Batch batch_;
  std::unique_ptr<Destination> list_ = hubspot_list_of(rows_.schema);
};

TEST_F(HubSpotList, LooksUpWhoComesByTheMatchFieldAndPutsThemOnByTheirIds) {
  const Step first = list_->begin(rows_.batch());
  ASSERT_EQ(first.calls.size(), 1u);
  EXPECT_EQ(first.calls[0].effect, Effect::none);
  EXPECT_EQ(first.calls[0].request.path, "/crm/v3/objects/0-1/batch/read");
  EXPECT_EQ(json::parse(first.calls[0].request.body),
            json::parse(R"({"idProperty":"email","properties":["email"],"inputs":[
                {"id":"user0@example.com"},{"id":"user1@example.com"},
                {"id":"user2@example.com"}]})"));
  const Step step = looked_up(Operation::upsert);
  ASSERT_EQ(step.calls.size(), 1u);
  EXPECT_EQ(step.calls[0].effect, Effect::keyed_write);
  EXPECT_EQ(step.calls[0].request.method, wire::Method::put);
  EXPECT_EQ(step.calls[0].request.path, "/crm/v3/lists/7/memberships/add-and-remove");
  EXPECT_EQ(json::parse(step.calls[0].request.body),
            json::parse(R"({"recordIdsToAdd":["9000","9001","9002"],"recordIdsToRemove":[]})"));
}

TEST_F(HubSpotList, WhoIsNoRecordIsSkippedAndDoesNotStandInTheWayOfTheOthers) {
  for (const Operation operation : {Operation::upsert, Operation::update}) {
    const Step step = looked_up(operation, {1});
    EXPECT_EQ(words_of(step, 3), (Words{"open", "skipped", "open"}));
    EXPECT_EQ(step.verdicts.at(0).reason.code, kMissing);
    const json body = json::parse(step.calls.at(0).request.body);
    EXPECT_EQ(body["recordIdsToAdd"], (json{"9000", "9002"}));
  }
}

TEST_F(HubSpotList, WhoIsNoRecordHasLeft) {
  const Step step = looked_up(Operation::delete_, {0, 1, 2});
  EXPECT_EQ(words_of(step, 3), Words(3, "accepted"));
  EXPECT_TRUE(step.calls.empty());
}

TEST_F(HubSpotList, ReadsTheAnswerToTheRow) {
  const json answer = {{"recordsIdsAdded", {"9002"}}, {"recordIdsMissing", {"9000"}}};
  EXPECT_EQ(changed(Operation::upsert, answer), (Words{"accepted", "unknown", "accepted"}));
  const json other_spelling = {{"recordIdsAdded", {"9000", "9001", "9002"}}};
  EXPECT_EQ(changed(Operation::upsert, other_spelling), Words(3, "accepted"));
  const json left = {{"recordIdsRemoved", {"9001"}}, {"recordIdsMissing", {"9002"}}};
  EXPECT_EQ(changed(Operation::delete_, left), (Words{"unknown", "accepted", "accepted"}));
}

TEST_F(HubSpotList, AnAnswerThatContradictsItselfSaysNothing) {
  const json both = {{"recordsIdsAdded", {"9000", "9001"}}, {"recordIdsMissing", {"9001", "9002"}}};
  EXPECT_EQ(changed(Operation::upsert, both), (Words{"accepted", "unknown", "accepted"}));
  const json wrong_way = {{"recordIdsRemoved", {"9000", "9001", "9002"}}};
  EXPECT_EQ(changed(Operation::upsert, wrong_way), Words(3, "unknown"));
}

TEST_F(HubSpotList, TellsWhoWasThereAlready) {
  const Step step = looked_up(Operation::upsert);
  const json answer = {{"recordIdsMissing", {"9000", "9001", "9002"}}};
  const Step end = list_->reply(batch_, {}, step.calls.at(0), json_reply(200, answer));
  ASSERT_EQ(end.verdicts.size(), 3u);
  EXPECT_EQ(end.verdicts[0].reason.code, "already_member");
  EXPECT_EQ(end.verdicts[0].destination_id, "9000");
}

TEST_F(HubSpotList, WhoLeavesIsTakenOffByTheIdThatTheyCameBy) {
  TestRows rows(0);
  rows.add("a", "a@example.com", "", "9007");
  rows.add("b", "b@example.com", "", "9008");
  batch_ = rows.batch(Operation::delete_);
  const Step step = list_->begin(batch_);
  ASSERT_EQ(step.calls.size(), 1u);
  EXPECT_EQ(json::parse(step.calls[0].request.body),
            json::parse(R"({"recordIdsToAdd":[],"recordIdsToRemove":["9007","9008"]})"));
}

TEST_F(HubSpotList, ALookUpWithoutAnAnswerLeavesAllRowsToBeTriedAgain) {
  const Batch batch = rows_.batch();
  const Step first = list_->begin(batch);
  for (const int status : {429, 500, 503}) {
    const Step step = list_->reply(batch, {}, first.calls.at(0), reply_of(status, "{}"));
    EXPECT_EQ(words_of(step, 3), Words(3, "retryable")) << status;
    EXPECT_TRUE(step.calls.empty());
  }
}

TEST_F(HubSpotList, AMatchPropertyThatIsNotUniqueStopsTheRun) {
  const Batch batch = rows_.batch();
  const Step first = list_->begin(batch);
  const Step step = list_->reply(
      batch, {}, first.calls.at(0),
      json_reply(400,
                 {{"status", "error"},
                  {"category", "VALIDATION_ERROR"},
                  {"message", "Unable to perform update/upsert by non-unique 0-1 property x"}}));
  ASSERT_TRUE(step.stop);
  EXPECT_EQ(step.stop->kind, Stop::Kind::configuration);
}

TEST_F(HubSpotList, AddressesAreComparedWithoutCaseBeforeTheListIsKnownToo) {
  for (const char* learned : {"", "0-1", "0-2"}) {
    EXPECT_EQ(hubspot_list_of(rows_.schema, learned)->identity(" A@B.example "), "a@b.example");
  }
}

TEST_F(HubSpotList, RecordIdsAreAskedForWithoutAProperty) {
  Schema schema = rows_.schema;
  schema.columns[0].name = "hs_object_id";
  const auto list = hubspot_list_of(schema);
  EXPECT_FALSE(list->identity("12a"));
  EXPECT_EQ(list->identity(" 12 "), "12");
  TestRows rows(0);
  rows.add("a", "9007", "9007\t\\N\t\\N\t\\N\t\\N\ta");
  const Step step = list->begin(rows.batch());
  const json body = json::parse(step.calls.at(0).request.body);
  EXPECT_FALSE(body.contains("idProperty"));
  EXPECT_EQ(body["inputs"], (json::array({{{"id", "9007"}}})));
}

class HubSpotListOfMany : public HubSpotList {
 protected:
  HubSpotListOfMany() : HubSpotList(250) {}
};

TEST_F(HubSpotListOfMany, AreLookedUpByHundredsAndPutOnTogether) {
  const Batch batch = rows_.batch();
  EXPECT_EQ(list_->capabilities().max_rows, 500u);
  EXPECT_EQ(list_->requests_for(Operation::upsert, 250), 3u + 1u);
  EXPECT_EQ(list_->requests_for(Operation::upsert, 501), 6u + 2u);
  EXPECT_EQ(list_->requests_for(Operation::delete_, 501), 2u);
  Step step = list_->begin(batch);
  std::size_t requests = 0;
  for (const std::size_t first : {0u, 100u, 200u}) {
    ASSERT_EQ(step.calls.size(), 1u);
    const Call call = step.calls[0];
    const std::size_t last = std::min<std::size_t>(first + 100, 250);
    EXPECT_EQ(json::parse(call.request.body)["inputs"].size(), last - first);
    step = list_->reply(batch, {}, call, found(first, last, {first}));
    ++requests;
  }
  const json body = json::parse(step.calls.at(0).request.body);
  EXPECT_EQ(body["recordIdsToAdd"].size(), 247u);
  json all = {{"recordsIdsAdded", body["recordIdsToAdd"]}};
  const Step end = list_->reply(batch, {}, step.calls[0], json_reply(200, all));
  EXPECT_EQ(end.verdicts.size(), 247u);
  EXPECT_EQ(requests, 3u);
}

TEST_F(HubSpotListOfMany, NothingIsDecidedOfAnyoneWhereALaterLookUpFails) {
  const Batch batch = rows_.batch();
  Step step = list_->begin(batch);
  step = list_->reply(batch, {}, step.calls.at(0), found(0, 100, {7}));
  step = list_->reply(batch, {}, step.calls.at(0), reply_of(503, ""));
  EXPECT_EQ(step.verdicts.size(), 249u) << "one is known to be no contact";
  for (const Verdict& one : step.verdicts) EXPECT_EQ(one.outcome, Outcome::retryable);
}

// --- the list itself ---------------------------------------------------------------------------

json told(const std::string& processing, const std::string& type = "0-1") {
  return {{"list", {{"listId", "7"}, {"processingType", processing}, {"objectTypeId", type}}}};
}

class HubSpotListAsked : public testing::Test {
 protected:
  ReadStep ask(ReadAsk::Kind kind, const wire::Reply& reply) {
    const Call call = list_->read({kind, {}}).calls.at(0);
    EXPECT_EQ(call.request.path, "/crm/v3/lists/7");
    return list_->read({kind, {}}, &call, &reply);
  }
  TestRows rows_;
  std::unique_ptr<Destination> list_ = hubspot_list_of(rows_.schema, "");
};

TEST_F(HubSpotListAsked, TellsWhatItIsOf) {
  for (const char* processing : {"MANUAL", "SNAPSHOT"}) {
    const ReadStep step = ask(ReadAsk::Kind::prepare, json_reply(200, told(processing, "0-2")));
    EXPECT_FALSE(step.stop);
    EXPECT_EQ(step.learned, "0-2");
  }
}

TEST_F(HubSpotListAsked, IsRefusedWhereItsFiltersSayWhoIsOnIt) {
  for (const ReadAsk::Kind kind : {ReadAsk::Kind::prepare, ReadAsk::Kind::describe}) {
    const ReadStep step = ask(kind, json_reply(200, told("DYNAMIC")));
    ASSERT_TRUE(step.stop);
    EXPECT_EQ(step.stop->kind, Stop::Kind::configuration);
    EXPECT_NE(step.stop->message.find("list 7 is DYNAMIC"), std::string::npos);
  }
}

TEST_F(HubSpotListAsked, IsNamedWhereThereIsNone) {
  const json body = {{"status", "error"}, {"category", "OBJECT_NOT_FOUND"}, {"message", "none"}};
  const ReadStep step = ask(ReadAsk::Kind::prepare, json_reply(404, body));
  ASSERT_TRUE(step.stop);
  EXPECT_EQ(step.stop->kind, Stop::Kind::configuration);
  EXPECT_NE(step.stop->message.find("no list 7"), std::string::npos);
}

TEST_F(HubSpotListAsked, AnAnswerThatDoesNotSayWhatItIsOfStopsTheRun) {
  for (const json& body : {json{{"list", {{"processingType", "MANUAL"}}}}, told("MANUAL", "../x"),
                           told(""), json::object()}) {
    EXPECT_TRUE(ask(ReadAsk::Kind::prepare, json_reply(200, body)).stop) << body;
  }
}

TEST_F(HubSpotListAsked, DescribesTheRecordsThatItIsOf) {
  ReadStep step = ask(ReadAsk::Kind::describe, json_reply(200, told("MANUAL", "0-2")));
  const Call call = step.calls.at(0);
  EXPECT_EQ(call.request.path, "/crm/v3/properties/0-2");
  const wire::Reply reply = reply_of(200, R"({"results":[
      {"name":"hs_object_id","type":"number","modificationMetadata":{"readOnlyValue":true}},
      {"name":"number","type":"string","hasUniqueValue":true},{"name":"name","type":"string"}]})");
  step = list_->read({ReadAsk::Kind::describe, {}}, &call, &reply);
  ASSERT_EQ(step.fields.size(), 3u);
  EXPECT_TRUE(step.fields[0].unique && step.fields[0].writable);
  EXPECT_TRUE(step.fields[1].unique);
  EXPECT_FALSE(step.fields[2].unique);
}

TEST(HubSpotLists, AreNamedByANumberAndHaveNoFieldBesideTheMatch) {
  const TestRows rows;
  EXPECT_THROW(static_cast<void>(hubspot_of(rows.schema, "list:x")), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(hubspot_of(rows.schema, "list:")), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(hubspot_of(rows.schema, "list:7")), std::invalid_argument);
}

}  // namespace
}  // namespace tailrace
