// Every destination is fed nonsense at each of its steps.
#include "destination/nonsense.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "destination/rows.hpp"

namespace tailrace {
namespace {

/// A destination brought to a point where it waits for an answer.
struct Waiting {
  std::string name;
  std::function<std::unique_ptr<Destination>(const Schema&)> make;
  Operation operation = Operation::upsert;
  /// A good answer to the first call, where the point is behind it.
  std::function<wire::Reply()> before = {};
  bool status_speaks = false;  // no results are declared: a plausible success is evidence
  bool empty_is_done = false;  // 204 is this request's own success
};

wire::Reply found_all() {
  nlohmann::json results = nlohmann::json::array();
  for (int i = 0; i < 3; ++i) {
    const std::string n = std::to_string(i);
    results.push_back({{"id", "90" + n}, {"properties", {{"email", "user" + n + "@example.com"}}}});
  }
  return json_reply(200, {{"status", "COMPLETE"}, {"results", results}});
}

/// Records whose last field names a record of another object.
Schema linked(Schema schema, const char* to, const char* by) {
  schema.columns[schema.field_count - 1].link = Link{to, by};
  return schema;
}

std::unique_ptr<Destination> contacts_of_companies(const Schema& schema) {
  return hubspot_of(linked(schema, "companies", "key"));
}

std::unique_ptr<Destination> members_of_organizations(Schema schema) {
  schema.columns[schema.match].name = "external_id";
  return zendesk_of(linked(std::move(schema), "organizations", "external_id"));
}

constexpr const char* kNamed = "2024-01-01T00:00:00.5Z";  // by each of the rows

wire::Reply named_company() {
  const nlohmann::json company = {{"id", "7"}, {"properties", {{"key", kNamed}}}};
  return json_reply(200, {{"status", "COMPLETE"}, {"results", {company}}});
}

wire::Reply named_organization() {
  const nlohmann::json organization = {{"id", 7}, {"external_id", kNamed}};
  return json_reply(200, {{"organizations", {organization}}, {"count", 1}});
}

/// An object of Zendesk's, whose records are matched by external_id.
std::function<std::unique_ptr<Destination>(const Schema&)> zendesk_by_id(const char* object) {
  return [object](Schema schema) {
    schema.columns[schema.match].name = "external_id";
    return zendesk_of(schema, object);
  };
}

wire::Reply none_found(const char* object) {
  return json_reply(200, {{object, nlohmann::json::array()}, {"count", 0}});
}

wire::Reply all_found(const char* object) {
  nlohmann::json records = nlohmann::json::array();
  for (int i = 0; i < 3; ++i) {
    const std::string match = "user" + std::to_string(i) + "@example.com";
    records.push_back({{"id", 900 + i}, {"external_id", match}});
  }
  return json_reply(200, {{object, records}, {"count", 3}});
}

wire::Reply all_in_org() {
  nlohmann::json records = nlohmann::json::array();
  for (int i = 0; i < 3; ++i) {
    const std::string match = "user" + std::to_string(i) + "@example.com";
    records.push_back({{"Id", "00300000000000" + std::to_string(i)}, {"email", match}});
  }
  return json_reply(200, {{"done", true}, {"totalSize", 3}, {"records", records}});
}

/// Profiles, or a list's members, matched by external_id.
std::function<std::unique_ptr<Destination>(const Schema&)> klaviyo_by_id(const char* object) {
  return [object](Schema schema) {
    for (Column& column : schema.columns) column.name.insert(0, "properties.");
    schema.columns[schema.match].name = "external_id";
    return klaviyo_of(schema, object);
  };
}

wire::Reply all_profiles() {
  nlohmann::json profiles = nlohmann::json::array();
  for (int i = 0; i < 3; ++i) {
    const std::string n = std::to_string(i);
    profiles.push_back(
        {{"id", "01P" + n}, {"attributes", {{"external_id", "user" + n + "@example.com"}}}});
  }
  return json_reply(200, {{"data", profiles}, {"links", {{"next", nullptr}}}});
}

/// Members by email_address, whatever else there is below their merge fields.
std::unique_ptr<Destination> mailchimp(Schema schema) {
  for (Column& column : schema.columns) column.name.insert(0, "merge_fields.");
  schema.columns[schema.match].name = "email_address";
  return mailchimp_of(schema);
}

wire::Reply all_leads() {
  nlohmann::json leads = nlohmann::json::array();
  for (int i = 0; i < 3; ++i) {
    leads.push_back({{"id", 900 + i}, {"email", "user" + std::to_string(i) + "@example.com"}});
  }
  return json_reply(200, {{"success", true}, {"result", leads}});
}

/// Members of a static list have no other field than the match field.
std::unique_ptr<Destination> members_of_list(Schema schema) {
  schema.field_count = 1;
  return marketo_of(schema, "list:1001");
}

std::vector<Waiting> waiting_points() {
  using nlohmann::json;
  const auto marketo = [](const Schema& schema) { return marketo_of(schema); };
  const auto marketo_file = [](const Schema& schema) {
    return marketo_of(schema, "leads", {{"api", "bulk"}});
  };
  const auto salesforce = [](const Schema& schema) { return salesforce_of(schema, "Contact"); };
  const auto salesforce_job = [](const Schema& schema) {
    return salesforce_of(schema, "Contact", {{"api", "bulk"}});
  };
  const auto postgres = [](const Schema& schema) { return postgres_of(schema); };
  const auto hubspot = [](const Schema& schema) { return hubspot_of(schema); };
  const auto hubspot_list = [](const Schema& schema) { return hubspot_list_of(schema); };
  const json names = {{"form", "names"}, {"lists", {"invalid", "failed"}}, {"count", "done"}};
  const json by_id = {
      {"method", "PUT"},
      {"path", "/c/{id}"},
      {"body", "object"},
      {"insert", {{"path", "/c"}}},
      {"delete", {{"path", "/c/{id}"}}},
      {"find",
       {{"path", "/f"}, {"body", {{"in", "$matches"}}}, {"batch_rows", 10}, {"results", "data"}}}};
  const auto found_at_api = [] {
    json records = json::array();
    for (int i = 0; i < 3; ++i) {
      const std::string match = "user" + std::to_string(i) + "@example.com";
      records.push_back({{"id", std::to_string(i)}, {"email", match}});
    }
    return json_reply(200, {{"data", records}});
  };
  const auto rest = [](nlohmann::json object) {
    return [object](const Schema& schema) { return rest_of(schema, object); };
  };
  const nlohmann::json errors = {{"path", "errors"}, {"key", "key"}, {"status", "status"}};
  const nlohmann::json list = {
      {"form", "list"}, {"path", "results"}, {"key", "email"}, {"status", "status"}};
  const nlohmann::json in_order = {{"form", "list"}, {"path", ""}, {"status", "status"}};
  nlohmann::json optional = errors;
  optional["count"] = "accepted";
  return {
      {"hubspot upsert", hubspot, Operation::upsert, {}},
      {"hubspot update", hubspot, Operation::update, {}},
      {"hubspot insert", hubspot, Operation::insert, {}},
      {"hubspot clear", hubspot, Operation::clear, {}},
      {"hubspot lookup", hubspot, Operation::delete_, {}},
      {"hubspot archive", hubspot, Operation::archive, found_all, false, true},
      {"hubspot member", hubspot_list, Operation::upsert},
      {"hubspot put on", hubspot_list, Operation::upsert, found_all},
      {"hubspot take off", hubspot_list, Operation::delete_, found_all},
      {"hubspot parents", contacts_of_companies, Operation::upsert},
      {"hubspot linked write", contacts_of_companies, Operation::upsert, named_company},
      {"zendesk organizations", members_of_organizations, Operation::upsert},
      {"zendesk membership", members_of_organizations, Operation::upsert, named_organization},
      {"zendesk upsert", zendesk_by_id("users"), Operation::upsert},
      {"zendesk insert", zendesk_by_id("users"), Operation::insert},
      {"zendesk lookup", zendesk_by_id("organizations"), Operation::upsert},
      {"zendesk create", zendesk_by_id("organizations"), Operation::upsert,
       [] { return none_found("organizations"); }},
      {"zendesk update", zendesk_by_id("users"), Operation::update,
       [] { return all_found("users"); }},
      {"zendesk destroy", zendesk_by_id("users"), Operation::delete_,
       [] { return all_found("users"); }},
      {"zendesk ticket", zendesk_by_id("tickets"), Operation::insert},
      {"klaviyo import", klaviyo_by_id("profiles"), Operation::upsert},
      {"klaviyo insert", klaviyo_by_id("profiles"), Operation::insert},
      {"klaviyo lookup", klaviyo_by_id("profiles"), Operation::update},
      {"klaviyo update", klaviyo_by_id("profiles"), Operation::update, all_profiles},
      {"klaviyo clear", klaviyo_by_id("profiles"), Operation::clear, all_profiles},
      {"klaviyo delete", klaviyo_by_id("profiles"), Operation::delete_, all_profiles, true},
      {"klaviyo event", klaviyo_by_id("event:Scored"), Operation::insert, {}, true},
      {"klaviyo take off", klaviyo_by_id("list:L1"), Operation::delete_, all_profiles, false, true},
      {"mailchimp many", mailchimp, Operation::upsert},
      {"mailchimp insert", mailchimp, Operation::insert},
      {"mailchimp update", mailchimp, Operation::update},
      {"mailchimp clear", mailchimp, Operation::clear},
      {"mailchimp archive", mailchimp, Operation::archive, {}, false, true},
      {"postgres upsert", postgres, Operation::upsert},
      {"postgres insert", postgres, Operation::insert},
      {"postgres delete", postgres, Operation::delete_},
      {"postgres clear", postgres, Operation::clear},
      {"salesforce open", salesforce_job, Operation::upsert},
      {"salesforce upload", salesforce_job, Operation::upsert,
       [] { return json_reply(200, {{"id", "750000000000001AAA"}}); }},
      {"salesforce upsert", salesforce, Operation::upsert},
      {"salesforce insert", salesforce, Operation::insert},
      {"salesforce lookup", salesforce, Operation::update},
      {"salesforce update", salesforce, Operation::update, all_in_org},
      {"salesforce clear", salesforce, Operation::clear, all_in_org},
      {"salesforce delete", salesforce, Operation::delete_, all_in_org},
      {"marketo upsert", marketo, Operation::upsert},
      {"marketo update", marketo, Operation::update},
      {"marketo insert", marketo, Operation::insert},
      {"marketo clear", marketo, Operation::clear},
      {"marketo lookup", marketo, Operation::delete_},
      {"marketo delete", marketo, Operation::delete_, all_leads},
      {"marketo import", marketo_file, Operation::upsert},
      {"marketo member", members_of_list, Operation::upsert},
      {"marketo add", members_of_list, Operation::upsert, all_leads},
      {"marketo take off", members_of_list, Operation::delete_, all_leads},
      {"rest errors", rest({{"path", "/a"}, {"batch_rows", 10}, {"results", errors}})},
      {"rest count", rest({{"path", "/a"}, {"batch_rows", 10}, {"results", optional}})},
      {"rest list", rest({{"path", "/a"}, {"batch_rows", 10}, {"results", list}})},
      {"rest in order", rest({{"path", "/a"}, {"batch_rows", 10}, {"results", in_order}})},
      {"rest status, batch",
       rest({{"path", "/a"}, {"batch_rows", 10}}),
       Operation::upsert,
       {},
       true},
      {"rest status, one row",
       rest({{"path", "/a/{key}"}, {"method", "PUT"}, {"body", "object"}}),
       Operation::upsert,
       {},
       true},
      {"rest update", rest({{"update", {{"path", "/a/{key}"}}}}), Operation::update, {}, true},
      {"rest update in batches",
       rest({{"path", "/a"}, {"batch_rows", 10}, {"results", list}, {"update", json::object()}}),
       Operation::update},
      {"rest insert", rest({{"insert", {{"path", "/a"}}}}), Operation::insert, {}, true},
      {"rest insert in batches",
       rest({{"path", "/a"}, {"batch_rows", 10}, {"results", errors}, {"insert", json::object()}}),
       Operation::insert},
      {"rest clear", rest({{"clear", {{"path", "/a/{match}"}}}}), Operation::clear, {}, true},
      {"rest archive",
       rest({{"archive", {{"path", "/a/{match}"}, {"body", {{"archived", true}}}}}}),
       Operation::archive,
       {},
       true},
      {"rest json", rest({{"path", "/a"}, {"answer", "json"}}), Operation::upsert, {}, true},
      {"rest names", rest({{"path", "/a"}, {"batch_rows", 10}, {"results", names}})},
      {"rest marked", rest({{"path", "/a"}, {"success", {{"path", "ok"}}}})},
      {"rest delete of many",
       rest({{"delete",
              {{"path", "/d"},
               {"body", {{"ids", "$rows"}}},
               {"batch_rows", 10},
               {"results", errors}}}}),
       Operation::delete_},
      {"rest find", rest(by_id)},
      {"rest write of what was found", rest(by_id), Operation::upsert, found_at_api, true},
      {"rest create of what was not", rest(by_id), Operation::upsert,
       [] { return json_reply(200, {{"data", json::array()}}); }, true},
      {"rest delete of what was found", rest(by_id), Operation::delete_, found_at_api, true},
      {"rest delete",
       rest({{"path", "/a"}, {"delete", {{"path", "/a/{key}"}}}}),
       Operation::delete_,
       {},
       true},
  };
}

/// A record that is gone is what a removal or a clear wants: JSON or nothing with a 404 says so.
bool says_gone(const Waiting& point, const wire::Reply& reply) {
  const bool removal = point.operation == Operation::delete_ ||
                       point.operation == Operation::archive || point.operation == Operation::clear;
  const bool page = reply.header("content-type") == "text/html";
  return removal && point.status_speaks && !page && (reply.status == 404 || reply.status == 410);
}

class FedNonsense : public testing::TestWithParam<Waiting> {};

TEST_P(FedNonsense, AcceptsNothingWithoutEvidenceAndNamesNoRowTwice) {
  const Waiting& point = GetParam();
  const std::vector<Nonsense> all = nonsense();
  ASSERT_GE(all.size(), 40u);
  TestRows rows(3);
  const auto destination = point.make(rows.schema);
  const Batch batch = rows.batch(point.operation);
  Step step = destination->begin(batch);
  Memo memo;
  if (point.before) {
    ASSERT_EQ(step.calls.size(), 1u);
    const Call first = step.calls.front();
    step = destination->reply(batch, memo, first, point.before());
    memo = step.memo;
  }
  ASSERT_FALSE(step.calls.empty());
  for (const Call& call : step.calls) {
    for (const Nonsense& one : all) {
      SCOPED_TRACE(one.name);
      const Step after = destination->reply(batch, memo, call, one.reply);
      const std::vector<std::string> words = words_of(after, batch.rows.size());
      const bool is_success = (point.status_speaks && one.could_be_success) ||
                              says_gone(point, one.reply) ||
                              (point.empty_is_done && one.reply.status == 204);
      for (const std::string& word : words) {
        EXPECT_TRUE(is_success || word != "accepted");
      }
      for (const Verdict& verdict : after.verdicts) {
        EXPECT_LE(verdict.reason.message.size(), 4096u);
        EXPECT_LE(verdict.reason.code.size(), 4096u);
      }
      EXPECT_LE(after.memo.size(), 4096u);
      EXPECT_GE(after.pause.count(), 0);
      EXPECT_EQ(after.reauthenticate, after.reauthenticate && one.reply.status == 401);
      EXPECT_TRUE(!after.stop || !after.stop->message.empty());
    }
  }
}

TEST_P(FedNonsense, AnOutageOfTheGatewayNeverStopsOrRejects) {
  const Waiting& point = GetParam();
  TestRows rows(3);
  const auto destination = point.make(rows.schema);
  const Batch batch = rows.batch(point.operation);
  const Step step = destination->begin(batch);
  ASSERT_FALSE(step.calls.empty());
  const bool asks = step.calls.front().effect == Effect::none;
  for (const int status : {500, 502, 503, 504, 524}) {
    const Step after =
        destination->reply(batch, {}, step.calls.front(), reply_of(status, "<html>"));
    EXPECT_FALSE(after.stop) << status;
    ASSERT_FALSE(after.verdicts.empty());
    for (const Verdict& verdict : after.verdicts) {
      EXPECT_EQ(verdict.outcome, asks ? Outcome::retryable : Outcome::unknown) << status;
    }
  }
}

TEST_P(FedNonsense, EveryRowOfAnInterruptedBatchIsUnknown) {
  const Waiting& point = GetParam();
  TestRows rows(3);
  const auto destination = point.make(rows.schema);
  const Batch batch = rows.batch(point.operation);
  EXPECT_EQ(words_of(destination->resume(batch, "whatever memo"), 3),
            (std::vector<std::string>(3, "unknown")));
}

INSTANTIATE_TEST_SUITE_P(EveryDestination, FedNonsense, testing::ValuesIn(waiting_points()),
                         [](const testing::TestParamInfo<Waiting>& point) {
                           std::string name = point.param.name;
                           for (char& c : name) {
                             if (c == ' ' || c == ',') c = '_';
                           }
                           return name;
                         });

}  // namespace
}  // namespace tailrace
