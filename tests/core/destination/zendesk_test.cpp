// Zendesk's requests and the reading of its answers, jobs among them.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "destination/nonsense.hpp"
#include "destination/rows.hpp"

namespace tailrace {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;

/// Three rows by external_id: K0, K1 and so on, with a name and a score among user_fields.
struct Desk {
  explicit Desk(const std::string& object = "users", std::size_t count = 3,
                const json& more = json::object()) {
    rows.schema.columns = {{"external_id", Type::text},
                           {"name", Type::text},
                           {"user_fields.score", Type::decimal},
                           {"user_fields.since", Type::date}};
    rows.schema.field_count = 4;
    rows.schema.key = {0};
    rows.schema.match = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::string key = "K" + std::to_string(i);
      rows.add(key, key, key + "\tName " + key + "\t1.50\t\\N");
    }
    desk = zendesk_of(rows.schema, object, more);
  }
  /// A batch brought into a job: its memo, and the call that made it.
  void queue(Operation operation, const wire::Reply& found = {}) {
    batch = rows.batch(operation);
    Step step = desk->begin(batch);
    if (step.calls.at(0).effect == Effect::none) {
      step = desk->reply(batch, step.memo, step.calls.at(0), found);
    }
    call = step.calls.at(0);
    step = desk->reply(batch, step.memo, call,
                       json_reply(200, {{"job_status", {{"id", "j1"}, {"status", "queued"}}}}));
    ASSERT_TRUE(step.in_job);
    memo = step.memo;
  }
  Step poll(const wire::Reply& reply) {
    const JobBatch one{batch, &memo};
    Polled said = desk->polled({&one, 1}, reply);
    common = said.common;
    return std::move(said.steps.at(0));
  }
  Step poll(const std::string& status, const json& results) {
    const json job = {{"id", "j1"}, {"status", status}, {"results", results}};
    return poll(json_reply(200, {{"job_statuses", {job}}}));
  }
  TestRows rows;
  std::unique_ptr<Destination> desk;
  Batch batch;
  Call call;
  Memo memo;
  Step common;
};

json done(int id, const char* status = "Updated") { return {{"id", id}, {"status", status}}; }

json failed(int place, const char* details, const char* error = "UserUpdateError") {
  return {{"id", place}, {"status", "Failed"}, {"error", error}, {"details", details}};
}

wire::Reply found(const char* object, const std::vector<int>& which) {
  json records = json::array();
  for (const int i : which) {
    // Zendesk keeps the case in which an external id came last.
    records.push_back({{"id", 900 + i}, {"external_id", "k" + std::to_string(i)}});
  }
  return json_reply(200, {{object, records}, {"count", which.size()}});
}

TEST(Zendesk, UpsertsUsersInOneRequestThatQueuesAJob) {
  Desk desk;
  const Step step = desk.desk->begin(desk.rows.batch());
  ASSERT_EQ(step.calls.size(), 1u);
  const Call& call = step.calls[0];
  EXPECT_EQ(call.effect, Effect::keyed_write);
  EXPECT_EQ(call.request.path, "/api/v2/users/create_or_update_many");
  const json user = json::parse(call.request.body).at("users").at(1);
  EXPECT_EQ(user, json({{"external_id", "K1"},
                        {"name", "Name K1"},
                        {"skip_verify_email", true},
                        {"user_fields", {{"score", 1.5}, {"since", nullptr}}}}));
}

TEST(Zendesk, MayBeToldToWriteToNewUsers) {
  Desk desk("users", 1, {{"skip_verify_email", false}});
  const Step step = desk.desk->begin(desk.rows.batch());
  EXPECT_EQ(step.calls.at(0).request.body.find("skip_verify"), std::string::npos);
}

TEST(Zendesk, ReadsAJobRowByRowInTheOrderSent) {
  Desk desk;
  desk.queue(Operation::upsert);
  Step step = desk.poll("working", nullptr);
  EXPECT_TRUE(step.in_job);
  step =
      desk.poll("completed", {done(11, "Created"), failed(1, "Name: cannot be blank"), done(13)});
  EXPECT_FALSE(step.in_job);
  EXPECT_EQ(words_of(step, 3), (Words{"accepted", "rejected", "accepted"}));
  EXPECT_EQ(step.verdicts[0].destination_id, "11");
  EXPECT_EQ(step.verdicts[1].reason.code, "UserUpdateError");
  EXPECT_EQ(step.verdicts[1].reason.message, "Name: cannot be blank");
  EXPECT_FALSE(step.verdicts[1].reason.transient);
}

TEST(Zendesk, AJobThatBrokeOffTellsNothingOfRowsThatItDoesNotList) {
  for (const char* status : {"failed", "killed"}) {
    Desk desk;
    desk.queue(Operation::upsert);
    EXPECT_EQ(words_of(desk.poll(status, nullptr), 3), Words(3, "unknown"));
    EXPECT_EQ(words_of(desk.poll(status, json::array({done(11)})), 3),
              (Words{"accepted", "unknown", "unknown"}));
  }
}

TEST(Zendesk, ACompletedJobWithoutResultsAcceptsNobody) {
  Desk desk;
  desk.queue(Operation::upsert);
  EXPECT_EQ(words_of(desk.poll("completed", nullptr), 3), Words(3, "unknown"));
  EXPECT_EQ(words_of(desk.poll("completed", json::array()), 3), Words(3, "unknown"));
  EXPECT_EQ(words_of(desk.poll("completed", {{}, nullptr, "x"}), 3), Words(3, "unknown"));
  EXPECT_EQ(words_of(desk.poll("completed", {done(1), done(2), done(3), done(4)}), 3),
            Words(3, "unknown"));
  EXPECT_EQ(words_of(desk.poll("perhaps", {done(1), done(2), done(3)}), 3), Words(3, "unknown"));
}

TEST(Zendesk, AResultOfAnotherRecordOrPlaceIsNotTheRows) {
  Desk desk;
  desk.queue(Operation::upsert);
  json stranger = done(11);
  stranger["external_id"] = "K9";
  json same = done(12);
  same["external_id"] = "k1";
  json moved = done(13);
  moved["index"] = 0;
  EXPECT_EQ(words_of(desk.poll("completed", {stranger, same, moved}), 3),
            (Words{"unknown", "accepted", "unknown"}));
}

TEST(Zendesk, AJobThatIsGoneIsAskedForAgainAndThenUnknown) {
  Desk desk;
  desk.queue(Operation::upsert);
  const wire::Reply none = json_reply(200, {{"job_statuses", json::array()}});
  for (int miss = 1; miss < 3; ++miss) {
    const Step step = desk.poll(none);
    EXPECT_TRUE(step.in_job) << "it may not have been told of yet";
    desk.memo = step.memo;
  }
  EXPECT_EQ(words_of(desk.poll(none), 3), Words(3, "unknown"));
}

TEST(Zendesk, WithoutAnAnswerAboutJobsTheyAreStillAtWork) {
  for (const Nonsense& one : nonsense()) {
    SCOPED_TRACE(one.name);
    Desk desk;
    desk.queue(Operation::upsert);
    const Step step = desk.poll(one.reply);
    for (const std::string& word : words_of(step, 3)) EXPECT_NE(word, "accepted");
    EXPECT_TRUE(step.in_job);
    EXPECT_TRUE(step.calls.empty());
    EXPECT_TRUE(desk.common.verdicts.empty());
    EXPECT_TRUE(desk.common.regroup.empty());
  }
}

TEST(Zendesk, AsksForManyJobsInOneRequest) {
  Desk desk;
  desk.queue(Operation::upsert);
  const Memo other = "j2 0 0 1";
  const std::vector<JobBatch> both{{desk.batch, &desk.memo}, {desk.batch, &other}};
  const Call call = desk.desk->poll(both);
  EXPECT_EQ(call.effect, Effect::none);
  EXPECT_EQ(call.request.path + "?" + call.request.query,
            "/api/v2/job_statuses/show_many?ids=j1,j2");
}

TEST(Zendesk, TakesAJobUpAgainWithTheRowsThatWereSent) {
  Desk desk("organizations");
  desk.queue(Operation::upsert, found("organizations", {0, 2}));
  EXPECT_EQ(desk.memo, "j1 0 0:900 2:902");
  Desk later("organizations", 2);
  later.batch = later.rows.batch(Operation::upsert);
  const Step step = later.desk->resume(later.batch, desk.memo);
  ASSERT_TRUE(step.in_job);
  later.memo = step.memo;
  EXPECT_EQ(words_of(later.poll("completed", {done(900), failed(1, "x")}), 2),
            (Words{"accepted", "rejected"}));
  for (const char* memo : {"", "-", "- 0 0", "j1 0 0", "j1 x 0 1", "j/1 0 0 1", "j1 0 0 1 2"}) {
    EXPECT_EQ(words_of(later.desk->resume(later.batch, memo), 2), Words(2, "unknown")) << memo;
  }
}

TEST(Zendesk, OrganizationsAreLookedUpAndUpdatedByIdOrCreated) {
  Desk desk("organizations");
  const Batch batch = desk.rows.batch();
  Step step = desk.desk->begin(batch);
  ASSERT_EQ(step.calls.size(), 1u);
  EXPECT_EQ(step.calls[0].request.path + "?" + step.calls[0].request.query,
            "/api/v2/organizations/show_many?external_ids=k0,k1,k2");
  const Call look = step.calls[0];
  step = desk.desk->reply(batch, {}, look, found("organizations", {1}));
  ASSERT_EQ(step.calls.size(), 1u);
  EXPECT_EQ(step.calls[0].request.path, "/api/v2/organizations/update_many");
  EXPECT_EQ(step.calls[0].request.method, wire::Method::put);
  const json sent = json::parse(step.calls[0].request.body).at("organizations");
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].at("id"), 901);
  EXPECT_EQ(sent[0].at("external_id"), "K1");
  EXPECT_EQ(words_of(step, 3), (Words{"regrouped", "open", "regrouped"}))
      << "what is to be created has a job of its own";
  step = desk.desk->reply(batch, {}, look, found("organizations", {}));
  EXPECT_EQ(step.calls.at(0).request.path, "/api/v2/organizations/create_many");
  EXPECT_EQ(json::parse(step.calls[0].request.body).at("organizations").size(), 3u);
}

TEST(Zendesk, AnOrganizationThatWasMadeMeanwhileIsLookedUpOnceMore) {
  Desk desk("organizations");
  desk.queue(Operation::upsert, found("organizations", {}));
  const Step step = desk.poll(
      "completed", {failed(0, "External: has already been taken", "DuplicateValue"),
                    failed(1, "Name: has already been taken", "DuplicateValue"), done(12)});
  EXPECT_EQ(words_of(step, 3), (Words{"retryable", "rejected", "accepted"}));
  EXPECT_TRUE(step.verdicts[0].reason.transient) << "and is reported where that does not help";
}

TEST(Zendesk, AnAnswerThatContradictsItsOwnCountSaysNothingOfAbsence) {
  Desk desk("organizations");
  const Batch batch = desk.rows.batch();
  const Call look = desk.desk->begin(batch).calls.at(0);
  const Step step = desk.desk->reply(
      batch, {}, look, json_reply(200, {{"organizations", json::array()}, {"count", 2}}));
  EXPECT_TRUE(step.calls.empty());
  EXPECT_EQ(words_of(step, 3), Words(3, "retryable"));
}

TEST(Zendesk, UpdatesPassOverWhatIsNotThereAndRemovalsFindItDone) {
  const std::vector<std::pair<Operation, std::string>> cases = {{Operation::update, "skipped"},
                                                                {Operation::delete_, "accepted"},
                                                                {Operation::clear, "accepted"}};
  for (const auto& [operation, word] : cases) {
    Desk desk;
    const Batch batch = desk.rows.batch(operation);
    const Call look = desk.desk->begin(batch).calls.at(0);
    const Step step = desk.desk->reply(batch, {}, look, found("users", {0, 2}));
    EXPECT_EQ(words_of(step, 3), (Words{"open", word, "open"}));
    Desk gone;
    gone.queue(operation, found("users", {0, 1, 2}));
    EXPECT_EQ(words_of(gone.poll("completed", {done(900), failed(1, "not found"), done(902)}), 3),
              (Words{"accepted", word, "accepted"}));
  }
}

TEST(Zendesk, RemovesByItsOwnIds) {
  Desk desk;
  const Batch batch = desk.rows.batch(Operation::delete_);
  const Call look = desk.desk->begin(batch).calls.at(0);
  const Call call = desk.desk->reply(batch, {}, look, found("users", {0, 2})).calls.at(0);
  EXPECT_EQ(call.request.method, wire::Method::delete_);
  EXPECT_EQ(call.request.path + "?" + call.request.query, "/api/v2/users/destroy_many?ids=900,902");
}

TEST(Zendesk, AClearKeepsWhatARecordMustHave) {
  Desk desk;
  desk.queue(Operation::clear, found("users", {0, 1, 2}));
  const json user = json::parse(desk.call.request.body).at("users").at(0);
  EXPECT_FALSE(user.contains("name"));
  EXPECT_EQ(user.at("user_fields"), json({{"score", nullptr}, {"since", nullptr}}));
  EXPECT_EQ(user.at("id"), 900);
}

TEST(Zendesk, AMatchValueWithACommaCannotBeLookedUp) {
  Desk desk("organizations", 0);
  desk.rows.add("a", "a,b", "a,b\tA\t1\t\\N");
  desk.rows.add("c", "c", "c\tC\t1\t\\N");
  const Step step = desk.desk->begin(desk.rows.batch());
  EXPECT_EQ(words_of(step, 2), (Words{"rejected", "open"}));
  EXPECT_EQ(step.calls.at(0).request.query, "external_ids=c");
}

TEST(Zendesk, AListTooLongForAnAddressGoesInSeveralBatches) {
  Desk desk("organizations", 0);
  for (int i = 0; i < 100; ++i) {
    const std::string key = std::string(250, 'x') + std::to_string(i);
    desk.rows.add(key, key, key + "\tA\t1\t\\N");
  }
  const Step step = desk.desk->begin(desk.rows.batch());
  ASSERT_EQ(step.regroup.size(), 1u);
  EXPECT_LT(step.calls.at(0).request.query.size(), 6'100u);
  EXPECT_GT(step.regroup[0].rows.size(), 60u);
}

TEST(Zendesk, ExplainsThatBulkImportIsOff) {
  Desk desk;
  const Batch batch = desk.rows.batch();
  const Step begun = desk.desk->begin(batch);
  const json body = {{"error", {{"title", "Forbidden"}, {"message", "You do not have access"}}}};
  const Step step = desk.desk->reply(batch, begun.memo, begun.calls.at(0), json_reply(403, body));
  ASSERT_TRUE(step.stop);
  EXPECT_EQ(step.stop->kind, Stop::Kind::configuration);
  EXPECT_NE(step.stop->message.find("Bulk import"), std::string::npos) << step.stop->message;
  EXPECT_EQ(words_of(step, 3), Words(3, "retryable"));
}

TEST(Zendesk, AnAccountFullOfJobsIsNoFaultOfTheRows) {
  Desk desk;
  const Batch batch = desk.rows.batch();
  const Step begun = desk.desk->begin(batch);
  Step step =
      desk.desk->reply(batch, begun.memo, begun.calls.at(0),
                       json_reply(429, {{"error", "TooManyJobs"}, {"description", "wait"}}));
  EXPECT_TRUE(step.jobs_full);
  EXPECT_EQ(words_of(step, 3), Words(3, "retryable"));
  wire::Reply paced = reply_of(429, "Number of allowed API requests exceeded", "text/plain");
  paced.retry_after = std::chrono::seconds(7);
  step = desk.desk->reply(batch, begun.memo, begun.calls.at(0), paced);
  EXPECT_FALSE(step.jobs_full);
  EXPECT_EQ(step.pause, std::chrono::seconds(7));
}

TEST(Zendesk, ARefusedRequestIsReadInItsDetails) {
  Desk desk("users", 1);
  const Batch batch = desk.rows.batch();
  const Step begun = desk.desk->begin(batch);
  const json body = {
      {"error", "RecordInvalid"},
      {"description", "Record validation errors"},
      {"details", {{"email", {{{"description", "Email: is bad"}, {"error", "InvalidValue"}}}}}}};
  const Step step = desk.desk->reply(batch, begun.memo, begun.calls.at(0), json_reply(422, body));
  ASSERT_EQ(words_of(step, 1), Words{"rejected"});
  EXPECT_EQ(step.verdicts[0].reason.code, "InvalidValue");
  EXPECT_EQ(step.verdicts[0].reason.field, "email");
}

TEST(Zendesk, LearnsTheRateFromHeaders) {
  Desk desk;
  const Batch batch = desk.rows.batch();
  const Step begun = desk.desk->begin(batch);
  wire::Reply reply = json_reply(200, {{"job_status", {{"id", "j1"}}}});
  reply.headers.push_back({"x-rate-limit", "700"});
  reply.headers.push_back({"x-rate-limit-remaining", "699"});
  const wire::RateHint hint = desk.desk->reply(batch, begun.memo, begun.calls.at(0), reply).hint;
  EXPECT_EQ(hint.limit, 700);
  EXPECT_EQ(hint.remaining, 699);
  EXPECT_EQ(hint.window, std::chrono::seconds(60));
}

TEST(Zendesk, ATicketGoesUnderItsIdempotencyKey) {
  Desk desk("tickets", 1);
  EXPECT_EQ(desk.desk->capabilities().rows_of(Operation::insert), 1u);
  EXPECT_EQ(desk.desk->capabilities().idempotency_ttl, std::chrono::hours(2));
  Batch batch = desk.rows.batch(Operation::insert);
  EXPECT_EQ(desk.desk->begin(batch).calls.at(0).effect, Effect::unkeyed_write);
  batch.idempotency_key = "k1";
  const Call call = desk.desk->begin(batch).calls.at(0);
  EXPECT_EQ(call.effect, Effect::keyed_write);
  EXPECT_EQ(call.request.path, "/api/v2/tickets");
  ASSERT_EQ(call.request.headers.size(), 1u);
  EXPECT_EQ(call.request.headers[0].name, "Idempotency-Key");
  EXPECT_EQ(call.request.headers[0].value, "k1");
  const Step step = desk.desk->reply(batch, {}, call, json_reply(201, {{"ticket", {{"id", 77}}}}));
  ASSERT_EQ(words_of(step, 1), Words{"accepted"});
  EXPECT_EQ(step.verdicts[0].destination_id, "77");
}

TEST(Zendesk, ComparesExternalIdsWithoutRegardToCase) {
  const Desk desk;
  EXPECT_EQ(desk.desk->identity("Ab-1"), "ab-1");
  EXPECT_EQ(desk.desk->identity(" Ab-1"), " ab-1") << "it is sent with its space";
  EXPECT_EQ(desk.desk->identity("  "), std::nullopt);
  EXPECT_TRUE(desk.desk->equal_value(0, "Ab", "aB"));
  EXPECT_FALSE(desk.desk->equal_value(1, "Ab", "aB"));
  EXPECT_TRUE(desk.desk->equal_value(3, "2026-12-01", "2026-12-01T00:00:00+00:00"));
  EXPECT_FALSE(desk.desk->equal_value(3, "2026-12-01", "2026-12-01T10:00:00+00:00"));
}

TEST(Zendesk, RefusesWhatItCannotMatchBy) {
  Desk desk;
  Schema schema = desk.rows.schema;
  schema.columns[0].name = "phone";
  EXPECT_THROW((void)zendesk_of(schema), std::invalid_argument);
  EXPECT_THROW((void)zendesk_of(desk.rows.schema, "groups"), std::invalid_argument);
  EXPECT_THROW((void)zendesk_of(desk.rows.schema, "users", {{"tier", "gold"}}),
               std::invalid_argument);
  EXPECT_THROW((void)zendesk_of(desk.rows.schema, "users", {{"max_jobs", 31}}),
               std::invalid_argument);
  schema.columns[0].name = "email";
  const auto by_email = zendesk_of(schema);
  EXPECT_EQ(by_email->capabilities().operations,
            (std::vector<Operation>{Operation::upsert, Operation::insert}));
  EXPECT_EQ(by_email->identity(" A@b.C "), "a@b.c");
}

TEST(Zendesk, DescribesStandardFieldsAndThoseOfTheAccountPageByPage) {
  const Desk desk;
  ReadAsk ask;
  ask.kind = ReadAsk::Kind::describe;
  const Call first = desk.desk->read(ask).calls.at(0);
  EXPECT_EQ(first.request.path, "/api/v2/user_fields");
  const json option = {{"id", 1}, {"name", "High!"}, {"value", "risk_high"}};
  const json risk = {{"key", "risk"}, {"type", "dropdown"}, {"custom_field_options", {option}}};
  const wire::Reply page = json_reply(
      200, {{"user_fields", {risk}}, {"meta", {{"has_more", true}, {"after_cursor", "c1"}}}});
  ReadStep step = desk.desk->read(ask, &first, &page);
  ASSERT_EQ(step.calls.size(), 1u);
  ASSERT_FALSE(step.fields.empty());
  EXPECT_EQ(step.fields.back().name, "user_fields.risk");
  EXPECT_EQ(step.fields.back().options, std::vector<std::string>{"risk_high"});
  const Call second = step.calls[0];
  const wire::Reply last =
      json_reply(200, {{"user_fields", {{{"key", "old"}, {"type", "text"}, {"active", false}}}}});
  step = desk.desk->read(ask, &second, &last);
  ASSERT_EQ(step.fields.size(), 1u) << "standard fields are told once";
  EXPECT_FALSE(step.fields[0].writable);
  EXPECT_TRUE(step.calls.empty());
  EXPECT_TRUE(desk.desk->read(ask, &second, &page).stop) << "a page that leads to itself";
}

TEST(Zendesk, TellsTheAccountByItsAddress) {
  const Desk desk;
  ReadAsk ask;
  ask.kind = ReadAsk::Kind::account;
  const Call call = desk.desk->read(ask).calls.at(0);
  const wire::Reply me = json_reply(
      200, {{"user", {{"id", 5}, {"url", "https://acme.zendesk.com/api/v2/users/5.json"}}}});
  EXPECT_EQ(desk.desk->read(ask, &call, &me).account, "acme.zendesk.com");
  const wire::Reply nobody = json_reply(200, {{"user", {{"id", nullptr}, {"url", nullptr}}}});
  EXPECT_TRUE(desk.desk->read(ask, &call, &nobody).stop);
}

}  // namespace
}  // namespace tailrace
