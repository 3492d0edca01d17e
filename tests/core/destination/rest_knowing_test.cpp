// What a declared API says of an object's fields, and of whose the login is.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <tuple>

#include "destination/destination.hpp"
#include "destination/kinds.hpp"
#include "destination/nonsense.hpp"
#include "destination/rows.hpp"

namespace tailrace {
namespace {

using nlohmann::json;

const ReadAsk kFields{ReadAsk::Kind::describe, {}};
const ReadAsk kOwner{ReadAsk::Kind::account, {}};

class RestKnowing : public testing::Test {
 protected:
  void declare(const json& describe, const json& owner = nullptr) {
    const json connection{{"type", "rest"}, {"base_url", "https://a.test"}, {"owner", owner}};
    const json object{{"name", "people"}, {"path", "/a"}, {"describe", describe}};
    destination_ = make_rest(connection, object, rows_.schema);
  }
  ReadStep ask(const ReadAsk& question, const wire::Reply& reply) {
    const Call asked = destination_->read(question).calls.at(0);
    return destination_->read(question, &asked, &reply);
  }
  std::string refusal(const json& describe, const json& owner = nullptr) {
    try {
      declare(describe, owner);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return {};
  }

  TestRows rows_;
  std::unique_ptr<Destination> destination_;
};

TEST_F(RestKnowing, FieldsAreListedWithWhatTheyTake) {
  declare({{"path", "/fields?of=people"},
           {"results", "data"},
           {"name", "full_name"},
           {"type", "kind"},
           {"writable", "can.write"},
           {"options", "values"},
           {"takes", {{"int", "whole_number"}, {"bool", "yes_or_no"}}},
           {"standard", {"email", "own"}}});
  EXPECT_EQ(destination_->capabilities().reads, std::vector{ReadAsk::Kind::describe});
  EXPECT_EQ(destination_->read(kFields).calls.at(0).request.query, "of=people");
  const ReadStep step = ask(kFields, reply_of(200, R"({"data":[
      {"full_name":"own.age","kind":"int"},
      {"full_name":"email","kind":"text","can":{"write":false}},
      {"full_name":"own.tier","kind":"text","values":["low","high"],"can":{"write":true}},
      {"full_name":"own.odd","kind":"text","values":[{"value":"x"}]},
      {"full_name":"seen","kind":"bool","can":{"write":false}}]})"));
  ASSERT_EQ(step.fields.size(), 6u);
  const auto& [email, own, age, tier, odd, seen] =
      std::tie(step.fields[0], step.fields[1], step.fields[2], step.fields[3], step.fields[4],
               step.fields[5]);
  EXPECT_EQ(email.name, "email");
  EXPECT_TRUE(email.writable && email.unique) << "declared to be there, and the match field";
  EXPECT_FALSE(own.unique);
  EXPECT_EQ(age.takes, Takes::whole_number);
  EXPECT_EQ(age.type, "int");
  EXPECT_EQ(tier.takes, Takes::one_of);
  EXPECT_EQ(tier.options, (std::vector<std::string>{"low", "high"}));
  EXPECT_EQ(odd.takes, Takes::anything);
  EXPECT_FALSE(seen.writable);
  EXPECT_EQ(seen.takes, Takes::yes_or_no);
  for (const char* body : {"{}", R"({"data":7})", R"({"data":[7]})", R"({"data":[{}]})", "["}) {
    EXPECT_TRUE(ask(kFields, reply_of(200, body)).stop) << body;
  }
}

TEST_F(RestKnowing, TypesMayStandUnderTheNamesOfFields) {
  declare({{"path", "/fields"}, {"results", "fields"}, {"takes", {{"long", "whole_number"}}}});
  const ReadStep step =
      ask(kFields, reply_of(200, R"({"fields":{"age":"long","place":{"type":"geo"}}})"));
  ASSERT_EQ(step.fields.size(), 2u);
  EXPECT_EQ(step.fields[0].name, "age");
  EXPECT_EQ(step.fields[0].takes, Takes::whole_number);
  EXPECT_EQ(step.fields[1].type, "geo");
  EXPECT_FALSE(destination_->new_field(rows_.schema.columns[0]));
}

TEST_F(RestKnowing, AFieldThatIsMadeByWritingItNeedsNoRequest) {
  declare({{"path", "/fields"}, {"makes", true}});
  EXPECT_TRUE(destination_->capabilities().answers(ReadAsk::Kind::make_fields));
  const std::optional<FieldFact> made = destination_->new_field(rows_.schema.columns[1]);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->name, "score");
  const ReadStep step = destination_->read({ReadAsk::Kind::make_fields, {}, {*made}});
  EXPECT_TRUE(step.calls.empty() && !step.stop);
}

TEST_F(RestKnowing, TheOwnerIsNamedByTheAnswer) {
  declare(nullptr, {{"path", "/me"}, {"id", "app.id"}});
  EXPECT_EQ(destination_->capabilities().reads, std::vector{ReadAsk::Kind::account});
  EXPECT_EQ(destination_->read(kOwner).calls.at(0).request.path, "/me");
  EXPECT_EQ(ask(kOwner, reply_of(200, R"({"app":{"id":7}})")).account, "7");
  EXPECT_EQ(ask(kOwner, reply_of(200, R"({"app":{}})")).stop->kind, Stop::Kind::quota);
  EXPECT_EQ(ask(kOwner, reply_of(403, "{}")).stop->kind, Stop::Kind::configuration);
  for (const Nonsense& one : nonsense()) {
    EXPECT_TRUE(ask(kOwner, one.reply).account.empty()) << one.name;
    EXPECT_TRUE(ask(kOwner, one.reply).stop) << one.name;
  }
}

TEST_F(RestKnowing, WhatIsWrongIsNamed) {
  const json path{{"path", "/f"}};
  const auto with = [&path](const char* key, const json& value) {
    json all = path;
    all[key] = value;
    return all;
  };
  EXPECT_NE(refusal(json::object()).find("describe: path"), std::string::npos);
  EXPECT_NE(refusal(with("path", "/f/{match}")).find("no placeholder"), std::string::npos);
  EXPECT_NE(refusal(with("takes", {{"int", "numbers"}})).find("takes: int"), std::string::npos);
  EXPECT_NE(refusal(with("takes", "number")).find("describe: takes"), std::string::npos);
  EXPECT_NE(refusal(with("standard", "email")).find("describe: standard"), std::string::npos);
  EXPECT_NE(refusal(with("makes", 1)).find("describe: makes"), std::string::npos);
  EXPECT_NE(refusal(with("naem", "x")).find("'naem'"), std::string::npos);
  EXPECT_NE(refusal(nullptr, path).find("owner: id"), std::string::npos);
  EXPECT_NE(refusal(nullptr, {{"path", "me"}, {"id", "x"}}).find("owner: path"), std::string::npos);
}

}  // namespace
}  // namespace tailrace
