#pragma once

#include <memory>

#include "process.hpp"
#include "run/committer.hpp"

namespace tailrace::simulation {

/// The committer of a process: commits take virtual time, and the lease is renewed while it passes.
[[nodiscard]] std::unique_ptr<Committer> make_virtual_committer(Process& process, StateStore& store,
                                                                CommitterOptions options);

}  // namespace tailrace::simulation
