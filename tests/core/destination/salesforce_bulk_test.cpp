// Jobs of Bulk API 2.0: their steps, and what their result sets say.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "destination/rows.hpp"
#include "wire/body.hpp"

namespace tailrace::salesforce {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;

constexpr const char* kJob = "750000000000001AAA";

/// Rows by Ext__c in a job: K0, K1 and so on.
struct Ingest {
  explicit Ingest(std::size_t count = 3, const json& more = {{"api", "bulk"}},
                  const std::string& match = "Ext__c") {
    rows.schema.columns = {
        {match, Type::text}, {"Score__c", Type::decimal}, {"Note__c", Type::text}};
    rows.schema.field_count = 3;
    rows.schema.key = {0};
    rows.schema.match = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::string key = match == "Id" ? id(i) : "K" + std::to_string(i);
      rows.add(key, key, key + "\t1.50\t\\N", id(i));
    }
    org = salesforce_of(rows.schema, "Account", more);
  }
  static std::string id(std::size_t number) {
    return "00100000000000" + std::to_string(number) + "AAA";
  }
  /// Opens, uploads and closes; the batch is then in its job.
  void enter(Operation operation = Operation::upsert) {
    batch = rows.batch(operation);
    step = org->begin(batch);
    opened = step.calls.at(0);
    reply(json_reply(200, {{"id", kJob}, {"state", "Open"}}));
    uploaded = step.calls.at(0);
    reply(reply_of(201, ""));
    closed = step.calls.at(0);
    reply(json_reply(200, {{"id", kJob}, {"state", "UploadComplete"}}));
    ASSERT_TRUE(step.in_job);
  }
  void reply(const wire::Reply& answer) {
    const Call call = step.calls.at(0);
    step = org->reply(batch, memo, call, answer);
    if (!step.memo.empty()) memo = step.memo;
  }
  void poll(json job) {
    job["id"] = kJob;
    const JobBatch one{batch, &memo};
    Polled said = org->polled({&one, 1}, json_reply(200, job));
    common = said.common;
    step = std::move(said.steps.at(0));
    if (!step.memo.empty()) memo = step.memo;
  }
  void ended(const std::string& state, std::size_t processed, std::size_t failed,
             const std::string& message = "") {
    poll({{"state", state},
          {"numberRecordsProcessed", processed},
          {"numberRecordsFailed", failed},
          {"errorMessage", message}});
  }
  /// Answers the one call that is waited for with a file.
  void set(const std::string& path, const std::string& csv) {
    const Call call = step.calls.at(0);
    EXPECT_TRUE(call.request.path.ends_with(path)) << call.request.path;
    wire::Reply answer = reply_of(200, "", "text/csv");
    ASSERT_TRUE(call.request.sink->begin(answer));
    for (const char c : csv) {
      if (!call.request.sink->take(std::string_view(&c, 1))) break;
    }
    answer.consumed = true;
    step = org->reply(batch, memo, call, answer);
    if (!step.memo.empty()) memo = step.memo;
  }
  TestRows rows;
  std::unique_ptr<Destination> org;
  Batch batch;
  Step step;
  Step common;
  Memo memo;
  Call opened, uploaded, closed;
};

std::string file_of(const Call& call) { return wire::body_prefix(call.request, 10'000); }

constexpr const char* kGood = "\"sf__Id\",\"sf__Created\",\"Ext__c\",\"Score__c\",\"Note__c\"\n";
constexpr const char* kBad = "\"sf__Id\",\"sf__Error\",\"Ext__c\",\"Score__c\",\"Note__c\"\n";
constexpr const char* kLeft = "\"Ext__c\",\"Score__c\",\"Note__c\"\n";

std::string good(const std::string& ext, std::size_t number) {
  return "\"" + Ingest::id(number) + "\",\"true\",\"" + ext + "\",\"1.50\",\"#N/A\"\n";
}

std::string bad(const std::string& ext, const std::string& error) {
  return "\"\",\"" + error + "\",\"" + ext + "\",\"1.50\",\"#N/A\"\n";
}

TEST(SalesforceBulk, OpensUploadsAndClosesBeforeAnythingIsWritten) {
  Ingest job;
  job.enter();
  EXPECT_EQ(job.opened.request.path, "/services/data/v60.0/jobs/ingest");
  EXPECT_EQ(json::parse(job.opened.request.body), json({{"object", "Account"},
                                                        {"operation", "upsert"},
                                                        {"externalIdFieldName", "Ext__c"},
                                                        {"contentType", "CSV"},
                                                        {"lineEnding", "LF"}}));
  EXPECT_EQ(job.opened.effect, Effect::none);
  EXPECT_EQ(job.uploaded.request.method, wire::Method::put);
  EXPECT_EQ(job.uploaded.request.content_type, "text/csv");
  EXPECT_EQ(job.uploaded.effect, Effect::none);
  EXPECT_EQ(file_of(job.uploaded),
            "Ext__c,Score__c,Note__c\nK0,1.50,#N/A\nK1,1.50,#N/A\nK2,1.50,#N/A\n");
  EXPECT_EQ(job.closed.effect, Effect::keyed_write);
  EXPECT_EQ(job.closed.request.body, R"({"state":"UploadComplete"})");
  EXPECT_EQ(job.memo, std::string("job ") + kJob);
}

TEST(SalesforceBulk, ResultSetsAreReadInAnyOrderByTheMatchValue) {
  Ingest job;
  job.enter();
  job.poll({{"state", "InProgress"}});
  EXPECT_TRUE(job.step.in_job);
  job.ended("JobComplete", 3, 1);
  job.set("/successfulResults", kGood + good("K2", 7) + good("K0", 8));
  job.set("/failedResults",
          kBad + bad("K1", "STRING_TOO_LONG:Note: data value too large:Note__c --"));
  EXPECT_EQ(words_of(job.step, 3), (Words{"accepted", "rejected", "accepted"}));
  EXPECT_EQ(job.step.verdicts[0].destination_id, Ingest::id(8));
  EXPECT_EQ(job.step.verdicts[1].reason.code, "STRING_TOO_LONG");
  EXPECT_EQ(job.step.verdicts[1].reason.message, "Note: data value too large");
  EXPECT_EQ(job.step.verdicts[1].reason.field, "Note__c");
}

TEST(SalesforceBulk, WhatAllRowsBecameTakesOneSet) {
  Ingest job;
  job.enter();
  job.ended("JobComplete", 3, 0);
  job.set("/successfulResults", kGood + good("K2", 7) + good("K0", 8) + good("K1", 9));
  EXPECT_EQ(words_of(job.step, 3), Words(3, "accepted"));
  job.enter();
  job.ended("JobComplete", 3, 3);
  job.set("/failedResults", kBad + bad("K0", "A_B:c:--") + bad("K1", "A_B") + bad("K2", "A_B:c"));
  EXPECT_EQ(words_of(job.step, 3), Words(3, "rejected"));
}

TEST(SalesforceBulk, RowsThatAJobLeftGoAgainAndThoseInNoSetAreUnknown) {
  for (const char* state : {"Failed", "Aborted", "JobComplete"}) {
    Ingest job;
    job.enter();
    job.ended(state, 1, 0);
    job.set("/successfulResults", kGood + good("K1", 1));
    job.set("/failedResults", kBad);
    job.set("/unprocessedrecords", kLeft + std::string("K2,1.50,#N/A\n"));
    EXPECT_EQ(words_of(job.step, 3), (Words{"unknown", "accepted", "retryable"})) << state;
  }
}

TEST(SalesforceBulk, ARowInTwoSetsIsUnknown) {
  Ingest job;
  job.enter();
  job.ended("JobComplete", 3, 1);
  job.set("/successfulResults", kGood + good("K0", 1) + good("K1", 2) + good("K2", 3));
  job.set("/failedResults", kBad + bad("K1", "A_B:c:--"));
  EXPECT_EQ(words_of(job.step, 3), (Words{"accepted", "unknown", "accepted"}));
}

TEST(SalesforceBulk, RowsOfOthersAreNobodys) {
  Ingest job;
  job.enter();
  job.ended("JobComplete", 3, 0);
  job.set("/successfulResults", kGood + good("k0", 1) + good("X", 2) + good("K2", 3));
  EXPECT_EQ(words_of(job.step, 3), (Words{"unknown", "unknown", "accepted"}));
}

TEST(SalesforceBulk, ASetThatIsNoneIsAskedForAgain) {
  for (const std::string text : {"", "<html><body>Sign in</body></html>\n", "\"Ext__c\"\n\"K0\"\n",
                                 "\"sf__Id\",\"sf__Created\",\"Ext__c\"\n\"1\",\"true\",\"K"}) {
    Ingest job;
    job.enter();
    job.ended("JobComplete", 3, 0);
    job.set("/successfulResults", text);
    EXPECT_TRUE(job.step.in_job) << text;
    EXPECT_TRUE(job.step.verdicts.empty());
    EXPECT_FALSE(job.step.stop);
  }
}

TEST(SalesforceBulk, AResultSetThatIsRefusedSaysNothingOfWhatWasWritten) {
  for (const int status : {401, 403, 404, 500}) {
    Ingest job;
    job.enter(Operation::insert);
    job.ended("JobComplete", 3, 0);
    const json error = {{"errorCode", "REQUEST_LIMIT_EXCEEDED"}, {"message", "TotalRequests"}};
    job.reply(json_reply(status, json::array({error})));
    EXPECT_TRUE(job.step.in_job) << status;
    EXPECT_FALSE(job.step.stop);
    EXPECT_FALSE(job.step.reauthenticate);
    EXPECT_TRUE(job.step.verdicts.empty());
  }
}

TEST(SalesforceBulk, ALostAnswerToTheCloseLeavesTheWordToTheJob) {
  for (const bool arrived : {true, false}) {
    Ingest job;
    job.batch = job.rows.batch();
    job.step = job.org->begin(job.batch);
    job.reply(json_reply(200, {{"id", kJob}}));
    job.reply(reply_of(201, ""));
    wire::Reply lost;
    lost.failure = wire::Failure::lost;
    job.reply(lost);
    ASSERT_TRUE(job.step.in_job);
    if (arrived) {
      job.ended("JobComplete", 3, 0);
      EXPECT_EQ(job.step.calls.size(), 1u);
      continue;
    }
    // Still open: it is given up, and what may still arrive changes nothing.
    job.poll({{"state", "Open"}});
    EXPECT_EQ(job.step.calls.at(0).request.body, R"({"state":"Aborted"})");
    const Call abort = job.step.calls.at(0);
    job.reply(lost);
    EXPECT_TRUE(job.step.in_job);
    job.step.calls = {abort};
    job.reply(json_reply(200, {{"id", kJob}, {"state", "Aborted"}}));
    EXPECT_EQ(words_of(job.step, 3), Words(3, "retryable"));
  }
}

TEST(SalesforceBulk, AFileThatCannotBeReadStopsTheRun) {
  Ingest job;
  job.enter();
  job.ended("Failed", 0, 0, "InvalidBatch : Field name not found : Note__c");
  ASSERT_TRUE(job.step.stop);
  EXPECT_EQ(job.step.stop->kind, Stop::Kind::configuration);
  EXPECT_NE(job.step.stop->message.find("Note__c"), std::string::npos);
  EXPECT_EQ(words_of(job.step, 3), Words(3, "retryable"));
}

TEST(SalesforceBulk, ASpentQuotaStopsTheRunOnceItsRowsAreTold) {
  Ingest job;
  job.enter();
  job.ended("Failed", 1, 0, "ExceededQuota : ApiBatchItems Limit exceeded.");
  EXPECT_FALSE(job.step.stop);
  job.set("/successfulResults", kGood + good("K0", 1));
  job.set("/failedResults", kBad);
  job.set("/unprocessedrecords", kLeft);
  ASSERT_TRUE(job.step.stop);
  EXPECT_EQ(job.step.stop->kind, Stop::Kind::quota);
  EXPECT_EQ(words_of(job.step, 3), (Words{"accepted", "unknown", "unknown"}));
}

TEST(SalesforceBulk, RemovalsGoByTheIdsThatAreKnown) {
  Ingest job;
  job.enter(Operation::delete_);
  EXPECT_EQ(json::parse(job.opened.request.body).at("operation"), "delete");
  EXPECT_EQ(file_of(job.uploaded),
            "Id\n" + Ingest::id(0) + "\n" + Ingest::id(1) + "\n" + Ingest::id(2) + "\n");
  job.ended("JobComplete", 3, 2);
  job.set("/successfulResults",
          "sf__Id,sf__Created,Id\n" + Ingest::id(1) + ",false," + Ingest::id(1) + "\n");
  job.set("/failedResults", "sf__Id,sf__Error,Id\n" + Ingest::id(0) +
                                ",ENTITY_IS_DELETED:gone:--," + Ingest::id(0) +
                                "\n,DELETE_FAILED:no:--," + Ingest::id(2) + "\n");
  EXPECT_EQ(words_of(job.step, 3), (Words{"accepted", "accepted", "rejected"}));
}

TEST(SalesforceBulk, AResumedRemovalKnowsNoIdsAndCallsNothingDone) {
  Ingest job(0);
  job.rows.add("K0", "K0", "");
  job.batch = job.rows.batch(Operation::delete_);
  job.step = job.org->resume(job.batch, std::string("job ") + kJob);
  EXPECT_TRUE(job.step.in_job);
  job.memo = job.step.memo;
  job.ended("JobComplete", 1, 0);
  job.set("/successfulResults",
          "sf__Id,sf__Created,Id\n" + Ingest::id(0) + ",false," + Ingest::id(0) + "\n");
  EXPECT_EQ(words_of(job.step, 1), Words{"unknown"});
}

TEST(SalesforceBulk, HardDeletesAreAskedForByTheConnection) {
  Ingest job(3, {{"hard_delete", true}});
  job.enter(Operation::delete_);
  EXPECT_EQ(json::parse(job.opened.request.body).at("operation"), "hardDelete");
  EXPECT_THROW(Ingest(1, {{"hard_delete", true}, {"api", "collections"}}), std::invalid_argument);
  EXPECT_THROW(Ingest(1, {{"api", "soap"}}), std::invalid_argument);
}

TEST(SalesforceBulk, WhatAFileCannotSayGoesByCollections) {
  Ingest job;
  job.rows.add("K3", "K3", "K3\t1\t#N/A");
  Step step = job.org->begin(job.rows.batch());
  EXPECT_EQ(words_of(step, 4), Words(4, "regrouped"));
  ASSERT_EQ(step.regroup.size(), 2u);
  EXPECT_EQ(step.regroup[1].rows, std::vector<RowIndex>{3});
  Ingest alone(0);
  alone.rows.add("K3", "K3", "K3\t1\t#N/A");
  step = alone.org->begin(alone.rows.batch());
  EXPECT_TRUE(step.calls.at(0).request.path.ends_with("/composite/sobjects/Account/Ext__c"));
  // A removed record whose id nobody knows is looked up.
  Ingest nameless(0);
  nameless.rows.add("K0", "K0", "");
  step = nameless.org->begin(nameless.rows.batch(Operation::delete_));
  EXPECT_TRUE(step.calls.at(0).request.path.ends_with("/query"));
  // Two inserts of one match value could not be told apart.
  Ingest twins;
  twins.rows.add("other", "K1", "K1\t1\tx");
  step = twins.org->begin(twins.rows.batch(Operation::insert));
  ASSERT_EQ(step.regroup.size(), 2u);
  EXPECT_EQ(step.regroup[1].rows, std::vector<RowIndex>{3});
}

TEST(SalesforceBulk, TheSizeOfABatchChoosesTheApi) {
  Ingest job(0, json::object());
  for (int i = 0; i < 2000; ++i) {
    const std::string key = "K" + std::to_string(i);
    job.rows.add(key, key, key + "\t1\tx");
  }
  const Batch all = job.rows.batch();
  EXPECT_TRUE(job.org->begin(all).calls.at(0).request.path.ends_with("/jobs/ingest"));
  Batch fewer = all;
  fewer.rows = all.rows.first(1999);
  const Step step = job.org->begin(fewer);
  EXPECT_EQ(step.calls.size(), 10u);
  EXPECT_EQ(json::parse(step.calls[9].request.body).at("records").size(), 199u);
  EXPECT_EQ(job.org->requests_for(Operation::upsert, 1999), 10u);
  EXPECT_EQ(job.org->requests_for(Operation::upsert, 2000), 8u);
  EXPECT_EQ(job.org->requests_for(Operation::upsert, 41'000), 21u);
  EXPECT_EQ(job.org->requests_for(Operation::update, 450), 3u);
}

TEST(SalesforceBulk, RowsThatAreTooWideForOneRequestGoInSeveral) {
  Ingest job(0, json::object());
  const std::string wide(900'000, 'x');
  for (int i = 0; i < 20; ++i) {
    const std::string key = "K" + std::to_string(i);
    job.rows.add(key, key, key + "\t1\t" + wide);
  }
  job.rows.add("huge", "huge", "huge\t1\t" + std::string(6'000'000, 'x'));
  const Step step = job.org->begin(job.rows.batch());
  EXPECT_TRUE(step.calls.empty());
  ASSERT_EQ(step.verdicts.size(), 1u);
  EXPECT_EQ(step.verdicts[0].reason.code, "row_too_large");
  std::size_t rows = 0;
  for (const Regroup& group : step.regroup) {
    EXPECT_LE(group.rows.size(), 5u);
    rows += group.rows.size();
  }
  EXPECT_EQ(rows, 20u);
}

TEST(SalesforceBulk, AJobThatIsNotThereSaysNothing) {
  Ingest job;
  job.enter();
  const JobBatch one{job.batch, &job.memo};
  const json error = {{"errorCode", "NOT_FOUND"}, {"message", "gone"}};
  const Polled said = job.org->polled({&one, 1}, json_reply(404, json::array({error})));
  EXPECT_EQ(words_of(said.steps.at(0), 3), Words(3, "unknown"));
  EXPECT_FALSE(said.common.stop);
  // Anything else, and the job is waited for.
  for (const wire::Reply& odd :
       {reply_of(404, "<html>"), reply_of(200, "{}"), json_reply(200, {{"id", "other"}}),
        reply_of(503, ""), json_reply(200, {{"id", kJob}, {"state", "Odd"}})}) {
    const Polled waits = job.org->polled({&one, 1}, odd);
    EXPECT_TRUE(waits.steps.at(0).in_job);
    EXPECT_EQ(waits.steps.at(0).memo, job.memo);
  }
}

TEST(SalesforceBulk, WhatKeepsAJobFromOpeningStopsTheRun) {
  Ingest job;
  job.batch = job.rows.batch();
  job.step = job.org->begin(job.batch);
  const json error = {{"errorCode", "INVALIDJOB"}, {"message", "no such external id"}};
  job.reply(json_reply(400, json::array({error})));
  ASSERT_TRUE(job.step.stop);
  EXPECT_EQ(words_of(job.step, 3), Words(3, "retryable"));
}

TEST(SalesforceBulk, AnUploadThatFailsGivesTheJobUp) {
  Ingest job;
  job.batch = job.rows.batch();
  job.step = job.org->begin(job.batch);
  job.reply(json_reply(200, {{"id", kJob}}));
  job.reply(reply_of(413, ""));
  EXPECT_EQ(words_of(job.step, 3), Words(3, "regrouped"));
  EXPECT_EQ(job.step.calls.at(0).request.body, R"({"state":"Aborted"})");
  job.reply(reply_of(500, ""));
  EXPECT_TRUE(job.step.verdicts.empty());
  EXPECT_FALSE(job.step.in_job);
}

}  // namespace
}  // namespace tailrace::salesforce
