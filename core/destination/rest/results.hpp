#pragma once

#include <vector>

#include "destination/destination.hpp"
#include "destination/rest/endpoint.hpp"
#include "wire/request.hpp"

namespace tailrace::rest {

/// Reads the declared results out of a success: one verdict for each of `rows`, which are the rows
/// of the request in its order. Nothing is accepted that the answer does not speak for: an answer
/// that cannot be read, a list that is not there, an error that names no row of ours leave every
/// row that is not named unknown.
[[nodiscard]] std::vector<Verdict> read_results(const Endpoint& endpoint, const wire::Reply& reply,
                                                const Batch& batch,
                                                const std::vector<RowIndex>& rows);

}  // namespace tailrace::rest
