#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "destination/destination.hpp"
#include "destination/nonsense.hpp"
#include "destination/rows.hpp"

namespace tailrace {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;

constexpr std::string_view kColumn = "associate:organizations";

/// Users who name an organization each.
class Members {
 public:
  explicit Members(const Words& organizations, const std::string& by = "external_id",
                   const std::string& match = "external_id") {
    Column column{std::string(kColumn), Type::text};
    column.link = Link{"organizations", by};
    rows.schema.columns[0].name = match;
    rows.schema.columns.insert(rows.schema.columns.begin() + 5, column);
    rows.schema.field_count = 6;
    rows.schema.key = {6};
    for (std::size_t i = 0; i < organizations.size(); ++i) {
      const std::string n = std::to_string(i);
      rows.add("a" + n, "u" + n,
               "u" + n + "\t1\tt\tx\t2024-01-01 00:00:00+00\t" + organizations[i] + "\ta" + n);
    }
    users = zendesk_of(rows.schema);
  }

  Step begin(Operation operation = Operation::upsert) {
    return users->begin(rows.batch(operation));
  }
  Step after(const wire::Reply& reply, Operation operation = Operation::upsert) {
    const Batch batch = rows.batch(operation);
    const Step first = users->begin(batch);
    return users->reply(batch, first.memo, first.calls.at(0), reply);
  }
  static json sent(const Step& step) {
    return json::parse(step.calls.at(0).request.body).at("users");
  }

  TestRows rows;
  std::unique_ptr<Destination> users;
};

wire::Reply organizations(const std::vector<std::pair<int, std::string>>& held) {
  json list = json::array();
  for (const auto& [id, external] : held) list.push_back({{"id", id}, {"external_id", external}});
  return json_reply(200, {{"organizations", list}, {"count", held.size()}});
}

TEST(ZendeskMembership, OrganizationsAreLookedUpOnceEach) {
  Members members({"acme", "ACME", "bolt", "\\N"});
  const Step step = members.begin();
  ASSERT_EQ(step.calls.size(), 1u);
  EXPECT_EQ(step.calls[0].effect, Effect::none);
  EXPECT_EQ(step.calls[0].request.path, "/api/v2/organizations/show_many");
  EXPECT_EQ(step.calls[0].request.query, "external_ids=acme,bolt");
  EXPECT_TRUE(step.verdicts.empty());
}

TEST(ZendeskMembership, TheirIdsGoWithTheUsers) {
  Members members({"acme", "\\N", "Bolt"});
  const Step step = members.after(organizations({{71, "Acme"}, {72, "bolt"}}));
  EXPECT_EQ(step.calls.at(0).request.path, "/api/v2/users/create_or_update_many");
  const json users = Members::sent(step);
  ASSERT_EQ(users.size(), 3u);
  EXPECT_EQ(users[0].at("organization_id"), 71);
  EXPECT_FALSE(users[1].contains("organization_id")) << "NULL leaves what is there";
  EXPECT_EQ(users[2].at("organization_id"), 72);
  EXPECT_FALSE(users[0].contains(kColumn));
}

TEST(ZendeskMembership, ABatchThatNamesNoneIsNotLookedUp) {
  Members members({"\\N", " "});
  EXPECT_EQ(members.begin().calls.at(0).request.path, "/api/v2/users/create_or_update_many");
  Members removed({"acme"});
  EXPECT_EQ(removed.begin(Operation::delete_).calls.at(0).request.path, "/api/v2/users/show_many");
}

TEST(ZendeskMembership, AUserWhoseOrganizationIsNotThereIsNotWrittenAndGoesAgain) {
  Members members({"acme", "nobody"});
  const Step step = members.after(organizations({{71, "acme"}}));
  EXPECT_EQ(words_of(step, 2), (Words{"open", "rejected"}));
  EXPECT_EQ(step.verdicts.at(0).reason.code, "parent_missing");
  EXPECT_TRUE(step.verdicts[0].reason.transient);
  EXPECT_NE(step.verdicts[0].reason.message.find("external_id 'nobody'"), std::string::npos);
  EXPECT_EQ(Members::sent(step).size(), 1u);
  EXPECT_NE(step.memo.find('0'), std::string::npos) << "the job is of the first row alone";
}

TEST(ZendeskMembership, NoneIsThereAndNothingIsSent) {
  Members members({"nobody", "nowhere"});
  const Step step = members.after(organizations({}));
  EXPECT_EQ(words_of(step, 2), Words(2, "rejected"));
  EXPECT_TRUE(step.calls.empty());
}

TEST(ZendeskMembership, UpdatesAskForTheUsersBehindTheOrganizations) {
  Members members({"nobody", "acme", "\\N"});
  const Batch batch = members.rows.batch(Operation::update);
  const Step asked = members.users->begin(batch);
  const Step users =
      members.users->reply(batch, {}, asked.calls.at(0), organizations({{71, "acme"}}));
  EXPECT_EQ(words_of(users, 3), (Words{"rejected", "open", "open"}));
  EXPECT_EQ(users.calls.at(0).request.query, "external_ids=u1,u2");
  const json known = {{"users", {{{"id", 901}, {"external_id", "u1"}}}}, {"count", 1}};
  const Step step = members.users->reply(batch, {}, users.calls[0], json_reply(200, known));
  EXPECT_EQ(words_of(step, 3), (Words{"open", "open", "skipped"}));
  EXPECT_EQ(Members::sent(step).size(), 1u);
  EXPECT_EQ(Members::sent(step).at(0).at("organization_id"), 71);
  EXPECT_EQ(Members::sent(step).at(0).at("id"), 901);
}

TEST(ZendeskMembership, AnIdIsLookedUpToo) {
  Members members({"71", "x7", "72"}, "id");
  const Step step = members.begin();
  EXPECT_EQ(step.calls.at(0).request.query, "ids=71,72");
  EXPECT_EQ(words_of(step, 3), (Words{"open", "rejected", "open"}));
  EXPECT_EQ(step.verdicts.at(0).reason.code, "parent_unnameable");
}

TEST(ZendeskMembership, AValueWithACommaCannotBeLookedUp) {
  Members members({"a,b", "acme"});
  const Step step = members.begin();
  EXPECT_EQ(words_of(step, 2), (Words{"rejected", "open"}));
  Members alone({"a,b", "\\N"});
  EXPECT_EQ(words_of(alone.begin(), 2), (Words{"rejected", "regrouped"}));
}

TEST(ZendeskMembership, NamesThatDoNotFitIntoOneQuestionGoInAnother) {
  Words names;
  for (char c = 'a'; c < 'i'; ++c) names.emplace_back(1'500, c);
  Members members(names);
  const Words words = words_of(members.begin(), names.size());
  EXPECT_EQ(words, (Words{"open", "open", "open", "regrouped", "regrouped", "regrouped",
                          "regrouped", "regrouped"}));
}

TEST(ZendeskMembership, AnOrganizationThatIsThereTwiceIsAmbiguous) {
  Members members({"acme"});
  const Step step = members.after(organizations({{71, "acme"}, {72, "ACME"}}));
  EXPECT_EQ(step.verdicts.at(0).reason.code, "parent_ambiguous");
}

TEST(ZendeskMembership, NonsenseIsNoEvidenceOfAnOrganization) {
  Members members({"acme", "bolt"});
  for (const Nonsense& one : nonsense()) {
    SCOPED_TRACE(one.name);
    const Step step = members.after(one.reply);
    for (const std::string& word : words_of(step, 2)) {
      EXPECT_TRUE(word != "accepted" && word != "unknown");
    }
    const bool is_empty_list = one.reply.status == 200 && !step.calls.empty();
    EXPECT_FALSE(is_empty_list) << "nobody is written on the strength of it";
  }
}

TEST(ZendeskMembership, TwoRequestsForEachHundredUsersAtMost) {
  Members members({"acme"});
  EXPECT_EQ(members.users->requests_for(Operation::upsert, 250), 6u);
}

TEST(ZendeskMembership, NoBodyIsLongerThanItsRowsBounds) {
  Members members(Words(100, "acme"));
  const Batch batch = members.rows.batch();
  std::size_t bound = 16;
  for (const BatchRow& row : batch.rows) bound += members.users->row_bytes(row);
  wire::Reply found = json_reply(
      200, {{"organizations", {{{"id", 12345678901234567ULL}, {"external_id", "acme"}}}}});
  EXPECT_LE(members.after(found).calls.at(0).request.body.size(), bound);
}

TEST(ZendeskMembership, OthersHaveNone) {
  Members members({"acme"});
  EXPECT_THROW(static_cast<void>(zendesk_of(members.rows.schema, "organizations")),
               std::invalid_argument);
  Schema schema = members.rows.schema;
  schema.columns[5].link->by = "name";
  EXPECT_THROW(static_cast<void>(zendesk_of(schema)), std::invalid_argument);
  schema.columns[5].link = Link{"groups", "id"};
  EXPECT_THROW(static_cast<void>(zendesk_of(schema)), std::invalid_argument);
}

}  // namespace
}  // namespace tailrace
