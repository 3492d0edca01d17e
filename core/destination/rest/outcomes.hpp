#pragma once

#include <string>
#include <vector>

#include "destination/destination.hpp"
#include "destination/rest/declaration.hpp"
#include "destination/settle.hpp"
#include "wire/request.hpp"

namespace tailrace::rest {

/// Whether an operation is about records that are there, so that one may be missing.
[[nodiscard]] bool seeks(Operation operation);

/// What an operation takes from an answer's words on one row.
struct RowWords {
  Operation operation = Operation::upsert;
  const Endpoint* endpoint = nullptr;

  /// Whether one of these texts of an answer is declared to say that the record is not there, or
  /// (insert) that it is there already.
  [[nodiscard]] bool say_missing(const std::vector<std::string>& texts) const;
  [[nodiscard]] bool say_exists(const std::vector<std::string>& texts) const;
};

/// What becomes of a row whose record is not there: passed over by an update, done where the record
/// was to be emptied or taken away. `said` is the API's own reason.
[[nodiscard]] Verdict missing_verdict(RowIndex row, Operation operation, const Reason& said);

/// Status and codes of an answer as a whole, as RowWords takes them.
[[nodiscard]] std::vector<std::string> texts_of(const wire::Reply& reply);

/// Reads the declared results out of a success: one verdict for each of `rows`, which are the rows
/// of the request in its order. Nothing is accepted that the answer does not speak for: an answer
/// that cannot be read, a list that is not there, an error that names no row of ours leave every
/// row that is not named unknown.
[[nodiscard]] std::vector<Verdict> read_results(const Endpoint& endpoint, const wire::Reply& reply,
                                                const Batch& batch,
                                                const std::vector<RowIndex>& rows);

/// Why a success without declared results is no evidence; an empty code where it is.
[[nodiscard]] Reason implausible(AnswerForm form, const wire::Reply& reply);

/// Code, message and field of a refusal, from a body in whatever usual shape: a flat object with
/// code and message, one under "error", problem+json (RFC 9457), or text.
[[nodiscard]] Reason refusal_reason(const wire::Reply& reply);

}  // namespace tailrace::rest
