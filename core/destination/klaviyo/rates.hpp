#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "wire/rate.hpp"

namespace tailrace::klaviyo {

/// Klaviyo's limits, or the user's, which hold for each endpoint as Klaviyo's own do.
[[nodiscard]] std::vector<wire::RateRule> rates_of(const nlohmann::json& connection);

}  // namespace tailrace::klaviyo
