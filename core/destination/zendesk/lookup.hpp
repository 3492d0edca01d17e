#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "destination/destination.hpp"
#include "destination/zendesk/target.hpp"

namespace tailrace::zendesk {

/// Records by the values that the rows are matched by: one GET of show_many.
[[nodiscard]] Call show_many(const Target& target, const std::vector<std::string>& matches);

/// How many of these values one request takes, by the length of its address; at least one.
[[nodiscard]] std::size_t that_fit(const std::vector<std::string>& matches, std::size_t from);

struct Found {
  std::unordered_map<std::string, std::string> ids;  // by compared match value
  std::vector<std::string> twice;                    // values that several records have
};
/// nullopt: not a whole answer; nothing is known, of absence neither.
[[nodiscard]] std::optional<Found> read_found(const Target& target, const nlohmann::json& body);

/// The list of records in an answer, where its `count` does not contradict it; else nullptr.
[[nodiscard]] const nlohmann::json* records_in(const Target& target, const nlohmann::json& body);

}  // namespace tailrace::zendesk
