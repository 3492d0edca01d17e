#include "destination/rest/body.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "destination/rest/template.hpp"
#include "wire/json_reader.hpp"
#include "wire/request.hpp"

namespace tailrace::rest {
namespace {

using nlohmann::json;

/// A form has texts alone: numbers keep their digits, whatever reads them.
[[nodiscard]] wire::RowForm row_form(const Declaration& declared, bool with_match) {
  wire::RowForm form = declared.form;
  form.with_match = with_match;
  form.text_values = declared.as_form;
  return form;
}

void refuse_doubles(const Template& shape, const Schema& schema, const std::string& object) {
  const auto& beside = shape.beside();
  for (std::size_t i = 0; i < schema.field_count; ++i) {
    if (i == schema.match && shape.wants_fields()) continue;
    const Column& field = schema.columns[i];
    const std::string first = field.name.substr(0, field.name.find('.'));
    if (std::find(beside.begin(), beside.end(), first) == beside.end()) continue;
    throw std::invalid_argument("object '" + object + "' sets '" + first +
                                "' itself, so that no field can have that name");
  }
}

void append_pairs(std::string& out, const std::string& name, const json& value) {
  if (value.is_structured()) {
    for (const auto& [inner, one] : value.items()) {
      append_pairs(out, name + (value.is_array() ? "[]" : "[" + inner + "]"), one);
    }
    return;
  }
  if (!out.empty()) out.push_back('&');
  wire::append_percent_encoded(out, name);
  out.push_back('=');
  wire::append_percent_encoded(out, wire::scalar_text(value));
}

}  // namespace

std::string form_of_json(std::string_view object) {
  const json parsed = json::parse(object);  // our own writer's
  std::string form;
  for (const auto& [name, value] : parsed.items()) append_pairs(form, name, value);
  return form;
}

BodyWriter::BodyWriter(const Schema& schema, const Declaration& declared)
    : rows_(schema, row_form(declared, true)),
      fields_(schema, row_form(declared, false)),
      as_form_(declared.as_form),
      form_factor_(declared.as_form ? 3 : 1) {
  for (const Operation operation : kAllOperations) {
    const Endpoint* endpoint = declared.find(operation);
    if (endpoint == nullptr) continue;
    refuse_doubles(endpoint->body, schema, declared.name);
    refuse_doubles(endpoint->row, schema, declared.name);
  }
}

std::string_view BodyWriter::content_type(const Endpoint& endpoint) const {
  if (as_form_) return "application/x-www-form-urlencoded";
  return endpoint.lines ? "application/x-ndjson" : "application/json";
}

void BodyWriter::append_fields(std::string& out, const Template& shape, const Batch& batch,
                               RowIndex row, wire::RowScratch& scratch) const {
  const wire::RowWriter& writer = shape.wants_fields() ? fields_ : rows_;
  const BatchRow& one = batch.rows[row];
  if (batch.operation == Operation::clear) {
    writer.write_cleared(out, one.match, scratch);
  } else {
    writer.write(out, one.line, scratch, one.send);
  }
}

void BodyWriter::write_row(std::string& out, const Batch& batch, const Endpoint& endpoint,
                           RowIndex row, wire::RowScratch& scratch) const {
  const std::string key = key_form(batch.rows[row].key);
  endpoint.row.append(out, {key, batch.rows[row].match}, [&](std::string& to) {
    append_fields(to, endpoint.row, batch, row, scratch);
  });
}

void BodyWriter::write(std::string& out, const Batch& batch, const Endpoint& endpoint,
                       const std::vector<RowIndex>& rows) const {
  std::size_t room = 64;
  for (const RowIndex row : rows) room += rows_.bound(batch.rows[row].line);
  out.reserve(room);
  wire::RowScratch scratch;
  if (endpoint.lines) {
    for (const RowIndex row : rows) {
      write_row(out, batch, endpoint, row, scratch);
      out.push_back('\n');
    }
    return;
  }
  const std::string first_key = key_form(batch.rows[rows.front()].key);
  const RowValues first{first_key, batch.rows[rows.front()].match};
  endpoint.body.append(out, first, [&](std::string& to) {
    if (endpoint.object_body) return append_fields(to, endpoint.body, batch, rows.front(), scratch);
    to.push_back('[');
    for (const RowIndex row : rows) {
      if (row != rows.front()) to.push_back(',');
      write_row(to, batch, endpoint, row, scratch);
    }
    to.push_back(']');
  });
  if (as_form_) out = form_of_json(out);
}

bool BodyWriter::exceeds(const Batch& batch, const Endpoint& endpoint, RowIndex row,
                         std::size_t most) const {
  const std::size_t shape =
      endpoint.row.bound(batch.rows[row].key.size(), batch.rows[row].match.size()) +
      endpoint.body.bound(batch.rows[row].key.size(), batch.rows[row].match.size());
  if (shape + bound(batch.rows[row].line, most) <= most) return false;
  std::string written;
  if (endpoint.object_body) {
    write(written, batch, endpoint, {row});
  } else {
    wire::RowScratch scratch;
    write_row(written, batch, endpoint, row, scratch);
  }
  return written.size() > most;
}

}  // namespace tailrace::rest
