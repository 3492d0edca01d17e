#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
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

/// Whether a word of an answer says that something was refused: "error", "failed" and the like.
[[nodiscard]] bool is_rejection(std::string_view word);
/// Whether a document says that the request as a whole failed: `ok: false`, `errors` and the like.
[[nodiscard]] bool says_failure(const nlohmann::json& body);

/// The code of an answer: what stands first at one of these dotted paths, into the first entry of
/// lists. Empty where there is none.
[[nodiscard]] std::string code_of(const std::vector<std::string>& paths, const wire::Reply& reply);

/// Why an answer without the mark of a success is none; an empty code where it has it.
[[nodiscard]] Reason unmarked(const SuccessMark& mark, const wire::Reply& reply);

/// Why a success without declared results is no evidence; an empty code where it is.
[[nodiscard]] Reason implausible(AnswerForm form, const wire::Reply& reply);

/// Code, message and field of a refusal, from a body in whatever usual shape: a flat object with
/// code and message, one under "error", problem+json (RFC 9457), or text.
[[nodiscard]] Reason refusal_reason(const wire::Reply& reply);

}  // namespace tailrace::rest
