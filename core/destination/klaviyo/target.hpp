#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "destination/destination.hpp"

namespace tailrace::klaviyo {

/// What the rows of a sync are at Klaviyo: profiles, or profiles as members of one list.
struct Target {
  /// Throws std::invalid_argument where Klaviyo has no such object or match field.
  Target(std::string_view object, std::string_view match_field);

  /// As Klaviyo compares the match value: e-mail addresses without regard to case.
  [[nodiscard]] bool identity_into(std::string_view value, std::string& out) const;
  /// The identity, or empty text where there is none.
  [[nodiscard]] std::string compared(std::string_view value) const;

  std::string list;  // its id; empty: the profiles themselves
  std::string match;
  bool by_id;
  bool by_email;
};

/// Ids stand in addresses, memos and documents.
[[nodiscard]] bool is_plain_id(std::string_view text);

/// The fields of a schema as they stand in a profile's document. Throws std::invalid_argument for
/// names that profiles do not have.
[[nodiscard]] Schema in_document(const Schema& schema);

/// Members of a record that the tool keeps whatever else is emptied; by names in the document.
[[nodiscard]] bool is_kept(const Column& column);

}  // namespace tailrace::klaviyo
