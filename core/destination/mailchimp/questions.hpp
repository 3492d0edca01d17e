#pragma once

#include <vector>

#include "destination/destination.hpp"
#include "destination/mailchimp/target.hpp"

namespace tailrace::mailchimp {

/// The calls that ask Mailchimp: merge fields of the audience (describe), whose key it is
/// (account), a member a call (by_match), all members page by page (all_ids). Who is archived is
/// not there.
[[nodiscard]] ReadStep first_questions(const Target& target, const ReadAsk& ask);

/// What the answer to one call says, and the next call where it is a page of several.
[[nodiscard]] ReadStep read_answer(const Target& target, const std::vector<Column>& fields,
                                   const ReadAsk& ask, const Call& call, const wire::Reply& reply);

}  // namespace tailrace::mailchimp
