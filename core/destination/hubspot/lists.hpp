#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "destination/destination.hpp"

namespace tailrace::hubspot {

/// Whether an object is `list:ID`.
[[nodiscard]] bool is_list(const nlohmann::json& object);

/// The members of a list. Which objects they are is what the answer to ReadAsk::Kind::prepare says,
/// to be given back as `learned` of the object before a row is sent. Arguments and errors as for
/// make_destination.
[[nodiscard]] std::unique_ptr<Destination> make_list(const nlohmann::json& connection,
                                                     const nlohmann::json& object,
                                                     const Schema& schema);

}  // namespace tailrace::hubspot
