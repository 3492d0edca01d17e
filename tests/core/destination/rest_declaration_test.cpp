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
  EXPECT_EQ(declaration.batch_rows, 100u);
  EXPECT_FALSE(declaration.object_body);
  ASSERT_TRUE(declaration.results);
  EXPECT_EQ(declaration.results->kind, ResultsForm::Kind::errors_only);
  EXPECT_EQ(declaration.delete_method, wire::Method::delete_);
  EXPECT_TRUE(declaration.delete_path.has_placeholder());
}

TEST(RestDeclaration, LeftOutKeysHaveTheirDefaults) {
  const Declaration declaration(json{{"name", "a"}, {"path", "/a"}});
  EXPECT_EQ(declaration.method, wire::Method::post);
  EXPECT_EQ(declaration.batch_rows, 1u);
  EXPECT_EQ(declaration.batch_bytes, 1u << 20);
  EXPECT_FALSE(declaration.results);
  EXPECT_FALSE(declaration.delete_method);
  EXPECT_FALSE(declaration.idempotent);
  EXPECT_EQ(declaration.answer, AnswerForm::plausible);
  const Declaration nulls(json{{"name", "a"},
                               {"path", "/a"},
                               {"results", nullptr},
                               {"delete", nullptr},
                               {"method", nullptr},
                               {"body", nullptr}});
  EXPECT_FALSE(nulls.results);
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
      {"delete", json{{"path", "/accounts/{key}"}, {"body", "x"}}, "'body'"},
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
