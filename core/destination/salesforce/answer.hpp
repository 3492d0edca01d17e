#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "destination/destination.hpp"
#include "destination/settle.hpp"

namespace tailrace::salesforce {

/// What an answer without outcomes means, in Salesforce's words: a list of errors.
[[nodiscard]] Refusal judge(const wire::Reply& reply);

/// settle_refusal, with the way that Salesforce's quota comes back.
[[nodiscard]] Step settle(const Refusal& refusal, const std::vector<RowIndex>& rows,
                          Operation operation);

/// The same for a question that a write needs first, or for a request that changes no row.
[[nodiscard]] Step settle_asked(Refusal refusal, const std::vector<RowIndex>& rows,
                                Operation operation);

/// One error of a row, whichever API tells of it.
[[nodiscard]] Verdict refused_row(RowIndex row, Operation operation, const Reason& reason);
/// Whether an error says that there is no record of an id: of the row's own, or of one that a field
/// of it refers to.
[[nodiscard]] bool is_gone(const Reason& reason);
/// Whether an error says that another transaction has the record at the moment.
[[nodiscard]] bool is_locked(const Reason& reason);

/// What a collections answer says of one row. `sent_id`: the id that it was written by, or empty.
[[nodiscard]] Verdict read_result(const nlohmann::json& result, RowIndex row, Operation operation,
                                  std::string_view sent_id);

[[nodiscard]] Reason unreadable_answer();

/// Whether a text is a code of Salesforce's: CAPITALS_LIKE_THIS.
[[nodiscard]] bool is_code(std::string_view text);

}  // namespace tailrace::salesforce
