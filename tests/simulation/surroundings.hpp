#pragma once

#include <string>
#include <vector>

#include "process.hpp"
#include "run/engine.hpp"

namespace tailrace::simulation {

/// What a run of that process sees of the world: virtual time, the tool, the store, and a source
/// that gives `lines`.
[[nodiscard]] Surroundings surroundings_of(Process& process, std::vector<std::string> lines);

}  // namespace tailrace::simulation
