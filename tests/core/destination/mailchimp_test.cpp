// Mailchimp's requests and the reading of its answers: nobody is subscribed again by accident.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "destination/nonsense.hpp"
#include "destination/rows.hpp"

namespace tailrace {
namespace {

using nlohmann::json;
using Said = std::vector<std::string>;

/// Members m0@acme.test and so on, with a number, a text and whether they are important.
struct Audience {
  explicit Audience(std::size_t count = 3, const std::string& extra = "",
                    const json& more = json::object()) {
    rows.schema.columns = {{"email_address", Type::text},
                           {"merge_fields.AGE", Type::decimal},
                           {"merge_fields.FNAME", Type::text},
                           {"vip", Type::boolean}};
    if (!extra.empty()) rows.schema.columns.push_back({extra, Type::text});
    if (extra == "tags") rows.schema.columns.back().type = Type::json;
    rows.schema.field_count = rows.schema.columns.size();
    rows.schema.key = {0};
    rows.schema.match = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::string email = "M" + std::to_string(i) + "@acme.test";
      std::string line = email + "\t41.50\tAnn\t\\N";
      if (!extra.empty()) line += extra == "tags" ? "\t[\"new\"]" : "\tpending";
      rows.add(email, email, line);
    }
    chimp = mailchimp_of(rows.schema, more);
  }
  Call begin(Operation operation = Operation::upsert) {
    batch = rows.batch(operation);
    const Step step = chimp->begin(batch);
    EXPECT_EQ(step.calls.size(), operation == Operation::upsert ? 1 : batch.rows.size());
    return step.calls.at(0);
  }
  Step answer(const Call& call, const wire::Reply& reply) {
    return chimp->reply(batch, {}, call, reply);
  }
  TestRows rows;
  std::unique_ptr<Destination> chimp;
  Batch batch;
};

json member(int i) {
  return {{"id", "h"}, {"email_address", "m" + std::to_string(i) + "@Acme.test"}};
}

json refused(int i, const std::string& error, const std::string& field = "") {
  return {{"email_address", "m" + std::to_string(i) + "@acme.test"},
          {"error", error},
          {"error_code", "ERROR_GENERIC"},
          {"field", field},
          {"field_message", ""}};
}

wire::Reply many(const json& made, const json& updated, const json& errors) {
  return json_reply(200, {{"new_members", made}, {"updated_members", updated}, {"errors", errors}});
}

wire::Reply problem(int status, const char* title, const json& errors = json::array()) {
  return json_reply(
      status, {{"title", title}, {"status", status}, {"detail", "It is so."}, {"errors", errors}});
}

TEST(Mailchimp, ManyGoInOneRequestThatNamesNoStatusOfWhoIsThere) {
  Audience audience;
  const Call call = audience.begin();
  EXPECT_EQ(call.effect, Effect::keyed_write);
  EXPECT_EQ(call.request.path, "/lists/L1");
  const json body = json::parse(call.request.body);
  EXPECT_EQ(body.at("update_existing"), true);
  EXPECT_EQ(body.at("members").at(1),
            json({{"email_address", "M1@acme.test"},
                  {"status_if_new", "subscribed"},
                  {"merge_fields", {{"AGE", "41.50"}, {"FNAME", "Ann"}}}}))
      << "what takes no empty text is left alone where it is NULL";
  EXPECT_EQ(audience.chimp->capabilities().max_rows, 500u);
}

TEST(Mailchimp, NothingButAMappedFieldIsEverAStatus) {
  for (const char* extra : {"", "status_if_new", "tags"}) {
    for (const Operation operation :
         {Operation::upsert, Operation::update, Operation::clear, Operation::archive}) {
      Audience audience(1, extra);
      const std::string body = audience.begin(operation).request.body;
      EXPECT_EQ(body.find("\"status\""), std::string::npos) << extra << to_text(operation);
    }
  }
  Audience chosen(2, "status");
  const json sent = json::parse(chosen.begin().request.body).at("members").at(0);
  EXPECT_EQ(sent.at("status"), "pending");
}

TEST(Mailchimp, OneMemberIsPutByTheHashOfItsAddress) {
  Audience audience(1);
  const Call call = audience.begin();
  EXPECT_EQ(call.request.method, wire::Method::put);
  // md5sum of m0@acme.test
  EXPECT_EQ(call.request.path, "/lists/L1/members/34184e16c55a277203d8f8ff487ce199");
  EXPECT_EQ(json::parse(call.request.body).at("status_if_new"), "subscribed");
  EXPECT_EQ(words_of(audience.answer(call, json_reply(200, member(0))), 1), Said{"accepted"});
  EXPECT_EQ(words_of(audience.answer(call, json_reply(200, member(1))), 1), Said{"unknown"})
      << "somebody else";
  EXPECT_EQ(words_of(audience.answer(call, problem(400, "Invalid Resource")), 1), Said{"rejected"});
}

TEST(Mailchimp, TagsGoWithARequestOfManyAlsoWhereThereIsOne) {
  Audience audience(1, "tags");
  EXPECT_EQ(audience.begin().request.path, "/lists/L1");
  const auto& can = audience.chimp->capabilities().operations;
  EXPECT_EQ(std::count(can.begin(), can.end(), Operation::update), 0)
      << "an update would leave them out";
}

TEST(Mailchimp, RowsAreFoundByTheirAddressesWhereverTheyAreToldOf) {
  Audience audience(4);
  const Call call = audience.begin();
  const Step step = audience.answer(call, many(json::array({member(2)}), json::array({member(0)}),
                                               json::array({refused(3, "looks fake", "FNAME")})));
  EXPECT_EQ(words_of(step, 4), (Said{"accepted", "unknown", "accepted", "rejected"}));
  EXPECT_EQ(step.verdicts.at(3).reason.code, "ERROR_GENERIC");
  EXPECT_EQ(step.verdicts.at(3).reason.field, "FNAME");
  EXPECT_EQ(step.verdicts.at(1).reason.code, "not_in_answer");
  const Step twice = audience.answer(
      call, many(json::array({member(0)}), json::array({member(0)}), json::array()));
  EXPECT_EQ(twice.verdicts.at(0).outcome, Outcome::unknown);
  const Step half =
      audience.answer(call, json_reply(200, {{"new_members", json::array({member(0)})}}));
  EXPECT_EQ(words_of(half, 4), Said(4, "unknown"));
}

TEST(Mailchimp, MembersThatFailTheWholeRequestAreDroppedAndTheOthersSentAgain) {
  Audience audience;
  const json wrong = {{"field", "members.item:1.vip"}, {"message", "Schema describes boolean"}};
  const Step step =
      audience.answer(audience.begin(), problem(400, "Invalid Resource", json::array({wrong})));
  EXPECT_EQ(words_of(step, 3), (Said{"regrouped", "rejected", "regrouped"}));
  EXPECT_EQ(step.verdicts.at(0).reason.field, "vip");
  const Step nobody = audience.answer(audience.begin(), problem(400, "Invalid Resource"));
  EXPECT_EQ(words_of(nobody, 3), Said(3, "regrouped")) << "halved down to the row";
  EXPECT_EQ(nobody.regroup.size(), 2u);
}

TEST(Mailchimp, WhereARequestOfManyWantsAStatusItsRowsArePutOneByOne) {
  Audience audience;
  const Call call = audience.begin();
  const Step rows = audience.answer(
      call, many(json::array({member(0)}), json::array(),
                 json::array({refused(1, "Required fields were not provided: status"),
                              refused(2, "fake")})));
  EXPECT_EQ(words_of(rows, 3), (Said{"accepted", "regrouped", "rejected"}));
  json errors = json::array();
  for (int i = 0; i < 3; ++i) {
    errors.push_back({{"field", "members.item:" + std::to_string(i) + ".status_if_new"},
                      {"message", "This field was not expected."}});
  }
  const Step whole = audience.answer(call, problem(400, "Invalid Resource", errors));
  EXPECT_EQ(whole.regroup.size(), 3u);
  for (const char* extra : {"tags", "status"}) {
    Audience other(3, extra);
    const Step told = other.answer(other.begin(), problem(400, "Invalid Resource", errors));
    EXPECT_EQ(words_of(told, 3), Said(3, "rejected")) << "there is no other way";
  }
}

TEST(Mailchimp, AnUpdatePassesOverWhoIsNotThereButNotAnAudienceThatIsNot) {
  for (const auto& [operation, word] : std::vector<std::pair<Operation, std::string>>{
           {Operation::update, "skipped"}, {Operation::clear, "accepted"}}) {
    Audience audience(1);
    const Call call = audience.begin(operation);
    EXPECT_EQ(call.request.method, wire::Method::patch);
    EXPECT_EQ(words_of(audience.answer(call, json_reply(200, member(0))), 1), Said{"accepted"});
    const Step missing = audience.answer(call, problem(404, "Resource Not Found"));
    ASSERT_EQ(missing.calls.size(), 1u);
    EXPECT_EQ(missing.calls[0].effect, Effect::none);
    EXPECT_EQ(missing.calls[0].request.path, "/lists/L1");
    EXPECT_EQ(words_of(audience.answer(missing.calls[0], json_reply(200, {{"id", "L1"}})), 1),
              Said{word});
    const Step gone = audience.answer(missing.calls[0], problem(404, "Resource Not Found"));
    ASSERT_TRUE(gone.stop);
    EXPECT_NE(gone.stop->message.find("list_id"), std::string::npos);
    EXPECT_EQ(words_of(gone, 1), Said{"retryable"});
    for (const Nonsense& one : nonsense()) {
      SCOPED_TRACE(one.name);
      for (const std::string& said : words_of(audience.answer(missing.calls[0], one.reply), 1)) {
        EXPECT_TRUE(said == "retryable" || said == "open");
      }
    }
  }
}

TEST(Mailchimp, AClearEmptiesMergeFieldsAlone) {
  Audience audience(1);
  const json sent = json::parse(audience.begin(Operation::clear).request.body);
  EXPECT_EQ(sent, json({{"email_address", "M0@acme.test"},
                        {"merge_fields", {{"AGE", ""}, {"FNAME", ""}}}}));
}

TEST(Mailchimp, AnUpdateLeavesOutWhatIsOfNewMembersAlone) {
  Audience audience(1, "status_if_new");
  const json sent = json::parse(audience.begin(Operation::update).request.body);
  EXPECT_FALSE(sent.contains("status_if_new"));
  EXPECT_TRUE(sent.contains("merge_fields"));
}

TEST(Mailchimp, AnInsertSaysTheStatusOfWhoIsNew) {
  for (const char* extra : {"", "status_if_new", "status"}) {
    Audience audience(1, extra);
    const Call call = audience.begin(Operation::insert);
    EXPECT_EQ(call.effect, Effect::unkeyed_write);
    EXPECT_EQ(call.request.path, "/lists/L1/members");
    const json sent = json::parse(call.request.body);
    EXPECT_EQ(sent.at("status"), *extra == '\0' ? "subscribed" : "pending");
    EXPECT_FALSE(sent.contains("status_if_new"));
    EXPECT_EQ(words_of(audience.answer(call, problem(400, "Member Exists")), 1), Said{"rejected"});
  }
}

TEST(Mailchimp, WhoIsArchivedOrWasNeverThereIsWhereHeShouldBe) {
  Audience audience(1);
  const Call call = audience.begin(Operation::archive);
  EXPECT_EQ(call.request.method, wire::Method::delete_);
  for (const wire::Reply& reply : {reply_of(204, ""), problem(404, "Resource Not Found"),
                                   problem(405, "Method Not Allowed")}) {
    EXPECT_EQ(words_of(audience.answer(call, reply), 1), Said{"accepted"});
  }
  EXPECT_EQ(words_of(audience.answer(call, reply_of(404, "<html>", "text/html")), 1),
            Said{"unknown"});
}

TEST(Mailchimp, ABare403IsALoadAndAProblemARight) {
  Audience audience;
  const Call call = audience.begin();
  const Step load = audience.answer(call, reply_of(403, "<html>", "text/html"));
  EXPECT_FALSE(load.stop);
  EXPECT_GT(load.pause.count(), 0);
  EXPECT_EQ(words_of(load, 3), Said(3, "retryable"));
  const Step right = audience.answer(call, problem(403, "Wrong Datacenter"));
  ASSERT_TRUE(right.stop);
  EXPECT_NE(right.stop->message.find("server"), std::string::npos);
}

TEST(Mailchimp, ARefusalInItsOwnWordsIsOfItsRow) {
  Audience audience(1);
  const Call call = audience.begin(Operation::upsert);
  for (const int status : {400, 409, 422}) {
    EXPECT_EQ(words_of(audience.answer(call, problem(status, "Conflict")), 1), Said{"rejected"});
    EXPECT_EQ(words_of(audience.answer(call, reply_of(status, "<html>", "text/html")), 1),
              Said{"unknown"});
  }
}

TEST(Mailchimp, KeepsToTenConnections) {
  const Audience audience(0);
  const auto& rates = audience.chimp->capabilities().rates;
  ASSERT_EQ(rates.size(), 1u);
  EXPECT_EQ(rates[0].max_concurrent, 10u);
  EXPECT_EQ(rates[0].requests, 0);
}

TEST(Mailchimp, KnowsItsFieldsItsMatchFieldAndWhatNewMembersAre) {
  const auto said = [](const std::string& match, const std::string& field, const json& more) {
    TestRows rows;
    rows.schema.columns = {{match, Type::text}, {field, Type::text}};
    rows.schema.field_count = 2;
    rows.schema.key = {0};
    try {
      static_cast<void>(mailchimp_of(rows.schema, more));
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const json fine = json::object();
  EXPECT_EQ(said("email_address", "merge_fields.FNAME", fine), "");
  EXPECT_EQ(said("email_address", "interests.9143cf3bd1", fine), "");
  EXPECT_NE(said("vip", "language", fine).find("email_address"), std::string::npos);
  for (const char* field : {"FNAME", "merge_fields", "merge_fields.", "location.city"}) {
    EXPECT_NE(said("email_address", field, fine).find("merge_fields.FNAME"), std::string::npos);
  }
  for (const json& status : {json(nullptr), json("everybody")}) {
    EXPECT_NE(said("email_address", "vip", {{"status_if_new", status}}).find("status_if_new"),
              std::string::npos);
  }
  TestRows both;
  both.schema.columns = {
      {"email_address", Type::text}, {"status", Type::text}, {"status_if_new", Type::text}};
  both.schema.field_count = 3;
  both.schema.key = {0};
  EXPECT_THROW(static_cast<void>(mailchimp_of(both.schema)), std::invalid_argument);
}

TEST(Mailchimp, DescribesTheMergeFieldsOfTheAudience) {
  const ReadAsk ask{ReadAsk::Kind::describe, {}};
  Audience audience;
  const ReadStep asked = audience.chimp->read(ask);
  EXPECT_EQ(asked.calls.at(0).request.path, "/lists/L1/merge-fields");
  json fields = json::array();
  fields.push_back({{"tag", "AGE"}, {"type", "number"}, {"required", true}});
  fields.push_back(
      {{"tag", "TIER"}, {"type", "dropdown"}, {"options", {{"choices", {"low", "high"}}}}});
  fields.push_back({{"tag", "ADDRESS"}, {"type", "address"}});
  const wire::Reply reply = json_reply(200, {{"merge_fields", fields}, {"total_items", 3}});
  const ReadStep step = audience.chimp->read(ask, &asked.calls[0], &reply);
  const auto field = [&](const std::string& name) {
    const auto found = std::find_if(step.fields.begin(), step.fields.end(),
                                    [&](const FieldFact& one) { return one.name == name; });
    EXPECT_NE(found, step.fields.end()) << name;
    return found == step.fields.end() ? FieldFact{} : *found;
  };
  EXPECT_TRUE(field("email_address").unique);
  EXPECT_TRUE(field("merge_fields.AGE").required);
  EXPECT_EQ(field("merge_fields.AGE").takes, Takes::number);
  EXPECT_EQ(field("merge_fields.TIER").options, (Said{"low", "high"}));
  EXPECT_EQ(field("merge_fields.ADDRESS.*").type, "address");
  EXPECT_EQ(field("interests.*").type, "boolean");
  const wire::Reply cut = json_reply(200, {{"merge_fields", fields}, {"total_items", 4}});
  EXPECT_TRUE(audience.chimp->read(ask, &asked.calls[0], &cut).stop);
}

TEST(Mailchimp, ReadsMembersOneByOneAndWhoIsArchivedIsAbsent) {
  Audience audience(0, "tags");
  const ReadAsk ask{ReadAsk::Kind::by_match, {"m0@acme.test", "m1@acme.test", "m2@acme.test"}};
  const ReadStep asked = audience.chimp->read(ask);
  ASSERT_EQ(asked.calls.size(), 3u);
  json told = member(0);
  told["merge_fields"] = {{"AGE", 41.5}, {"FNAME", ""}};
  told["tags"] = {{{"id", 1}, {"name", "old"}}, {{"id", 2}, {"name", "new"}}};
  wire::Reply reply = json_reply(200, told);
  ReadStep step = audience.chimp->read(ask, &asked.calls[0], &reply);
  ASSERT_EQ(step.records.size(), 1u);
  EXPECT_EQ(step.records.at(0).match, "m0@acme.test");
  EXPECT_TRUE(audience.chimp->equal_value(1, "41.50", step.records.at(0).fields[1].second));
  EXPECT_TRUE(audience.chimp->equal_value(4, "[\"new\"]", step.records.at(0).fields[4].second));
  EXPECT_FALSE(audience.chimp->equal_value(4, "[\"gone\"]", step.records.at(0).fields[4].second));
  told["status"] = "archived";
  reply = json_reply(200, told);
  EXPECT_EQ(audience.chimp->read(ask, &asked.calls[0], &reply).absent, Said{"m0@acme.test"});
  reply = problem(404, "Resource Not Found");
  EXPECT_EQ(audience.chimp->read(ask, &asked.calls[1], &reply).absent, Said{"m1@acme.test"});
  reply = json_reply(200, member(0));
  EXPECT_TRUE(audience.chimp->read(ask, &asked.calls[2], &reply).stop) << "somebody else";
}

TEST(Mailchimp, ListsAllMembersPageByPage) {
  Audience audience(0);
  const ReadAsk ask{ReadAsk::Kind::all_ids, {}};
  const Call first = audience.chimp->read(ask).calls.at(0);
  EXPECT_EQ(first.request.query, "count=1000&offset=0");
  wire::Reply reply = json_reply(200, {{"members", {member(0), member(1)}}, {"total_items", 3}});
  const ReadStep step = audience.chimp->read(ask, &first, &reply);
  EXPECT_EQ(step.records.size(), 2u);
  EXPECT_EQ(step.calls.at(0).request.query, "count=1000&offset=2");
  reply = json_reply(200, {{"members", json::array()}, {"total_items", 3}});
  EXPECT_TRUE(audience.chimp->read(ask, &step.calls[0], &reply).stop);
}

}  // namespace
}  // namespace tailrace
