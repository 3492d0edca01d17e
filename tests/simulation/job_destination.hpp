#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "destination/destination.hpp"

namespace tailrace::simulation {

/// Speaks to a tool that works in jobs: a batch is handed over under a name, the job is asked for
/// until it is done, then for its results. A job whose creation was not answered is looked for by
/// its name, which is on record before it is made.
[[nodiscard]] std::unique_ptr<Destination> make_job_destination(const nlohmann::json& object);

}  // namespace tailrace::simulation
