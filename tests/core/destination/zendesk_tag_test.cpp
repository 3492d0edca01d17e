// A tag of Zendesk's users and organizations: who is looked up, who gets or loses it, and what
// answers say.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "destination/nonsense.hpp"
#include "destination/rows.hpp"

namespace tailrace {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;

std::string id_of(std::size_t row) { return std::to_string(700 + row); }

/// The answer to a look-up of three rows that does not have `missing`.
wire::Reply found(const std::vector<std::size_t>& missing = {}, const json& tags = json::array()) {
  json users = json::array();
  for (std::size_t row = 3; row-- > 0;) {
    if (std::find(missing.begin(), missing.end(), row) != missing.end()) continue;
    users.push_back({{"id", 700 + row}, {"external_id", "k" + std::to_string(row)}});
    users.back()["tags"] = tags;
  }
  const std::size_t count = users.size();
  return json_reply(200, {{"users", std::move(users)}, {"count", count}});
}

class ZendeskTag : public testing::Test {
 protected:
  explicit ZendeskTag(const std::string& match = "external_id") {
    rows_.schema.columns = {{match, Type::text}};
    rows_.schema.field_count = 1;
    rows_.schema.key = {0};
    rows_.schema.match = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      const std::string key = match == "id" ? id_of(i) : "K" + std::to_string(i);
      rows_.add(key, key, key);
    }
    tag_ = tag("user_tag:Churn_Risk");
  }

  std::unique_ptr<Destination> tag(const std::string& name) {
    return zendesk_of(rows_.schema, name);
  }
  Step looked_up(Operation operation, const wire::Reply& answer) {
    batch_ = rows_.batch(operation);
    return tag_->reply(batch_, {}, tag_->begin(batch_).calls.at(0), answer);
  }
  /// What the answer to the first row's change says of it.
  std::string changed(Operation operation, const wire::Reply& answer) {
    const Step step = looked_up(operation, found());
    const auto of_first = [](const Call& call) { return call.rows == std::vector<RowIndex>{0}; };
    const auto call = std::find_if(step.calls.begin(), step.calls.end(), of_first);
    return words_of(tag_->reply(batch_, {}, *call, answer), 3).at(0);
  }

  TestRows rows_;
  Batch batch_;
  std::unique_ptr<Destination> tag_;
};

class ZendeskTagById : public ZendeskTag {
 protected:
  ZendeskTagById() : ZendeskTag("id") {}
};

TEST_F(ZendeskTag, LooksUpWhoComesAndTagsThemByTheirIds) {
  const Step first = tag_->begin(rows_.batch());
  ASSERT_EQ(first.calls.size(), 1u);
  EXPECT_EQ(first.calls[0].effect, Effect::none);
  EXPECT_EQ(first.calls[0].request.path, "/api/v2/users/show_many");
  EXPECT_EQ(first.calls[0].request.query, "external_ids=k0,k1,k2");
  const Step step = looked_up(Operation::upsert, found());
  ASSERT_EQ(step.calls.size(), 3u);
  for (std::size_t row = 0; row < 3; ++row) {
    const Call& call = step.calls[row];
    EXPECT_EQ(call.effect, Effect::keyed_write);
    EXPECT_EQ(call.rows, std::vector<RowIndex>{static_cast<RowIndex>(row)});
    EXPECT_EQ(call.request.method, wire::Method::put);
    EXPECT_EQ(call.request.path, "/api/v2/users/" + id_of(row) + "/tags");
    EXPECT_EQ(call.request.body, R"({"tags":["churn_risk"]})");
  }
}

TEST_F(ZendeskTag, WhoLeavesLosesThatTagByTheIdThatTheyCameWith) {
  TestRows known;
  known.schema = rows_.schema;
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string key = "K" + std::to_string(i);
    known.add(key, key, key, id_of(i));
  }
  batch_ = known.batch(Operation::delete_);
  const Step step = tag_->begin(batch_);
  ASSERT_EQ(step.calls.size(), 3u);
  EXPECT_EQ(step.calls[1].request.method, wire::Method::delete_);
  EXPECT_EQ(step.calls[1].request.path, "/api/v2/users/701/tags");
  EXPECT_EQ(step.calls[1].request.body, R"({"tags":["churn_risk"]})");
}

TEST_F(ZendeskTagById, NobodyIsLookedUpByTheirId) {
  const Step step = tag_->begin(rows_.batch());
  ASSERT_EQ(step.calls.size(), 3u);
  EXPECT_EQ(step.calls[2].request.path, "/api/v2/users/702/tags");
  EXPECT_EQ(tag_->requests_for(Operation::upsert, 250), 250u);
}

TEST_F(ZendeskTag, WhoIsNotThereIsSkippedAndHasNoTagToLose) {
  EXPECT_EQ(words_of(looked_up(Operation::upsert, found({1})), 3),
            (Words{"open", "skipped", "open"}));
  EXPECT_EQ(words_of(looked_up(Operation::delete_, found({0, 1, 2})), 3), Words(3, "accepted"));
  const json gone = {{"error", "RecordNotFound"}, {"description", "Not found"}};
  EXPECT_EQ(changed(Operation::upsert, json_reply(404, gone)), "skipped");
  EXPECT_EQ(changed(Operation::delete_, json_reply(404, gone)), "accepted");
  EXPECT_NE(changed(Operation::upsert, json_reply(404, json::object())), "skipped")
      << "a page of somebody else's";
}

TEST_F(ZendeskTag, AnAnswerTellsTheTags) {
  EXPECT_EQ(changed(Operation::upsert, json_reply(200, {{"tags", {"vip", "Churn_Risk"}}})),
            "accepted");
  EXPECT_EQ(changed(Operation::upsert, json_reply(200, {{"tags", {"vip"}}})), "unknown");
  EXPECT_EQ(changed(Operation::upsert, json_reply(204, json())), "unknown");
  EXPECT_EQ(changed(Operation::delete_, json_reply(200, {{"tags", {"vip"}}})), "accepted");
  EXPECT_EQ(changed(Operation::delete_, json_reply(200, {{"tags", {"churn_risk"}}})), "unknown");
  EXPECT_EQ(changed(Operation::delete_, json_reply(204, json())), "accepted");
}

TEST_F(ZendeskTag, ARefusalIsOfItsRowAlone) {
  const json invalid = {{"error", "RecordInvalid"}, {"description", "too many tags"}};
  EXPECT_EQ(changed(Operation::upsert, json_reply(422, invalid)), "rejected");
  EXPECT_EQ(changed(Operation::upsert, json_reply(503, json::object())), "unknown");
  const json body = {{"users", json::array()}, {"count", 3}};
  EXPECT_EQ(words_of(looked_up(Operation::upsert, json_reply(200, body)), 3),
            Words(3, "retryable"));
}

TEST_F(ZendeskTag, IsReadAsTheRecordsThatHaveIt) {
  ReadAsk ask;
  ask.kind = ReadAsk::Kind::by_match;
  ask.match = {"k0", "k1", "k2"};
  const Call call = tag_->read(ask, nullptr, nullptr).calls.at(0);
  const wire::Reply with = found({1}, {"churn_risk"});
  const ReadStep there = tag_->read(ask, &call, &with);
  EXPECT_EQ(there.records.size(), 2u);
  EXPECT_EQ(there.absent, Words{"k1"});
  const wire::Reply without = found({}, {"vip"});
  const ReadStep none = tag_->read(ask, &call, &without);
  EXPECT_TRUE(none.records.empty());
  EXPECT_EQ(none.absent.size(), 3u);
  const wire::Reply untold = found({}, nullptr);
  EXPECT_TRUE(tag_->read(ask, &call, &untold).absent.empty()) << "nothing is known";
}

TEST_F(ZendeskTag, NeedsNoFieldOfARecordToBeMade) {
  ReadAsk ask;
  ask.kind = ReadAsk::Kind::describe;
  const Call call = tag_->read(ask, nullptr, nullptr).calls.at(0);
  const wire::Reply fields = json_reply(200, {{"user_fields", json::array()}});
  for (const FieldFact& field : tag_->read(ask, &call, &fields).fields) {
    EXPECT_FALSE(field.required) << field.name;
  }
}

TEST_F(ZendeskTag, TellsWhatItTakes) {
  EXPECT_EQ(tag_->requests_for(Operation::upsert, 250), 250u + 3u);
  EXPECT_EQ(tag_->requests_for(Operation::delete_, 250), 250u);
}

TEST_F(ZendeskTag, RefusesWhatCannotBe) {
  for (const char* name : {"user_tag:", "user_tag:two words", "organization_tag:a,b"}) {
    EXPECT_THROW((void)tag(name), std::invalid_argument) << name;
  }
  EXPECT_EQ(tag("organization_tag:vip")->begin(rows_.batch()).calls.at(0).request.path,
            "/api/v2/organizations/show_many");
  rows_.schema.columns[0].name = "email";
  EXPECT_THROW((void)tag("user_tag:vip"), std::invalid_argument);
  rows_.schema.columns = {{"external_id", Type::text}, {"name", Type::text}};
  rows_.schema.field_count = 2;
  EXPECT_THROW((void)tag("user_tag:vip"), std::invalid_argument);
}

}  // namespace
}  // namespace tailrace
