#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "destination/destination.hpp"

namespace tailrace::klaviyo {

/// What the rows of a sync are at Klaviyo: profiles, profiles as members of one list, or events of
/// one metric, each of the profile that the match value names.
struct Target {
  /// Throws std::invalid_argument where Klaviyo has no such object or match field.
  Target(std::string_view object, std::string_view match_field);

  /// As Klaviyo compares the match value: e-mail addresses without regard to case.
  [[nodiscard]] bool identity_into(std::string_view value, std::string& out) const;
  /// The identity, or empty text where there is none.
  [[nodiscard]] std::string compared(std::string_view value) const;

  std::string list;  // its id; empty, as the metric is: the profiles themselves
  std::string metric;  // its name
  std::string match;
  bool by_id;
  bool by_email;
};

/// Ids stand in addresses, memos and documents.
[[nodiscard]] bool is_plain_id(std::string_view text);

/// The fields of a schema as they stand in a profile's document. Throws std::invalid_argument for
/// names that profiles do not have.
[[nodiscard]] Schema in_document(const Schema& schema);

/// The same as they stand in an event's document: identifiers of its profile as `id` and below
/// `attributes`, the event's own as they are. NULL leaves any of them out.
[[nodiscard]] Schema in_event(const Schema& schema);
[[nodiscard]] bool is_identifier(std::string_view field);

/// Members of a record that the tool keeps whatever else is emptied; by names in the document.
[[nodiscard]] bool is_kept(const Column& column);

}  // namespace tailrace::klaviyo
