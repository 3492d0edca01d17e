#include "diff/null_count.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <stdexcept>

#include "row/row_view.hpp"

namespace tailrace {

NullCounter::NullCounter(const Schema& schema, const std::vector<std::string>& fields) {
  for (const std::string& field : fields) {
    const auto named = [&field](const Column& column) { return column.name == field; };
    const std::span<const Column> mapped = schema.fields();
    const auto found = std::find_if(mapped.begin(), mapped.end(), named);
    if (found == mapped.end()) {
      throw std::invalid_argument("guard max_null_jump: there is no field '" + field + "'");
    }
    watched_.push_back({field, static_cast<std::size_t>(found - mapped.begin()), 0});
  }
  std::sort(watched_.begin(), watched_.end(),
            [](const Watched& a, const Watched& b) { return a.column < b.column; });
}

void NullCounter::consume(const Chunk& chunk) {
  if (watched_.empty()) return;
  for (std::size_t i = 0; i < chunk.rows(); ++i) {
    CellCursor cells(chunk.line(i));
    std::size_t at = 0;
    for (Watched& one : watched_) {
      std::optional<Cell> cell;
      for (; at <= one.column; ++at) cell = cells.next();
      if (cell && cell->is_null()) ++one.nulls;
    }
  }
  rows_ += chunk.rows();
}

NullCounts NullCounter::counts() const {
  NullCounts counts;
  counts.rows = rows_;
  for (const Watched& one : watched_) counts.nulls[one.field] = one.nulls;
  return counts;
}

}  // namespace tailrace
