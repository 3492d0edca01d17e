#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "destination/destination.hpp"

namespace tailrace {

/// Builds the destination that `connection.type` names. `connection` is the resolved connection,
/// `object` the resolved object ({"name": …} and, for rest, its declaration), `schema` the fields.
/// Throws std::invalid_argument with a message for the user where the three do not fit.
[[nodiscard]] std::unique_ptr<Destination> make_destination(const nlohmann::json& connection,
                                                            const nlohmann::json& object,
                                                            const Schema& schema);

}  // namespace tailrace
