#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "destination/destination.hpp"
#include "destination/klaviyo/target.hpp"

namespace tailrace::klaviyo {

/// Profiles by the values that rows are matched by: one GET with a filter. `fields` are attributes
/// that the answer needs, joined by commas.
[[nodiscard]] Call find_profiles(const Target& target, std::span<const std::string> matches,
                                 std::string_view fields);

/// How many of these values one request takes, by number and by the length of its address; at
/// least one.
[[nodiscard]] std::size_t that_fit(std::span<const std::string> matches);

/// The profiles in an answer. nullptr: not a whole answer; nothing is known, of absence neither.
[[nodiscard]] const nlohmann::json* profiles_in(const nlohmann::json& body);

/// The match value of a profile as Klaviyo tells of it, compared; empty where it has none.
[[nodiscard]] std::string match_of(const Target& target, const nlohmann::json& profile);

/// Klaviyo's ids by compared match value.
[[nodiscard]] std::optional<std::unordered_map<std::string, std::string>> read_ids(
    const Target& target, const nlohmann::json& body);

}  // namespace tailrace::klaviyo
