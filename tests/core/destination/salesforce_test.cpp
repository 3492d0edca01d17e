// Salesforce's requests and the reading of its answers, by sObject Collections.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "destination/rows.hpp"

namespace tailrace::salesforce {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;

// Two ids that differ in case alone, with the marks that tell them apart.
constexpr const char* kOne = "001d000000abcDEAAY";
constexpr const char* kOther = "001D000000ABCdeIAH";

/// Rows by Ext__c: K0, K1 and so on, with a score, a flag and an owner.
struct Org {
  explicit Org(std::size_t count = 3, const std::string& match = "Ext__c",
               const json& more = json::object()) {
    rows.schema.columns = {{match, Type::text},
                           {"Score__c", Type::decimal},
                           {"Active__c", Type::boolean},
                           {"Owner.Email", Type::text}};
    rows.schema.field_count = 4;
    rows.schema.key = {0};
    rows.schema.match = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::string key = match == "Id" ? id(i) : "K" + std::to_string(i);
      rows.add(key, key, key + "\t1.50\tt\tann@acme.test");
    }
    org = salesforce_of(rows.schema, "Account", more);
  }
  static std::string id(std::size_t number) {
    std::string digits = std::to_string(number);
    digits.insert(0, 4 - digits.size(), '0');
    return "00100000000" + digits + "AAA";
  }
  /// The step after the look-up of a batch that goes by ids.
  Step look_up(Operation operation, const wire::Reply& found) {
    batch = rows.batch(operation);
    const Step step = org->begin(batch);
    EXPECT_EQ(step.calls.at(0).effect, Effect::none);
    return org->reply(batch, step.memo, step.calls.at(0), found);
  }
  Step answer(const Step& step, const wire::Reply& reply) const {
    return org->reply(batch, step.memo, step.calls.at(0), reply);
  }
  TestRows rows;
  std::unique_ptr<Destination> org;
  Batch batch;
};

json done(std::size_t number) {
  return {{"id", Org::id(number)}, {"success", true}, {"errors", json::array()}};
}

json refused(const char* code, const char* message = "no", const json& fields = json::array()) {
  const json error = {{"statusCode", code}, {"message", message}, {"fields", fields}};
  return {{"success", false}, {"errors", {error}}};
}

wire::Reply records(const json& list) {
  return json_reply(200, {{"done", true}, {"totalSize", list.size()}, {"records", list}});
}

json record(std::size_t number, const std::string& ext) {
  return {{"attributes", {{"type", "Account"}}}, {"Id", Org::id(number)}, {"Ext__c", ext}};
}

TEST(Salesforce, UpsertsTwoHundredRowsByTheMatchField) {
  Org org(2);
  const Step step = org.org->begin(org.rows.batch());
  ASSERT_EQ(step.calls.size(), 1u);
  const Call& call = step.calls[0];
  EXPECT_EQ(call.effect, Effect::keyed_write);
  EXPECT_EQ(call.request.method, wire::Method::patch);
  EXPECT_EQ(call.request.path, "/services/data/v60.0/composite/sobjects/Account/Ext__c");
  const json body = json::parse(call.request.body);
  EXPECT_EQ(body.at("allOrNone"), false);
  EXPECT_EQ(body.at("records").at(1), json({{"attributes", {{"type", "Account"}}},
                                            {"Ext__c", "K1"},
                                            {"Score__c", "1.50"},
                                            {"Active__c", true},
                                            {"Owner", {{"Email", "ann@acme.test"}}}}));
}

TEST(Salesforce, ReadsResultsInTheOrderSent) {
  Org org;
  org.batch = org.rows.batch();
  const Step step = org.org->begin(org.batch);
  const json results = {done(7), refused("STRING_TOO_LONG", "too long", {"Score__c"}), done(9)};
  const Step after = org.answer(step, json_reply(200, results));
  EXPECT_EQ(words_of(after, 3), (Words{"accepted", "rejected", "accepted"}));
  EXPECT_EQ(after.verdicts[0].destination_id, Org::id(7));
  EXPECT_EQ(after.verdicts[1].reason.code, "STRING_TOO_LONG");
  EXPECT_EQ(after.verdicts[1].reason.field, "Score__c");
}

TEST(Salesforce, AnAnswerOfAnotherLengthTellsNothing) {
  Org org;
  org.batch = org.rows.batch();
  const Step step = org.org->begin(org.batch);
  for (const std::size_t count : {0u, 2u, 4u}) {
    json results = json::array();
    for (std::size_t i = 0; i < count; ++i) results.push_back(done(i));
    EXPECT_EQ(words_of(org.answer(step, json_reply(200, results)), 3), Words(3, "unknown"));
  }
}

TEST(Salesforce, AResultThatContradictsItselfTellsNothing) {
  Org org(4);
  org.batch = org.rows.batch();
  const Step step = org.org->begin(org.batch);
  json both = refused("X_Y");
  both["success"] = true;
  json neither = done(1);
  neither["success"] = false;
  json nobody = done(1);
  nobody["id"] = "001";
  json no_code = refused("a sentence");
  const Step after = org.answer(step, json_reply(200, {both, neither, nobody, no_code}));
  EXPECT_EQ(words_of(after, 4), Words(4, "unknown"));
}

TEST(Salesforce, IdsAreOneRecordWhateverTheirLength) {
  Org org(0, "Id");
  EXPECT_EQ(org.org->identity("001d000000abcDE"), kOne);
  EXPECT_EQ(org.org->identity(kOne), kOne);
  EXPECT_EQ(org.org->identity("001d000000abcDEaay"), kOne);
  EXPECT_EQ(org.org->identity("001D000000ABCde"), kOther);
  for (const char* no : {"001d000000abcDEIAD", "001d", "", "  ", "001d000000abc-E"}) {
    EXPECT_EQ(org.org->identity(no), std::nullopt) << no;
  }
}

TEST(Salesforce, ExternalIdsKeepTheirCase) {
  Org org(0);
  EXPECT_EQ(org.org->identity("  Acme 1 "), "Acme 1");
  EXPECT_EQ(org.org->identity("   "), std::nullopt);
}

TEST(Salesforce, WhatGoesByIdsIsLookedUpAndWrittenUnderThem) {
  Org org;
  Step step =
      org.look_up(Operation::update, records(json::array({record(1, "K2"), record(0, "K0")})));
  EXPECT_EQ(words_of(step, 3), (Words{"open", "skipped", "open"}));
  EXPECT_EQ(step.verdicts.at(0).reason.code, kMissing);
  const json sent = json::parse(step.calls.at(0).request.body).at("records");
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].at("id"), Org::id(0));
  EXPECT_EQ(sent[1].at("id"), Org::id(1));
  EXPECT_EQ(sent[1].at("Ext__c"), "K2");
  EXPECT_EQ(words_of(org.answer(step, json_reply(200, {done(0), done(1)})), 3),
            (Words{"accepted", "open", "accepted"}));
  // The second result is of another record than the one that was sent.
  EXPECT_EQ(words_of(org.answer(step, json_reply(200, {done(0), done(5)})), 3),
            (Words{"accepted", "open", "unknown"}));
}

TEST(Salesforce, AQueryQuotesWhatAValueHas) {
  Org org(0);
  org.rows.add("k", "O'Neil\\\n%", "x\t1\tt\tx");
  const Step step = org.org->begin(org.rows.batch(Operation::delete_));
  EXPECT_EQ(step.calls.at(0).request.query,
            "q=SELECT%20Id%2CExt__c%20FROM%20Account%20WHERE%20Ext__c%20IN%20%28%27O%5C%27Neil%5C"
            "%5C%5Cn%25%27%29");
}

TEST(Salesforce, ARecordInAnotherSpellingIsNobodys) {
  Org org;
  const Step step = org.look_up(
      Operation::delete_,
      records(json::array({record(0, "k0"), record(1, "K1"), record(2, "K2"), record(3, "K2")})));
  EXPECT_EQ(words_of(step, 3), (Words{"rejected", "open", "rejected"}));
  EXPECT_EQ(step.verdicts.at(0).reason.code, "ambiguous_case");
  EXPECT_EQ(step.verdicts.at(1).reason.code, "ambiguous");
  EXPECT_EQ(step.calls.at(0).request.query, "ids=" + Org::id(1) + "&allOrNone=false");
}

TEST(Salesforce, OfARecordThatNobodyAskedForNothingIsConcluded) {
  Org org(2);
  const Step step = org.look_up(Operation::delete_, records(json::array({record(0, "\u00e9")})));
  EXPECT_EQ(words_of(step, 2), (Words{"rejected", "rejected"}));
}

TEST(Salesforce, APartOfAnAnswerSaysNothingOfAbsence) {
  Org org(2);
  json body = {{"done", true}, {"totalSize", 2}, {"records", json::array({record(0, "K0")})}};
  EXPECT_EQ(words_of(org.look_up(Operation::delete_, json_reply(200, body)), 2),
            Words(2, "retryable"));
}

TEST(Salesforce, NumbersAreAskedForWithoutQuotesWhereSalesforceWantsThat) {
  Org org(0);
  org.rows.add("7", "7", "7\t1\tt\tx");
  const json error = {{"errorCode", "INVALID_FIELD"}, {"message", "should not be enclosed"}};
  Step step = org.look_up(Operation::update, json_reply(400, json::array({error})));
  ASSERT_EQ(step.calls.size(), 1u);
  EXPECT_TRUE(step.calls[0].request.query.ends_with("IN%20%287%29"));
  json number = record(1, "");
  number["Ext__c"] = 7.0;
  step = org.answer(step, records(json::array({number})));
  EXPECT_EQ(json::parse(step.calls.at(0).request.body).at("records").at(0).at("id"), Org::id(1));
  // Of texts the same answer says that the field is not there.
  Org texts(1);
  step = texts.look_up(Operation::update, json_reply(400, json::array({error})));
  ASSERT_TRUE(step.stop);
  EXPECT_EQ(step.stop->kind, Stop::Kind::configuration);
}

TEST(Salesforce, WhatTheAddressHasNoRoomForGoesInAnotherBatch) {
  Org org(0);
  for (int i = 0; i < 200; ++i) {
    const std::string key = std::string(80, 'x') + std::to_string(i);
    org.rows.add(key, key, key + "\t1\tt\tx");
  }
  const Batch batch = org.rows.batch(Operation::update);
  const Step step = org.org->begin(batch);
  ASSERT_EQ(step.calls.size(), 1u);
  EXPECT_LE(step.calls[0].request.query.size(), 12'100u);
  const Words words = words_of(step, 200);
  const auto later = std::count(words.begin(), words.end(), "regrouped");
  EXPECT_GT(later, 50);
  EXPECT_LT(later, 120);
}

TEST(Salesforce, KnownIdsAreNotLookedUpAndAMemoHoldsTwoHundred) {
  Org org(0);
  for (std::size_t i = 0; i < 200; ++i) {
    const std::string key = "K" + std::to_string(i);
    org.rows.add(key, key, "", Org::id(i));
  }
  org.batch = org.rows.batch(Operation::delete_);
  const Step step = org.org->begin(org.batch);
  ASSERT_EQ(step.calls.size(), 1u);
  EXPECT_EQ(step.calls[0].request.method, wire::Method::delete_);
  EXPECT_LE(step.memo.size(), 4096u);
  json results = json::array();
  for (std::size_t i = 0; i < 200; ++i) results.push_back(done(i));
  results[3] = refused("ENTITY_IS_DELETED");
  EXPECT_EQ(words_of(org.answer(step, json_reply(200, results)), 200), Words(200, "accepted"));
}

TEST(Salesforce, LockedRowsGoAgainInSmallBatchesOfOneParentEach) {
  Org org(0);
  for (int i = 0; i < 60; ++i) {
    const std::string key = "K" + std::to_string(i);
    org.rows.add(key, key, key + "\t1\tt\towner" + std::to_string(i % 3));
  }
  org.batch = org.rows.batch();
  const Step step = org.org->begin(org.batch);
  json results = json::array();
  for (int i = 0; i < 60; ++i) results.push_back(refused("UNABLE_TO_LOCK_ROW"));
  results[0] = done(0);
  const Step after = org.answer(step, json_reply(200, results));
  ASSERT_EQ(after.regroup.size(), 3u);
  for (const Regroup& group : after.regroup) {
    EXPECT_LE(group.rows.size(), 25u);
    for (const RowIndex row : group.rows) EXPECT_EQ(row % 3, group.rows[0] % 3);
  }
}

TEST(Salesforce, AFewLockedRowsGoAgainAfterAWhile) {
  Org org;
  org.batch = org.rows.batch();
  const Step step = org.org->begin(org.batch);
  const Step after =
      org.answer(step, json_reply(200, {refused("UNABLE_TO_LOCK_ROW"), done(1), done(2)}));
  EXPECT_EQ(words_of(after, 3), (Words{"retryable", "accepted", "accepted"}));
  EXPECT_TRUE(after.verdicts[0].reason.transient);
}

TEST(Salesforce, AnUpdateByIdAsksWhichOfTheRecordsAreGone) {
  Org org(3, "Id");
  org.batch = org.rows.batch(Operation::update);
  Step step = org.org->begin(org.batch);
  EXPECT_FALSE(json::parse(step.calls.at(0).request.body).at("records").at(0).contains("id"));
  const char* gone = "INVALID_CROSS_REFERENCE_KEY";
  step = org.answer(step, json_reply(200, {refused(gone), done(1), refused("ENTITY_IS_DELETED")}));
  EXPECT_EQ(words_of(step, 3), (Words{"open", "accepted", "open"}));
  ASSERT_EQ(step.calls.size(), 1u);
  step = org.answer(step, records(json::array({{{"Id", Org::id(2)}}})));
  EXPECT_EQ(words_of(step, 3), (Words{"skipped", "open", "rejected"}));
  EXPECT_EQ(step.verdicts[1].reason.code, "ENTITY_IS_DELETED");
}

TEST(Salesforce, AClearLeavesWhatARecordMustKeep) {
  Org org(1);
  org.rows.schema.columns[1].name = "Name";
  org.org = salesforce_of(org.rows.schema);
  const Step step = org.look_up(Operation::clear, records(json::array({record(0, "K0")})));
  const json sent = json::parse(step.calls.at(0).request.body).at("records").at(0);
  EXPECT_EQ(sent, json({{"attributes", {{"type", "Account"}}},
                        {"id", Org::id(0)},
                        {"Ext__c", "K0"},
                        {"Owner", {{"Email", nullptr}}}}));
}

wire::Reply error(int status, const char* code, const char* message = "no") {
  return json_reply(status, {{{"errorCode", code}, {"message", message}}});
}

TEST(Salesforce, TellsASpentDayFromTooManyCallsAtOnce) {
  Org org;
  org.batch = org.rows.batch();
  const Step step = org.org->begin(org.batch);
  const char* code = "REQUEST_LIMIT_EXCEEDED";
  Step after = org.answer(step, error(403, code, "TotalRequests Limit exceeded."));
  ASSERT_TRUE(after.stop);
  EXPECT_EQ(after.stop->kind, Stop::Kind::quota);
  EXPECT_GT(after.stop->retry_after.value_or(wire::Milliseconds(0)).count(), 0);
  EXPECT_EQ(words_of(after, 3), Words(3, "retryable"));
  after = org.answer(step, error(403, code, "ConcurrentRequests Limit exceeded."));
  EXPECT_FALSE(after.stop);
  EXPECT_EQ(words_of(after, 3), Words(3, "retryable"));
  EXPECT_GT(after.pause.count(), 0);
}

TEST(Salesforce, WhatEveryRowWouldHaveStopsTheRun) {
  Org org;
  org.batch = org.rows.batch();
  const Step step = org.org->begin(org.batch);
  for (const auto& [status, code] : std::vector<std::pair<int, const char*>>{
           {400, "INVALID_FIELD"}, {403, "INSUFFICIENT_ACCESS"}, {404, "NOT_FOUND"}}) {
    const Step after = org.answer(step, error(status, code));
    ASSERT_TRUE(after.stop) << code;
    EXPECT_EQ(after.stop->kind, Stop::Kind::configuration);
    EXPECT_NE(after.stop->message.find("login"), std::string::npos) << after.stop->message;
  }
  EXPECT_EQ(words_of(org.answer(step, error(400, "JSON_PARSER_ERROR")), 3), Words(3, "regrouped"));
  EXPECT_TRUE(org.answer(step, error(401, "INVALID_SESSION_ID")).reauthenticate);
}

TEST(Salesforce, ReadsTheDaysCallsFromEachAnswer) {
  Org org(1);
  org.batch = org.rows.batch();
  const Step step = org.org->begin(org.batch);
  wire::Reply reply = json_reply(200, json::array({done(0)}));
  reply.headers.push_back({"sforce-limit-info", "api-usage=18/5000"});
  const Step after = org.answer(step, reply);
  EXPECT_EQ(after.hint.calls_left, 4982.0);
  EXPECT_EQ(after.hint.calls_limit, 5000.0);
}

TEST(Salesforce, NamesThatCannotBeAreRefused) {
  Org org(1);
  const auto& schema = org.rows.schema;
  for (const char* name : {"", "A/B", "Account WHERE", "1A", "a.b"}) {
    EXPECT_THROW((void)salesforce_of(schema, name), std::invalid_argument) << name;
  }
  EXPECT_THROW((void)salesforce_of(schema, "Account", {{"api_version", "40.0"}}),
               std::invalid_argument);
  EXPECT_THROW((void)salesforce_of(schema, "Account", {{"api_version", "v60"}}),
               std::invalid_argument);
  EXPECT_THROW((void)salesforce_of(schema, "Account", {{"tier", "huge"}}), std::invalid_argument);
  Schema dotted = schema;
  dotted.columns[0].name = "Owner.Email2";
  EXPECT_THROW((void)salesforce_of(dotted), std::invalid_argument);
}

TEST(Salesforce, ATierIsTheDaysLimitThatAPlanCountsWith) {
  Org none(1);
  EXPECT_TRUE(none.org->capabilities().rates.empty());
  Org org(1, "Ext__c", {{"tier", "enterprise"}});
  ASSERT_EQ(org.org->capabilities().rates.size(), 1u);
  EXPECT_EQ(org.org->capabilities().rates[0].requests, 100'000);
}

TEST(Salesforce, ByIdThereAreUpdatesAndRemovalsAlone) {
  const auto can = [](const Org& org, Operation operation) {
    const auto& all = org.org->capabilities().operations;
    return std::find(all.begin(), all.end(), operation) != all.end();
  };
  Org by_id(1, "Id");
  Org by_ext(1);
  for (const Operation operation : {Operation::upsert, Operation::insert}) {
    EXPECT_FALSE(can(by_id, operation));
    EXPECT_TRUE(can(by_ext, operation));
  }
  for (const Operation operation : {Operation::update, Operation::delete_, Operation::clear}) {
    EXPECT_TRUE(can(by_id, operation));
    EXPECT_TRUE(can(by_ext, operation));
  }
}

}  // namespace
}  // namespace tailrace::salesforce
