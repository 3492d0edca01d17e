#include "run/verify.hpp"

#include <algorithm>
#include <utility>

#include "row/row_view.hpp"

namespace tailrace {
namespace {

using nlohmann::json;

json text_or_null(const std::optional<std::string>& text) {
  return text ? json(*text) : json(nullptr);
}

}  // namespace

void Verification::add(VerifiedRow row) {
  if (rows.size() < kRowsShown) rows.push_back(std::move(row));
}

json Verification::to_json() const {
  json shown = json::array();
  for (const VerifiedRow& row : rows) {
    json fields = json::array();
    for (const VerifiedRow::Field& field : row.fields) {
      fields.push_back({{"field", field.field},
                        {"ours", text_or_null(field.ours)},
                        {"theirs", text_or_null(field.theirs)}});
    }
    shown.push_back({{"key", row.key}, {"state", row.state}, {"fields", std::move(fields)}});
  }
  return {{"checked", checked},       {"equal", equal},     {"missing", missing},
          {"different", different},   {"extra", extra},     {"pending", pending},
          {"unreadable", unreadable}, {"failure", failure}, {"rows", std::move(shown)},
          {"repair", repair}};
}

std::vector<VerifiedRow::Field> differing_fields(const Destination& destination,
                                                 const Schema& schema, const std::string& line,
                                                 const Record& record) {
  std::vector<VerifiedRow::Field> differing;
  std::string scratch;
  CellCursor cells(line);
  for (std::size_t i = 0; i < schema.field_count; ++i) {
    const std::optional<Cell> cell = cells.next();
    if (!cell) break;
    const Column& column = schema.columns[i];
    if (i == schema.match) continue;  // it found the record
    if (column.link) continue;        // records are read, their links are not
    if (cell->is_null() && column.nulls == Nulls::keep) continue;
    const auto named = [&column](const auto& field) { return field.first == column.name; };
    const auto found = std::find_if(record.fields.begin(), record.fields.end(), named);
    std::optional<std::string> theirs;
    if (found != record.fields.end()) theirs = found->second;
    std::optional<std::string> ours;
    if (!cell->is_null()) ours = std::string(cell->text(scratch));
    const bool both_empty = !ours && (!theirs || theirs->empty());
    if (both_empty || (ours && destination.equal_value(i, *ours, theirs))) continue;
    differing.push_back({column.name, std::move(ours), std::move(theirs)});
  }
  return differing;
}

}  // namespace tailrace
