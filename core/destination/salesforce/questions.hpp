#pragma once

#include <vector>

#include "destination/destination.hpp"
#include "destination/salesforce/target.hpp"

namespace tailrace::salesforce {

/// The calls that ask Salesforce: fields of the object (describe), the org's id (account), calls
/// that are left (limits), records by match values, as many a query as its address takes
/// (by_match), all records page by page with their match value alone (all_ids).
[[nodiscard]] ReadStep first_questions(const Target& target, const std::vector<Column>& fields,
                                       const ReadAsk& ask);

/// What the answer to one call says, and the next call where it is a page of several.
[[nodiscard]] ReadStep read_answer(const Target& target, const std::vector<Column>& fields,
                                   const ReadAsk& ask, const Call& call, const wire::Reply& reply);

}  // namespace tailrace::salesforce
