#include "destination/zendesk/rates.hpp"

#include <nlohmann/json.hpp>

#include "destination/connection.hpp"
#include "destination/zendesk/facts.hpp"

namespace tailrace::zendesk {

std::vector<wire::RateRule> rates_of(const nlohmann::json& connection) {
  std::vector<wire::RateRule> rates = limits_of(connection);
  if (!rates.empty()) return rates;
  const Tier& tier = tier_of(connection, kTiers, "Zendesk");
  rates.push_back({0, tier.per_minute, kRateWindow, "minutely"});
  return rates;
}

}  // namespace tailrace::zendesk
