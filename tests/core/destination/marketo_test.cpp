// Leads by requests of 300, members of static lists, questions: what Marketo is sent, and what its
// answers, nearly all of status 200, mean.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "destination/rows.hpp"

namespace tailrace {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;

[[nodiscard]] json success(json results) {
  return {{"requestId", "e42b#14272d07d78"}, {"success", true}, {"result", std::move(results)}};
}

[[nodiscard]] json refused_as(const std::string& code, const std::string& message = "words") {
  return {{"success", false}, {"errors", {{{"code", code}, {"message", message}}}}};
}

[[nodiscard]] json lead(int id, const std::string& status) {
  return {{"id", id}, {"status", status}};
}

[[nodiscard]] json skipped(const std::string& code, const std::string& message = "words") {
  return {{"status", "skipped"}, {"reasons", {{{"code", code}, {"message", message}}}}};
}

/// Rows of leads by their e-mail address, and the step that the answers lead to.
struct LeadRows {
  explicit LeadRows(std::size_t count = 3, const std::string& object = "leads",
                    const json& more = {{"api", "leads"}})
      : rows(count) {
    if (object != "leads") rows.schema.field_count = 1;
    tool = marketo_of(rows.schema, object, more);
  }
  void begin(Operation operation) {
    batch = rows.batch(operation);
    step = tool->begin(batch);
  }
  void reply(const wire::Reply& answer) {
    const Call call = step.calls.at(0);
    step = tool->reply(batch, memo, call, answer);
    if (!step.memo.empty()) memo = step.memo;
  }
  void reply(const json& answer) { reply(json_reply(200, answer)); }
  [[nodiscard]] json sent() const { return json::parse(step.calls.at(0).request.body); }

  TestRows rows;
  std::unique_ptr<Destination> tool;
  Batch batch;
  Step step;
  Memo memo;
};

// --- writing -----------------------------------------------------------------------------------

TEST(MarketoLeads, AnUpsertNamesTheLookupFieldAndItsRowsInOrder) {
  LeadRows leads(2);
  leads.begin(Operation::upsert);
  ASSERT_EQ(leads.step.calls.size(), 1u);
  const Call& call = leads.step.calls[0];
  EXPECT_EQ(call.request.path, "/rest/v1/leads.json");
  EXPECT_EQ(call.effect, Effect::keyed_write);
  EXPECT_EQ(leads.sent(), json::parse(R"({"action": "createOrUpdate", "lookupField": "email",
    "input": [
      {"email": "user0@example.com", "score": 0.50, "active": true, "note": "note 0",
       "seen_at": "2024-01-01T00:00:00.5Z"},
      {"email": "user1@example.com", "score": 1.50, "active": true, "note": "note 1",
       "seen_at": "2024-01-01T00:00:00.5Z"}]})"));
}

TEST(MarketoLeads, EachOperationHasItsAction) {
  const std::vector<std::pair<Operation, std::string>> actions{
      {Operation::upsert, "createOrUpdate"},
      {Operation::insert, "createOnly"},
      {Operation::update, "updateOnly"},
      {Operation::clear, "updateOnly"}};
  for (const auto& [operation, action] : actions) {
    LeadRows leads(1, "leads", {{"api", "leads"}, {"partition", "Europe \"1\""}});
    leads.begin(operation);
    EXPECT_EQ(leads.sent()["action"], action);
    const bool makes = operation == Operation::upsert || operation == Operation::insert;
    EXPECT_EQ(leads.sent().value("partitionName", ""), makes ? "Europe \"1\"" : "");
    EXPECT_EQ(leads.step.calls[0].effect == Effect::unkeyed_write, operation == Operation::insert);
  }
}

TEST(MarketoLeads, AClearedLeadKeepsItsMatchValueAlone) {
  LeadRows leads(1);
  leads.begin(Operation::clear);
  EXPECT_EQ(leads.sent()["input"], json::parse(R"([{"email": "user0@example.com", "score": null,
    "active": null, "note": null, "seen_at": null}])"));
}

TEST(MarketoLeads, ResultsAreInTheOrderOfTheRows) {
  LeadRows leads(4);
  leads.begin(Operation::upsert);
  leads.reply(success({lead(7, "created"), skipped("1003", "no such state"), lead(9, "updated"),
                       skipped("1007", "Multiple leads match")}));
  EXPECT_EQ(words_of(leads.step, 4), (Words{"accepted", "rejected", "accepted", "rejected"}));
  EXPECT_EQ(leads.step.verdicts[0].destination_id, "7");
  EXPECT_EQ(leads.step.verdicts[1].reason.code, "1003");
  EXPECT_EQ(leads.step.verdicts[1].reason.message, "no such state");
}

TEST(MarketoLeads, AMissingLeadIsPassedOverByAnUpdateAndCleared) {
  LeadRows leads(2);
  leads.begin(Operation::update);
  leads.reply(success({skipped("1004"), lead(9, "updated")}));
  EXPECT_EQ(words_of(leads.step, 2), (Words{"skipped", "accepted"}));
  EXPECT_EQ(leads.step.verdicts[0].reason.code, kMissing);
  leads.begin(Operation::clear);
  leads.reply(success({skipped("1004"), lead(9, "updated")}));
  EXPECT_EQ(words_of(leads.step, 2), (Words{"accepted", "accepted"}));
  leads.begin(Operation::insert);
  leads.reply(success({skipped("1005"), lead(9, "created")}));
  EXPECT_EQ(words_of(leads.step, 2), (Words{"rejected", "accepted"}));
}

TEST(MarketoLeads, ResultsThatSayNeitherYesNorNoAreUnknown) {
  const json odd[] = {json::object(),
                      json(5),
                      {{"status", "created"}},
                      {{"id", 5}},
                      {{"id", "x"}, {"status", "created"}},
                      {{"id", 5}, {"status", "queued"}},
                      {{"status", "skipped"}},
                      {{"status", "skipped"}, {"reasons", json::array()}},
                      {{"status", "skipped"}, {"reasons", {{{"code", "oops"}}}}}};
  for (const json& one : odd) {
    LeadRows leads(2);
    leads.begin(Operation::upsert);
    leads.reply(success({one, lead(9, "created")}));
    EXPECT_EQ(words_of(leads.step, 2), (Words{"unknown", "accepted"})) << one;
  }
}

TEST(MarketoLeads, FewerOrMoreResultsThanRowsSayNothing) {
  for (const std::size_t count : {0U, 1U, 3U}) {
    LeadRows leads(2);
    leads.begin(Operation::upsert);
    leads.reply(success(std::vector<json>(count, lead(9, "created"))));
    EXPECT_EQ(words_of(leads.step, 2), (Words{"unknown", "unknown"}));
  }
}

TEST(MarketoLeads, AFieldThatMarketoLacksStopsTheRunAndRejectsNobody) {
  LeadRows leads(2);
  leads.begin(Operation::upsert);
  leads.reply(success({skipped("1006", "Field 'note' not found"), skipped("1006")}));
  EXPECT_EQ(words_of(leads.step, 2), (Words{"retryable", "retryable"}));
  ASSERT_TRUE(leads.step.stop);
  EXPECT_EQ(leads.step.stop->kind, Stop::Kind::configuration);
  EXPECT_NE(leads.step.stop->message.find("Field 'note' not found"), std::string::npos);
}

TEST(MarketoLeads, RowsThatAnImportIsInTheWayOfGoAgain) {
  LeadRows leads(2);
  leads.begin(Operation::upsert);
  leads.reply(success({skipped("1022"), lead(9, "updated")}));
  EXPECT_EQ(words_of(leads.step, 2), (Words{"retryable", "accepted"}));
  EXPECT_TRUE(leads.step.verdicts[0].reason.transient);
}

TEST(MarketoLeads, LeadsById) {
  LeadRows leads(0);
  leads.rows.schema.columns[0].name = "id";
  for (const char* id : {"7", "008"}) {
    leads.rows.add(id, id, std::string(id) + "\t1\tt\tn\t2024-01-01 00:00:00+00\ta");
  }
  leads.tool = marketo_of(leads.rows.schema);
  EXPECT_EQ(leads.tool->identity("008"), "8");
  EXPECT_FALSE(leads.tool->identity("7a"));
  const auto& operations = leads.tool->capabilities().operations;
  EXPECT_EQ(std::count(operations.begin(), operations.end(), Operation::upsert), 0);
  leads.begin(Operation::update);
  EXPECT_EQ(leads.sent()["lookupField"], "id");
  leads.reply(success({lead(7, "updated"), lead(9, "updated")}));
  EXPECT_EQ(words_of(leads.step, 2), (Words{"accepted", "unknown"}));
}

TEST(MarketoLeads, AValueIsTheSameWhateverItsCase) {
  LeadRows leads;
  EXPECT_EQ(leads.tool->identity(" Ann@Example.COM "), "ann@example.com");
  EXPECT_FALSE(leads.tool->identity("  "));
}

// --- errors by code ----------------------------------------------------------------------------

struct Code {
  std::string code;
  std::string word;
  int pause_s = 0;
};

TEST(MarketoErrors, ARefusalOfStatus200IsReadByItsCode) {
  const std::vector<Code> codes{
      {"606", "retryable", 20}, {"615", "retryable", 1},  {"608", "retryable", 5},
      {"611", "retryable", 2},  {"614", "retryable", 5},  {"713", "retryable", 2},
      {"719", "retryable", 2},  {"1022", "retryable", 5}, {"604", "unknown", 0},
      {"500", "unknown", 0},    {"502", "unknown", 0},    {"1003", "regrouped", 0},
      {"1001", "regrouped", 0}, {"1999", "regrouped", 0}};
  for (const Code& one : codes) {
    LeadRows leads(2);
    leads.begin(Operation::upsert);
    leads.reply(refused_as(one.code));
    EXPECT_EQ(words_of(leads.step, 2), Words(2, one.word)) << one.code;
    EXPECT_EQ(leads.step.pause, std::chrono::seconds(one.pause_s)) << one.code;
    EXPECT_FALSE(leads.step.stop) << one.code;
    EXPECT_EQ(leads.step.rate_limited, one.code == "606" || one.code == "615");
  }
}

TEST(MarketoErrors, AnOldTokenIsRenewed) {
  for (const char* code : {"600", "601", "602"}) {
    LeadRows leads(2);
    leads.begin(Operation::insert);
    leads.reply(refused_as(code));
    EXPECT_TRUE(leads.step.reauthenticate) << code;
    EXPECT_EQ(words_of(leads.step, 2), Words(2, "open"));
  }
}

TEST(MarketoErrors, WhatNoTryMendsStopsTheRun) {
  for (const char* code : {"603", "605", "609", "610", "612", "613", "616", "699", "701", "703",
                           "709", "1006", "1008", "1011", "1013"}) {
    LeadRows leads(2);
    leads.begin(Operation::insert);
    leads.reply(refused_as(code, "why"));
    ASSERT_TRUE(leads.step.stop) << code;
    EXPECT_EQ(leads.step.stop->kind, Stop::Kind::configuration) << code;
    EXPECT_NE(leads.step.stop->message.find("why"), std::string::npos);
    EXPECT_EQ(words_of(leads.step, 2), Words(2, "retryable"));
  }
}

TEST(MarketoErrors, ASpentDayEndsAtMidnightOfCentralStandardTime) {
  using std::chrono_literals::operator""h;
  using std::chrono_literals::operator""min;
  const std::vector<std::pair<std::string, wire::Milliseconds>> dates{
      {"Mon, 23 Nov 2026 05:30:00 GMT", 30min},
      {"Mon, 23 Nov 2026 06:00:00 GMT", 24h},
      {"Mon, 23 Nov 2026 18:00:00 GMT", 12h},
      {"soon", 1h},
      {"", 1h}};
  for (const auto& [date, wait] : dates) {
    LeadRows leads(2);
    leads.begin(Operation::upsert);
    wire::Reply reply = json_reply(200, refused_as("607", "Daily quota reached"));
    if (!date.empty()) reply.headers.push_back({"date", date});
    leads.reply(reply);
    ASSERT_TRUE(leads.step.stop);
    EXPECT_EQ(leads.step.stop->kind, Stop::Kind::quota);
    EXPECT_EQ(leads.step.stop->retry_after, wait) << date;
    EXPECT_EQ(words_of(leads.step, 2), Words(2, "retryable"));
  }
}

TEST(MarketoErrors, ASizeIsHalved) {
  for (const int status : {413, 414}) {
    LeadRows leads(4);
    leads.begin(Operation::upsert);
    leads.reply(reply_of(status, "<html>too large</html>", "text/html"));
    EXPECT_EQ(leads.step.regroup.size(), 2u);
  }
}

// --- by Marketo's ids --------------------------------------------------------------------------

TEST(MarketoIds, RemovalsOfKnownIdsTakeOneRequest) {
  LeadRows leads(0);
  for (int i = 0; i < 3; ++i) {
    const std::string n = std::to_string(i);
    leads.rows.add("k" + n, "user" + n + "@example.com", "", "90" + n);
  }
  leads.begin(Operation::delete_);
  EXPECT_EQ(leads.step.calls.at(0).request.path, "/rest/v1/leads/delete.json");
  EXPECT_EQ(leads.sent(), json::parse(R"({"input": [{"id": 900}, {"id": 901}, {"id": 902}]})"));
  leads.memo = leads.step.memo;
  json gone = skipped("1004", "Lead not found");
  gone["id"] = 901;
  leads.reply(success({lead(900, "deleted"), gone, lead(903, "deleted")}));
  EXPECT_EQ(words_of(leads.step, 3), (Words{"accepted", "accepted", "unknown"}));
}

TEST(MarketoIds, OthersAreLookedUpFirst) {
  LeadRows leads(3);
  leads.begin(Operation::delete_);
  const Call& asked = leads.step.calls.at(0);
  EXPECT_EQ(asked.request.method, wire::Method::get);
  EXPECT_EQ(asked.effect, Effect::none);
  EXPECT_EQ(asked.request.query,
            "filterType=email&filterValues=user0%40example.com,user1%40example.com,"
            "user2%40example.com&fields=email&batchSize=300");
  leads.reply(success({{{"id", 902}, {"email", "USER2@example.com"}},
                       {{"id", 900}, {"email", "user0@example.com"}},
                       {{"id", 77}, {"email", "somebody@example.com"}}}));
  EXPECT_EQ(words_of(leads.step, 3), (Words{"open", "accepted", "open"}));
  EXPECT_EQ(leads.sent(), json::parse(R"({"input": [{"id": 900}, {"id": 902}]})"));
  leads.reply(success({lead(900, "deleted"), lead(902, "deleted")}));
  EXPECT_EQ(words_of(leads.step, 3), (Words{"accepted", "open", "accepted"}));
}

TEST(MarketoIds, SeveralLeadsOfOneValueAreLeftAlone) {
  LeadRows leads(2);
  leads.begin(Operation::delete_);
  leads.reply(success({{{"id", 900}, {"email", "user0@example.com"}},
                       {{"id", 901}, {"email", "user0@example.com"}}}));
  EXPECT_EQ(words_of(leads.step, 2), (Words{"rejected", "accepted"}));
  EXPECT_TRUE(leads.step.calls.empty());
}

TEST(MarketoIds, MoreThanAPageIsAskedForInHalves) {
  LeadRows leads(2);
  leads.begin(Operation::delete_);
  json page = success({{{"id", 900}, {"email", "user0@example.com"}}});
  page["moreResult"] = true;
  leads.reply(page);
  EXPECT_EQ(words_of(leads.step, 2), (Words{"regrouped", "regrouped"}));
  LeadRows one(1);
  one.begin(Operation::delete_);
  one.reply(page);
  EXPECT_EQ(words_of(one.step, 1), (Words{"rejected"}));
}

TEST(MarketoIds, AMatchValueWithACommaCannotBeLookedUp) {
  LeadRows leads(0);
  leads.rows.add("a", "a,b", "");
  leads.begin(Operation::delete_);
  EXPECT_EQ(words_of(leads.step, 1), (Words{"rejected"}));
  EXPECT_TRUE(leads.step.calls.empty());
}

TEST(MarketoIds, AQuestionThatIsTooLongForAnAddressIsPosted) {
  LeadRows leads(0);
  for (int i = 0; i < 300; ++i) {
    const std::string match = std::to_string(i) + "-long-enough@example-of-a-domain.com";
    leads.rows.add("k" + std::to_string(i), match, "");
  }
  leads.begin(Operation::delete_);
  const Call& asked = leads.step.calls.at(0);
  EXPECT_EQ(asked.request.method, wire::Method::post);
  EXPECT_EQ(asked.request.query, "_method=GET");
  EXPECT_EQ(asked.request.content_type, "application/x-www-form-urlencoded");
  EXPECT_TRUE(asked.request.body.starts_with("filterType=email&filterValues=0-long"));
  json all = json::array();
  for (int i = 0; i < 300; ++i) {
    all.push_back({{"id", 1'000'000'000 + i},
                   {"email", std::to_string(i) + "-long-enough@example-of-a-domain.com"}});
  }
  leads.reply(success(all));
  EXPECT_EQ(leads.sent()["input"].size(), 300u);
  EXPECT_LE(leads.memo.size(), 4096u);
}

// --- static lists ------------------------------------------------------------------------------

TEST(MarketoLists, LeadsBecomeMembersByTheirIds) {
  LeadRows list(3, "list:1001");
  list.begin(Operation::upsert);
  list.reply(success({{{"id", 900}, {"email", "user0@example.com"}},
                      {{"id", 902}, {"email", "user2@example.com"}}}));
  EXPECT_EQ(words_of(list.step, 3), (Words{"open", "skipped", "open"}));
  const Call& call = list.step.calls.at(0);
  EXPECT_EQ(call.request.path, "/rest/v1/lists/1001/leads.json");
  EXPECT_EQ(call.request.method, wire::Method::post);
  json missing = skipped("1004");
  missing["id"] = 902;
  list.reply(success({lead(900, "added"), missing}));
  EXPECT_EQ(words_of(list.step, 3), (Words{"accepted", "open", "skipped"}));
}

TEST(MarketoLists, MembersAreTakenOff) {
  LeadRows list(2, "list:1001");
  list.begin(Operation::delete_);
  list.reply(success({{{"id", 900}, {"email", "user0@example.com"}},
                      {{"id", 901}, {"email", "user1@example.com"}}}));
  const Call& call = list.step.calls.at(0);
  EXPECT_EQ(call.request.method, wire::Method::delete_);
  EXPECT_EQ(call.request.query, "id=900,901");
  json never = skipped("1015");
  never["id"] = 901;
  list.reply(success({lead(900, "removed"), never}));
  EXPECT_EQ(words_of(list.step, 2), (Words{"accepted", "accepted"}));
}

TEST(MarketoLists, HaveTheMatchFieldAlone) {
  TestRows rows;
  EXPECT_THROW(static_cast<void>(marketo_of(rows.schema, "list:1001")), std::invalid_argument);
}

TEST(MarketoConnection, WhatDoesNotFitIsRefused) {
  TestRows rows;
  for (const char* object : {"companies", "list:", "list:a", "lists"}) {
    EXPECT_THROW(static_cast<void>(marketo_of(rows.schema, object)), std::invalid_argument);
  }
  for (const json& more : std::vector<json>{{{"api", "soap"}},
                                            {{"max_jobs", 11}},
                                            {{"max_jobs", 0}},
                                            {{"daily_quota", 0}},
                                            {{"resend_after_s", -1}}}) {
    EXPECT_THROW(static_cast<void>(marketo_of(rows.schema, "leads", more)), std::invalid_argument)
        << more;
  }
  rows.schema.columns[0].name = "e-mail";
  EXPECT_THROW(static_cast<void>(marketo_of(rows.schema)), std::invalid_argument);
}

TEST(MarketoConnection, TheVendorsOwnAdviceIsTheDefault) {
  TestRows rows;
  const auto tool = marketo_of(rows.schema);
  const Capabilities& can = tool->capabilities();
  ASSERT_EQ(can.rates.size(), 2u);
  EXPECT_EQ(can.rates[0].requests, 50);
  EXPECT_EQ(can.rates[0].window, std::chrono::seconds(20));
  EXPECT_EQ(can.rates[0].max_concurrent, 5u);
  EXPECT_EQ(can.rates[1].requests, 50'000);
  EXPECT_EQ(can.rates[1].window, wire::kDay);
  EXPECT_EQ(can.max_rows, 300u);
  EXPECT_FALSE(can.streams);
  EXPECT_EQ(tool->requests_for(Operation::upsert, 50'000), 167u);
  const auto other = marketo_of(rows.schema, "leads", {{"api", "leads"}, {"daily_quota", 75'000}});
  EXPECT_EQ(other->capabilities().rates[1].requests, 75'000);
}

// --- questions ---------------------------------------------------------------------------------

TEST(MarketoQuestions, DescribeTellsWhatMayBeWrittenAndWhatLeadsAreFoundBy) {
  LeadRows leads;
  ReadStep step = leads.tool->read({ReadAsk::Kind::describe, {}});
  ASSERT_EQ(step.calls.size(), 1u);
  const Call call = step.calls[0];
  const json body = success({json::parse(R"({"name": "API Lead",
    "searchableFields": [["email"], ["sfdcLeadId"], ["a", "b"]],
    "fields": [
      {"name": "email", "dataType": "email", "length": 255, "updateable": true},
      {"name": "sfdcLeadId", "dataType": "string", "length": 255, "updateable": false},
      {"name": "score", "dataType": "score", "updateable": true},
      {"name": "a", "dataType": "datetime", "updateable": true}]})")});
  const wire::Reply reply = json_reply(200, body);
  step = leads.tool->read({ReadAsk::Kind::describe, {}}, &call, &reply);
  ASSERT_EQ(step.fields.size(), 4u);
  EXPECT_TRUE(step.fields[0].unique);
  EXPECT_EQ(step.fields[0].max_length, 255u);
  EXPECT_FALSE(step.fields[1].writable);
  EXPECT_TRUE(step.fields[1].unique);
  EXPECT_EQ(step.fields[2].takes, Takes::whole_number);
  EXPECT_FALSE(step.fields[2].max_length);
  EXPECT_EQ(step.fields[3].takes, Takes::moment);
  EXPECT_FALSE(step.fields[3].unique);
}

TEST(MarketoQuestions, AListThatIsNotThereIsSaid) {
  LeadRows list(1, "list:5");
  const ReadAsk ask{ReadAsk::Kind::describe, {}};
  ReadStep step = list.tool->read(ask);
  ASSERT_EQ(step.calls.size(), 2u);
  EXPECT_EQ(step.calls[1].request.path, "/rest/v1/lists/5.json");
  const wire::Reply reply = json_reply(200, refused_as("1013", "List not found"));
  const Call call = step.calls[1];
  step = list.tool->read(ask, &call, &reply);
  ASSERT_TRUE(step.stop);
  EXPECT_EQ(step.stop->kind, Stop::Kind::configuration);
}

TEST(MarketoQuestions, TheDaysCallsAreLeftOfTheQuota) {
  LeadRows leads(1, "leads", {{"api", "leads"}, {"daily_quota", 100}});
  const ReadAsk ask{ReadAsk::Kind::limits, {}};
  const Call call = leads.tool->read(ask).calls.at(0);
  EXPECT_EQ(call.request.path, "/rest/v1/stats/usage.json");
  const wire::Reply reply = json_reply(200, success({{{"date", "2026-11-23"}, {"total", 40}}}));
  EXPECT_EQ(leads.tool->read(ask, &call, &reply).calls_left, 60);
}

TEST(MarketoQuestions, LeadsAreFoundAndAbsenceIsSaid) {
  LeadRows leads;
  const ReadAsk ask{ReadAsk::Kind::by_match, {"a@b.co", "c@d.co", "e,f", "g@h.co"}};
  const ReadStep asked = leads.tool->read(ask);
  ASSERT_EQ(asked.calls.size(), 1u);
  const Call call = asked.calls[0];
  wire::Reply reply =
      json_reply(200, success({{{"id", 1}, {"email", "A@b.co"}, {"score", 1.5}, {"note", nullptr}},
                               {{"id", 2}, {"email", "g@h.co"}},
                               {{"id", 3}, {"email", "G@h.co"}},
                               {{"id", 4}, {"email", "x@y.co"}}}));
  const ReadStep step = leads.tool->read(ask, &call, &reply);
  ASSERT_EQ(step.records.size(), 1u);
  EXPECT_EQ(step.records[0].match, "a@b.co");
  EXPECT_EQ(step.records[0].destination_id, "1");
  EXPECT_EQ(step.absent, (std::vector<std::string>{"c@d.co"}));
  EXPECT_FALSE(step.stop);
  json page = success({{{"id", 2}, {"email", "g@h.co"}}});
  page["nextPageToken"] = "X";
  reply = json_reply(200, page);
  const ReadStep halves = leads.tool->read(ask, &call, &reply);
  EXPECT_EQ(halves.calls.size(), 2u);
  EXPECT_TRUE(halves.records.empty() && halves.absent.empty());
  const Call second = halves.calls[1];
  EXPECT_NE(second.request.query.find("c%40d.co,g%40h.co"), std::string::npos);
  const ReadStep again = leads.tool->read(ask, &second, &reply);
  EXPECT_EQ(again.calls.size(), 2u);
  const Call last = again.calls[1];
  EXPECT_TRUE(leads.tool->read(ask, &last, &reply).records.empty());
}

TEST(MarketoQuestions, ARefusalOfStatus200IsReadByItsCode) {
  LeadRows leads;
  const ReadAsk ask{ReadAsk::Kind::by_match, {"a@b.co"}};
  const Call call = leads.tool->read(ask).calls.at(0);
  wire::Reply reply = json_reply(200, refused_as("602"));
  EXPECT_TRUE(leads.tool->read(ask, &call, &reply).reauthenticate);
  reply = json_reply(200, refused_as("606"));
  EXPECT_EQ(leads.tool->read(ask, &call, &reply).again_after, std::chrono::seconds(20));
  reply = json_reply(200, refused_as("603"));
  const ReadStep step = leads.tool->read(ask, &call, &reply);
  EXPECT_FALSE(step.reauthenticate || step.again_after);
  ASSERT_TRUE(step.stop);
  EXPECT_EQ(step.stop->kind, Stop::Kind::configuration);
}

TEST(MarketoQuestions, TimesAreComparedToTheSecondAndMatchesWithoutCase) {
  LeadRows leads;
  EXPECT_TRUE(leads.tool->equal_value(0, "ann@b.co", "Ann@B.co"));
  EXPECT_TRUE(leads.tool->equal_value(4, "2024-01-01 00:00:00.5+00", "2024-01-01T00:00:00Z"));
  EXPECT_FALSE(leads.tool->equal_value(3, "note", "Note"));
  EXPECT_TRUE(leads.tool->equal_value(3, "", std::nullopt));
}

}  // namespace
}  // namespace tailrace
