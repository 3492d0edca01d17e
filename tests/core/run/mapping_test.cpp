// A mapping against the fields of its destination: the rules, and when a run asks for the fields.
#include "run/mapping.hpp"

#include <gtest/gtest.h>

#include "destination/settle.hpp"
#include "virtual_world.hpp"

namespace tailrace {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::Answered;
using testing::VirtualWorld;
using Time = VirtualWorld::Time;

FieldFact plain_field(const std::string& name, bool unique = false) {
  FieldFact fact;
  fact.name = name;
  fact.unique = unique;
  return fact;
}

/// What is said of a mapping of `id` (the match field) and `v`.
std::vector<std::string> told_of(const std::vector<FieldFact>& known,
                                 const std::string& second = "v", const MappingRules& rules = {}) {
  Schema schema;
  schema.columns = {{"id", Type::text}, {second, Type::text}};
  schema.field_count = 2;
  std::vector<std::string> messages;
  for (const MappingFlaw& one : mapping_flaws(schema, "rows", known, rules)) {
    messages.push_back(one.key + ": " + one.message);
  }
  return messages;
}

using Words = std::vector<std::string>;

TEST(Mapping, OneOfFieldsThatAreThereHasNoFlaw) {
  EXPECT_EQ(told_of({plain_field("id", true), plain_field("v")}), Words());
  EXPECT_EQ(told_of({plain_field("id", true), plain_field("Owner.*")}, "Owner.Email"), Words());
}

TEST(Mapping, AFieldThatIsNotThereIsToldWithTheNearestName) {
  EXPECT_EQ(told_of({plain_field("id", true), plain_field("Churn__c")}, "churn_c"),
            Words{"fields: rows has no field 'churn_c'; did you mean 'Churn__c'?"});
  EXPECT_EQ(told_of({plain_field("id", true), plain_field("name")}, "segment"),
            Words{"fields: rows has no field 'segment'; there are: id, name"});
}

TEST(Mapping, ALinkIsNoField) {
  Schema schema;
  schema.columns = {{"id", Type::text}, {"associate:companies", Type::text}};
  schema.columns[1].link = Link{"companies", "domain"};
  schema.field_count = 2;
  EXPECT_TRUE(mapping_flaws(schema, "rows", {plain_field("id", true)}, {}).empty());
}

TEST(Mapping, AFieldThatTheRunMakesIsNoFlaw) {
  const std::vector<FieldFact> known{plain_field("id", true)};
  EXPECT_EQ(told_of(known, "idd", {.offers_making = true}),
            Words{"fields: rows has no field 'idd'; did you mean 'id'?; with `create_fields: true` "
                  "the run makes it"});
  EXPECT_EQ(told_of(known, "idd", {.makes_fields = true, .offers_making = true}), Words());
}

TEST(Mapping, FieldsThatCannotServeAreTold) {
  FieldFact read_only = plain_field("v");
  read_only.writable = false;
  EXPECT_EQ(told_of({plain_field("id"), read_only}),
            (Words{"fields: rows.v cannot be written",
                   "match: rows.id is not unique, so that it identifies no record"}));
}

TEST(Mapping, AnAppendedRecordIsNotFoundAndItsMatchNeedNotBeUnique) {
  EXPECT_EQ(told_of({plain_field("id"), plain_field("v")}, "v", {.finds_records = false}), Words());
}

TEST(Mapping, WhatARecordNeedsCountsWhereRecordsAreMade) {
  FieldFact needed = plain_field("name");
  needed.required = true;
  const std::vector<FieldFact> known{plain_field("id", true), plain_field("v"), needed};
  EXPECT_EQ(told_of(known), Words{"fields: rows requires the field 'name'"});
  EXPECT_EQ(told_of(known, "v", {.makes_records = false}), Words());
}

/// Takes every row, and says which fields it has.
class Describing final : public Destination {
 public:
  Describing(std::vector<FieldFact> fields, bool tells) : fields_(std::move(fields)) {
    can_.operations = {Operation::upsert, Operation::delete_};
    can_.max_rows = 100;
    if (tells) can_.reads = {ReadAsk::Kind::describe};
  }
  const Capabilities& capabilities() const override { return can_; }
  bool identity_into(std::string_view match, std::string& out) const override {
    out.assign(match);
    return true;
  }
  std::size_t row_bytes(const BatchRow& row) const override { return row.line.size(); }
  Step begin(const Batch&) const override {
    Step step;
    step.calls.push_back(call("/rows"));
    return step;
  }
  Step reply(const Batch& batch, const Memo&, const Call&, const wire::Reply&) const override {
    Step step;
    give_all(step, all_rows(batch), Outcome::accepted, {});
    return step;
  }
  ReadStep read(const ReadAsk&, const Call* asked, const wire::Reply* reply) const override {
    ReadStep step;
    if (asked == nullptr) {
      step.calls.push_back(call("/fields"));
    } else if (reply->status != 200) {
      step.stop = Stop{Stop::Kind::configuration, "no right to look", std::nullopt};
    } else {
      step.fields = fields_;
    }
    return step;
  }

 private:
  static Call call(const std::string& path) {
    Call call;
    call.request.path = path;
    return call;
  }
  std::vector<FieldFact> fields_;
  Capabilities can_;
};

/// Counts what is asked and what is written; two rows, k0 and k1.
struct FieldWorld : VirtualWorld {
  FieldWorld()
      : VirtualWorld([this](const http::Outgoing& outgoing, Time) {
          const bool asks = outgoing.request.path == "/fields";
          ++(asks ? asked : written);
          return Answered{1ms, asks ? status(fields_status) : ok()};
        }) {
    fill(2, "value");
    destination = [this](const json&, const json&, const Schema&) {
      return std::make_unique<Describing>(fields, tells);
    };
  }
  std::vector<FieldFact> fields{plain_field("id", true), plain_field("v")};
  bool tells = true;
  int fields_status = 200;
  int asked = 0;
  int written = 0;
};

TEST(NewMapping, IsHeldAgainstTheFieldsByItsFirstRunAlone) {
  FieldWorld world;
  EXPECT_EQ(world.run_through().report.status, Status::done);
  EXPECT_EQ(world.asked, 1);
  world.fill(3, "other");
  EXPECT_EQ(world.run_through().report.status, Status::done);
  EXPECT_EQ(world.asked, 1) << "a mapping that a run has ended with";
  world.changes["mapping_fingerprint"] = "m2";
  EXPECT_EQ(world.run_through().report.status, Status::done);
  EXPECT_EQ(world.asked, 2);
}

TEST(NewMapping, WithAFieldThatIsNotThereSendsNothing) {
  FieldWorld world;
  world.fields[1].name = "vv";
  const RunResult result = world.run_through();
  EXPECT_EQ(result.report.status, Status::config);
  EXPECT_EQ(result.report.message, "rows has no field 'v'; did you mean 'vv'?");
  EXPECT_EQ(result.report.outcomes.not_attempted, 2u);
  EXPECT_EQ(result.report.http.requests, 1u);
  EXPECT_EQ(world.written, 0);
  world.fields[1].name = "v";
  EXPECT_EQ(world.run_through().report.status, Status::done);
  EXPECT_EQ(world.asked, 2) << "a run that was refused has not settled it";
}

TEST(NewMapping, IsNotHeldAgainstTheFieldsOfAToolThatDoesNotTellThem) {
  FieldWorld world;
  world.tells = false;
  EXPECT_EQ(world.run_through().report.status, Status::done);
  EXPECT_EQ(world.asked, 0);
}

TEST(NewMapping, WithValuesThatCannotFitSendsNothingAndShowsThree) {
  FieldWorld world;
  world.fill(5, "too long");
  world.fields[1].max_length = 7;
  const RunResult result = world.run_through();
  EXPECT_EQ(result.report.status, Status::config);
  EXPECT_EQ(
      result.report.message,
      "rows.v takes at most 7 characters: 5 rows do not fit: k0 ('too long'), k1 ('too long'), "
      "k2 ('too long'), …\nno row was sent: change the model, or leave so many to be refused "
      "with `tolerate: {rejected: 5}`");
  EXPECT_EQ(result.report.outcomes.not_attempted, 5u);
  EXPECT_EQ(world.written, 0);
  world.fill(5, "shorter");
  EXPECT_EQ(world.run_through().report.status, Status::done);
}

TEST(NewMapping, LeavesAsManyUnfitRowsToTheToolAsAreTolerated) {
  FieldWorld world;
  world.fill(5, "too long");
  world.fields[1].max_length = 7;
  world.changes["tolerate"] = {{"value", 99}, {"percent", true}};
  EXPECT_EQ(world.run_through().report.status, Status::config) << "all five are more";
  world.changes["tolerate"] = {{"value", 5}, {"percent", false}};
  EXPECT_EQ(world.run_through().report.status, Status::done) << "the tool takes them after all";
  EXPECT_EQ(world.written, 1);
}

TEST(NewMapping, OfNobodysLoginOrOfAnObjectThatIsNotThereSendsNothing) {
  for (const auto& [status, said] : {std::pair{401,
                                               "the credentials were refused (no right to "
                                               "look): check the connection's auth: no row "
                                               "was sent"},
                                     std::pair{404, "no right to look: no row was sent"}}) {
    FieldWorld world;
    world.fields_status = status;
    const RunResult result = world.run_through();
    EXPECT_EQ(result.report.status, Status::config);
    EXPECT_EQ(result.report.message, said);
    EXPECT_EQ(world.written, 0);
  }
}

TEST(NewMapping, ThatRowsOnceFitLeavesLaterOnesToTheTool) {
  FieldWorld world;
  world.fields[1].max_length = 7;
  EXPECT_EQ(world.run_through().report.status, Status::done);
  world.fill(5, "too long");
  EXPECT_EQ(world.run_through().report.status, Status::done);
  EXPECT_EQ(world.asked, 1);
}

TEST(NewMapping, ALoginWithoutTheRightToLookWritesAndSaysSo) {
  FieldWorld world;
  world.fields_status = 403;
  const RunResult result = world.run_through();
  EXPECT_EQ(result.report.status, Status::done);
  ASSERT_EQ(result.report.notes.size(), 1u);
  EXPECT_NE(result.report.notes[0].find("was not held against"), std::string::npos);
  EXPECT_EQ(world.written, 1);
}

TEST(NewMapping, NothingIsAskedWhereNothingGoes) {
  FieldWorld taken;
  taken.changes["backfill"] = "skip";
  EXPECT_EQ(taken.run_through().report.status, Status::done);
  EXPECT_EQ(taken.asked, 0);
  FieldWorld planned;
  planned.changes["task"] = "plan";
  EXPECT_EQ(planned.run_through().report.status, Status::planned);
  EXPECT_EQ(planned.asked, 0);
  FieldWorld empty;
  empty.fill(0);
  empty.changes["guards"]["allow_empty"] = true;
  EXPECT_EQ(empty.run_through().report.status, Status::done) << "no rows";
  EXPECT_EQ(empty.asked, 0);
}

}  // namespace
}  // namespace tailrace
