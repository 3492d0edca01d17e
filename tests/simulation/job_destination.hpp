#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "destination/destination.hpp"

namespace tailrace::simulation {

/// Speaks to a tool that works in jobs: a batch is handed over under a name, the job is asked for
/// until it is done, then for its results. A job whose creation was not answered is looked for by
/// its name, which is on record before it is made.
[[nodiscard]] std::unique_ptr<Destination> make_job_destination(const nlohmann::json& object);

/// Speaks to a tool that takes so many jobs at once: a batch is handed over, the answer names its
/// job, and one request asks for several of them. Of a job whose creation was not answered nothing
/// is known.
[[nodiscard]] std::unique_ptr<Destination> make_jobs_destination(const nlohmann::json& object,
                                                                 const Schema& schema);

}  // namespace tailrace::simulation
