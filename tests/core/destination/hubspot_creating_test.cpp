// Properties that a run makes at HubSpot: which, of what type, and what the answers mean.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "destination/destination.hpp"
#include "destination/rows.hpp"

namespace tailrace {
namespace {

using nlohmann::json;

Column column_of(const std::string& name, Type type) {
  Column column;
  column.name = name;
  column.type = type;
  return column;
}

class HubSpotCreating : public testing::Test {
 protected:
  FieldFact made(const std::string& name, Type type) {
    return destination_->new_field(column_of(name, type)).value();
  }
  json body_of(const FieldFact& field) {
    const ReadAsk ask{ReadAsk::Kind::make_fields, {}, {field}};
    return json::parse(destination_->read(ask).calls.at(0).request.body);
  }
  ReadStep answered(int status, const std::string& body) {
    const ReadAsk ask{ReadAsk::Kind::make_fields, {}, {made("risk", Type::text)}};
    const Call call = destination_->read(ask).calls.at(0);
    const wire::Reply reply = reply_of(status, body);
    return destination_->read(ask, &call, &reply);
  }
  TestRows rows_;
  std::unique_ptr<Destination> destination_ = hubspot_of(rows_.schema);
};

TEST_F(HubSpotCreating, TheTypeIsTheColumns) {
  EXPECT_EQ(made("a", Type::integer).type, "number");
  EXPECT_EQ(made("a", Type::decimal).type, "number");
  EXPECT_EQ(made("a", Type::floating).type, "number");
  EXPECT_EQ(made("a", Type::boolean).type, "bool");
  EXPECT_EQ(made("a", Type::date).type, "date");
  EXPECT_EQ(made("a", Type::timestamptz).type, "datetime");
  for (const Type type : {Type::text, Type::timestamp, Type::uuid, Type::json, Type::list}) {
    EXPECT_EQ(made("a", type).type, "string");
  }
}

TEST_F(HubSpotCreating, EachPropertyIsARequestOfItsOwn) {
  const ReadAsk ask{ReadAsk::Kind::make_fields,
                    {},
                    {made("churn_risk", Type::decimal), made("renews", Type::date)}};
  const ReadStep step = destination_->read(ask);
  ASSERT_EQ(step.calls.size(), 2u);
  EXPECT_EQ(step.calls[0].request.method, wire::Method::post);
  EXPECT_EQ(step.calls[0].request.path, "/crm/v3/properties/contacts");
  EXPECT_EQ(json::parse(step.calls[0].request.body),
            json::parse(R"({"name":"churn_risk","label":"Churn risk","type":"number",
                "fieldType":"number","groupName":"contactinformation"})"));
  EXPECT_EQ(json::parse(step.calls[1].request.body)["fieldType"], "date");
}

TEST_F(HubSpotCreating, TrueAndFalseIsACheckboxWithBothOptions) {
  const json body = body_of(made("active", Type::boolean));
  EXPECT_EQ(body["type"], "bool");
  EXPECT_EQ(body["fieldType"], "booleancheckbox");
  EXPECT_EQ(body["options"], json::parse(R"([{"value":"true","label":"Yes","hidden":false},
                            {"value":"false","label":"No","hidden":false}])"));
}

TEST_F(HubSpotCreating, ThePropertyThatRecordsAreMatchedByIsKeptUnique) {
  EXPECT_TRUE(body_of(made("email", Type::text)).at("hasUniqueValue").get<bool>());
  EXPECT_FALSE(body_of(made("name", Type::text)).contains("hasUniqueValue"));
  EXPECT_THROW(static_cast<void>(made("email", Type::date)), std::invalid_argument);
}

TEST_F(HubSpotCreating, ANameThatHubSpotTakesForNoneIsRefused) {
  for (const std::string& name :
       {std::string("Risk"), std::string("1st"), std::string("_a"), std::string("a-b"),
        std::string("a.b"), std::string("ä"), std::string(), std::string(101, 'a')}) {
    EXPECT_THROW(static_cast<void>(made(name, Type::text)), std::invalid_argument) << name;
  }
  EXPECT_EQ(made("a" + std::string(99, '9'), Type::text).name.size(), 100u);
}

TEST_F(HubSpotCreating, EachStandardObjectHasAGroupAndOthersHaveNone) {
  for (const auto& [object, group] :
       {std::pair{"companies", "companyinformation"}, std::pair{"0-3", "dealinformation"},
        std::pair{"ticket", "ticketinformation"}}) {
    destination_ = hubspot_of(rows_.schema, object);
    EXPECT_EQ(body_of(made("risk", Type::text))["groupName"], group);
  }
  destination_ = hubspot_of(rows_.schema, "p123_cars");
  EXPECT_FALSE(destination_->new_field(column_of("risk", Type::text)));
  EXPECT_FALSE(destination_->capabilities().answers(ReadAsk::Kind::make_fields));
}

TEST_F(HubSpotCreating, APropertyThatIsThereAlreadyIsAsGood) {
  const std::string taken =
      R"({"status":"error","category":"OBJECT_ALREADY_EXISTS","message":"x"})";
  for (const ReadStep& step : {answered(201, R"({"name":"risk"})"), answered(409, taken)}) {
    EXPECT_FALSE(step.stop);
    ASSERT_EQ(step.fields.size(), 1u);
    EXPECT_EQ(step.fields[0].name, "risk");
  }
}

TEST_F(HubSpotCreating, AMissingRightIsExplained) {
  const ReadStep step = answered(403, R"({"status":"error","category":"MISSING_SCOPES",
      "message":"not granted","errors":[{"message":"x","context":{"requiredGranularScopes":
      ["crm.schemas.contacts.write"]}}]})");
  ASSERT_TRUE(step.stop);
  EXPECT_EQ(step.stop->kind, Stop::Kind::configuration);
  EXPECT_NE(step.stop->message.find("crm.schemas.contacts.write"), std::string::npos);
  EXPECT_NE(step.stop->message.find("make the property by hand"), std::string::npos);
}

TEST_F(HubSpotCreating, AnythingElseStopsTheRun) {
  for (const int status : {400, 404, 409, 500}) {
    EXPECT_TRUE(answered(status, "<html>a proxy's page</html>").stop) << status;
  }
  EXPECT_TRUE(
      answered(400, R"({"status":"error","category":"PROPERTY_LIMIT","message":"full"})").stop);
}

}  // namespace
}  // namespace tailrace
