#include "destination/rows.hpp"

#include <gtest/gtest.h>

#include "destination/registry.hpp"

namespace tailrace {
namespace {

std::string word_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::accepted: return "accepted";
    case Outcome::rejected: return "rejected";
    case Outcome::skipped: return "skipped";
    case Outcome::pending: return "pending";
    case Outcome::unknown: return "unknown";
    case Outcome::retryable: return "retryable";
  }
  return "?";
}

}  // namespace

TestRows::TestRows() {
  schema.columns = {{"email", Type::text},          {"score", Type::decimal},
                    {"active", Type::boolean},      {"note", Type::text},
                    {"seen_at", Type::timestamptz}, {"account_id", Type::text}};
  schema.field_count = 5;
  schema.key = {5};
  schema.match = 0;
}

TestRows::TestRows(std::size_t count) : TestRows() {
  for (std::size_t i = 0; i < count; ++i) {
    const std::string n = std::to_string(i);
    const std::string email = "user" + n + "@example.com";
    add("a" + n, email,
        email + "\t" + n + ".50\tt\tnote " + n + "\t2024-01-01 00:00:00.5+00\ta" + n);
  }
}

void TestRows::add(const std::string& key, const std::string& match, const std::string& line,
                   const std::string& destination_id) {
  rows_.push_back({key, match, line, destination_id});
}

Batch TestRows::batch(Operation operation) {
  views_.clear();
  const bool removed = operation == Operation::delete_ || operation == Operation::archive ||
                       operation == Operation::clear;
  for (const Row& row : rows_) {
    views_.push_back({removed ? std::string_view() : std::string_view(row.line), row.key, row.match,
                      row.destination_id});
  }
  return Batch{operation, &schema, views_, trace};
}

std::unique_ptr<Destination> hubspot_of(const Schema& schema, const std::string& object,
                                        const nlohmann::json& more) {
  nlohmann::json connection = {{"type", "hubspot"}, {"limits", nullptr}};
  connection.update(more);
  return make_destination(connection, {{"name", object}}, schema);
}

std::unique_ptr<Destination> hubspot_list_of(Schema schema, const std::string& learned) {
  schema.field_count = 1;
  nlohmann::json object = {{"name", "list:7"}};
  if (!learned.empty()) object["learned"] = learned;
  return make_destination({{"type", "hubspot"}}, object, schema);
}

std::unique_ptr<Destination> rest_of(const Schema& schema, nlohmann::json object) {
  object["name"] = "accounts";
  return make_destination({{"type", "rest"}}, object, schema);
}

std::unique_ptr<Destination> zendesk_of(const Schema& schema, const std::string& object,
                                        const nlohmann::json& more) {
  nlohmann::json connection = {{"type", "zendesk"}, {"limits", nullptr}};
  connection.update(more);
  return make_destination(connection, {{"name", object}}, schema);
}

std::unique_ptr<Destination> salesforce_of(const Schema& schema, const std::string& object,
                                           const nlohmann::json& more) {
  nlohmann::json connection = {{"type", "salesforce"}, {"limits", nullptr}};
  connection.update(more);
  return make_destination(connection, {{"name", object}}, schema);
}

std::unique_ptr<Destination> klaviyo_of(const Schema& schema, const std::string& object,
                                        const nlohmann::json& more) {
  nlohmann::json connection = {{"type", "klaviyo"}, {"limits", nullptr}};
  connection.update(more);
  return make_destination(connection, {{"name", object}}, schema);
}

std::unique_ptr<Destination> mailchimp_of(const Schema& schema, const nlohmann::json& more) {
  nlohmann::json connection = {
      {"type", "mailchimp"}, {"limits", nullptr}, {"status_if_new", "subscribed"}};
  connection.update(more);
  return make_destination(connection, {{"name", "members"}, {"list_id", "L1"}}, schema);
}

std::unique_ptr<Destination> postgres_of(const Schema& schema, const std::string& object) {
  return make_destination({{"type", "postgres"}}, {{"name", object}}, schema);
}

std::unique_ptr<Destination> marketo_of(const Schema& schema, const std::string& object,
                                        const nlohmann::json& more) {
  nlohmann::json connection = {{"type", "marketo"}, {"limits", nullptr}};
  connection.update(more);
  return make_destination(connection, {{"name", object}}, schema);
}

wire::Reply reply_of(int status, const std::string& body, const std::string& content_type) {
  wire::Reply reply;
  reply.status = status;
  reply.body = body;
  if (!content_type.empty()) reply.headers = {{"content-type", content_type}};
  return reply;
}

wire::Reply json_reply(int status, const nlohmann::json& body) {
  return reply_of(status, body.dump());
}

std::vector<std::string> words_of(const Step& step, std::size_t rows) {
  std::vector<std::string> words(rows, "open");
  const auto put = [&](RowIndex row, const std::string& word) {
    ASSERT_LT(row, rows) << "a row that the batch does not have";
    EXPECT_EQ(words[row], "open") << "row " << row << " is named twice";
    words[row] = word;
  };
  for (const Verdict& verdict : step.verdicts) put(verdict.row, word_of(verdict.outcome));
  for (const Regroup& group : step.regroup) {
    EXPECT_FALSE(group.rows.empty());
    for (const RowIndex row : group.rows) put(row, "regrouped");
  }
  return words;
}

}  // namespace tailrace
