#include "content.hpp"

#include <algorithm>

namespace tailrace::simulation {

std::size_t cells_in(std::string_view value) {
  return 1 + static_cast<std::size_t>(std::count(value.begin(), value.end(), '\t'));
}

std::string_view cell_of(std::string_view value, std::size_t n) {
  for (; n > 0; --n) {
    const std::size_t tab = value.find('\t');
    if (tab == std::string_view::npos) return {};
    value.remove_prefix(tab + 1);
  }
  return value.substr(0, value.find('\t'));
}

std::string cleared(std::string_view value) { return std::string(cells_in(value) - 1, '\t'); }

std::string shown(std::string_view value) {
  std::string text(value);
  std::replace(text.begin(), text.end(), '\t', '/');
  return text;
}

bool agrees(const Ask::Row& row, std::string_view value) {
  if (row.left_out == 0) return row.value == value;
  for (std::size_t n = 0; n < cells_in(value); ++n) {
    if (names_cell(row, n) && cell_of(row.value, n) != cell_of(value, n)) return false;
  }
  return true;
}

std::string written_over(std::string_view before, const Ask::Row& row) {
  if (row.left_out == 0) return row.value;
  std::string after;
  for (std::size_t n = 0; n < cells_in(row.value); ++n) {
    if (n > 0) after += '\t';
    after.append(cell_of(names_cell(row, n) ? std::string_view(row.value) : before, n));
  }
  return after;
}

}  // namespace tailrace::simulation
