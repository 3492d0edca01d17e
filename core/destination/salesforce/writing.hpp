#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "destination/destination.hpp"
#include "destination/records.hpp"
#include "destination/salesforce/target.hpp"

namespace tailrace::salesforce {

/// Makes the requests of sObject Collections that write: 200 rows each.
class Writing {
 public:
  Writing(const Target& target, const Schema& schema);

  /// Upsert by the match field, or insert.
  [[nodiscard]] Call by_match(const Batch& batch, const std::vector<RowIndex>& rows) const;
  /// Update or clear, by ids.
  [[nodiscard]] Call by_id(const Batch& batch, const KnownRows& rows) const;
  [[nodiscard]] Call remove(const KnownRows& rows) const;
  [[nodiscard]] std::size_t bound(std::string_view line) const;

  /// For each row a value that rows of one parent share: their references, as the model writes
  /// them. Empty where the sync has none.
  [[nodiscard]] std::vector<std::string> parents(const Batch& batch) const;

 private:
  void item(std::string& body, const Batch& batch, RowIndex row, const std::string& id,
            wire::RowScratch& scratch) const;
  void body(std::string& out, const Batch& batch, const KnownRows& rows) const;

  const Target& target_;
  RecordWriter records_;
  std::string type_;  // "attributes":{"type":"Account"},
  std::vector<std::size_t> references_;  // fields that name another record
};

}  // namespace tailrace::salesforce
