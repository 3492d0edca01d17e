#pragma once

#include <string>
#include <vector>

#include "destination/destination.hpp"
#include "destination/hubspot/target.hpp"

namespace tailrace::hubspot {

/// The calls that ask HubSpot: properties of the object (describe), the portal's id (account),
/// records by match values (by_match, a hundred a call; each answer brings its records), all
/// records page by page, with their match value alone (all_ids).
[[nodiscard]] ReadStep first_questions(const Target& target,
                                       const std::vector<std::string>& properties,
                                       const ReadAsk& ask);

/// What the answer to one call says, and the next call where it is a page of several. An answer
/// that a later try may better stops with Stop::Kind::quota.
[[nodiscard]] ReadStep read_answer(const Target& target, const ReadAsk& ask, const Call& call,
                                   const wire::Reply& reply);

}  // namespace tailrace::hubspot
