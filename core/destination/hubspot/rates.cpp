#include "destination/hubspot/rates.hpp"

#include <nlohmann/json.hpp>

#include "destination/connection.hpp"
#include "destination/hubspot/facts.hpp"

namespace tailrace::hubspot {

std::vector<wire::RateRule> rates_of(const nlohmann::json& connection) {
  std::vector<wire::RateRule> rates = limits_of(connection);
  if (!rates.empty()) return rates;
  const Tier& tier = tier_of(connection, kTiers, "HubSpot");
  rates.push_back({0, tier.per_ten_seconds, 10s, "ten_secondly"});
  rates.push_back({0, tier.per_day, wire::kDay, "daily"});
  return rates;
}

}  // namespace tailrace::hubspot
