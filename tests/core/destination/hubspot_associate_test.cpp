#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "destination/destination.hpp"
#include "destination/nonsense.hpp"
#include "destination/rows.hpp"

namespace tailrace {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;
using List = std::vector<json>;

constexpr std::string_view kColumn = "associate:companies";

/// Rows of contacts that name a company each, by a key.
class LinkedRows {
 public:
  explicit LinkedRows(const std::vector<std::string>& parents, Link link = {"companies", "key"}) {
    Column column{std::string(kColumn), Type::text};
    column.link = std::move(link);
    rows.schema.columns.insert(rows.schema.columns.begin() + 5, column);
    rows.schema.field_count = 6;
    rows.schema.key = {6};
    for (std::size_t i = 0; i < parents.size(); ++i) {
      const std::string n = std::to_string(i);
      const std::string email = "user" + n + "@example.com";
      rows.add("a" + n, email,
               email + "\t1\tt\tx\t2024-01-01 00:00:00+00\t" + parents[i] + "\ta" + n);
    }
    contacts = hubspot_of(rows.schema);
  }

  /// The step after each answer in turn, each to the first call of the step before.
  Step after(const std::vector<wire::Reply>& replies, Operation operation = Operation::upsert) {
    const Batch batch = rows.batch(operation);
    Step step = contacts->begin(batch);
    for (const wire::Reply& reply : replies) {
      call = step.calls.at(0);
      step = contacts->reply(batch, step.memo, call, reply);
    }
    return step;
  }
  Words words(const std::vector<wire::Reply>& replies) {
    const Step step = after(replies);
    return words_of(step, rows.batch().rows.size());
  }

  TestRows rows;
  std::unique_ptr<Destination> contacts;
  Call call;  // the last that was answered
};

wire::Reply answer(const List& results, const List& errors = {}, int status = 200) {
  json body = {{"status", "COMPLETE"}, {"results", results}};
  if (!errors.empty()) body["errors"] = errors;
  return json_reply(status, body);
}

/// Companies of these keys, whose ids are 70 and the key's last letter's place.
wire::Reply companies(const Words& keys, const Words& absent = {}) {
  List found;
  for (const std::string& key : keys) {
    const std::string id = "70" + std::to_string(key.back() - 'a');
    found.push_back({{"id", id}, {"properties", {{"key", key}}}});
  }
  const json missing = {{"category", "OBJECT_NOT_FOUND"}, {"context", {{"ids", absent}}}};
  return absent.empty() ? answer(found) : answer(found, {missing}, 207);
}

json written(std::size_t row) {
  return {{"id", "90" + std::to_string(row)},
          {"objectWriteTraceId", "r1-7-" + std::to_string(row)},
          {"properties", json::object()}};
}

/// What the default's endpoint says of a link: it names both directions.
json linked(const std::string& from, const std::string& to, bool back = false) {
  if (back) return linked(to, from);
  return {{"from", {{"id", from}}}, {"to", {{"id", to}}}};
}

json refused(const json& context, const std::string& category = "VALIDATION_ERROR") {
  return {{"status", "error"}, {"category", category}, {"message", "no"}, {"context", context}};
}

const std::vector<wire::Reply> kBothWritten = {companies({"co-a", "co-b"}),
                                               answer({written(1), written(0)})};

std::vector<wire::Reply> both_and(wire::Reply last) {
  std::vector<wire::Reply> replies = kBothWritten;
  replies.push_back(std::move(last));
  return replies;
}

LinkedRows two() { return LinkedRows({"co-a", "co-b"}); }

// --- the three requests -------------------------------------------------------------------------

TEST(HubSpotAssociate, ParentsAreLookedUpOnceEachBeforeAnythingIsWritten) {
  LinkedRows contacts({"co-a", "co-b", "co-a", "\\N", "  "});
  const Step step = contacts.contacts->begin(contacts.rows.batch());
  ASSERT_EQ(step.calls.size(), 1u);
  EXPECT_EQ(step.calls[0].effect, Effect::none);
  EXPECT_EQ(step.calls[0].request.path, "/crm/v3/objects/companies/batch/read");
  EXPECT_EQ(json::parse(step.calls[0].request.body), json::parse(R"({"idProperty":"key",
            "properties":["key"],"inputs":[{"id":"co-a"},{"id":"co-b"}]})"));
}

TEST(HubSpotAssociate, ABatchThatNamesNobodyIsOneRequest) {
  LinkedRows contacts({"\\N", "\\N"});
  const Step step = contacts.contacts->begin(contacts.rows.batch());
  ASSERT_EQ(step.calls.size(), 1u);
  EXPECT_EQ(step.calls[0].request.path, "/crm/v3/objects/contacts/batch/upsert");
  EXPECT_EQ(contacts.words({answer({written(0), written(1)})}), Words(2, "accepted"));
}

TEST(HubSpotAssociate, TheColumnIsNoPropertyOfTheRecord) {
  LinkedRows contacts = two();
  const Step step = contacts.after({companies({"co-a", "co-b"})});
  ASSERT_EQ(step.calls.size(), 1u);
  EXPECT_EQ(step.calls[0].effect, Effect::keyed_write);
  const json body = json::parse(step.calls[0].request.body);
  for (const json& input : body.at("inputs")) {
    EXPECT_EQ(input.at("properties").size(), 5u);
    EXPECT_FALSE(input.at("properties").contains(kColumn));
  }
}

TEST(HubSpotAssociate, ALinkThatHasNotChangedIsNotSentAgain) {
  LinkedRows contacts = two();
  const Batch all = contacts.rows.batch();
  std::vector<BatchRow> rows(all.rows.begin(), all.rows.end());
  const std::string note_alone("\0\0\0\1\0\0", 6);
  const std::string link_alone("\0\0\0\0\0\1", 6);
  rows[0].send = note_alone;
  rows[1].send = link_alone;
  Batch batch = all;
  batch.rows = rows;
  const Step asked = contacts.contacts->begin(batch);
  EXPECT_EQ(json::parse(asked.calls.at(0).request.body).at("inputs"),
            json::parse(R"([{"id":"co-b"}])"));
  const Step write = contacts.contacts->reply(batch, {}, asked.calls[0], companies({"co-b"}));
  const json inputs = json::parse(write.calls.at(0).request.body).at("inputs");
  EXPECT_EQ(inputs.at(1).at("properties").size(), 1u) << "the match field, to name the record";
}

TEST(HubSpotAssociate, WrittenRowsAreLinkedByTheDefaultsOwnEndpoint) {
  LinkedRows contacts = two();
  const Step step = contacts.after(kBothWritten);
  EXPECT_TRUE(step.verdicts.empty()) << "a record without its link is not yet delivered";
  EXPECT_TRUE(step.written);
  ASSERT_EQ(step.calls.size(), 1u);
  const Call& call = step.calls[0];
  EXPECT_EQ(call.effect, Effect::keyed_write);
  EXPECT_EQ(call.request.path, "/crm/v4/associations/contacts/companies/batch/associate/default");
  EXPECT_EQ(json::parse(call.request.body), json::parse(R"({"inputs":[
            {"from":{"id":"900"},"to":{"id":"700"}},{"from":{"id":"901"},"to":{"id":"701"}}]})"));
  EXPECT_EQ(call.rows, (std::vector<RowIndex>{0, 1}));
}

TEST(HubSpotAssociate, AKindOfLinkGoesByItsNumber) {
  LinkedRows contacts({"co-a"}, {"2-900", "key", "USER_DEFINED", 36});
  const Step step = contacts.after({companies({"co-a"}), answer({written(0)})});
  EXPECT_EQ(step.calls.at(0).request.path, "/crm/v4/associations/contacts/2-900/batch/create");
  EXPECT_EQ(json::parse(step.calls[0].request.body).at("inputs").at(0).at("types"),
            json::parse(R"([{"associationCategory":"USER_DEFINED","associationTypeId":36}])"));
  const json told = {{"fromObjectId", 900}, {"toObjectId", "700"}, {"labels", {"Billing"}}};
  EXPECT_EQ(contacts.words({companies({"co-a"}), answer({written(0)}), answer({told}, {}, 201)}),
            Words{"accepted"});
}

TEST(HubSpotAssociate, ThreeRequestsForEachHundredRowsAtMost) {
  LinkedRows contacts = two();
  EXPECT_EQ(contacts.contacts->requests_for(Operation::upsert, 250), 9u);
  EXPECT_EQ(contacts.contacts->requests_for(Operation::delete_, 250), 3u);
  const std::vector<std::string> parents(100, "co-a");
  LinkedRows full(parents);
  List results;
  for (std::size_t row = 0; row < 100; ++row) results.push_back(written(row));
  EXPECT_EQ(full.after({companies({"co-a"})}).calls.size(), 1u);
  const Step step = full.after({companies({"co-a"}), answer(results)});
  ASSERT_EQ(step.calls.size(), 1u);
  EXPECT_EQ(json::parse(step.calls[0].request.body).at("inputs").size(), 100u);
}

TEST(HubSpotAssociate, InsertsAreNotLinked) {
  LinkedRows contacts = two();
  EXPECT_THROW(static_cast<void>(contacts.contacts->begin(contacts.rows.batch(Operation::insert))),
               std::logic_error);
}

TEST(HubSpotAssociate, RemovalsAndClearsAskForNoParents) {
  LinkedRows contacts = two();
  for (const Operation operation : {Operation::delete_, Operation::clear}) {
    const Step step = contacts.contacts->begin(contacts.rows.batch(operation));
    EXPECT_NE(step.calls.at(0).request.path, "/crm/v3/objects/companies/batch/read");
    EXPECT_EQ(step.calls[0].request.body.find(kColumn), std::string::npos);
  }
}

TEST(HubSpotAssociate, AColumnThatNamesNoRecordIsRefused) {
  for (const Type type : {Type::floating, Type::json, Type::list, Type::bytes}) {
    LinkedRows contacts = two();
    contacts.rows.schema.columns[5].type = type;
    EXPECT_THROW(static_cast<void>(hubspot_of(contacts.rows.schema)), std::invalid_argument);
  }
}

TEST(HubSpotAssociate, OtherDestinationsAndOtherPlacesAreRefused) {
  LinkedRows contacts = two();
  EXPECT_THROW(static_cast<void>(salesforce_of(contacts.rows.schema)), std::invalid_argument);
  Schema schema = contacts.rows.schema;
  std::swap(schema.columns[2], schema.columns[5]);
  EXPECT_THROW(static_cast<void>(hubspot_of(schema)), std::invalid_argument);
}

// --- parents ------------------------------------------------------------------------------------

TEST(HubSpotAssociate, ARowWhoseParentIsNotThereIsNotWrittenAndGoesAgain) {
  LinkedRows contacts({"co-a", "co-x", "\\N"});
  const Step step = contacts.after({companies({"co-a"}, {"co-x"})});
  EXPECT_EQ(words_of(step, 3), (Words{"open", "rejected", "open"}));
  const Reason& reason = step.verdicts.at(0).reason;
  EXPECT_EQ(reason.code, "parent_missing");
  EXPECT_TRUE(reason.transient);
  EXPECT_EQ(reason.field, kColumn);
  EXPECT_NE(reason.message.find("companies with key 'co-x'"), std::string::npos);
  ASSERT_EQ(step.calls.size(), 1u);
  EXPECT_EQ(step.calls[0].rows, (std::vector<RowIndex>{0, 2}));
  const json inputs = json::parse(step.calls[0].request.body).at("inputs");
  ASSERT_EQ(inputs.size(), 2u);
  EXPECT_EQ(inputs[1].at("objectWriteTraceId"), "r1-7-2") << "by its place in the batch";
}

TEST(HubSpotAssociate, ARowWithoutAParentIsDoneOnceItIsWritten) {
  LinkedRows contacts({"co-a", "\\N"});
  const Step step = contacts.after({companies({"co-a"}), answer({written(0), written(1)})});
  EXPECT_EQ(words_of(step, 2), (Words{"open", "accepted"}));
  EXPECT_EQ(json::parse(step.calls.at(0).request.body).at("inputs").size(), 1u);
}

TEST(HubSpotAssociate, WhatTheLookUpDoesNotTellOfGoesAgain) {
  LinkedRows contacts({"co-a", "co-b", "co-c"});
  EXPECT_EQ(contacts.words({companies({"co-a"}, {"co-c"})}),
            (Words{"open", "retryable", "rejected"}));
  wire::Reply pending = json_reply(200, {{"status", "PENDING"}, {"results", List{}}});
  EXPECT_EQ(contacts.words({pending}), Words(3, "retryable"));
  EXPECT_EQ(contacts.words({reply_of(500, "")}), Words(3, "retryable"));
}

TEST(HubSpotAssociate, ALookUpThatCanNeverSucceedStopsTheRunBeforeAWrite) {
  LinkedRows contacts = two();
  const json no = {{"status", "error"},
                   {"category", "VALIDATION_ERROR"},
                   {"message", "Unable to perform update/upsert by non-unique 0-2 property key"}};
  const Step step = contacts.after({json_reply(400, no)});
  ASSERT_TRUE(step.stop);
  EXPECT_EQ(step.stop->kind, Stop::Kind::configuration);
  EXPECT_TRUE(step.calls.empty());
  EXPECT_EQ(words_of(step, 2), Words(2, "retryable"));
}

// --- what becomes of a link ---------------------------------------------------------------------

TEST(HubSpotAssociate, ARowIsAcceptedOnceItsLinkIsToldOf) {
  LinkedRows contacts = two();
  const List told = {linked("901", "701", true), linked("900", "700"), linked("901", "701")};
  const Step step = contacts.after(both_and(answer(told)));
  EXPECT_EQ(words_of(step, 2), Words(2, "accepted"));
  EXPECT_EQ(step.verdicts[0].destination_id, "900");
  EXPECT_EQ(contacts.words(both_and(answer({linked("900", "700")}))),
            (Words{"accepted", "unknown"}));
  EXPECT_EQ(contacts.words(both_and(answer({linked("700", "900"), linked("900", "701")}))),
            Words(2, "unknown"))
      << "the other direction, or another pair, is no evidence";
}

TEST(HubSpotAssociate, AnErrorIsReadToTheRowsItNames) {
  LinkedRows contacts = two();
  const json gone = refused({{"toObjectId", {"701"}}}, "OBJECT_NOT_FOUND");
  Step step = contacts.after(both_and(answer({linked("900", "700")}, {gone}, 207)));
  EXPECT_EQ(words_of(step, 2), (Words{"accepted", "rejected"}));
  const Reason reason = step.verdicts.at(1).reason;
  EXPECT_TRUE(reason.transient) << "it may come back";
  EXPECT_NE(reason.message.find("the record is written"), std::string::npos);
  const json full = refused({{"fromObjectId", {"900"}}, {"toObjectId", {"700"}}});
  step = contacts.after(both_and(answer({linked("901", "701")}, {full}, 207)));
  EXPECT_EQ(words_of(step, 2), (Words{"rejected", "accepted"}));
  EXPECT_FALSE(step.verdicts.at(0).reason.transient);
  const json busy = refused({{"fromObjectId", {"900"}}}, "RATE_LIMITS");
  EXPECT_EQ(contacts.words(both_and(answer({linked("901", "701")}, {busy}, 207))),
            (Words{"unknown", "accepted"}))
      << "written, so that it is not a row that nothing happened to";
  EXPECT_EQ(contacts.words(both_and(answer({linked("900", "700"), linked("901", "701")}, {full}))),
            (Words{"unknown", "accepted"}));
}

TEST(HubSpotAssociate, ErrorsThatNameNobodyAreFoundByHalves) {
  LinkedRows contacts = two();
  const json nameless = refused(json::object());
  EXPECT_EQ(contacts.words(both_and(answer({linked("900", "700")}, {nameless}, 207))),
            (Words{"accepted", "rejected"}));
  const Step step = contacts.after(both_and(answer({}, {nameless, nameless}, 207)));
  EXPECT_TRUE(step.verdicts.empty());
  ASSERT_EQ(step.calls.size(), 2u);
  EXPECT_EQ(step.calls[0].rows, (std::vector<RowIndex>{0}));
  EXPECT_EQ(step.calls[1].rows, (std::vector<RowIndex>{1}));
  const Batch batch = contacts.rows.batch();
  const Step last = contacts.contacts->reply(batch, {}, step.calls[1], answer({}, {nameless}, 207));
  EXPECT_EQ(words_of(last, 2), (Words{"open", "rejected"}));
}

TEST(HubSpotAssociate, OneOddLinkDoesNotKeepTheOthers) {
  LinkedRows contacts = two();
  json whole = refused({{"objectId", {"901"}}, {"objectType", {"CONTACT"}}});
  const Step step = contacts.after(both_and(json_reply(400, whole)));
  EXPECT_EQ(words_of(step, 2), (Words{"open", "rejected"}));
  ASSERT_EQ(step.calls.size(), 1u);
  EXPECT_EQ(step.calls[0].rows, (std::vector<RowIndex>{0}));
}

TEST(HubSpotAssociate, ALinkThatHubSpotDoesNotHaveStopsTheRun) {
  LinkedRows contacts = two();
  const Step step = contacts.after(both_and(json_reply(400, refused(json::object()))));
  ASSERT_TRUE(step.stop);
  EXPECT_EQ(step.stop->kind, Stop::Kind::configuration);
  EXPECT_NE(step.stop->message.find("Check associate"), std::string::npos);
  EXPECT_EQ(words_of(step, 2), Words(2, "unknown"));
}

TEST(HubSpotAssociate, NothingThatIsWrittenIsEverARowThatNothingHappenedTo) {
  LinkedRows contacts = two();
  for (const int status : {401, 403, 404, 413, 500, 502, 503}) {
    SCOPED_TRACE(status);
    const Step step = contacts.after(both_and(json_reply(status, refused(json::object()))));
    EXPECT_TRUE(step.regroup.empty());
    for (const std::string& word : words_of(step, 2)) {
      EXPECT_TRUE(word == "unknown" || word == "open");
    }
  }
  for (const wire::Failure failure : {wire::Failure::lost, wire::Failure::not_sent}) {
    wire::Reply none;
    none.failure = failure;
    EXPECT_EQ(contacts.words(both_and(none)), Words(2, "unknown"));
  }
}

TEST(HubSpotAssociate, NonsenseIsNoEvidenceOfALink) {
  LinkedRows contacts = two();
  for (const Nonsense& one : nonsense()) {
    SCOPED_TRACE(one.name);
    const Step step = contacts.after(both_and(one.reply));
    EXPECT_TRUE(step.regroup.empty());
    for (const std::string& word : words_of(step, 2)) {
      EXPECT_TRUE(word != "accepted" && word != "retryable");
    }
    for (const Verdict& verdict : step.verdicts) {
      EXPECT_LE(verdict.reason.message.size(), 4096u);
    }
  }
}

TEST(HubSpotAssociate, AFullLimitHasTheSameLinksWaitWithoutWritingTheRecordsAgain) {
  LinkedRows contacts = two();
  const json slow = {
      {"category", "RATE_LIMITS"}, {"policyName", "TEN_SECONDLY_ROLLING"}, {"message", "slow"}};
  const Step step = contacts.after(both_and(json_reply(429, slow)));
  EXPECT_TRUE(step.verdicts.empty());
  EXPECT_EQ(step.pause, std::chrono::seconds(10));
  ASSERT_EQ(step.calls.size(), 1u);
  EXPECT_EQ(step.calls[0].request.body, contacts.call.request.body);
  EXPECT_EQ(step.calls[0].note, contacts.call.note);
}

}  // namespace
}  // namespace tailrace
