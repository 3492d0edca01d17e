#pragma once

#include "destination/destination.hpp"
#include "destination/hubspot/target.hpp"

namespace tailrace::hubspot {

/// Whether properties of these objects can be made here: of those whose group of properties is
/// known. A custom object's has a name of its own.
[[nodiscard]] bool makes_properties(const Target& target);

/// The property for a column, which is unique where records are matched by it. Throws
/// std::invalid_argument for what HubSpot would take for no name, and for a match property of a
/// type that it does not keep unique.
[[nodiscard]] FieldFact new_property(const Target& target, const Column& column);

/// ReadAsk::Kind::make_fields: a request for each property.
[[nodiscard]] ReadStep make_properties(const Target& target, const ReadAsk& ask);
/// What the answer to one of them says. A property that somebody else has made is as good.
[[nodiscard]] ReadStep read_made(const Call& call, const wire::Reply& reply);

}  // namespace tailrace::hubspot
