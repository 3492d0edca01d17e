#pragma once

#include <functional>
#include <nlohmann/json.hpp>

#include "destination/destination.hpp"
#include "diff/changeset.hpp"
#include "run/report.hpp"

namespace tailrace {

/// What `plan` shows: counts, breaches, samples with the exact values, requests and minutes.
struct PlanAsk {
  const Report& report;
  const Schema& schema;
  const Destination& destination;
  std::uint64_t known = 0;
  std::string fingerprint;
  std::function<bool(const IdentityHash&)> is_duplicate;
  Operation write = Operation::upsert;
  Operation removal = Operation::delete_;
  std::vector<wire::RateRule> rates = {};  // the account's
  bool mapping_changed = false;
  bool encoding_changed = false;
  bool takes_as_delivered = false;
};

/// Reads the changeset once from the front. Every row that a run would send is told to `row`.
[[nodiscard]] nlohmann::json make_plan(const PlanAsk& ask, Changeset& changes,
                                       const std::function<void()>& row);

}  // namespace tailrace
