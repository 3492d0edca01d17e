#pragma once

#include <string>
#include <utility>
#include <vector>

#include "destination/destination.hpp"
#include "destination/records.hpp"
#include "destination/zendesk/jobs.hpp"
#include "destination/zendesk/target.hpp"

namespace tailrace::zendesk {

/// Makes the requests that write.
class Writing {
 public:
  Writing(const Target& target, const Schema& schema, bool skip_verify_email);

  /// A job of many rows: POST `verb`, or PUT for update_many. `organizations`: ids of those that
  /// rows are put into.
  [[nodiscard]] Call many(const Batch& batch, const KnownRows& rows, std::string_view verb,
                          const KnownRows& organizations = {}) const;
  [[nodiscard]] Call destroy(const KnownRows& rows) const;
  /// A ticket by itself, under an idempotency key where the batch has one.
  [[nodiscard]] Call ticket(const Batch& batch, RowIndex row) const;
  [[nodiscard]] std::size_t bound(std::string_view line) const;

 private:
  void item(std::string& body, const Batch& batch, RowIndex row, const std::string& id,
            std::string_view organization, wire::RowScratch& scratch) const;

  const Target& target_;
  bool skip_verify_email_;
  RecordWriter records_;
};

}  // namespace tailrace::zendesk
