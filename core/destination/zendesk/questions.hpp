#pragma once

#include <vector>

#include "destination/destination.hpp"
#include "destination/zendesk/target.hpp"

namespace tailrace::zendesk {

/// The calls that ask Zendesk: fields of the object (describe: the standard ones are facts, the
/// account's own are listed page by page), whose login it is (account), records by match values, a
/// hundred a call (by_match), all records page by page (all_ids).
[[nodiscard]] ReadStep first_questions(const Target& target, const ReadAsk& ask);

/// What the answer to one call says, and the next call where it is a page of several.
[[nodiscard]] ReadStep read_answer(const Target& target, const std::vector<Column>& fields,
                                   const ReadAsk& ask, const Call& call, const wire::Reply& reply);

}  // namespace tailrace::zendesk
