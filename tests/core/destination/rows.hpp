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
/// `object` without its name.
[[nodiscard]] std::unique_ptr<Destination> rest_of(const Schema& schema, nlohmann::json object);

/// Users, organizations or tickets, by the schema's match field.
[[nodiscard]] std::unique_ptr<Destination> zendesk_of(
    const Schema& schema, const std::string& object = "users",
    const nlohmann::json& more = nlohmann::json::object());

[[nodiscard]] wire::Reply reply_of(int status, const std::string& body,
                                   const std::string& content_type = "application/json");
[[nodiscard]] wire::Reply json_reply(int status, const nlohmann::json& body);

/// What a step says of each row, for comparing: one word a row (accepted, rejected, skipped,
/// unknown, retryable, regrouped, open). Fails the test where a row is named twice or is none of
/// the batch's.
[[nodiscard]] std::vector<std::string> words_of(const Step& step, std::size_t rows);

}  // namespace tailrace
