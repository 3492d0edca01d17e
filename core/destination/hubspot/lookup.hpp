#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "destination/destination.hpp"
#include "destination/hubspot/target.hpp"
#include "destination/records.hpp"

namespace tailrace::hubspot {

/// The records that have one of these match values (at most kMaxRows), with their `properties`.
[[nodiscard]] Call ask_by_match(const Target& target, std::span<const std::string> properties,
                                std::span<const std::string> matches);

/// What to_note() has kept: ids by row of the batch, empty where `text` does not have the row.
[[nodiscard]] std::vector<std::string> ids_by_row(std::string_view text, std::size_t rows);

/// A record that is to be removed and is not there.
[[nodiscard]] Reason already_gone();

}  // namespace tailrace::hubspot
