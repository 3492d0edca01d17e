#pragma once

#include "destination/destination.hpp"
#include "destination/settle.hpp"

namespace tailrace::postgres {

/// What an answer that is a refusal means.
[[nodiscard]] Refusal judge(const wire::Reply& reply);

/// Verdicts of a batch from the answer to its one request.
[[nodiscard]] Step read_written(const Batch& batch, const wire::Reply& reply);

}  // namespace tailrace::postgres
