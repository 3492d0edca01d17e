// Questions to an API that a declaration describes, and when two values are one.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "destination/destination.hpp"
#include "destination/nonsense.hpp"
#include "destination/rows.hpp"

namespace tailrace {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;
using Their = std::optional<std::string>;

const ReadAsk kTwo{ReadAsk::Kind::by_match, {"a@b.co", "c d"}};
const ReadAsk kAll{ReadAsk::Kind::all_ids, {}};

class RestReading : public testing::Test {
 protected:
  void declare(const json& read) {
    destination_ = rest_of(rows_.schema, {{"path", "/a"}, {"read", read}});
  }
  ReadStep ask(const ReadAsk& question, const wire::Reply& reply, std::size_t call = 0) {
    const Call asked = destination_->read(question).calls.at(call);
    return destination_->read(question, &asked, &reply);
  }

  TestRows rows_;
  std::unique_ptr<Destination> destination_;
};

TEST_F(RestReading, ARecordIsAskedForByItsMatchValue) {
  declare({{"path", "/a/{match}?full=1"}, {"record", "data"}, {"id", "id"}});
  EXPECT_EQ(destination_->capabilities().reads, std::vector{ReadAsk::Kind::by_match});
  EXPECT_EQ(destination_->capabilities().read_rows, 1u);
  const ReadStep first = destination_->read(kTwo);
  ASSERT_EQ(first.calls.size(), 2u);
  EXPECT_EQ(first.calls[1].request.method, wire::Method::get);
  EXPECT_EQ(first.calls[1].request.path, "/a/c%20d");
  EXPECT_EQ(first.calls[1].request.query, "full=1");
  EXPECT_EQ(first.calls[1].effect, Effect::none);
  const ReadStep step = ask(kTwo, reply_of(200, R"({"data":{"email":"a@b.co","score":1.5,
      "active":true,"note":null,"seen_at":["x"],"other":1,"id":7}})"));
  ASSERT_EQ(step.records.size(), 1u);
  EXPECT_EQ(step.records[0].match, "a@b.co");
  EXPECT_EQ(step.records[0].destination_id, "7");
  using Field = std::pair<std::string, Their>;
  EXPECT_EQ(step.records[0].fields, (std::vector<Field>{{"email", "a@b.co"},
                                                        {"score", "1.5"},
                                                        {"active", "true"},
                                                        {"note", std::nullopt},
                                                        {"seen_at", R"(["x"])"}}));
  EXPECT_THROW((void)destination_->read(kAll), std::logic_error);
}

TEST_F(RestReading, AbsenceIsSaidByTheStatusOfTheRecordsOwnAddress) {
  declare({{"path", "/a/{match}"}});
  const ReadStep gone = ask(kTwo, reply_of(404, "{}"), 1);
  EXPECT_EQ(gone.absent, Words{"c d"});
  EXPECT_TRUE(gone.records.empty());
  EXPECT_TRUE(ask(kTwo, reply_of(404, "<html>", "text/html")).stop);
  const ReadStep other = ask(kTwo, reply_of(200, R"({"email":"A@B.CO"})"));
  EXPECT_TRUE(other.records.empty() && other.absent.empty()) << "in another form, or another's";
  const ReadStep unnamed = ask(kTwo, reply_of(200, R"({"note":"x"})"));
  ASSERT_EQ(unnamed.records.size(), 1u);
  EXPECT_EQ(unnamed.records[0].match, "a@b.co");
  EXPECT_TRUE(ask(kTwo, reply_of(200, R"({"ok":false,"error":"not now"})")).stop);
  const ReadAsk odd{ReadAsk::Kind::by_match, {"..", "."}};
  EXPECT_TRUE(destination_->read(odd).calls.empty()) << "no address is theirs";
}

TEST_F(RestReading, AListHoldsTheRecordOrIsEmpty) {
  declare({{"path", "/a?email={match}"}, {"results", "items"}, {"match", "email"}});
  const ReadStep found =
      ask(kTwo, reply_of(200, R"({"items":[{"email":"x"},{"email":"a@b.co"}]})"));
  ASSERT_EQ(found.records.size(), 1u);
  EXPECT_TRUE(found.absent.empty());
  EXPECT_EQ(ask(kTwo, reply_of(200, R"({"items":[]})")).absent, Words{"a@b.co"});
  const ReadStep others = ask(kTwo, reply_of(200, R"({"items":[{"email":"A@B.co"}]})"));
  EXPECT_TRUE(others.records.empty() && others.absent.empty() && !others.stop)
      << "it may be ours in the API's own spelling";
  for (const char* body : {"{}", R"({"items":7})", R"({"items":[7]})", R"({"items":[{}]})", "[",
                           R"({"items":null})"}) {
    EXPECT_TRUE(ask(kTwo, reply_of(200, body)).stop) << body;
  }
  EXPECT_TRUE(ask(kTwo, reply_of(404, "{}")).stop) << "a list that is not there is no empty list";
}

TEST_F(RestReading, SeveralRecordsAreAskedForInOneBody) {
  declare({{"path", "/find"},
           {"batch_rows", 2},
           {"body", {{"in", "$matches"}, {"by", "$match_field"}}},
           {"results", "found"},
           {"id", "id"},
           {"cut", "next"}});
  const ReadAsk three{ReadAsk::Kind::by_match, {"a", "b\"", "c"}};
  EXPECT_EQ(destination_->capabilities().read_rows, 2u);
  const ReadStep first = destination_->read(three);
  ASSERT_EQ(first.calls.size(), 2u);
  EXPECT_EQ(first.calls[0].request.method, wire::Method::post);
  EXPECT_EQ(first.calls[0].request.path, "/find");
  EXPECT_EQ(json::parse(first.calls[0].request.body),
            json({{"by", "email"}, {"in", {"a", "b\""}}}));
  EXPECT_EQ(json::parse(first.calls[1].request.body)["in"], json({"c"}));
  EXPECT_EQ(first.calls[0].rate_class, 0u);
  const ReadStep found =
      ask(three, reply_of(200, R"({"found":[{"email":"a","id":7}],"next":null})"));
  ASSERT_EQ(found.records.size(), 1u);
  EXPECT_EQ(found.records[0].destination_id, "7");
  EXPECT_EQ(found.absent, Words{"b\""});
  EXPECT_EQ(ask(three, reply_of(200, R"({"found":[]})"), 1).absent, Words{"c"});
  EXPECT_TRUE(
      ask(three, reply_of(200, R"({"found":[{"email":"a"}],"next":{"page":2}})")).absent.empty())
      << "the list is not whole";
  EXPECT_TRUE(ask(three, reply_of(404, "{}")).stop);
}

TEST_F(RestReading, OneInAnotherSpellingMayBeOursAndIsNotAbsent) {
  declare(
      {{"path", "/find"}, {"batch_rows", 3}, {"body", {{"in", "$matches"}}}, {"results", "found"}});
  const ReadAsk three{ReadAsk::Kind::by_match, {"a@B.co", "b", "c"}};
  EXPECT_EQ(ask(three, reply_of(200, R"({"found":[{"email":"A@b.co"},{"email":"b"}]})")).absent,
            Words{"c"});
  const ReadStep strange = ask(three, reply_of(200, R"({"found":[{"email":"x"},{"email":"b"}]})"));
  EXPECT_EQ(strange.records.size(), 1u);
  EXPECT_TRUE(strange.absent.empty()) << "it may be any of them";
}

TEST_F(RestReading, FieldsStandWhereTheDeclarationSays) {
  declare({{"path", "/a/{match}"},
           {"record", "user"},
           {"within", {"own", "more.own"}},
           {"paths", {{"score", "rating.value"}}},
           {"hidden", {"seen_at"}}});
  const ReadStep step = ask(kTwo, reply_of(200, R"({"user":{"email":"a@b.co","score":1,
      "own":{"note":"n","email":"x"},"more":{"own":{"active":true,"note":"m"}},
      "rating":{"value":2}}})"));
  ASSERT_EQ(step.records.size(), 1u);
  using Field = std::pair<std::string, Their>;
  EXPECT_EQ(
      step.records[0].fields,
      (std::vector<Field>{{"email", "a@b.co"}, {"score", "2"}, {"active", "true"}, {"note", "n"}}));
  EXPECT_TRUE(destination_->equal_value(4, "2024-01-01 00:00:00+00", std::nullopt)) << "hidden";
  EXPECT_FALSE(destination_->equal_value(3, "n", std::nullopt));
}

TEST_F(RestReading, AnEmptyObjectSaysThatThereIsNoRecordWhereThatIsDeclared) {
  declare({{"path", "/a/{match}"}, {"record", "user"}, {"or_empty", true}});
  EXPECT_EQ(ask(kTwo, reply_of(200, "{}")).absent, Words{"a@b.co"});
  EXPECT_EQ(ask(kTwo, reply_of(404, "{}")).absent, Words{"a@b.co"});
  for (const char* body : {"[]", "", R"({"ok":false})", R"({"user":null})"}) {
    EXPECT_TRUE(ask(kTwo, reply_of(200, body)).stop) << body;
  }
  declare({{"path", "/a/{match}"}, {"record", "user"}});
  EXPECT_TRUE(ask(kTwo, reply_of(200, "{}")).stop);
}

TEST_F(RestReading, QuestionsMayHaveLimitsOfTheirOwn) {
  declare(
      {{"path", "/a/{match}"}, {"lags", true}, {"limits", {{{"requests", 250}, {"per_s", 60}}}}});
  EXPECT_EQ(destination_->read(kTwo).calls.at(0).rate_class, 1u);
  const Capabilities& can = destination_->capabilities();
  ASSERT_EQ(can.rates.size(), 1u);
  EXPECT_EQ(can.rates[0].rate_class, 1u);
  EXPECT_EQ(can.rates[0].requests, 250);
  EXPECT_TRUE(can.reads_late);
}

TEST_F(RestReading, ASuccessWithoutItsMarkIsNoAnswer) {
  destination_ = rest_of(rows_.schema, {{"path", "/a"},
                                        {"success", {{"path", "ok"}}},
                                        {"code", {"error"}},
                                        {"codes", {{"bad_login", "terminal"}}},
                                        {"read", {{"path", "/a/{match}"}}}});
  EXPECT_EQ(ask(kTwo, reply_of(200, R"({"ok":true,"email":"a@b.co"})")).records.size(), 1u);
  EXPECT_EQ(ask(kTwo, reply_of(200, R"({"email":"a@b.co"})")).stop->kind, Stop::Kind::quota);
  const ReadStep refused = ask(kTwo, reply_of(200, R"({"ok":false,"error":"bad_login"})"));
  EXPECT_EQ(refused.stop->kind, Stop::Kind::configuration);
}

TEST_F(RestReading, PagesAreFollowedByCursorOrLink) {
  declare(
      {{"id", "id"},
       {"all",
        {{"path", "/a?limit=2"}, {"results", "r"}, {"cursor", "p.next"}, {"parameter", "after"}}}});
  EXPECT_EQ(destination_->capabilities().reads, std::vector{ReadAsk::Kind::all_ids});
  Call call = destination_->read(kAll).calls.at(0);
  EXPECT_EQ(call.request.query, "limit=2");
  const auto page = [&](const std::string& body) {
    const wire::Reply reply = reply_of(200, body);
    return destination_->read(kAll, &call, &reply);
  };
  const ReadStep first =
      page(R"({"r":[{"email":"x","id":1},{"email":"y","id":2}],"p":{"next":"2&z"}})");
  ASSERT_EQ(first.records.size(), 2u);
  EXPECT_EQ(first.records[1].match, "y");
  EXPECT_EQ(first.records[1].destination_id, "2");
  call = first.calls.at(0);
  EXPECT_EQ(call.request.path, "/a");
  EXPECT_EQ(call.request.query, "limit=2&after=2%26z");
  EXPECT_TRUE(page(R"({"r":[],"p":{"next":"2&z"}})").stop) << "a page that leads to itself";
  EXPECT_TRUE(page(R"({"r":[],"p":{"next":[1]}})").stop);
  EXPECT_TRUE(page(R"({"p":{}})").stop);
  EXPECT_TRUE(page(R"({"r":[7]})").stop);
  for (const char* end :
       {R"({"r":[]})", R"({"r":[],"p":{"next":null}})", R"({"r":[],"p":{"next":""}})"}) {
    const ReadStep last = page(end);
    EXPECT_TRUE(last.calls.empty() && !last.stop) << end;
  }
  declare({{"all", {{"path", "/a"}, {"results", "r"}, {"link", "next"}}}});
  call = destination_->read(kAll).calls.at(0);
  EXPECT_EQ(page(R"({"r":[],"next":"/a?page=2"})").calls.at(0).request.query, "page=2");
  for (const char* link : {"https://evil.example/a", "//evil.example/a", "a?page=2", "/a/../b",
                           "/a b", "/a/{match}"}) {
    EXPECT_TRUE(page(std::string(R"({"r":[],"next":")") + link + "\"}").stop) << link;
  }
}

TEST_F(RestReading, NonsenseSaysNothingOfARecord) {
  declare({{"path", "/a/{match}"}, {"record", "data"}});
  for (const Nonsense& one : nonsense()) {
    const ReadStep step = ask(kTwo, one.reply);
    EXPECT_TRUE(step.records.empty()) << one.name;
    const bool gone = (one.reply.status == 404 || one.reply.status == 410) &&
                      one.reply.header("content-type") != "text/html";
    EXPECT_EQ(step.absent.empty(), !gone) << one.name;
    EXPECT_EQ(step.stop.has_value(), !gone) << one.name;
    EXPECT_TRUE(step.calls.empty()) << one.name;
  }
}

TEST_F(RestReading, AnOutageIsWorthAnotherTryAndARefusalIsNot) {
  declare({{"path", "/a/{match}"}});
  EXPECT_EQ(ask(kTwo, reply_of(503, "")).stop->kind, Stop::Kind::quota);
  EXPECT_EQ(ask(kTwo, reply_of(429, "")).stop->kind, Stop::Kind::quota);
  EXPECT_EQ(ask(kTwo, reply_of(403, "")).stop->kind, Stop::Kind::configuration);
  EXPECT_EQ(ask(kTwo, reply_of(401, "")).stop->kind, Stop::Kind::configuration);
}

TEST_F(RestReading, ValuesAreEqualAsJsonHasThem) {
  const auto equal = [&](std::size_t column, const char* ours, const Their& theirs) {
    return destination_->equal_value(column, ours, theirs);
  };
  declare({{"path", "/a/{match}"}});
  EXPECT_TRUE(equal(1, "1.50", Their("1.5")));
  EXPECT_TRUE(equal(2, "f", Their("false")));
  EXPECT_FALSE(equal(3, "", std::nullopt));
  EXPECT_TRUE(equal(4, "2024-01-01 00:00:00+00", Their("2024-01-01T01:00:00+01:00")));
  destination_ = rest_of(rows_.schema, {{"path", "/a"}, {"clear_as", "empty_text"}});
  EXPECT_TRUE(equal(3, "", std::nullopt));
}

}  // namespace
}  // namespace tailrace
