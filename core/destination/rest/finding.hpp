#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "destination/destination.hpp"
#include "destination/rest/asking.hpp"
#include "wire/request.hpp"

namespace tailrace::rest {

/// How the API's own ids are looked up by match values, where paths of operations hold {id}.
struct FindForm {
  Asking asking;
  std::string results;  // dotted path of the list of records; empty: the body is the list
  std::string match;    // member with the match value; empty: that of the match field
  std::string id = "id";
};

/// `find` of a declaration. Throws std::invalid_argument that names the key.
[[nodiscard]] FindForm read_find(const nlohmann::json& settings, const std::string& where);

/// What one question found out.
struct Found {
  /// Ids by match value. Empty where several records have the value.
  std::unordered_map<std::string, std::string> ids;

  /// nullptr where there is no such record.
  [[nodiscard]] const std::string* find(std::string_view match) const;
};

/// What was found; nothing where the answer is no list of records. `match_field` is the sync's.
[[nodiscard]] std::optional<Found> read_found(const FindForm& form, const wire::Reply& reply,
                                              std::string_view match_field);

}  // namespace tailrace::rest
