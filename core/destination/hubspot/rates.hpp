#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "wire/rate.hpp"

namespace tailrace::hubspot {

/// The connection's own limits, else those of its tier. Throws std::invalid_argument for a tier
/// that HubSpot does not have.
[[nodiscard]] std::vector<wire::RateRule> rates_of(const nlohmann::json& connection);

}  // namespace tailrace::hubspot
