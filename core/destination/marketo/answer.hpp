#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <vector>

#include "destination/destination.hpp"
#include "destination/settle.hpp"

namespace tailrace::marketo {

/// An answer as Marketo writes them: {"success": …, "errors": […], "result": […]}.
struct Answer {
  Refusal refusal;  // `ok` where it says success
  std::optional<nlohmann::json> body;

  /// The list of results, where the answer says success and has one; else nullptr.
  [[nodiscard]] const nlohmann::json* results() const;
  /// Whether there is more than this page.
  [[nodiscard]] bool has_more() const;
};
[[nodiscard]] Answer read_answer(const wire::Reply& reply);

/// settle_refusal, with what Marketo's codes mean for the pace and the day's calls.
[[nodiscard]] Step settle(const Answer& answer, const wire::Reply& reply,
                          const std::vector<RowIndex>& rows, Operation operation);
/// The same for a question that a write needs first.
[[nodiscard]] Step settle_asked(Answer answer, const wire::Reply& reply,
                                const std::vector<RowIndex>& rows, Operation operation);
/// What an answer to a question says that has no results: why, or whether it is worth asking again.
[[nodiscard]] ReadStep refused_question(const Answer& answer, const wire::Reply& reply);

/// Why a row was skipped: the first of its reasons.
[[nodiscard]] Reason reason_in(const nlohmann::json& result);

[[nodiscard]] Reason unreadable_answer();

}  // namespace tailrace::marketo
