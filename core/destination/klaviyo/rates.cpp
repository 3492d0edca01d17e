#include "destination/klaviyo/rates.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "destination/connection.hpp"
#include "destination/klaviyo/facts.hpp"

namespace tailrace::klaviyo {

std::vector<wire::RateRule> rates_of(const nlohmann::json& connection) {
  const std::vector<wire::RateRule> chosen = limits_of(connection);
  std::vector<wire::RateRule> rates;
  for (std::size_t at = 0; at < kPaces.size(); ++at) {
    const auto rate_class = static_cast<wire::RateClass>(at);
    for (wire::RateRule rule : chosen) {
      rule.rate_class = rate_class;
      rates.push_back(std::move(rule));
    }
    if (!chosen.empty()) continue;
    rates.push_back({rate_class, kPaces[at].burst, kBurstWindow, "burst"});
    rates.push_back({rate_class, kPaces[at].steady, kSteadyWindow, "steady"});
  }
  return rates;
}

}  // namespace tailrace::klaviyo
