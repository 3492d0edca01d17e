#include "destination/rest/declaration.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace tailrace::rest {
namespace {

using nlohmann::json;

json object_with(const std::string& key, const json& value) {
  json object = {{"name", "accounts"}, {"path", "/accounts"}};
  object[key] = value;
  return object;
}

std::string message_of(const json& object) {
  try {
    const Declaration declaration(object);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(RestDeclaration, TheDesignsExampleIsTaken) {
  const json object = json::parse(R"({"name":"accounts","method":"POST","path":"/accounts",
      "batch_rows":100,"body":"rows",
      "results":{"path":"errors","key":"key","status":"status","code":"code","message":"error"},
      "delete":{"method":"DELETE","path":"/accounts/{key}"}})");
  const Declaration declaration(object);
  const Endpoint& upsert = declaration.at(Operation::upsert);
  EXPECT_EQ(upsert.batch_rows, 100u);
  EXPECT_FALSE(upsert.object_body);
  ASSERT_TRUE(upsert.results);
  EXPECT_EQ(upsert.results->kind, ResultsForm::Kind::errors_only);
  EXPECT_EQ(declaration.at(Operation::delete_).method, wire::Method::delete_);
  EXPECT_TRUE(declaration.at(Operation::delete_).path.has_placeholder());
  EXPECT_FALSE(declaration.at(Operation::delete_).has_body);
}

TEST(RestDeclaration, LeftOutKeysHaveTheirDefaults) {
  const Declaration declaration(json{{"name", "a"}, {"path", "/a"}});
  const Endpoint& upsert = declaration.at(Operation::upsert);
  EXPECT_EQ(upsert.method, wire::Method::post);
  EXPECT_EQ(upsert.batch_rows, 1u);
  EXPECT_EQ(declaration.batch_bytes, 1u << 20);
  EXPECT_FALSE(upsert.results);
  EXPECT_FALSE(declaration.idempotent);
  EXPECT_FALSE(declaration.idempotency);
  EXPECT_FALSE(declaration.read);
  EXPECT_FALSE(declaration.list);
  EXPECT_TRUE(declaration.partial);
  for (const Operation other : {Operation::update, Operation::insert, Operation::delete_,
                                Operation::archive, Operation::clear}) {
    EXPECT_EQ(declaration.find(other), nullptr) << "what is not declared is not offered";
    EXPECT_THROW((void)declaration.at(other), std::logic_error);
  }
  EXPECT_EQ(declaration.answer, AnswerForm::plausible);
  const Declaration nulls(json{{"name", "a"},
                               {"path", "/a"},
                               {"results", nullptr},
                               {"delete", nullptr},
                               {"method", nullptr},
                               {"update", nullptr},
                               {"read", nullptr},
                               {"body", nullptr}});
  EXPECT_FALSE(nulls.at(Operation::upsert).results);
  EXPECT_EQ(nulls.find(Operation::update), nullptr);
}

struct Wrong {
  std::string key;
  json value;
  std::string named;  // what the message must have in it
};

TEST(RestDeclaration, WhatIsWrongIsNamed) {
  const std::vector<Wrong> wrong = {
      {"metod", "POST", "'method'"},
      {"method", "GET", "method"},
      {"method", "DELETE", "delete"},
      {"method", 7, "method"},
      {"path", "", "path"},
      {"path", "accounts", "path"},
      {"path", "//evil.example", "path"},
      {"path", "/a b", "path"},
      {"path", "/a#f", "path"},
      {"path", "/a/../b", "'..'"},
      {"path", "/./a", "'.'"},
      {"path", "/a\\b", "path"},
      {"path", "/\xC3\xA9", "path"},
      {"path", "/a/{id}", "{id}"},
      {"path", "/a/{key", "unknown placeholder"},
      {"path", "/a/key}", "'}'"},
      {"path", "/a/{}", "{}"},
      {"batch_rows", 0, "batch_rows"},
      {"batch_rows", -1, "batch_rows"},
      {"batch_rows", 1.5, "batch_rows"},
      {"batch_rows", "10", "batch_rows"},
      {"batch_rows", 1'000'000'000, "batch_rows"},
      {"batch_bytes", 0, "batch_bytes"},
      {"batch_bytes", (8 << 20) + 1, "batch_bytes"},
      {"body", "row", "body"},
      {"body", 7, "body"},
      {"body", json{{"inputs", "$row s"}}, "$rows"},
      {"body", json{{"a", "$rows"}, {"b", "$rows"}}, "once"},
      {"body", json{{"a", "$rows"}, {"b", "$row"}}, "$rows"},
      {"body", json{{"a", "$rows"}, {"b", "$match"}}, "$match"},
      {"body", json{{"a", "$records"}}, "$records"},
      {"body", json::object(), "$rows"},
      {"row", json{{"data", "row"}}, "$row"},
      {"row", json{{"data", "$rows"}}, "$rows"},
      {"results", "errors", "results"},
      {"results", json{{"path", "errors"}}, "key"},
      {"results", json{{"pth", "errors"}, {"key", "k"}}, "'path'"},
      {"results", json{{"form", "list"}, {"path", "r"}, {"key", "k"}}, "status"},
      {"results", json{{"form", "all"}, {"key", "k"}}, "form"},
      {"results", json{{"key", 7}}, "key"},
      {"results", json{{"form", "list"}, {"status", "s"}, {"optional", true}}, "optional"},
      {"results", json{{"form", "list"}, {"status", "s"}, {"count", "n"}}, "count"},
      {"delete", json{{"path", "/accounts"}}, "{key}"},
      {"delete", json{{"path", "/accounts/{key}"}, {"body", "x"}}, "body"},
      {"delete", json{{"path", "/accounts/{key}"}, {"body", {{"a", "$row"}}}}, "$row"},
      {"delete", json{{"path", "/accounts/{key}"}, {"results", {{"key", "k"}}}}, "$rows"},
      {"delete", json{{"path", "/accounts/{key}"}, {"batch_rows", 2}}, "$rows"},
      {"delete", json{{"path", "/accounts/{key}"}, {"body", {{"a", "$rows"}}}}, "several"},
      {"delete", json{{"path", "/accounts"}, {"body", {{"a", "$rows"}}}, {"row", "x"}}, "row"},
      {"archive", json{{"path", "/accounts/archive"}}, "{key}"},
      {"archive", json::object(), "path"},
      {"update", json{{"method", "DELETE"}}, "DELETE"},
      {"update", json{{"method", "GET"}}, "method"},
      {"update", json{{"path", "/accounts/{key}"}, {"batch_rows", 2}}, "batch_rows"},
      {"update", json{{"path", "/accounts/{key}"}, {"body", "object"}, {"row", {{"d", "$row"}}}},
       "row"},
      {"update", json{{"exists", {409}}}, "'exists'"},
      {"update", json{{"missing", 404}}, "missing"},
      {"update", json{{"missing", json::array({true})}}, "missing"},
      {"update", json{{"missing", json::array({nullptr})}}, "missing"},
      {"update", json{{"statuses", {{"500", "accepted"}}}}, "500"},
      {"update", "/accounts/{key}", "update"},
      {"insert", json{{"missing", {404}}}, "'missing'"},
      {"insert", json{{"pth", "/a"}}, "'path'"},
      {"clear", json{{"body", 7}}, "body"},
      {"idempotency", json::object(), "ttl_s"},
      {"idempotency", json{{"ttl_s", 0}}, "ttl_s"},
      {"idempotency", json{{"ttl_s", "1d"}}, "ttl_s"},
      {"idempotency", json{{"ttl_s", 1e99}}, "ttl_s"},
      {"idempotency", json{{"ttl_s", 60}, {"header", "a b"}}, "header"},
      {"idempotency", json{{"ttl_s", 60}, {"header", "X:\r\nY"}}, "header"},
      {"idempotency", json{{"ttl_s", 60}, {"heder", "X"}}, "'header'"},
      {"partial", "no", "partial"},
      {"read", json::object(), "path"},
      {"read", json{{"path", "/accounts"}}, "{match}"},
      {"read", json{{"path", "/accounts/{key}"}}, "{match}"},
      {"read", json{{"path", "/accounts/{match}?k={key}"}}, "{key}"},
      {"read", json{{"path", "/accounts/{match}"}, {"reslts", ""}}, "'results'"},
      {"read", json{{"all", {{"path", "/accounts/{match}"}}}}, "names none"},
      {"read", json{{"all", {{"path", "/a"}, {"cursor", "next"}}}}, "parameter"},
      {"read", json{{"all", {{"path", "/a"}, {"parameter", "after"}}}}, "cursor"},
      {"read", json{{"all", {{"path", "/a"}, {"cursor", "n"}, {"parameter", "p"}, {"link", "l"}}}},
       "link"},
      {"read", json{{"all", "/a"}}, "all"},
      {"read", json{{"path", "/a"}, {"body", {{"in", "$rows"}}}}, "$rows"},
      {"read", json{{"path", "/a"}, {"body", {{"in", "$matches"}}}}, "results"},
      {"read", json{{"path", "/a/{match}"}, {"body", {{"in", "$matches"}}}}, "$matches"},
      {"read", json{{"path", "/a/{match}"}, {"batch_rows", 2}}, "must be 1"},
      {"read", json{{"path", "/a/{match}"}, {"method", "PUT"}}, "'PUT'"},
      {"read", json{{"path", "/a/{match}"}, {"cut", "next"}}, "results"},
      {"read", json{{"path", "/a?m={match}"}, {"results", "r"}, {"or_empty", true}}, "or_empty"},
      {"read", json{{"path", "/a/{match}"}, {"paths", {{"x", 7}}}}, "'x'"},
      {"read", json{{"path", "/a/{match}"}, {"paths", {"x"}}}, "paths"},
      {"read", json{{"path", "/a/{match}"}, {"within", "x"}}, "within"},
      {"read", json{{"path", "/a/{match}"}, {"hidden", {true}}}, "hidden"},
      {"read", json{{"path", "/a/{match}"}, {"limits", {{{"requests", 5}}}}}, "per_s"},
      {"delete", json::object(), "path"},
      {"delete", "/accounts/{key}", "delete"},
      {"idempotent", "yes", "idempotent"},
      {"numbers", "float", "numbers"},
      {"clear_as", "null", "clear_as"},
      {"answer", "html", "answer"},
      {"statuses", json{{"99", "accepted"}}, "99"},
      {"statuses", json{{"4xx", "accepted"}}, "4xx"},
      {"statuses", json{{"409", "fine"}}, "409"},
      {"statuses", json{{"500", "accepted"}}, "500"},
      {"statuses", json::array(), "statuses"},
      {"encode", "xml", "encode"},
      {"encode", "form", "one row"},
      {"row_bytes", 0, "row_bytes"},
      {"success", json::object(), "path"},
      {"success", json{{"path", "ok"}, {"is", json::array()}}, "is"},
      {"codes", json{{"limited", "retry"}}, "code"},
      {"code", json{{"path", "error"}}, "code"},
      {"find", json{{"path", "/find"}}, "{match}"},
      {"find", json{{"path", "/find/{id}"}}, "{id}"},
      {"find", json{{"path", "/find/{match}"}, {"batch_rows", 2}}, "batch_rows"},
      {"find", json{{"path", "/find"}, {"body", {{"a", "$rows"}}}}, "$rows"},
      {"results", json{{"form", "names"}, {"count", "n"}}, "lists"},
      {"results", json{{"form", "names"}, {"lists", {"a"}}}, "refused"},
      {"results", json{{"form", "names"}, {"lists", {"a"}}, {"count", "n"}, {"key", "k"}}, "key"},
      {"results", json{{"key", "k"}, {"lists", {"a"}}}, "lists"},
      {"results", json{{"key", "k"}, {"refused", "n"}}, "refused"},
  };
  for (const Wrong& one : wrong) {
    const json object = object_with(one.key, one.value);
    const std::string message = message_of(object);
    EXPECT_NE(message.find(one.named), std::string::npos) << object << "\n" << message;
    EXPECT_NE(message.find("accounts"), std::string::npos) << message;
  }
}

TEST(RestDeclaration, OneRowARequestWhereTheRequestNamesARow) {
  json object = object_with("path", "/accounts/{key}");
  EXPECT_EQ(message_of(object), "");
  object["batch_rows"] = 2;
  EXPECT_NE(message_of(object).find("batch_rows"), std::string::npos);
  object = object_with("body", "object");
  EXPECT_EQ(message_of(object), "");
  object["batch_rows"] = 2;
  EXPECT_NE(message_of(object).find("batch_rows"), std::string::npos);
  object = object_with("body", json{{"data", "$row"}});
  object["row"] = json{{"d", "$row"}};
  EXPECT_NE(message_of(object).find("row"), std::string::npos);
}

TEST(RestDeclaration, AnOperationWithoutAPathGoesToTheObjectsAddressInItsShape) {
  const Declaration declaration(json::parse(R"({"name":"a","path":"/a","batch_rows":7,
      "body":{"inputs":"$rows"},"results":{"path":"errors","key":"key"},
      "statuses":{"409":"accepted"},
      "update":{"missing":["gone"]},"insert":{"batch_rows":3},"clear":{}})"));
  const Endpoint& update = declaration.at(Operation::update);
  EXPECT_EQ(update.method, wire::Method::patch);
  EXPECT_EQ(update.batch_rows, 7u);
  EXPECT_TRUE(update.results);
  EXPECT_EQ(update.missing, std::vector<std::string>{"gone"});
  const Endpoint& insert = declaration.at(Operation::insert);
  EXPECT_EQ(insert.method, wire::Method::post);
  EXPECT_EQ(insert.batch_rows, 3u);
  EXPECT_TRUE(insert.missing.empty());
  EXPECT_EQ(declaration.at(Operation::clear).method, wire::Method::patch) << "update's shape";
  EXPECT_TRUE(declaration.at(Operation::clear).missing.empty()) << "each says so for itself";
}

TEST(RestDeclaration, AnOperationWithAPathOfItsOwnStartsFromNothing) {
  const Declaration declaration(json::parse(R"({"name":"a","path":"/a","batch_rows":7,
      "results":{"path":"errors","key":"key"},
      "update":{"path":"/a/{match}"},"insert":{"path":"/new"},
      "archive":{"path":"/a/{key}/archive","body":{"by":["$match"]}}})"));
  const Endpoint& update = declaration.at(Operation::update);
  EXPECT_EQ(update.batch_rows, 1u);
  EXPECT_TRUE(update.object_body);
  EXPECT_FALSE(update.results);
  EXPECT_EQ(declaration.at(Operation::insert).batch_rows, 1u);
  EXPECT_FALSE(declaration.at(Operation::insert).object_body);
  EXPECT_EQ(declaration.at(Operation::archive).method, wire::Method::post);
  EXPECT_TRUE(declaration.at(Operation::archive).has_body);
}

TEST(RestDeclaration, AnObjectMayOfferOneOperationAlone) {
  const Declaration declaration(json{{"name", "a"}, {"insert", {{"path", "/events"}}}});
  EXPECT_EQ(declaration.find(Operation::upsert), nullptr);
  EXPECT_NE(declaration.find(Operation::insert), nullptr);
  EXPECT_NE(message_of(json{{"name", "a"}}).find("path: is needed"), std::string::npos);
  EXPECT_NE(message_of(json{{"name", "a"}, {"update", json::object()}}).find("path"),
            std::string::npos);
  EXPECT_NE(message_of(json{{"name", "a"}, {"body", "rows"}, {"insert", {{"path", "/e"}}}})
                .find("goes with a path"),
            std::string::npos);
}

TEST(RestDeclaration, APutReplacesUnlessItIsDeclaredNotTo) {
  json object = {{"name", "a"}, {"path", "/a/{key}"}, {"method", "PUT"}, {"body", "object"}};
  EXPECT_FALSE(Declaration(object).partial);
  object["partial"] = true;
  EXPECT_TRUE(Declaration(object).partial);
  const json others = {{"method", "PUT"}, {"path", "/a/{key}"}};
  EXPECT_TRUE(Declaration(json{{"name", "a"},
                               {"path", "/a"},
                               {"insert", others},
                               {"clear", others},
                               {"archive", others}})
                  .partial)
      << "about other records, or about no field";
  EXPECT_FALSE(Declaration(json{{"name", "a"}, {"path", "/a"}, {"update", others}}).partial);
}

TEST(RestDeclaration, HostileDeclarationsAreRefusedNotCrashedOn) {
  json deep = "$rows";
  for (int i = 0; i < 200; ++i) deep = json::array({deep});
  EXPECT_NE(message_of(object_with("body", deep)).find("deep"), std::string::npos);
  EXPECT_NE(message_of(json::array()), "");
  EXPECT_NE(message_of(nullptr), "");
  EXPECT_NE(message_of(json{{"name", 7}}), "");
}

}  // namespace
}  // namespace tailrace::rest
