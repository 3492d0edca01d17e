#include "destination/records.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "wire/json_reader.hpp"

namespace tailrace {

std::string ids_of(const KnownRows& rows) {
  std::string ids;
  for (const auto& [row, id] : rows) {
    if (!ids.empty()) ids += ',';
    ids += id;
  }
  return ids;
}

std::string to_note(const KnownRows& rows) {
  std::string text;
  for (const auto& [row, id] : rows) {
    if (!text.empty()) text += ' ';
    text.append(std::to_string(row)).append(":").append(id);
  }
  return text;
}

KnownRows known_rows(std::string_view text, std::size_t rows) {
  KnownRows known;
  while (!text.empty()) {
    const std::string_view entry = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), entry.size() + 1));
    RowIndex row = 0;
    const auto read = std::from_chars(entry.data(), entry.data() + entry.size(), row);
    const auto length = static_cast<std::size_t>(read.ptr - entry.data());
    if (read.ec != std::errc{} || length >= entry.size() || entry[length] != ':') continue;
    if (row < rows) known.emplace_back(row, entry.substr(length + 1));
  }
  return known;
}

Call question(std::string path) {
  Call call;
  call.effect = Effect::none;
  call.request.method = wire::Method::get;
  call.request.path = std::move(path);
  return call;
}

std::vector<std::pair<std::string, std::optional<std::string>>> values_of(
    const nlohmann::json& record, const std::vector<Column>& fields) {
  std::vector<std::pair<std::string, std::optional<std::string>>> values;
  for (const Column& field : fields) {
    const nlohmann::json* value = wire::at_path(record, field.name);
    std::optional<std::string> text;
    if (value != nullptr && value->is_structured()) {
      text = value->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    } else if (value != nullptr && !value->is_null()) {
      text = wire::scalar_text(*value);
    }
    values.emplace_back(field.name, std::move(text));
  }
  return values;
}

Schema clearable(const Schema& schema, const std::function<bool(const Column&)>& is_kept) {
  Schema emptied;
  for (std::size_t i = 0; i < schema.field_count; ++i) {
    const Column& column = schema.columns[i];
    if (i != schema.match && is_kept(column)) continue;
    if (i == schema.match) emptied.match = emptied.columns.size();
    emptied.columns.push_back(column);
  }
  emptied.field_count = emptied.columns.size();
  return emptied;
}

Schema with_trimmed_match(const Schema& schema) {
  Schema trimmed = schema;
  trimmed.columns[trimmed.match].trimmed = true;
  return trimmed;
}

Schema as_texts(const Schema& schema) {
  Schema texts = schema;
  for (Column& column : texts.columns) {
    if (column.type == Type::json || column.type == Type::list) column.type = Type::text;
  }
  return texts;
}

RecordWriter::RecordWriter(const Schema& rows, const Schema& cleared, wire::RowForm form)
    : rows_(rows, form), cleared_(cleared, form) {}

void RecordWriter::write(std::string& out, const Batch& batch, RowIndex index,
                         std::string_view more, wire::RowScratch& scratch) const {
  const BatchRow& row = batch.rows[index];
  const std::size_t start = out.size();
  if (batch.operation == Operation::clear) {
    cleared_.write_cleared(out, row.match, scratch);
  } else {
    rows_.write(out, row.line, scratch, row.send);
  }
  out.insert(start + 1, more);  // an object that has the match field at least
}

std::size_t RecordWriter::bound(std::string_view line, std::size_t enough) const {
  return rows_.bound(line, enough);
}

}  // namespace tailrace
