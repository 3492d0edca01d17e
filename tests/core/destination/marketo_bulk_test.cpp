// Bulk imports: their file, their queue, and what their counts and files say of the rows.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "destination/rows.hpp"
#include "wire/body.hpp"

namespace tailrace {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;

/// Rows by e-mail address in an import: K0@x.co, K1@x.co and so on.
struct LeadImport {
  explicit LeadImport(std::size_t count = 3, const json& more = {{"api", "bulk"}}) {
    rows.schema.columns = {{"email", Type::text}, {"score", Type::decimal}, {"note", Type::text}};
    rows.schema.field_count = 3;
    rows.schema.key = {0};
    rows.schema.match = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::string key = "K" + std::to_string(i) + "@x.co";
      rows.add(key, key, key + "\t1.50\ta \"b\", c");
    }
    tool = marketo_of(rows.schema, "leads", more);
  }
  void begin(Operation operation = Operation::upsert) {
    batch = rows.batch(operation);
    step = tool->begin(batch);
  }
  void enter() {
    begin();
    reply(json_reply(200, answer({{"batchId", 3001}, {"status", "Queued"}})));
    ASSERT_TRUE(step.in_job);
  }
  static json answer(json result) { return {{"success", true}, {"result", {std::move(result)}}}; }
  static json refusal(const std::string& code) {
    return {{"success", false}, {"errors", {{{"code", code}, {"message", "words"}}}}};
  }
  void reply(const wire::Reply& answered) {
    const Call call = step.calls.at(0);
    step = tool->reply(batch, memo, call, answered);
    if (!step.memo.empty()) memo = step.memo;
  }
  void poll(const wire::Reply& answered) {
    const JobBatch one{batch, &memo};
    const Call call = tool->poll({&one, 1});
    EXPECT_EQ(call.request.path, "/bulk/v1/leads/batch/3001.json");
    Polled said = tool->polled({&one, 1}, answered);
    common = said.common;
    step = std::move(said.steps.at(0));
    if (!step.memo.empty()) memo = step.memo;
  }
  void ended(const std::string& status, int imported, int failed, int warned = 0) {
    poll(json_reply(200, answer({{"batchId", 3001},
                                 {"status", status},
                                 {"message", "Import said so"},
                                 {"numOfLeadsProcessed", imported},
                                 {"numOfRowsFailed", failed},
                                 {"numOfRowsWithWarning", warned}})));
  }
  /// Answers the one call that is waited for with a file.
  void file(const std::string& path, const std::string& csv) {
    const Call call = step.calls.at(0);
    EXPECT_TRUE(call.request.path.ends_with(path)) << call.request.path;
    wire::Reply answered = reply_of(200, "", "text/csv;charset=utf-8");
    ASSERT_TRUE(call.request.sink->begin(answered));
    for (const char c : csv) {
      if (!call.request.sink->take(std::string_view(&c, 1))) break;
    }
    answered.consumed = true;
    reply(answered);
  }

  TestRows rows;
  std::unique_ptr<Destination> tool;
  Batch batch;
  Step step;
  Step common;
  Memo memo;
};

constexpr const char* kHead = "email,score,note,Import Failure Reason\n";

std::string failed_row(const std::string& email, const std::string& why) {
  return email + ",1.50,\"a \"\"b\"\", c\"," + why + "\n";
}

TEST(MarketoImport, IsOneFileInAForm) {
  LeadImport job(2);
  job.begin();
  const Call& call = job.step.calls.at(0);
  EXPECT_EQ(call.request.path, "/bulk/v1/leads.json");
  EXPECT_EQ(call.request.query, "format=csv&lookupField=email");
  EXPECT_TRUE(call.request.content_type.starts_with("multipart/form-data; boundary="));
  const std::string body = wire::body_prefix(call.request, 10'000);
  EXPECT_NE(body.find("name=\"file\"; filename=\"leads.csv\""), std::string::npos);
  EXPECT_NE(body.find("email,score,note\nK0@x.co,1.50,\"a \"\"b\"\", c\"\n"), std::string::npos);
  // Nobody can ask for an import whose answer was lost.
  EXPECT_EQ(call.effect, Effect::unkeyed_write);
}

TEST(MarketoImport, RowsThatNoFileNamesWereImported) {
  LeadImport job;
  job.enter();
  EXPECT_EQ(job.memo, "import 3001");
  job.ended("Queued", 0, 0);
  EXPECT_TRUE(job.step.in_job);
  job.ended("Importing", 1, 0);
  EXPECT_TRUE(job.step.in_job);
  job.ended("Complete", 3, 0);
  EXPECT_EQ(words_of(job.step, 3), Words(3, "accepted"));
}

TEST(MarketoImport, FailuresAndWarningsAreRejectedWithTheirReasons) {
  // Whether the failed ones are counted among those processed is told in two ways.
  for (const int imported : {2, 3}) {
    LeadImport job;
    job.enter();
    job.ended("Complete", imported, 1, 1);
    job.file("/failures.json", kHead + failed_row("k1@X.co", "Invalid email"));
    job.file("/warnings.json",
             "email,score,note,Import Warning Reason\n" + failed_row("K2@x.co", "Bad score"));
    EXPECT_EQ(words_of(job.step, 3), (Words{"accepted", "rejected", "rejected"}));
    EXPECT_EQ(job.step.verdicts[1].reason.code, "import_failure");
    EXPECT_EQ(job.step.verdicts[1].reason.message, "Invalid email");
    EXPECT_EQ(job.step.verdicts[2].reason.code, "import_warning");
  }
}

TEST(MarketoImport, AFileThatNamesOtherRowsThanAreCountedLeavesTheRestUnknown) {
  for (const std::string& text :
       {std::string(), failed_row("X@x.co", "why"), failed_row("K1@x.co", "a") + "K9,1,n,why\n"}) {
    LeadImport job;
    job.enter();
    job.ended("Complete", 2, 1);
    job.file("/failures.json", kHead + text);
    const Words words = words_of(job.step, 3);
    EXPECT_EQ(std::count(words.begin(), words.end(), "accepted"), 0) << text;
  }
}

TEST(MarketoImport, CountsThatDoNotAddUpSayNothing) {
  for (const auto& [imported, failed] : {std::pair{1, 0}, {4, 0}, {3, 4}, {0, 0}}) {
    LeadImport job;
    job.enter();
    job.ended("Complete", imported, failed);
    EXPECT_EQ(words_of(job.step, 3), Words(3, "unknown")) << imported << " " << failed;
  }
}

TEST(MarketoImport, OneThatBreaksOffLeavesItsRowsUnknown) {
  LeadImport job;
  job.enter();
  job.ended("Failed", 1, 0);
  EXPECT_EQ(words_of(job.step, 3), Words(3, "unknown"));
  EXPECT_EQ(job.step.verdicts[0].reason.message, "Import said so");
}

TEST(MarketoImport, OneThatFailsAsAWholeGoesByRequestsWhichTellWhy) {
  LeadImport job(10'000, json::object());
  job.enter();
  job.ended("Failed", 0, 0);
  ASSERT_EQ(job.step.regroup.size(), 34u);
  EXPECT_EQ(job.step.regroup[0].rows.size(), 300u);
  // Of a batch that a later run has taken up the match values alone are known.
  LeadImport resumed(0, json::object());
  for (int i = 0; i < 3; ++i) resumed.rows.add("k", "k" + std::to_string(i) + "@x.co", "");
  resumed.batch = resumed.rows.batch();
  resumed.memo = "import 3001";
  resumed.ended("Failed", 0, 0);
  EXPECT_EQ(words_of(resumed.step, 3), Words(3, "unknown"));
}

TEST(MarketoImport, AFileThatIsNoneIsAskedForAgain) {
  for (const std::string text : {"", "<html><body>Sign in</body></html>\n", "email\nK0@x.co\n",
                                 "email,score,note,Import Failure Reason\nK0@x.co,1,\"n"}) {
    LeadImport job;
    job.enter();
    job.ended("Complete", 2, 1);
    job.file("/failures.json", text);
    EXPECT_TRUE(job.step.in_job) << text;
    EXPECT_TRUE(job.step.verdicts.empty());
  }
}

TEST(MarketoImport, AFileThatIsRefusedSaysNothingOfWhatWasWritten) {
  LeadImport job;
  job.enter();
  for (const char* code : {"602", "606", "607", "1019"}) {
    job.ended("Complete", 2, 1);
    const wire::Reply refused = json_reply(200, LeadImport::refusal(code));
    EXPECT_FALSE(job.step.calls.at(0).request.sink->begin(refused)) << code;
    job.reply(refused);
    EXPECT_TRUE(job.step.in_job) << code;
    EXPECT_FALSE(job.step.stop);
  }
}

TEST(MarketoImport, AFullQueueIsWaitedFor) {
  for (const char* code : {"1016", "1029"}) {
    LeadImport job;
    job.begin();
    job.reply(json_reply(200, LeadImport::refusal(code)));
    EXPECT_TRUE(job.step.jobs_full) << code;
    EXPECT_EQ(words_of(job.step, 3), Words(3, "retryable"));
  }
}

TEST(MarketoImport, APollThatIsRefusedLeavesTheImportUnderWay) {
  LeadImport job;
  job.enter();
  job.poll(json_reply(200, LeadImport::refusal("606")));
  EXPECT_TRUE(job.step.in_job);
  EXPECT_TRUE(job.common.rate_limited);
  job.poll(json_reply(200, LeadImport::refusal("602")));
  EXPECT_TRUE(job.step.in_job);
  EXPECT_TRUE(job.common.reauthenticate);
  job.poll(json_reply(200, LeadImport::answer({{"batchId", 7}, {"status", "Complete"}})));
  EXPECT_TRUE(job.step.in_job) << "another import's";
  job.poll(json_reply(200, LeadImport::refusal("1013")));
  EXPECT_EQ(words_of(job.step, 3), Words(3, "unknown"));
}

TEST(MarketoImport, IsTakenUpFromItsNumber) {
  LeadImport job;
  job.batch = job.rows.batch();
  EXPECT_TRUE(job.tool->resume(job.batch, "import 3001").in_job);
  for (const char* memo : {"", "import ", "import x", "@A"}) {
    EXPECT_EQ(words_of(job.tool->resume(job.batch, memo), 3), Words(3, "unknown")) << memo;
  }
}

TEST(MarketoImport, RowsThatAFileCannotSayForCertainGoByRequests) {
  LeadImport job(0);
  job.rows.add("a", "a@x.co", "a@x.co\t1\tnote");
  job.rows.add("b", "b@x.co", "b@x.co\t\\N\tnote");
  job.rows.add("c", "c@x.co", "c@x.co\t1\t");
  job.rows.add("d", "d@x.co", "d@x.co\t1\tNULL");
  job.rows.add("e", "e@x.co", "e@x.co\t1\tNULL and void");
  job.begin();
  ASSERT_EQ(job.step.regroup.size(), 2u);
  EXPECT_EQ(job.step.regroup[0].rows, (std::vector<RowIndex>{0, 4}));
  EXPECT_EQ(job.step.regroup[1].rows, (std::vector<RowIndex>{1, 2, 3}));
  LeadImport nulls(0);
  nulls.rows.add("b", "b@x.co", "b@x.co\t\\N\tnote");
  nulls.begin();
  EXPECT_EQ(nulls.step.calls.at(0).request.path, "/rest/v1/leads.json");
}

TEST(MarketoImport, TheApiIsChosenByTheNumberOfRows) {
  LeadImport few(9'999, json::object());
  few.begin();
  EXPECT_EQ(few.step.regroup.size(), 34u);
  EXPECT_EQ(few.step.regroup[0].rows.size(), 300u);
  EXPECT_EQ(few.tool->requests_for(Operation::upsert, 9'999), 34u);
  LeadImport many(10'000, json::object());
  many.begin();
  EXPECT_EQ(many.step.calls.at(0).request.path, "/bulk/v1/leads.json");
  EXPECT_EQ(many.tool->requests_for(Operation::upsert, 60'000), 12u);
  EXPECT_EQ(many.tool->requests_for(Operation::upsert, 50'001), 9u);
  EXPECT_EQ(many.tool->requests_for(Operation::update, 10'000), 34u);
}

TEST(MarketoImport, KeepsToTheSizeOfAFileAndTheJobsOfAnInstance) {
  LeadImport job(0, json::object());
  const Capabilities& can = job.tool->capabilities();
  EXPECT_TRUE(can.streams && can.resumes);
  EXPECT_LT(can.max_bytes, 10'000'000u);
  EXPECT_EQ(can.max_jobs, 4u);
  EXPECT_EQ(can.rows_of(Operation::upsert), 25'000u);
  EXPECT_EQ(can.rows_of(Operation::delete_), 300u);
  // What a row adds to a file is never more than was reckoned with.
  for (const std::string line : {"a@x.co\t1\tn", "a@x.co\tt\t\"\"\"\"", "a\\\\b\t-1.5\t,\\n\\r"}) {
    LeadImport one(0);
    one.rows.add("a", "a@x.co", line);
    one.begin();
    const std::string body = wire::body_prefix(one.step.calls.at(0).request, 10'000);
    const std::size_t from = body.find("note\n") + 5;
    const std::size_t bytes = body.find("\r\n--tailrace", from) - from;
    EXPECT_LE(bytes, one.tool->row_bytes({line, "a", "a@x.co", {}})) << line;
  }
}

}  // namespace
}  // namespace tailrace
