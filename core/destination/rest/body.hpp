#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "destination/destination.hpp"
#include "destination/rest/declaration.hpp"
#include "row/schema.hpp"
#include "wire/json_row.hpp"

namespace tailrace::rest {

/// Writes the bodies of requests, as their operations are declared.
class BodyWriter {
 public:
  /// Throws std::invalid_argument where a field has the name of a member that a shape sets.
  BodyWriter(const Schema& schema, const Declaration& declared);

  /// Appends the body of a request of these rows.
  void write(std::string& out, const Batch& batch, const Endpoint& endpoint,
             const std::vector<RowIndex>& rows) const;
  /// What kind of body that is.
  [[nodiscard]] std::string_view content_type(const Endpoint& endpoint) const;

  /// Whether one row takes more than `most` bytes.
  [[nodiscard]] bool exceeds(const Batch& batch, const Endpoint& endpoint, RowIndex row,
                             std::size_t most) const;
  /// As wire::RowWriter::bound.
  [[nodiscard]] std::size_t bound(std::string_view line, std::size_t enough = 0) const {
    return form_factor_ * rows_.bound(line, enough);
  }

 private:
  void write_row(std::string& out, const Batch& batch, const Endpoint& endpoint, RowIndex row,
                 wire::RowScratch& scratch) const;
  void append_fields(std::string& out, const Template& shape, const Batch& batch, RowIndex row,
                     wire::RowScratch& scratch) const;

  wire::RowWriter rows_;
  wire::RowWriter fields_;  // without the match field
  bool as_form_;
  std::size_t form_factor_;
};

/// A JSON object as name=value pairs (application/x-www-form-urlencoded): members of objects are
/// `a[b]`, entries of lists `a[]`. Its values are texts.
[[nodiscard]] std::string form_of_json(std::string_view object);

}  // namespace tailrace::rest
