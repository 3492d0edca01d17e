#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "row/hash.hpp"
#include "row/row_view.hpp"
#include "row/schema.hpp"
#include "state/table.hpp"

namespace tailrace {

/// Hashes of a row's fields as the state keeps them: of one version, since the row may be
/// acknowledged in another one without them, by a run that sends whole rows or takes up a job.
[[nodiscard]] std::string fields_of_version(Version version, std::string_view hashes);
/// What is kept, if it is of that version; else empty.
[[nodiscard]] std::string_view fields_at(Version version, std::string_view kept);

/// Which fields of a row differ from what the destination has acknowledged. Of each field its name
/// and its value are kept as hashes under the store's secret, 16 bytes together, so that a changed
/// mapping leaves what is known of the fields that stay.
class FieldChoice {
 public:
  FieldChoice(const Schema& schema, const Hasher& hasher);

  /// Appends the row's hashes, in the order of the schema's fields.
  void hashes_of(const RowView& row, std::string& out);

  /// Whether `before` has every field of the row with its value.
  [[nodiscard]] bool same(std::string_view before, const RowView& row);

  /// A byte for each field: '\1' where `now` differs from `before` or `before` has no such field.
  /// Empty where no field differs. `now` is of hashes_of().
  [[nodiscard]] std::string differing(std::string_view before, std::string_view now) const;

 private:
  const Schema& schema_;
  const Hasher& hasher_;
  std::vector<std::uint64_t> names_;
  std::string scratch_;
  std::string hashes_;
};

/// The field hashes of everything that is acknowledged, for a run whose mapping has changed.
class KnownFields {
 public:
  /// Reads them a thousand at a time.
  KnownFields(StateStore& store, const Holder& holder, const StateTable& table);

  /// Empty where none are kept.
  [[nodiscard]] std::string_view of(const IdentityHash& identity) const;

 private:
  std::unordered_map<IdentityHash, std::string, HashOfIdentity> fields_;
};

}  // namespace tailrace
