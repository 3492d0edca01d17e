#pragma once

#include <string>
#include <vector>

#include "destination/destination.hpp"
#include "destination/hubspot/target.hpp"

namespace tailrace::hubspot {

/// The calls that ask HubSpot: properties of the object (describe), the portal's id (account),
/// records by match values (by_match, a hundred a call; each answer brings its records).
[[nodiscard]] ReadStep first_questions(const Target& target,
                                       const std::vector<std::string>& properties,
                                       const ReadAsk& ask);

/// What one answer says. An answer that a later try may better stops with Stop::Kind::quota.
[[nodiscard]] ReadStep read_answer(const Target& target, const ReadAsk& ask,
                                   const wire::Reply& reply);

}  // namespace tailrace::hubspot
