#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "destination/destination.hpp"
#include "row/schema.hpp"

namespace tailrace {

/// The fields that a run with `create_fields` makes: mapped ones that are not among `known`, in
/// the mapping's order, typed as the schema's columns are. Throws std::invalid_argument where the
/// destination makes no fields, or takes a name for none.
[[nodiscard]] std::vector<FieldFact> new_fields(const Destination& destination,
                                                const Schema& schema,
                                                const std::vector<FieldFact>& known);

/// [{"name": …, "type": …}]
[[nodiscard]] nlohmann::json to_json(const std::vector<FieldFact>& made);

}  // namespace tailrace
