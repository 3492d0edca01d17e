#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "language.hpp"

namespace tailrace::simulation {

/// A row's value is one cell, or several with a tab between them, as in the row's encoded line.
[[nodiscard]] std::size_t cells_in(std::string_view value);
/// The n-th; empty where there are not so many.
[[nodiscard]] std::string_view cell_of(std::string_view value, std::size_t n);
/// As many empty cells as the value has: what is left of a record that was cleared.
[[nodiscard]] std::string cleared(std::string_view value);
/// For people.
[[nodiscard]] std::string shown(std::string_view value);

/// Whether the request names that cell of its row.
[[nodiscard]] inline bool names_cell(const Ask::Row& row, std::size_t n) {
  return (row.left_out >> n & 1U) == 0;
}
/// Whether every cell that the request names is the value's.
[[nodiscard]] bool agrees(const Ask::Row& row, std::string_view value);
/// The cells that the request names over those of `before`.
[[nodiscard]] std::string written_over(std::string_view before, const Ask::Row& row);

}  // namespace tailrace::simulation
