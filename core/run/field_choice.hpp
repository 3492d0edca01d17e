#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "row/hash.hpp"
#include "row/row_view.hpp"
#include "row/schema.hpp"

namespace tailrace {

/// Which fields of a row differ from what the destination has acknowledged. Of each field its name
/// and its value are kept as hashes under the store's secret, 16 bytes together, so that a changed
/// mapping leaves what is known of the fields that stay.
class FieldChoice {
 public:
  FieldChoice(const Schema& schema, const Hasher& hasher);

  /// Appends the row's hashes, in the order of the schema's fields.
  void hashes_of(const RowView& row, std::string& out);

  /// A byte for each field: '\1' where `now` differs from `before` or `before` has no such field.
  /// Empty where no field differs. `now` is of hashes_of().
  [[nodiscard]] std::string differing(std::string_view before, std::string_view now) const;

 private:
  const Schema& schema_;
  const Hasher& hasher_;
  std::vector<std::uint64_t> names_;
  std::string scratch_;
};

}  // namespace tailrace
