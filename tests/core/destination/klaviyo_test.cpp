// Klaviyo's requests and the reading of its answers, imports and their errors among them.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "destination/klaviyo/facts.hpp"
#include "destination/nonsense.hpp"
#include "destination/rows.hpp"
#include "wire/body.hpp"

namespace tailrace {
namespace {

using nlohmann::json;
using Texts = std::vector<std::string>;

/// Rows by a match field, with a first name, a city and two properties.
struct Shop {
  explicit Shop(const std::string& object = "profiles", std::size_t count = 3,
                const std::string& match = "external_id") {
    rows.schema.columns = {{match, match == "external_id" ? Type::integer : Type::text},
                           {"first_name", Type::text},
                           {"location.city", Type::text},
                           {"properties.score", Type::decimal},
                           {"properties.since", Type::date}};
    rows.schema.field_count = 5;
    rows.schema.key = {0};
    rows.schema.match = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::string key = std::to_string(100 + i);
      rows.add(key, key, key + "\tName\tRome\t1.50\t\\N");
    }
    shop = klaviyo_of(rows.schema, object);
  }
  Step begin(Operation operation = Operation::upsert) {
    batch = rows.batch(operation);
    Step step = shop->begin(batch);
    if (!step.memo.empty()) memo = step.memo;
    return step;
  }
  Step answer(const Call& asked, const wire::Reply& reply) {
    Step step = shop->reply(batch, memo, asked, reply);
    if (!step.memo.empty()) memo = step.memo;
    return step;
  }
  /// A batch brought into an import.
  void queue(Operation operation = Operation::upsert, const wire::Reply& found = {}) {
    Step step = begin(operation);
    if (step.calls.at(0).effect == Effect::none) step = answer(step.calls[0], found);
    call = step.calls.at(0);
    step = answer(call, json_reply(202, {{"data", {{"id", "J1"}}}}));
    ASSERT_TRUE(step.in_job);
  }
  Step poll(const wire::Reply& reply) {
    const JobBatch one{batch, &memo};
    Polled said = shop->polled({&one, 1}, reply);
    common = said.common;
    return std::move(said.steps.at(0));
  }
  Step poll(const std::string& status, int total, int completed, int failed) {
    const json attributes = {{"status", status},
                             {"total_count", total},
                             {"completed_count", completed},
                             {"failed_count", failed}};
    return poll(json_reply(200, {{"data", {{"id", "J1"}, {"attributes", attributes}}}}));
  }
  /// The answer to a question for a page of errors, which its sink takes.
  Step page(const Call& asked, const json& errors, const json& next = nullptr) {
    const json body = {{"data", errors}, {"links", {{"next", next}}}};
    wire::Reply reply = json_reply(200, body);
    EXPECT_TRUE(asked.request.sink->begin(reply));
    EXPECT_TRUE(asked.request.sink->take(reply.body));
    reply.body.clear();
    reply.consumed = true;
    return answer(asked, reply);
  }
  TestRows rows;
  std::unique_ptr<Destination> shop;
  Batch batch;
  Call call;
  Memo memo;
  Step common;
};

json error_at(const std::string& where, const char* code = "invalid") {
  return {{"code", code},
          {"title", "Invalid input."},
          {"detail", "no good"},
          {"source", {{"pointer", "/data/attributes/profiles/data/" + where}}}};
}

json import_error(const std::string& where, const char* code = "invalid") {
  return {{"type", "import-error"}, {"id", "e"}, {"attributes", error_at(where, code)}};
}

wire::Reply profiles(const std::vector<int>& which, const char* match = "external_id") {
  json data = json::array();
  for (const int i : which) {
    const std::string key = std::to_string(100 + i);
    data.push_back({{"id", "P" + key}, {"attributes", {{match, key}}}});
  }
  return json_reply(200, {{"data", data}, {"links", {{"next", nullptr}}}});
}

std::string address(const Call& call) { return call.request.path + "?" + call.request.query; }

TEST(Klaviyo, UpsertsInOneRequestThatQueuesAnImport) {
  Shop shop;
  const Step step = shop.begin();
  ASSERT_EQ(step.calls.size(), 1u);
  const Call& call = step.calls[0];
  EXPECT_EQ(call.effect, Effect::keyed_write);
  EXPECT_EQ(call.request.path, "/api/profile-bulk-import-jobs");
  EXPECT_EQ(call.request.content_type, "application/vnd.api+json");
  ASSERT_EQ(call.request.headers.size(), 1u);
  EXPECT_EQ(call.request.headers[0].name, "revision");
  const json data = json::parse(call.request.body).at("data");
  EXPECT_FALSE(data.contains("relationships"));
  EXPECT_EQ(data.at("attributes").at("profiles").at("data").at(1),
            json({{"type", "profile"},
                  {"attributes",
                   {{"external_id", "101"},
                    {"first_name", "Name"},
                    {"location", {{"city", "Rome"}}},
                    {"properties", {{"score", 1.5}, {"since", nullptr}}}}}}))
      << "a number is text where Klaviyo has text";
}

TEST(Klaviyo, AListGetsItsMembersWithTheImport) {
  Shop shop("list:Yh2k");
  const json data = json::parse(shop.begin().calls.at(0).request.body).at("data");
  EXPECT_EQ(data.at("relationships").at("lists").at("data"),
            json::array({{{"type", "list"}, {"id", "Yh2k"}}}));
}

TEST(Klaviyo, RowsByIdHaveItBesideTheirAttributes) {
  Shop shop("profiles", 2, "id");
  const auto can = shop.shop->capabilities();
  EXPECT_EQ(can.operations, (std::vector{Operation::update, Operation::delete_, Operation::clear}));
  EXPECT_EQ(can.rows_of(Operation::update), 10'000u);
  const json sent = json::parse(shop.begin(Operation::update).calls.at(0).request.body)
                        .at("data")
                        .at("attributes")
                        .at("profiles")
                        .at("data");
  EXPECT_EQ(sent.at(0).at("id"), "100");
  EXPECT_FALSE(sent.at(0).at("attributes").contains("id"));
}

TEST(Klaviyo, ARowOfNothingButItsIdHasAttributesAllTheSame) {
  TestRows rows;
  rows.schema.columns = {{"id", Type::text}, {"title", Type::text, Nulls::keep}};
  rows.schema.field_count = 2;
  rows.schema.key = {0};
  rows.add("1", "01A", "01A\t\\N");
  const auto shop = klaviyo_of(rows.schema);
  const std::string body = shop->begin(rows.batch(Operation::update)).calls.at(0).request.body;
  EXPECT_EQ(json::parse(body).at("data").at("attributes").at("profiles").at("data").at(0),
            json({{"type", "profile"}, {"id", "01A"}, {"attributes", json::object()}}));
}

TEST(Klaviyo, AnImportWhoseCountsSayThatNothingFailedIsNotAskedForErrors) {
  Shop shop;
  shop.queue();
  EXPECT_TRUE(shop.poll("queued", 3, 0, 0).in_job);
  EXPECT_TRUE(shop.poll("processing", 3, 1, 0).in_job);
  const Step step = shop.poll("complete", 3, 3, 0);
  EXPECT_TRUE(step.calls.empty());
  EXPECT_EQ(words_of(step, 3), Texts(3, "accepted"));
}

TEST(Klaviyo, ErrorsAreFoundByTheirPointersOverAllPages) {
  Shop shop;
  shop.queue();
  Step step = shop.poll("complete", 3, 1, 2);
  ASSERT_EQ(step.calls.size(), 1u);
  EXPECT_EQ(address(step.calls[0]),
            "/api/profile-bulk-import-jobs/J1/import-errors?fields%5Bimport-error%5D="
            "code%2Ctitle%2Cdetail%2Csource&page%5Bsize%5D=100");
  step = shop.page(step.calls[0], json::array({import_error("2/attributes/location/city")}),
                   "https://a.klaviyo.com/api/x?page%5Bcursor%5D=bmV4dA%3D%3D&page%5Bsize%5D=100");
  ASSERT_EQ(step.calls.size(), 1u);
  EXPECT_TRUE(step.verdicts.empty()) << "nothing is said before all pages are read";
  EXPECT_TRUE(step.calls[0].request.query.ends_with("&page%5Bcursor%5D=bmV4dA%3D%3D"));
  step = shop.page(step.calls[0], json::array({import_error("0", "duplicate_profile")}));
  EXPECT_EQ(words_of(step, 3), (Texts{"rejected", "accepted", "rejected"}));
  EXPECT_EQ(step.verdicts[2].reason.field, "location.city");
  EXPECT_EQ(step.verdicts[0].reason.code, "duplicate_profile");
}

TEST(Klaviyo, AnImportThatCountsMoreErrorsThanItTellsAcceptsNobody) {
  Shop shop;
  shop.queue();
  Step step = shop.poll("complete", 3, 1, 2);
  step = shop.page(step.calls.at(0), json::array({import_error("1")}));
  EXPECT_EQ(words_of(step, 3), (Texts{"unknown", "rejected", "unknown"}));
}

TEST(Klaviyo, AnErrorOfNobodysMayBeAnybodys) {
  for (const char* where : {"3", "x", "", "1x"}) {
    Shop shop;
    shop.queue();
    Step step = shop.poll("complete", 3, 2, 1);
    step = shop.page(step.calls.at(0), json::array({import_error(where)}));
    EXPECT_EQ(words_of(step, 3), Texts(3, "unknown")) << where;
  }
}

TEST(Klaviyo, APageThatIsNoneIsAskedForAgainFromTheImportOn) {
  for (const Nonsense& one : nonsense()) {
    SCOPED_TRACE(one.name);
    Shop shop;
    shop.queue();
    const Call asked = shop.poll("complete", 3, 2, 1).calls.at(0);
    wire::Reply reply = one.reply;
    if (reply.failure == wire::Failure::none && asked.request.sink->begin(reply)) {
      EXPECT_TRUE(asked.request.sink->take(reply.body));
      reply.body.clear();
      reply.consumed = true;
    }
    const Step step = shop.answer(asked, reply);
    EXPECT_TRUE(step.in_job);
    EXPECT_TRUE(step.verdicts.empty());
    EXPECT_TRUE(shop.poll("processing", 3, 0, 0).in_job) << "its name is not forgotten";
  }
}

TEST(Klaviyo, PagesThatNeverEndAreNoPages) {
  Shop shop;
  shop.queue();
  Step step = shop.poll("complete", 3, 2, 1);
  int pages = 0;
  while (!step.calls.empty() && pages < 1'000) {
    step = shop.page(step.calls[0], json::array({import_error("1")}), "/x?page[cursor]=more");
    ++pages;
  }
  EXPECT_TRUE(step.in_job);
  EXPECT_LT(pages, 200);
  step = shop.poll("complete", 3, 2, 1);
  EXPECT_TRUE(shop.page(step.calls.at(0), json::array(), "/x?page[cursor]=a").in_job);
  step = shop.poll("complete", 3, 2, 1);
  EXPECT_TRUE(
      shop.page(step.calls.at(0), json::array({import_error("1")}), "/x?page[cursor]=a b").in_job);
}

TEST(Klaviyo, AnImportOfAnotherNumberOfProfilesIsNotOurs) {
  Shop shop;
  shop.queue();
  EXPECT_EQ(words_of(shop.poll("complete", 2, 2, 0), 3), Texts(3, "unknown"));
  EXPECT_EQ(words_of(shop.poll("cancelled", 3, 3, 0), 3), Texts(3, "unknown"));
  EXPECT_EQ(words_of(shop.poll("done", 3, 3, 0), 3), Texts(3, "unknown"));
  const wire::Reply gone =
      json_reply(404, {{"errors", {{{"code", "not_found"}, {"detail", "no such job"}}}}});
  EXPECT_EQ(words_of(shop.poll(gone), 3), Texts(3, "unknown"));
}

TEST(Klaviyo, WithoutAnAnswerAboutAnImportItIsStillAtWork) {
  for (const Nonsense& one : nonsense()) {
    SCOPED_TRACE(one.name);
    Shop shop;
    shop.queue();
    const Step step = shop.poll(one.reply);
    EXPECT_TRUE(step.in_job);
    EXPECT_TRUE(words_of(step, 3) == Texts(3, "open"));
    EXPECT_TRUE(shop.common.verdicts.empty());
    EXPECT_TRUE(shop.common.regroup.empty());
  }
}

TEST(Klaviyo, ProfilesThatCannotBeOnesAreDroppedAndTheOthersSentAgain) {
  Shop shop;
  const Call call = shop.begin().calls.at(0);
  const json errors = {error_at("1/attributes/phone_number"), error_at("1/attributes/email")};
  Step step = shop.answer(call, json_reply(400, {{"errors", errors}}));
  EXPECT_FALSE(step.stop);
  EXPECT_EQ(words_of(step, 3), (Texts{"regrouped", "rejected", "regrouped"}));
  EXPECT_EQ(step.verdicts[0].reason.field, "phone_number");
  step = shop.answer(call, json_reply(400, {{"errors",
                                             {{{"code", "invalid"},
                                               {"detail", "List ID X does not exist."},
                                               {"source", {{"pointer", "/data"}}}}}}}));
  ASSERT_TRUE(step.stop);
  EXPECT_NE(step.stop->message.find("List ID X"), std::string::npos);
  EXPECT_EQ(words_of(step, 3), Texts(3, "retryable"));
}

TEST(Klaviyo, UpdatesAndClearsGoToProfilesThatAreThere) {
  const std::vector<std::pair<Operation, std::string>> cases = {{Operation::update, "skipped"},
                                                                {Operation::clear, "accepted"}};
  for (const auto& [operation, word] : cases) {
    Shop shop;
    const Call look = shop.begin(operation).calls.at(0);
    EXPECT_EQ(address(look),
              "/api/profiles?filter=any%28external_id%2C%5B%22100%22%2C%22101%22%2C%22102%22%5D%29"
              "&fields%5Bprofile%5D=external_id&page%5Bsize%5D=100");
    Step step = shop.answer(look, profiles({2, 0}));
    EXPECT_EQ(words_of(step, 3), (Texts{"open", word, "open"}));
    EXPECT_EQ(shop.memo, "- # a");
    const json sent = json::parse(step.calls.at(0).request.body)
                          .at("data")
                          .at("attributes")
                          .at("profiles")
                          .at("data");
    ASSERT_EQ(sent.size(), 2u);
    EXPECT_EQ(sent[1].at("attributes").at("external_id"), "102");
    const json emptied = {{"city", nullptr}};
    if (operation == Operation::clear) {
      EXPECT_EQ(sent[1].at("attributes").at("location"), emptied);
    }
    step = shop.answer(step.calls[0], json_reply(202, {{"data", {{"id", "J1"}}}}));
    ASSERT_TRUE(step.in_job);
    step = shop.poll("complete", 2, 1, 1);
    step = shop.page(step.calls.at(0), json::array({import_error("1")}));
    EXPECT_EQ(words_of(step, 3), (Texts{"accepted", "open", "rejected"}))
        << "the second of those that were sent is the third row";
  }
}

TEST(Klaviyo, AProfileThatIsGoneIsPassedOverWhereRowsGoById) {
  Shop shop("profiles", 2, "id");
  shop.queue(Operation::update);
  Step step = shop.poll("complete", 2, 1, 1);
  step = shop.page(step.calls.at(0), json::array({import_error("1", "not_found")}));
  EXPECT_EQ(words_of(step, 2), (Texts{"accepted", "skipped"}));
  EXPECT_EQ(step.verdicts[1].reason.code, "missing");
}

TEST(Klaviyo, AnAnswerThatMayLackProfilesSaysNothingOfAbsence) {
  Shop shop;
  const Call look = shop.begin(Operation::update).calls.at(0);
  json body = json::parse(profiles({0}).body);
  body["links"]["next"] = "https://a.klaviyo.com/api/profiles?page%5Bcursor%5D=x";
  for (const wire::Reply& reply : {json_reply(200, body), json_reply(200, {{"data", "x"}})}) {
    const Step step = shop.answer(look, reply);
    EXPECT_TRUE(step.calls.empty());
    EXPECT_EQ(words_of(step, 3), Texts(3, "retryable"));
  }
}

TEST(Klaviyo, AListTooLongForAnAddressGoesInSeveralBatches) {
  Shop shop("list:L", 0);
  for (int i = 0; i < 100; ++i) {
    const std::string key = std::string(250, 'x') + std::to_string(i);
    shop.rows.add(key, key, key + "\tA\tB\t1\t\\N");
  }
  const Step step = shop.begin(Operation::delete_);
  ASSERT_EQ(step.regroup.size(), 1u);
  EXPECT_LT(step.calls.at(0).request.query.size(), 6'300u);
  EXPECT_GT(step.regroup[0].rows.size(), 60u);
}

TEST(Klaviyo, MembersAreTakenOffAListByKlaviyosIds) {
  Shop shop("list:L");
  const Call look = shop.begin(Operation::delete_).calls.at(0);
  Step step = shop.answer(look, profiles({0, 2}));
  EXPECT_EQ(words_of(step, 3), (Texts{"open", "accepted", "open"}));
  const Call call = step.calls.at(0);
  EXPECT_EQ(call.request.method, wire::Method::delete_);
  EXPECT_EQ(call.request.path, "/api/lists/L/relationships/profiles");
  EXPECT_EQ(json::parse(call.request.body).at("data").at(1),
            json({{"type", "profile"}, {"id", "P102"}}));
  EXPECT_EQ(words_of(shop.answer(call, reply_of(204, "")), 3),
            (Texts{"accepted", "open", "accepted"}));
  const wire::Reply gone =
      json_reply(404, {{"errors", {{{"code", "not_found"}, {"detail", "gone"}}}}});
  EXPECT_EQ(words_of(shop.answer(call, gone), 3), (Texts{"regrouped", "open", "regrouped"}));
  Shop one("list:L", 1);
  const Step alone = one.answer(one.begin(Operation::delete_).calls.at(0), profiles({0}));
  EXPECT_EQ(words_of(one.answer(alone.calls.at(0), gone), 1), Texts{"accepted"});
}

TEST(Klaviyo, AProfileIsDeletedByItsAddressOrByItsId) {
  Shop by_email("profiles", 1, "email");
  Call call = by_email.begin(Operation::delete_).calls.at(0);
  EXPECT_EQ(call.request.path, "/api/data-privacy-deletion-jobs");
  EXPECT_EQ(json::parse(call.request.body).at("data").at("attributes").at("profile").at("data"),
            json({{"type", "profile"}, {"attributes", {{"email", "100"}}}}));
  EXPECT_EQ(words_of(by_email.answer(call, reply_of(202, "")), 1), Texts{"accepted"});
  EXPECT_EQ(words_of(by_email.answer(call, reply_of(200, "{}")), 1), Texts{"unknown"});
  Shop shop("profiles", 1);
  call = shop.answer(shop.begin(Operation::delete_).calls.at(0), profiles({0})).calls.at(0);
  EXPECT_EQ(json::parse(call.request.body).at("data").at("attributes").at("profile").at("data"),
            json({{"type", "profile"}, {"id", "P100"}, {"attributes", json::object()}}));
  EXPECT_EQ(shop.shop->capabilities().rows_of(Operation::delete_), 1u);
}

TEST(Klaviyo, AnInsertIsRefusedWhereTheProfileIsThere) {
  Shop shop("profiles", 1);
  const Call call = shop.begin(Operation::insert).calls.at(0);
  EXPECT_EQ(call.effect, Effect::unkeyed_write);
  const Step made = shop.answer(call, json_reply(201, {{"data", {{"id", "P7"}}}}));
  EXPECT_EQ(words_of(made, 1), Texts{"accepted"});
  EXPECT_EQ(made.verdicts[0].destination_id, "P7");
  for (const int status : {400, 409}) {
    const json error = {{"code", "duplicate_profile"}, {"detail", "there is one"}};
    const Step step = shop.answer(call, json_reply(status, {{"errors", {error}}}));
    EXPECT_EQ(words_of(step, 1), Texts{"rejected"});
    EXPECT_FALSE(step.stop);
  }
}

TEST(Klaviyo, TakesAnImportUpAgainWithTheRowsThatWereSent) {
  Shop shop;
  shop.queue(Operation::update, profiles({0, 2}));
  EXPECT_EQ(shop.memo, "J1 # a");
  Shop later("profiles", 2);
  later.batch = later.rows.batch(Operation::update);
  const Step step = later.shop->resume(later.batch, shop.memo);
  ASSERT_TRUE(step.in_job);
  later.memo = step.memo;
  EXPECT_EQ(words_of(later.poll("complete", 2, 2, 0), 2), Texts(2, "accepted"));
  EXPECT_TRUE(later.shop->resume(later.batch, "J1 * 2").in_job);
  for (const char* memo : {"", "-", "- * 2", "- # c", "J1", "J1 * 3", "J1 *", "J1 * 1 1", "J1 # 8",
                           "J1 # g", "J1 #", "J/1 * 2", "J1 ? c", "J1 # e", "J1 * 0"}) {
    EXPECT_EQ(words_of(later.shop->resume(later.batch, memo), 2), Texts(2, "unknown")) << memo;
  }
}

TEST(Klaviyo, ManyRowsAreLookedUpAHundredAtATimeAndGoInOneImport) {
  Shop shop("profiles", 10'000);
  Step step = shop.begin(Operation::update);
  std::size_t skipped = 0;
  int asked = 0;
  for (; step.calls.at(0).effect == Effect::none; ++asked) {
    // Every second one is there.
    std::vector<int> which;
    for (int i = 0; i < 100; i += 2) which.push_back(asked * 100 + i);
    step = shop.answer(step.calls.at(0), profiles(which));
    skipped += step.verdicts.size();
    EXPECT_LE(shop.memo.size(), 4096u);
  }
  EXPECT_EQ(asked, 100);
  EXPECT_EQ(skipped, 5'000u);
  const json sent = json::parse(step.calls[0].request.body).at("data").at("attributes");
  EXPECT_EQ(sent.at("profiles").at("data").size(), 5'000u);
  step = shop.answer(step.calls[0], json_reply(202, {{"data", {{"id", "J1"}}}}));
  ASSERT_TRUE(step.in_job);
  step = shop.poll("complete", 5'000, 4'999, 1);
  step = shop.page(step.calls.at(0), json::array({import_error("3")}));
  const std::vector<std::string> words = words_of(step, 10'000);
  EXPECT_EQ(words[6], "rejected") << "the fourth of those that were sent";
  EXPECT_EQ(std::count(words.begin(), words.end(), "accepted"), 4'999);
  EXPECT_EQ(shop.shop->requests_for(Operation::update, 10'000), 102u);
}

TEST(Klaviyo, ALookUpWithoutAnAnswerDecidesNothingOfRowsThatWereNotWritten) {
  Shop shop("profiles", 250);
  Step step = shop.begin(Operation::update);
  step = shop.answer(step.calls.at(0), profiles({0, 5}));
  EXPECT_EQ(step.verdicts.size(), 98u);
  step = shop.answer(step.calls.at(0), reply_of(503, ""));
  EXPECT_EQ(step.verdicts.size(), 152u) << "two that were found, and those not asked for";
  for (const Verdict& verdict : step.verdicts) EXPECT_EQ(verdict.outcome, Outcome::retryable);
}

TEST(Klaviyo, MemosStayShort) {
  Shop shop("profiles", 10'000);
  shop.queue();
  EXPECT_EQ(shop.memo, "J1 * 10000");
  EXPECT_EQ(words_of(shop.poll("complete", 10'000, 10'000, 0), 10'000), Texts(10'000, "accepted"));
}

TEST(Klaviyo, LimitsAreThoseOfItsDescription) {
  std::ifstream file(TAILRACE_TEST_DATA "/specs/klaviyo/openapi-2026-07-15.trimmed.json");
  const json paths = json::parse(file).at("paths");
  int compared = 0;
  for (const klaviyo::Pace& pace : klaviyo::kPaces) {
    if (!paths.contains(pace.path)) continue;
    const json& told =
        paths.at(std::string(pace.path)).at(std::string(pace.method)).at("x-klaviyo-ratelimit");
    EXPECT_EQ(told.at("burst"), std::to_string(static_cast<int>(pace.burst)) + "/s") << pace.path;
    EXPECT_EQ(told.at("steady"), std::to_string(static_cast<int>(pace.steady)) + "/m");
    ++compared;
  }
  EXPECT_EQ(compared, 7) << "of accounts and events it does not tell";
}

TEST(Klaviyo, EachEndpointHasLimitsOfItsOwnAlsoWhereTheUserChoosesThem) {
  Shop shop;
  EXPECT_EQ(shop.shop->capabilities().rates.size(), 2 * klaviyo::kPaces.size());
  const auto chosen =
      klaviyo_of(shop.rows.schema, "profiles", {{"limits", {{{"requests", 5}, {"per_s", 1}}}}});
  const auto& rates = chosen->capabilities().rates;
  ASSERT_EQ(rates.size(), klaviyo::kPaces.size());
  EXPECT_EQ(rates.back().requests, 5);
  EXPECT_EQ(rates.back().rate_class, klaviyo::kPaces.size() - 1);
  Shop asks;
  wire::Reply reply = json_reply(202, {{"data", {{"id", "J1"}}}});
  reply.headers.push_back({"ratelimit-limit", "150"});
  reply.headers.push_back({"ratelimit-remaining", "7"});
  const Step step = asks.answer(asks.begin().calls.at(0), reply);
  EXPECT_EQ(step.hint.window, std::chrono::seconds(60));
  EXPECT_EQ(step.hint.remaining, 7);
}

TEST(Klaviyo, TheEndpointThatIsWrittenToSaysHowLongItTakes) {
  const Shop shop;
  const Shop list("list:L", 0);
  EXPECT_EQ(shop.shop->rate_class_of(Operation::upsert), klaviyo::kImport);
  EXPECT_EQ(shop.shop->rate_class_of(Operation::update), klaviyo::kFind);
  EXPECT_EQ(shop.shop->rate_class_of(Operation::insert), klaviyo::kCreate);
  EXPECT_EQ(shop.shop->rate_class_of(Operation::delete_), klaviyo::kDelete);
  EXPECT_EQ(list.shop->rate_class_of(Operation::delete_), klaviyo::kLeave);
  const Shop by_id("profiles", 0, "id");
  EXPECT_EQ(by_id.shop->rate_class_of(Operation::update), klaviyo::kImport);
}

TEST(Klaviyo, KnowsItsObjectsItsMatchFieldsAndItsAttributes) {
  const Shop shop;
  const auto refused = [&](const std::string& object, const std::string& field,
                           const std::string& match) {
    Schema schema = shop.rows.schema;
    schema.columns[0].name = match;
    schema.columns[1].name = field;
    try {
      static_cast<void>(klaviyo_of(schema, object));
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(refused("profiles", "title", "email"), "");
  EXPECT_NE(refused("events", "title", "email").find("list:ID"), std::string::npos);
  EXPECT_NE(refused("list:a/b", "title", "email").find("list:ID"), std::string::npos);
  EXPECT_NE(refused("profiles", "title", "first_name").find("external_id"), std::string::npos);
  for (const char* field : {"plan", "properties", "properties.", "properties.a.b", "location"}) {
    EXPECT_NE(refused("profiles", field, "email").find("properties.plan"), std::string::npos)
        << field;
  }
}

TEST(Klaviyo, AddressesAreOneWhateverTheirCase) {
  EXPECT_EQ(Shop("profiles", 0, "email").shop->identity(" A@B.co "), "a@b.co");
  EXPECT_EQ(Shop("profiles", 0).shop->identity(" x Y"), " x Y");
  EXPECT_EQ(Shop("profiles", 0).shop->identity("  "), std::nullopt);
  EXPECT_EQ(Shop("profiles", 0, "id").shop->identity("a/b"), std::nullopt);
}

TEST(Klaviyo, ReadsProfilesByTheirMatchValues) {
  Shop shop;
  ReadAsk ask{ReadAsk::Kind::by_match, {}};
  for (int i = 0; i < 150; ++i) ask.match.push_back(std::to_string(100 + i));
  const ReadStep first = shop.shop->read(ask);
  ASSERT_EQ(first.calls.size(), 2u);
  EXPECT_NE(first.calls[0].request.query.find(
                "fields%5Bprofile%5D=external_id%2Cfirst_name%2Clocation.city%2Cproperties"),
            std::string::npos);
  const json data = {{"id", "P1"},
                     {"attributes",
                      {{"external_id", "101"},
                       {"location", {{"city", "Rome"}}},
                       {"properties", {{"score", 1.50}}}}}};
  const wire::Reply reply = json_reply(200, {{"data", {data}}});
  const ReadStep found = shop.shop->read(ask, &first.calls[0], &reply);
  ASSERT_EQ(found.records.size(), 1u);
  EXPECT_EQ(found.records[0].match, "101");
  EXPECT_EQ(found.records[0].destination_id, "P1");
  EXPECT_EQ(found.records[0].fields[2].second, "Rome");
  EXPECT_TRUE(shop.shop->equal_value(3, "1.5", found.records[0].fields[3].second));
  EXPECT_EQ(found.absent.size(), 99u);
}

TEST(Klaviyo, DescribesWhatIsFixedOnceTheKeyMayRead) {
  const ReadAsk ask{ReadAsk::Kind::describe, {}};
  Shop shop;
  ReadStep step = shop.shop->read(ask);
  const wire::Reply none = json_reply(200, {{"data", json::array()}});
  step = shop.shop->read(ask, &step.calls.at(0), &none);
  ASSERT_FALSE(step.fields.empty());
  EXPECT_EQ(step.fields.back().name, "properties.*");
  Shop list("list:L");
  const ReadStep asked = list.shop->read(ask);
  EXPECT_EQ(asked.calls.at(0).request.path, "/api/lists/L");
  const wire::Reply other = json_reply(200, {{"data", {{"id", "M"}}}});
  EXPECT_TRUE(list.shop->read(ask, &asked.calls[0], &other).stop);
  const wire::Reply denied = json_reply(
      403, {{"errors", {{{"code", "permission_denied"}, {"detail", "lists:read is missing"}}}}});
  step = list.shop->read(ask, &asked.calls[0], &denied);
  ASSERT_TRUE(step.stop);
  EXPECT_NE(step.stop->message.find("scopes"), std::string::npos);
}

}  // namespace
}  // namespace tailrace
