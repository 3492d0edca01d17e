#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "wire/rate.hpp"

namespace tailrace {

/// `limits` of a connection: [{"requests": 190, "per_s": 10, "name": "…"}, …]; none where it is
/// null or left out. Throws std::invalid_argument, naming the key, for anything else.
[[nodiscard]] std::vector<wire::RateRule> limits_of(const nlohmann::json& connection);

/// `max_in_flight`, or `fallback` where it is null or left out. Throws as limits_of does.
[[nodiscard]] std::size_t max_in_flight_of(const nlohmann::json& connection, std::size_t fallback);

/// A text member, or `fallback` where it is null or left out. Throws as limits_of does.
[[nodiscard]] std::string text_of(const nlohmann::json& settings, std::string_view key,
                                  std::string_view fallback);

/// Throws std::invalid_argument for a member of `settings` that `known` does not have, with the
/// nearest known name. `where` begins the message.
void refuse_unknown_keys(const nlohmann::json& settings, const std::vector<std::string_view>& known,
                         std::string_view where);

}  // namespace tailrace
