#pragma once

#include <string>
#include <vector>

#include "destination/destination.hpp"
#include "destination/rest/declaration.hpp"
#include "destination/settle.hpp"
#include "wire/request.hpp"

namespace tailrace::rest {

/// Reads the declared results out of a success: one verdict for each of `rows`, which are the rows
/// of the request in its order. Nothing is accepted that the answer does not speak for: an answer
/// that cannot be read, a list that is not there, an error that names no row of ours leave every
/// row that is not named unknown.
[[nodiscard]] std::vector<Verdict> read_results(const ResultsForm& form, const wire::Reply& reply,
                                                const Batch& batch,
                                                const std::vector<RowIndex>& rows);

/// Why a success without declared results is no evidence; an empty code where it is.
[[nodiscard]] Reason implausible(AnswerForm form, const wire::Reply& reply);

/// Code, message and field of a refusal, from a body in whatever usual shape: a flat object with
/// code and message, one under "error", problem+json (RFC 9457), or text.
[[nodiscard]] Reason refusal_reason(const wire::Reply& reply);

}  // namespace tailrace::rest
