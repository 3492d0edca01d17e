#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "destination/destination.hpp"
#include "destination/klaviyo/target.hpp"

namespace tailrace::klaviyo {

/// Events of one metric, which are made and never changed: one a request, each under a `unique_id`
/// that Klaviyo records once. Throws as make_destination does.
[[nodiscard]] std::unique_ptr<Destination> make_events(const nlohmann::json& connection,
                                                       const Target& target, const Schema& schema);

}  // namespace tailrace::klaviyo
