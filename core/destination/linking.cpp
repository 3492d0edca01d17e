#include "destination/linking.hpp"

#include <array>
#include <stdexcept>

#include "destination/settle.hpp"
#include "row/row_view.hpp"
#include "wire/cell.hpp"
#include "wire/utf8.hpp"

namespace tailrace {
namespace {

constexpr std::array kNoNames{Type::floating, Type::json, Type::bytes, Type::list};

}  // namespace

Linking::Linking(const Schema& schema) {
  const Column* column = schema.link();
  if (column == nullptr) return;
  if (is_one_of(column->type, kNoNames)) {
    throw std::invalid_argument(
        "associate: column: its values are floats, JSON, bytes or lists, by which no record of '" +
        column->link->to + "' can be found: cast it to text");
  }
  link_ = column->link;
  column_ = *column;
  index_ = schema.field_count - 1;
}

KnownRows Linking::values(const Batch& batch) const {
  KnownRows values;
  std::string scratch;
  for (RowIndex i = 0; i < batch.rows.size(); ++i) {
    const BatchRow& row = batch.rows[i];
    if (row.line.empty() || (!row.send.empty() && row.send[index_] != '\1')) continue;
    const Cell cell = RowView(row.line, *batch.schema).cell(index_);
    if (cell.is_null()) continue;
    const std::string_view text = wire::cell_text(cell, column_, scratch);
    if (!wire::trimmed(text).empty()) values.emplace_back(i, std::string(text));
  }
  return values;
}

Reason Linking::missing(std::string_view value) const {
  Reason reason =
      reason_of(kParentMissing,
                "there is no record of " + link_->to + " with " + link_->by + " '" +
                    std::string(value) + "': nothing was written, the row goes again next time",
                column_.name);
  reason.transient = true;
  return reason;
}

}  // namespace tailrace
