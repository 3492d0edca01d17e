#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "destination/destination.hpp"
#include "destination/rows.hpp"

namespace tailrace {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;
using std::chrono_literals::operator""s;

json result_of(std::size_t row, const std::string& trace = "r1-7") {
  const std::string n = std::to_string(row);
  return {{"id", "90" + n},
          {"objectWriteTraceId", trace + "-" + n},
          {"properties", {{"email", "user" + n + "@example.com"}}}};
}

using List = std::vector<json>;

json complete(const List& results, const List& errors = {}) {
  json body = {{"status", "COMPLETE"}, {"results", results}};
  if (!errors.empty()) body["errors"] = errors;
  return body;
}

class HubSpotTest : public testing::Test {
 protected:
  explicit HubSpotTest(std::size_t rows = 3) : rows_(rows) {}

  Step answer(const wire::Reply& reply, Operation operation = Operation::upsert) {
    const auto destination = hubspot_of(rows_.schema);
    const Batch batch = rows_.batch(operation);
    const Step first = destination->begin(batch);
    return destination->reply(batch, first.memo, first.calls.at(0), reply);
  }
  Words words(const wire::Reply& reply, Operation operation = Operation::upsert) {
    return words_of(answer(reply, operation), rows_.batch(operation).rows.size());
  }
  json body_of(Operation operation) {
    const auto destination = hubspot_of(rows_.schema);
    const Step step = destination->begin(rows_.batch(operation));
    return json::parse(step.calls.at(0).request.body);
  }

  TestRows rows_;
};

// --- requests ----------------------------------------------------------------------------------

TEST_F(HubSpotTest, AnUpsertIsOneRequestForTheBatch) {
  const auto destination = hubspot_of(rows_.schema);
  const Step step = destination->begin(rows_.batch());
  ASSERT_EQ(step.calls.size(), 1u);
  const Call& call = step.calls[0];
  EXPECT_EQ(call.effect, Effect::keyed_write);
  EXPECT_EQ(call.request.method, wire::Method::post);
  EXPECT_EQ(call.request.path, "/crm/v3/objects/contacts/batch/upsert");
  EXPECT_EQ(call.request.content_type, "application/json");
  const json body = json::parse(call.request.body);
  ASSERT_EQ(body.at("inputs").size(), 3u);
  EXPECT_EQ(body.at("inputs").at(1), json::parse(R"({"idProperty":"email","id":"user1@example.com",
              "objectWriteTraceId":"r1-7-1","properties":{"email":"user1@example.com",
              "score":"1.50","active":"true","note":"note 1",
              "seen_at":"2024-01-01T00:00:00.5Z"}})"));
}

TEST_F(HubSpotTest, FieldsThatAreNotToBeSentAreLeftOut) {
  const Batch all = rows_.batch();
  std::vector<BatchRow> rows(all.rows.begin(), all.rows.end());
  const std::string note_alone("\0\0\0\1\0", 5);
  rows[1].send = note_alone;
  Batch batch = all;
  batch.rows = rows;
  const Step step = hubspot_of(rows_.schema)->begin(batch);
  const json inputs = json::parse(step.calls.at(0).request.body).at("inputs");
  EXPECT_EQ(inputs[0].at("properties").size(), 5u);
  EXPECT_EQ(inputs[1].at("properties"), (json{{"email", "user1@example.com"}, {"note", "note 1"}}));
}

TEST_F(HubSpotTest, TheMatchValueGoesAsHubSpotComparesIt) {
  TestRows rows;
  rows.add("a", " Ann@Example.COM ", " Ann@Example.COM \t1\tt\tx\t\\N\ta");
  const Step step = hubspot_of(rows.schema)->begin(rows.batch());
  const json input = json::parse(step.calls[0].request.body).at("inputs").at(0);
  EXPECT_EQ(input.at("id"), "ann@example.com");
  EXPECT_EQ(input.at("properties").at("seen_at"), "") << "empty text clears";
}

TEST_F(HubSpotTest, EachOperationHasItsEndpointAndEffect) {
  const auto destination = hubspot_of(rows_.schema, "p123_cars");
  const auto call = [&](Operation operation) {
    return destination->begin(rows_.batch(operation)).calls.at(0);
  };
  EXPECT_EQ(call(Operation::update).request.path, "/crm/v3/objects/p123_cars/batch/update");
  EXPECT_EQ(call(Operation::insert).request.path, "/crm/v3/objects/p123_cars/batch/create");
  EXPECT_EQ(call(Operation::insert).effect, Effect::unkeyed_write);
  EXPECT_EQ(call(Operation::update).effect, Effect::keyed_write);
  const json created = json::parse(call(Operation::insert).request.body).at("inputs").at(0);
  EXPECT_FALSE(created.contains("id"));
  EXPECT_FALSE(created.contains("idProperty"));
  EXPECT_EQ(created.at("objectWriteTraceId"), "r1-7-0");
}

TEST_F(HubSpotTest, AClearedRowKeepsItsMatchAndIsNeverCreated) {
  const json input = body_of(Operation::clear).at("inputs").at(0);
  EXPECT_EQ(input.at("properties"),
            json::parse(R"({"email":"user0@example.com","score":"","active":"","note":"",
                            "seen_at":""})"));
  const auto destination = hubspot_of(rows_.schema);
  EXPECT_EQ(destination->begin(rows_.batch(Operation::clear)).calls[0].request.path,
            "/crm/v3/objects/contacts/batch/update");
}

TEST_F(HubSpotTest, NoBodyIsLongerThanItsRowsBounds) {
  const auto destination = hubspot_of(rows_.schema);
  TestRows rows(100);
  rows.add("k", "\"\x01@example.com", "\"\x01@example.com\t1\tf\t\x01\x02\"\\\\\"\t\\N\tk");
  const Batch batch = rows.batch();
  std::size_t bound = 16;
  for (const BatchRow& row : batch.rows) bound += destination->row_bytes(row);
  EXPECT_LE(destination->begin(batch).calls[0].request.body.size(), bound);
}

// --- answers with outcomes -----------------------------------------------------------------------

TEST_F(HubSpotTest, ResultsAreMatchedByTraceInAnyOrder) {
  const List results = {result_of(2), result_of(0), result_of(1)};
  for (const int status : {200, 201, 207}) {
    const Step step = answer(json_reply(status, complete(results)));
    EXPECT_EQ(words_of(step, 3), Words(3, "accepted")) << status;
    for (const Verdict& verdict : step.verdicts) {
      EXPECT_EQ(verdict.destination_id, "90" + std::to_string(verdict.row));
    }
  }
}

TEST_F(HubSpotTest, WithoutATraceTheMatchValueTells) {
  List results = {result_of(2), result_of(0), result_of(1)};
  for (json& result : results) result.erase("objectWriteTraceId");
  results[0]["properties"]["email"] = " USER2@example.com";
  EXPECT_EQ(words(json_reply(200, complete(results))), Words(3, "accepted"));
  for (json& result : results) result.erase("properties");
  EXPECT_EQ(words(json_reply(200, complete(results))), Words(3, "unknown")) << "never by position";
}

TEST_F(HubSpotTest, ATraceOfOursWithAnotherRecordsValueIsNoEvidence) {
  List results = {result_of(0), result_of(1), result_of(2)};
  results[1]["properties"]["email"] = "eve@example.com";
  EXPECT_EQ(words(json_reply(200, complete(results))), (Words{"accepted", "unknown", "accepted"}));
}

TEST_F(HubSpotTest, AStoredNumberMayBeWrittenInAnotherWay) {
  TestRows rows;
  rows.schema.match = 1;
  rows.add("a", "7.50", "x\t7.50\tt\tn\t\\N\ta");
  const auto destination = hubspot_of(rows.schema, "cars");
  const Batch batch = rows.batch();
  json result = {{"id", "1"}, {"objectWriteTraceId", "r1-7-0"}, {"properties", {{"score", "7.5"}}}};
  const auto reply = [&](const json& one) {
    const Call call = destination->begin(batch).calls[0];
    return words_of(destination->reply(batch, {}, call, json_reply(200, complete({one}))), 1);
  };
  EXPECT_EQ(reply(result), Words{"accepted"});
  result["properties"]["score"] = "7.51";
  EXPECT_EQ(reply(result), Words{"unknown"});
}

TEST_F(HubSpotTest, FewerMoreAndRepeatedResults) {
  EXPECT_EQ(words(json_reply(200, complete({result_of(0)}))),
            (Words{"accepted", "unknown", "unknown"}));
  EXPECT_EQ(words(json_reply(200, complete({result_of(0), result_of(1), result_of(2), result_of(3),
                                            result_of(0, "other")}))),
            Words(3, "accepted"))
      << "strangers change nothing";
  EXPECT_EQ(words(json_reply(200, complete({result_of(0), result_of(1), result_of(1)}))),
            (Words{"accepted", "unknown", "unknown"}));
}

TEST_F(HubSpotTest, OnlyACompleteAnswerCounts) {
  for (const char* status : {"PENDING", "PROCESSING", "CANCELED", "complete", ""}) {
    json body = complete({result_of(0), result_of(1), result_of(2)});
    body["status"] = status;
    EXPECT_EQ(words(json_reply(200, body)), Words(3, "unknown")) << status;
    body.erase("status");
    EXPECT_EQ(words(json_reply(200, body)), Words(3, "unknown"));
  }
}

TEST_F(HubSpotTest, AnAnswerCutAnywhereAcceptsNothing) {
  const std::string whole = complete({result_of(0), result_of(1), result_of(2)}).dump();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const Step step = answer(reply_of(200, whole.substr(0, length)));
    ASSERT_EQ(words_of(step, 3), Words(3, "unknown")) << length;
  }
  EXPECT_EQ(words(reply_of(200, whole)), Words(3, "accepted"));
}

TEST_F(HubSpotTest, ADamagedAnswerNeverGivesARowAwayTwice) {
  const std::string whole =
      complete({result_of(0), result_of(1)}, {{{"category", "VALIDATION_ERROR"},
                                               {"message", "bad"},
                                               {"context", {{"objectWriteTraceId", {"r1-7-2"}}}}}})
          .dump();
  std::mt19937_64 random(11);
  for (int i = 0; i < 20'000; ++i) {
    std::string text = whole;
    for (int edits = 0; edits < 3; ++edits) {
      text[random() % text.size()] = static_cast<char>(random() % 256);
    }
    const Words seen = words(reply_of(207, text));
    ASSERT_NE(seen[2], "accepted") << text;
    ASSERT_EQ(std::count(seen.begin(), seen.end(), "open"), 0);
  }
}

TEST_F(HubSpotTest, RowsOfA207AreToldApart) {
  const json error = {
      {"status", "error"},
      {"category", "VALIDATION_ERROR"},
      {"message",
       "Property values were not valid: "
       R"([{"isValid":false,"message":"x is not an option","error":"INVALID_OPTION",)"
       R"("name":"score","portalId":1}])"},
      {"context", {{"objectWriteTraceId", {"r1-7-1"}}}}};
  const Step step = answer(json_reply(207, complete({result_of(0)}, {error})));
  EXPECT_EQ(words_of(step, 3), (Words{"accepted", "rejected", "unknown"}));
  const Reason& reason = step.verdicts[1].reason;
  EXPECT_EQ(reason.code, "INVALID_OPTION");
  EXPECT_EQ(reason.message, "x is not an option");
  EXPECT_EQ(reason.field, "score");
  EXPECT_FALSE(reason.transient);
  EXPECT_FALSE(step.stop);
}

TEST_F(HubSpotTest, ARowInResultsAndInErrorsIsUnknown) {
  const json error = {{"category", "VALIDATION_ERROR"},
                      {"context", {{"objectWriteTraceId", {"r1-7-0"}}}}};
  EXPECT_EQ(words(json_reply(207, complete({result_of(0), result_of(1)}, {error}))),
            (Words{"unknown", "accepted", "unknown"}));
}

TEST_F(HubSpotTest, TwoErrorsOfOneRowAreOneRejection) {
  const json error = {{"category", "VALIDATION_ERROR"},
                      {"context", {{"objectWriteTraceId", {"r1-7-0", "r1-7-0"}}}}};
  EXPECT_EQ(words(json_reply(207, complete({result_of(1), result_of(2)}, {error, error}))),
            (Words{"rejected", "accepted", "accepted"}));
}

TEST_F(HubSpotTest, AnErrorWithoutATraceIsPlacedByIdsOrMessageOrElimination) {
  json error = {
      {"category", "CONFLICT"}, {"message", "no"}, {"context", {{"ids", {"User1@example.com"}}}}};
  EXPECT_EQ(words(json_reply(207, complete({result_of(0)}, {error}))),
            (Words{"accepted", "rejected", "unknown"}));
  error = {{"category", "CONFLICT"}, {"message", "'user2@example.com' is taken"}};
  EXPECT_EQ(words(json_reply(207, complete({result_of(0)}, {error}))),
            (Words{"accepted", "unknown", "rejected"}));
  error = {{"category", "CONFLICT"}, {"message", "something is wrong"}};
  EXPECT_EQ(words(json_reply(207, complete({result_of(0), result_of(2)}, {error}))),
            (Words{"accepted", "rejected", "accepted"}));
  EXPECT_EQ(words(json_reply(207, complete({result_of(0)}, {error}))),
            (Words{"accepted", "unknown", "unknown"}));
  error["message"] = "user1@example.com or user2@example.com";
  EXPECT_EQ(words(json_reply(207, complete({result_of(0)}, {error}))),
            (Words{"accepted", "unknown", "unknown"}));
  error["message"] = "xuser1@example.community";
  EXPECT_EQ(words(json_reply(207, complete({result_of(0)}, {error}))),
            (Words{"accepted", "unknown", "unknown"}));
}

TEST_F(HubSpotTest, AnErrorOfAStrangerIsNobodys) {
  const json error = {{"category", "CONFLICT"}, {"context", {{"objectWriteTraceId", {"x-1"}}}}};
  EXPECT_EQ(words(json_reply(207, complete({result_of(0), result_of(1)}, {error}))),
            (Words{"accepted", "accepted", "unknown"}));
}

TEST_F(HubSpotTest, ARecordThatIsNotThereIsSkippedByUpdateAndDoneByClear) {
  const json error = {{"category", "OBJECT_NOT_FOUND"},
                      {"message", "Could not get some CONTACT objects"},
                      {"context", {{"ids", {"user1@example.com"}}}}};
  const wire::Reply reply = json_reply(207, complete({result_of(0), result_of(2)}, {error}));
  EXPECT_EQ(words(reply, Operation::update), (Words{"accepted", "skipped", "accepted"}));
  EXPECT_EQ(answer(reply, Operation::update).verdicts[1].reason.code, kMissing);
  EXPECT_EQ(words(reply, Operation::clear), Words(3, "accepted"));
  EXPECT_EQ(words(reply, Operation::upsert), (Words{"accepted", "rejected", "accepted"}));
}

TEST_F(HubSpotTest, ARowsOwnRateErrorIsTransient) {
  const json error = {{"category", "RATE_LIMITS"}, {"context", {{"objectWriteTraceId", "r1-7-0"}}}};
  const Step step = answer(json_reply(207, complete({result_of(1), result_of(2)}, {error})));
  EXPECT_EQ(words_of(step, 3), (Words{"retryable", "accepted", "accepted"}));
  EXPECT_TRUE(step.verdicts[0].reason.transient);
}

// --- schema
// ------------------------------------------------------------------------------------------

json schema_error(const std::string& code) {
  const json detail = json::array({{{"isValid", false},
                                    {"message", "Property \"scroe\" does not exist"},
                                    {"error", code},
                                    {"name", "scroe"}}});
  return {{"status", "error"},
          {"category", "VALIDATION_ERROR"},
          {"message", "Property values were not valid: " + detail.dump()}};
}

TEST_F(HubSpotTest, AnUnknownPropertyStopsTheRunAndIsNamed) {
  for (const char* code : {"PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE"}) {
    const Step step = answer(json_reply(400, schema_error(code)));
    EXPECT_EQ(words_of(step, 3), Words(3, "retryable")) << "nothing was written";
    ASSERT_TRUE(step.stop);
    EXPECT_EQ(step.stop->kind, Stop::Kind::configuration);
    EXPECT_NE(step.stop->message.find("scroe"), std::string::npos) << step.stop->message;
    EXPECT_NE(step.stop->message.find(code), std::string::npos);
  }
}

TEST_F(HubSpotTest, AnUnknownPropertyInA207StopsTooAndTheRowsKeepTheirOutcomes) {
  json error = schema_error("PROPERTY_DOESNT_EXIST");
  error["context"]["objectWriteTraceId"] = {"r1-7-1"};
  const Step step = answer(json_reply(207, complete({result_of(0), result_of(2)}, {error})));
  EXPECT_EQ(words_of(step, 3), (Words{"accepted", "rejected", "accepted"}));
  ASSERT_TRUE(step.stop);
  EXPECT_NE(step.stop->message.find("scroe"), std::string::npos);
}

TEST_F(HubSpotTest, ASchemaErrorAmongOthersStillCounts) {
  json error = schema_error("X");
  error["message"] = R"(Property values were not valid: [{"error":"INVALID_EMAIL","name":"email",)"
                     R"("message":"bad"},{"error":"PROPERTY_DOESNT_EXIST","name":"scroe",)"
                     R"("message":"gone"}])";
  EXPECT_TRUE(answer(json_reply(400, error)).stop);
  error = {{"category", "VALIDATION_ERROR"},
           {"message", "invalid"},
           {"errors", json::array({{{"code", "PROPERTY_DOESNT_EXIST"},
                                    {"message", "no such property"},
                                    {"context", {{"propertyName", "scroe"}}}}})}};
  const Step step = answer(json_reply(400, error));
  ASSERT_TRUE(step.stop);
  EXPECT_NE(step.stop->message.find("scroe"), std::string::npos) << step.stop->message;
}

TEST_F(HubSpotTest, ARowThatQuotesACodeDoesNotStopTheRun) {
  const json error = {
      {"category", "VALIDATION_ERROR"},
      {"message", R"(Property values were not valid: [{"error":"INVALID_OPTION","name":"note",)"
                  R"("message":"PROPERTY_DOESNT_EXIST was not one of the allowed options"}])"}};
  const Step step = answer(json_reply(400, error));
  EXPECT_FALSE(step.stop);
  EXPECT_EQ(words_of(step, 3), Words(3, "regrouped"));
}

TEST_F(HubSpotTest, AMatchPropertyThatIsNotUniqueStopsTheRun) {
  const json error = {{"category", "VALIDATION_ERROR"},
                      {"message", "Unable to perform update/upsert by non-unique 0-1 property x"}};
  const Step step = answer(json_reply(400, error));
  ASSERT_TRUE(step.stop);
  EXPECT_NE(step.stop->message.find("non-unique"), std::string::npos);
}

// --- refusals
// ------------------------------------------------------------------------------------------

json refusal(const std::string& category, const std::string& message = "no") {
  return {{"status", "error"}, {"category", category}, {"message", message}};
}

TEST_F(HubSpotTest, AConflictOfOneRowHalvesTheBatch) {
  for (const int status : {400, 409}) {
    const Step step = answer(json_reply(status, refusal("CONFLICT")));
    EXPECT_EQ(words_of(step, 3), Words(3, "regrouped")) << status;
    EXPECT_EQ(step.regroup.size(), 2u);
  }
  rows_ = TestRows(1);
  const Step one = answer(json_reply(409, refusal("CONFLICT", "Contact already exists.")));
  EXPECT_EQ(words_of(one, 1), Words{"rejected"});
  EXPECT_EQ(one.verdicts[0].reason.code, "CONFLICT");
  EXPECT_EQ(one.verdicts[0].reason.message, "Contact already exists.");
}

TEST_F(HubSpotTest, ARefusalThatIsNotInHubSpotsWordsIsUnknown) {
  for (const int status : {400, 403, 404, 409}) {
    EXPECT_EQ(words(reply_of(status, "<html>", "text/html")), Words(3, "unknown")) << status;
    EXPECT_EQ(words(reply_of(status, "{}")), Words(3, "unknown")) << status;
  }
}

TEST_F(HubSpotTest, TerminalAnswersSayWhatToDo) {
  json scopes = refusal("MISSING_SCOPES", "This app hasn't been granted all required scopes.");
  scopes["errors"] =
      json::array({{{"message", "x"},
                    {"context", {{"requiredGranularScopes", {"crm.objects.contacts.write"}}}}}});
  const Step forbidden = answer(json_reply(403, scopes));
  ASSERT_TRUE(forbidden.stop);
  EXPECT_EQ(forbidden.stop->kind, Stop::Kind::configuration);
  EXPECT_NE(forbidden.stop->message.find("crm.objects.contacts.write"), std::string::npos)
      << forbidden.stop->message;
  const Step missing =
      answer(json_reply(404, refusal("OBJECT_NOT_FOUND", "Unable to infer object type from: x")));
  ASSERT_TRUE(missing.stop);
  EXPECT_NE(missing.stop->message.find("object"), std::string::npos);
  const Step old = answer(json_reply(401, refusal("EXPIRED_AUTHENTICATION")));
  EXPECT_TRUE(old.reauthenticate);
  EXPECT_EQ(words_of(old, 3), Words(3, "open"));
}

TEST_F(HubSpotTest, RateLimitsWaitAsLongAsThePolicySays) {
  const auto limited = [&](const std::string& policy) {
    json body = refusal("RATE_LIMITS");
    body["policyName"] = policy;
    return json_reply(429, body);
  };
  EXPECT_EQ(answer(limited("TEN_SECONDLY_ROLLING")).pause, 10s);
  EXPECT_EQ(answer(limited("SECONDLY")).pause, 1s);
  EXPECT_EQ(words(limited("SECONDLY")), Words(3, "retryable"));
  EXPECT_EQ(words(reply_of(429, "<html>", "text/html")), Words(3, "retryable"));
  wire::Reply later = limited("TEN_SECONDLY_ROLLING");
  later.retry_after = 3s;
  EXPECT_EQ(answer(later).pause, 3s) << "Retry-After first";
  wire::Reply day = limited("DAILY");
  day.retry_after = 7200s;
  const Step step = answer(day);
  ASSERT_TRUE(step.stop);
  EXPECT_EQ(step.stop->kind, Stop::Kind::quota);
  EXPECT_EQ(step.stop->retry_after, 7200s);
  EXPECT_EQ(words_of(step, 3), Words(3, "retryable"));
  EXPECT_EQ(answer(limited("DAILY")).stop->retry_after, 3600s) << "worth a look then";
}

TEST_F(HubSpotTest, LocksMigrationsAndOutages) {
  EXPECT_EQ(words(reply_of(423, "")), Words(3, "retryable"));
  EXPECT_EQ(answer(reply_of(423, "")).pause, 2s);
  wire::Reply migration = reply_of(477, "");
  migration.retry_after = 86'400s;
  EXPECT_EQ(answer(migration).pause, 86'400s);
  EXPECT_EQ(words(migration), Words(3, "retryable"));
  EXPECT_EQ(words(reply_of(413, "")), Words(3, "regrouped"));
  wire::Reply outage = reply_of(503, "");
  outage.retry_after = 9s;
  EXPECT_EQ(words(outage), Words(3, "unknown"));
  EXPECT_EQ(answer(outage).pause, 9s);
}

TEST_F(HubSpotTest, HeadersTellTheBudget) {
  wire::Reply reply = json_reply(200, complete({}));
  reply.headers.push_back({"x-hubspot-ratelimit-max", "190"});
  reply.headers.push_back({"x-hubspot-ratelimit-remaining", "17"});
  reply.headers.push_back({"x-hubspot-ratelimit-interval-milliseconds", "10000"});
  reply.headers.push_back({"x-hubspot-ratelimit-daily-remaining", "640000"});
  wire::RateHint hint = answer(reply).hint;
  EXPECT_EQ(hint.limit, 190);
  EXPECT_EQ(hint.remaining, 17);
  EXPECT_EQ(hint.window, 10s);
  EXPECT_EQ(hint.calls_left, 640'000);
  for (const char* lie : {"", "-1", "nan", "inf", "1e300", "12 monkeys", "0x10"}) {
    reply = json_reply(200, complete({}));
    for (const char* name : {"max", "remaining", "interval-milliseconds", "daily-remaining"}) {
      reply.headers.push_back({std::string("x-hubspot-ratelimit-") + name, lie});
    }
    hint = answer(reply).hint;
    EXPECT_FALSE(hint.limit || hint.remaining || hint.window || hint.calls_left) << lie;
  }
}

// --- removed rows
// ---------------------------------------------------------------------------------

class HubSpotRemovalTest : public testing::Test {
 protected:
  HubSpotRemovalTest() {
    rows_.add("a", "Ann@example.com", "", "501");
    rows_.add("b", "bob@example.com", "");
    rows_.add("c", "cid@example.com", "");
    destination_ = hubspot_of(rows_.schema);
  }

  Step answer(const Step& before, const wire::Reply& reply) {
    return destination_->reply(rows_.batch(Operation::delete_), before.memo, before.calls.at(0),
                               reply);
  }
  static wire::Reply found(const List& results, const List& errors = {}) {
    return json_reply(errors.empty() ? 200 : 207, complete(results, errors));
  }
  static json record(const std::string& id, const std::string& email) {
    return {{"id", id}, {"properties", {{"email", email}}}};
  }

  TestRows rows_;
  std::unique_ptr<Destination> destination_;
};

TEST_F(HubSpotRemovalTest, UnknownIdsAreLookedUpAndThenArchivedByHubSpotsOwn) {
  const Step lookup = destination_->begin(rows_.batch(Operation::delete_));
  ASSERT_EQ(lookup.calls.size(), 1u);
  EXPECT_EQ(lookup.calls[0].effect, Effect::none);
  EXPECT_EQ(lookup.calls[0].request.path, "/crm/v3/objects/contacts/batch/read");
  EXPECT_EQ(json::parse(lookup.calls[0].request.body),
            json::parse(R"({"idProperty":"email","properties":["email"],
                            "inputs":[{"id":"bob@example.com"},{"id":"cid@example.com"}]})"));
  const json gone = {{"category", "OBJECT_NOT_FOUND"}, {"context", {{"ids", {"cid@example.com"}}}}};
  const Step archive = answer(lookup, found({record("502", "bob@example.com")}, {gone}));
  EXPECT_EQ(words_of(archive, 3), (Words{"open", "open", "accepted"})) << "gone is what we want";
  ASSERT_EQ(archive.calls.size(), 1u);
  EXPECT_EQ(archive.calls[0].effect, Effect::keyed_write);
  EXPECT_EQ(archive.calls[0].request.path, "/crm/v3/objects/contacts/batch/archive");
  EXPECT_EQ(json::parse(archive.calls[0].request.body),
            json::parse(R"({"inputs":[{"id":"501"},{"id":"502"}]})"));
  const Step done = answer(archive, reply_of(204, "", ""));
  EXPECT_EQ(words_of(done, 3), (Words{"accepted", "accepted", "open"}));
}

TEST_F(HubSpotRemovalTest, ARecordThatTheLookupDoesNotSpeakOfIsNeitherArchivedNorGone) {
  const Step lookup = destination_->begin(rows_.batch(Operation::delete_));
  const Step next = answer(lookup, found({record("502", "bob@example.com")}));
  EXPECT_EQ(words_of(next, 3), (Words{"open", "open", "retryable"}));
  const Step foreign = answer(lookup, found({record("666", "eve@example.com")}));
  EXPECT_EQ(words_of(foreign, 3), (Words{"open", "retryable", "retryable"}));
  EXPECT_EQ(foreign.calls[0].request.body.find("666"), std::string::npos);
  const Step twice =
      answer(lookup, found({record("502", "bob@example.com"), record("503", "bob@example.com")}));
  EXPECT_EQ(words_of(twice, 3), (Words{"open", "retryable", "retryable"}));
  const Step odd = answer(lookup, found({record("../../x", "bob@example.com")}));
  EXPECT_EQ(words_of(odd, 3), (Words{"open", "retryable", "retryable"}));
}

TEST_F(HubSpotRemovalTest, NothingHappenedWhereTheLookupFailed) {
  const Step lookup = destination_->begin(rows_.batch(Operation::delete_));
  wire::Reply lost;
  lost.failure = wire::Failure::lost;
  for (const wire::Reply& reply :
       {lost, reply_of(502, ""), reply_of(200, "<html>"), reply_of(204, "")}) {
    EXPECT_EQ(words_of(answer(lookup, reply), 3), Words(3, "retryable"));
  }
  EXPECT_TRUE(answer(lookup, json_reply(403, refusal("MISSING_SCOPES"))).stop);
}

TEST_F(HubSpotRemovalTest, ALostArchiveIsUnknownForTheRowsItWasAbout) {
  const Step lookup = destination_->begin(rows_.batch(Operation::delete_));
  const json gone = {{"category", "OBJECT_NOT_FOUND"}, {"context", {{"ids", {"cid@example.com"}}}}};
  const Step archive = answer(lookup, found({record("502", "bob@example.com")}, {gone}));
  wire::Reply lost;
  lost.failure = wire::Failure::lost;
  EXPECT_EQ(words_of(answer(archive, lost), 3), (Words{"unknown", "unknown", "open"}));
  EXPECT_EQ(words_of(answer(archive, json_reply(400, refusal("VALIDATION_ERROR"))), 3),
            (Words{"regrouped", "regrouped", "open"}));
}

TEST_F(HubSpotRemovalTest, AHundredIdsFitTheMemo) {
  TestRows rows;
  for (int i = 0; i < 100; ++i) {
    rows.add("k", "m" + std::to_string(i), "", std::string(20, static_cast<char>('1' + i % 9)));
  }
  const Step step = destination_->begin(rows.batch(Operation::archive));
  ASSERT_EQ(step.calls.size(), 1u);
  EXPECT_LE(step.memo.size(), 4096u);
  const Step done = destination_->reply(rows.batch(Operation::archive), step.memo, step.calls[0],
                                        reply_of(204, ""));
  EXPECT_EQ(words_of(done, 100), Words(100, "accepted"));
}

TEST_F(HubSpotRemovalTest, AGarbledMemoSettlesNothing) {
  const Step archive = [&] {
    TestRows rows;
    rows.add("a", "x", "", "501");
    return destination_->begin(rows.batch(Operation::delete_));
  }();
  for (const char* memo : {"", " ", ":", "0", "0:", "99:1", "-1:5", "x:1", "0:", "4294967296:1"}) {
    const Step step = destination_->reply(rows_.batch(Operation::delete_), memo, archive.calls[0],
                                          reply_of(204, ""));
    EXPECT_EQ(words_of(step, 3), Words(3, "open")) << memo;
  }
}

// --- identity, capabilities ---------------------------------------------------------------------

TEST(HubSpotIdentity, EmailsOfContactsIgnoreCaseAndSpace) {
  const TestRows rows;
  const auto contacts = hubspot_of(rows.schema);
  EXPECT_EQ(contacts->identity(" Ann@Example.COM\t"), "ann@example.com");
  EXPECT_EQ(contacts->identity(""), std::nullopt);
  EXPECT_EQ(contacts->identity(" \t\n"), std::nullopt);
  std::string out = "longer than the answer before";
  EXPECT_TRUE(contacts->identity_into(" Ann@Example.COM\t", out));
  EXPECT_EQ(out, "ann@example.com");
  EXPECT_FALSE(contacts->identity_into(" ", out));
  const auto others = hubspot_of(rows.schema, "cars");
  EXPECT_EQ(others->identity(" Ann@Example.COM "), "Ann@Example.COM");
}

TEST(HubSpotCapabilities, LimitsComeFromTheConnectionThenTheTierThenTheSmallest) {
  const TestRows rows;
  const auto rates = [&](const json& more) {
    return hubspot_of(rows.schema, "contacts", more)->capabilities().rates;
  };
  const json nothing = json::object();
  EXPECT_EQ(rates(nothing).at(0).requests, 100);
  EXPECT_EQ(rates(nothing).at(0).window, 10s);
  EXPECT_EQ(rates({{"tier", "professional"}}).at(0).requests, 190);
  EXPECT_EQ(rates({{"tier", "enterprise"}}).at(1).requests, 1'000'000);
  EXPECT_EQ(rates({{"tier", "enterprise"}}).at(1).name, "daily");
  const auto own =
      rates({{"tier", "starter"}, {"limits", json::array({{{"requests", 50}, {"per_s", 2.5}}})}});
  ASSERT_EQ(own.size(), 1u);
  EXPECT_EQ(own[0].requests, 50);
  EXPECT_EQ(own[0].window, std::chrono::milliseconds(2500));
  EXPECT_EQ(hubspot_of(rows.schema)->capabilities().max_rows, 100u);
  EXPECT_THROW((void)rates({{"tier", "gold"}}), std::invalid_argument);
  for (const char* object : {"", "list:7", "../x", "a/b", "a?b"}) {
    EXPECT_THROW((void)hubspot_of(rows.schema, object), std::invalid_argument) << object;
  }
}

}  // namespace
}  // namespace tailrace
