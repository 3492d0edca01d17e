#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "wire/rate.hpp"

namespace tailrace::zendesk {

/// The connection's own limits, else those of its plan. Throws std::invalid_argument for a plan
/// that Zendesk does not have.
[[nodiscard]] std::vector<wire::RateRule> rates_of(const nlohmann::json& connection);

}  // namespace tailrace::zendesk
