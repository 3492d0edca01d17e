#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "destination/destination.hpp"
#include "destination/rest/settings.hpp"
#include "row/schema.hpp"

namespace tailrace::rest {

/// Where an answer, or an entry of its list, has a record and what belongs to it: dotted paths.
struct RecordForm {
  std::string record;  // where the record stands
  std::string match;   // its member with the match value; empty: that of the match field
  std::string id;      // its member with the API's own id
  /// Members of the record that hold fields too, for those that it does not have itself.
  std::vector<std::string> within;
  /// Fields that stand elsewhere in the record than under their names.
  std::vector<std::pair<std::string, std::string>> paths;
};

/// `record`, `match`, `id`, `within` and `paths`; what is left out is `outer`'s. Throws
/// std::invalid_argument that names the key.
[[nodiscard]] RecordForm read_record_form(const Settings& reader, const RecordForm& outer = {});

/// The record with these fields; nothing where there is none.
[[nodiscard]] std::optional<Record> record_of(const nlohmann::json& entry, const RecordForm& form,
                                              const std::string& match_field,
                                              std::span<const Column> fields);

}  // namespace tailrace::rest
