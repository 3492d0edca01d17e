#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "destination/destination.hpp"

namespace tailrace::zendesk {

/// Whether the object is a tag, and not the records that have it: `user_tag:NAME`,
/// `organization_tag:NAME`.
[[nodiscard]] bool is_tag(const nlohmann::json& object);

/// Rows name the records that have the tag: those that come get it, those that leave lose it, and
/// no other tag of theirs is touched. Zendesk changes the tags of one record a request, by its id.
/// Throws std::invalid_argument where the tag, the match field or the fields cannot be.
[[nodiscard]] std::unique_ptr<Destination> make_tag(const nlohmann::json& connection,
                                                    const nlohmann::json& object,
                                                    const Schema& schema);

}  // namespace tailrace::zendesk
