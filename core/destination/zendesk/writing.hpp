#pragma once

#include <string>
#include <utility>
#include <vector>

#include "destination/destination.hpp"
#include "destination/zendesk/jobs.hpp"
#include "destination/zendesk/target.hpp"
#include "wire/json_row.hpp"

namespace tailrace::zendesk {

/// Rows of a batch and Zendesk's ids of them, empty where a row is not sent by id.
using Rows = std::vector<std::pair<RowIndex, std::string>>;

/// Makes the requests that write.
class Writing {
 public:
  Writing(const Target& target, const Schema& schema, bool skip_verify_email);

  /// A job of many rows: POST `verb`, or PUT for update_many.
  [[nodiscard]] Call many(const Batch& batch, const Rows& rows, std::string_view verb) const;
  [[nodiscard]] Call destroy(const Rows& rows) const;
  /// A ticket by itself, under an idempotency key where the batch has one.
  [[nodiscard]] Call ticket(const Batch& batch, RowIndex row) const;
  [[nodiscard]] std::size_t bound(std::string_view line) const;

 private:
  void item(std::string& body, const Batch& batch, RowIndex row, const std::string& id,
            wire::RowScratch& scratch) const;

  const Target& target_;
  bool skip_verify_email_;
  wire::RowWriter rows_;
  wire::RowWriter cleared_;  // without the fields that a record must keep
};

}  // namespace tailrace::zendesk
