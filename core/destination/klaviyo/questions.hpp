#pragma once

#include <vector>

#include "destination/destination.hpp"
#include "destination/klaviyo/target.hpp"

namespace tailrace::klaviyo {

/// The calls that ask Klaviyo: whether profiles or events may be read, or the list is there
/// (describe: the attributes are facts), whose key it is (account), profiles by match values, a
/// hundred a call (by_match), all profiles page by page (all_ids).
[[nodiscard]] ReadStep first_questions(const Target& target, const std::vector<Column>& fields,
                                       const ReadAsk& ask);

/// What the answer to one call says, and the next call where it is a page of several.
[[nodiscard]] ReadStep read_answer(const Target& target, const std::vector<Column>& fields,
                                   const ReadAsk& ask, const Call& call, const wire::Reply& reply);

}  // namespace tailrace::klaviyo
