#pragma once

#include <algorithm>
#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "wire/rate.hpp"

namespace tailrace {

/// `limits` of a connection: [{"requests": 190, "per_s": 10, "name": "…", "concurrent": 5}, …], of
/// which "concurrent" or the first two may be missing; none where it is null or left out. Throws
/// std::invalid_argument, naming the key and its owner, for anything else.
[[nodiscard]] std::vector<wire::RateRule> limits_of(const nlohmann::json& connection,
                                                    const std::string& owner = "connection");

/// How many calls of the tool's day the runs of an account may use.
struct DailyCalls {
  std::optional<double> share;  // of what the tool allows, above 0 and at most 1
  std::optional<double> calls;  // of our own
};
/// `daily_calls`: {"value": 60, "percent": true} or {"value": 5000}; nothing where it is null or
/// left out. Throws as limits_of does.
[[nodiscard]] std::optional<DailyCalls> daily_calls_of(const nlohmann::json& connection);

/// A whole number from 1 to `most`, or `fallback` where it is null or left out. Throws as limits_of
/// does.
[[nodiscard]] std::size_t count_of(const nlohmann::json& connection, std::string_view key,
                                   std::size_t fallback, std::size_t most);

/// `max_in_flight`, or `fallback` where it is null or left out. Throws as limits_of does.
[[nodiscard]] std::size_t max_in_flight_of(const nlohmann::json& connection, std::size_t fallback);

/// A text member, or `fallback` where it is null or left out. Throws as limits_of does.
[[nodiscard]] std::string text_of(const nlohmann::json& settings, std::string_view key,
                                  std::string_view fallback);

/// The entry of `tiers`, which have a `name` each, that the connection's `tier` names; the first
/// where it names none. Throws std::invalid_argument for a name that `tool` does not have.
template <class Tiers>
[[nodiscard]] const auto& tier_of(const nlohmann::json& connection, const Tiers& tiers,
                                  std::string_view tool) {
  const std::string name = text_of(connection, "tier", tiers.front().name);
  const auto found =
      std::find_if(tiers.begin(), tiers.end(), [&](const auto& tier) { return tier.name == name; });
  if (found != tiers.end()) return *found;
  throw std::invalid_argument("connection: " + std::string(tool) + " has no tier '" + name + "'");
}

/// The known name that takes the fewest changes to become `name`; empty where none is known.
[[nodiscard]] std::string_view nearest(std::string_view name,
                                       const std::vector<std::string_view>& known);

/// The end of a message about an unknown name: the known one that was probably meant; empty where
/// none is like it.
[[nodiscard]] std::string meant_of(std::string_view name,
                                   const std::vector<std::string_view>& known);
/// The same, or else what there is.
[[nodiscard]] std::string hint_of(std::string_view name, std::vector<std::string_view> known);

/// Throws std::invalid_argument for a member of `settings` that `known` does not have, with the
/// nearest known name. `where` begins the message.
void refuse_unknown_keys(const nlohmann::json& settings, const std::vector<std::string_view>& known,
                         std::string_view where);

}  // namespace tailrace
