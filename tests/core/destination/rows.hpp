#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "destination/destination.hpp"
#include "row/schema.hpp"

namespace tailrace {

/// Rows of a small sync: email (match), score, active, note, seen_at, and the key account_id.
class TestRows {
 public:
  TestRows();
  explicit TestRows(std::size_t count);

  void add(const std::string& key, const std::string& match, const std::string& line,
           const std::string& destination_id = "");
  [[nodiscard]] Batch batch(Operation operation = Operation::upsert);

  Schema schema;
  std::string trace = "r1-7";

 private:
  struct Row {
    std::string key;
    std::string match;
    std::string line;
    std::string destination_id;
  };
  std::vector<Row> rows_;
  std::vector<BatchRow> views_;
};

[[nodiscard]] std::unique_ptr<Destination> hubspot_of(
    const Schema& schema, const std::string& object = "contacts",
    const nlohmann::json& more = nlohmann::json::object());
/// The members of list 7, which is of `learned` objects, by the schema's match field alone.
[[nodiscard]] std::unique_ptr<Destination> hubspot_list_of(Schema schema,
                                                           const std::string& learned = "0-1");
/// `object` without its name.
[[nodiscard]] std::unique_ptr<Destination> rest_of(const Schema& schema, nlohmann::json object);

/// Users, organizations or tickets, by the schema's match field.
[[nodiscard]] std::unique_ptr<Destination> zendesk_of(
    const Schema& schema, const std::string& object = "users",
    const nlohmann::json& more = nlohmann::json::object());

/// An object whose records are matched by the schema's match field.
[[nodiscard]] std::unique_ptr<Destination> salesforce_of(
    const Schema& schema, const std::string& object = "Account",
    const nlohmann::json& more = nlohmann::json::object());

/// Profiles, or the members of a list, by the schema's match field.
[[nodiscard]] std::unique_ptr<Destination> klaviyo_of(
    const Schema& schema, const std::string& object = "profiles",
    const nlohmann::json& more = nlohmann::json::object());

/// Members of an audience L1, matched by email_address, which the schema's match field has to be.
[[nodiscard]] std::unique_ptr<Destination> mailchimp_of(
    const Schema& schema, const nlohmann::json& more = nlohmann::json::object());

/// A table, by the schema's match field.
[[nodiscard]] std::unique_ptr<Destination> postgres_of(const Schema& schema,
                                                       const std::string& object = "crm.people");

/// Leads, or the members of a list, by the schema's match field.
[[nodiscard]] std::unique_ptr<Destination> marketo_of(const Schema& schema,
                                                      const std::string& object = "leads",
                                                      const nlohmann::json& more = {
                                                          {"api", "leads"}});

[[nodiscard]] wire::Reply reply_of(int status, const std::string& body,
                                   const std::string& content_type = "application/json");
[[nodiscard]] wire::Reply json_reply(int status, const nlohmann::json& body);

/// What a step says of each row, for comparing: one word a row (accepted, rejected, skipped,
/// unknown, retryable, regrouped, open). Fails the test where a row is named twice or is none of
/// the batch's.
[[nodiscard]] std::vector<std::string> words_of(const Step& step, std::size_t rows);

}  // namespace tailrace
