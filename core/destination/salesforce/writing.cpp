#include "destination/salesforce/writing.hpp"

#include <algorithm>

#include "destination/salesforce/facts.hpp"
#include "row/row_view.hpp"
#include "wire/json_writer.hpp"

namespace tailrace::salesforce {
namespace {

/// Numbers go as texts, which Salesforce takes for fields of either kind: an account's number is
/// often an external id, which is text.
[[nodiscard]] wire::RowForm row_form() {
  wire::RowForm form;
  form.numbers = wire::NumberForm::string;
  form.clear = wire::RowForm::Clear::json_null;
  form.nested = true;
  return form;
}

/// What a record has to have, or cannot be without.
[[nodiscard]] bool is_kept(const Column& column) {
  return column.type == Type::boolean ||
         std::find(kNeverCleared.begin(), kNeverCleared.end(), column.name) != kNeverCleared.end();
}

/// Owner.Email, ParentId, Parent__c may be one; a field of the account's own cannot be told from
/// another by its name.
[[nodiscard]] bool may_refer(std::string_view name) {
  return name != kId && (name.find('.') != std::string_view::npos || name.ends_with("Id"));
}

[[nodiscard]] std::string type_of(const std::string& object) {
  return "\"attributes\":{\"type\":\"" + object + "\"},";
}

}  // namespace

Writing::Writing(const Target& target, const Schema& schema)
    : target_(target),
      records_(as_texts(schema), clearable(as_texts(schema), is_kept), row_form()),
      type_(type_of(target.object)) {
  for (std::size_t i = 0; i < schema.field_count; ++i) {
    if (i != schema.match && may_refer(schema.columns[i].name)) references_.push_back(i);
  }
}

void Writing::item(std::string& out, const Batch& batch, RowIndex index, const std::string& id,
                   wire::RowScratch& scratch) const {
  std::string more = type_;
  if (!id.empty() && !target_.by_id) more.append("\"id\":\"").append(id).append("\",");
  records_.write(out, batch, index, more, scratch);
}

void Writing::body(std::string& out, const Batch& batch, const KnownRows& rows) const {
  std::size_t room = 64;
  for (const auto& [row, id] : rows) room += batch.rows[row].line.size() + type_.size() + 256;
  out.reserve(room);
  out += "{\"allOrNone\":false,\"records\":[";
  wire::RowScratch scratch;
  bool first = true;
  for (const auto& [row, id] : rows) {
    if (!std::exchange(first, false)) out += ',';
    item(out, batch, row, id, scratch);
  }
  out += "]}";
}

Call Writing::by_match(const Batch& batch, const std::vector<RowIndex>& rows) const {
  Call call;
  const bool inserts = batch.operation == Operation::insert;
  call.effect = inserts ? Effect::unkeyed_write : Effect::keyed_write;
  call.request.method = inserts ? wire::Method::post : wire::Method::patch;
  call.request.path = target_.path("composite/sobjects");
  if (!inserts) call.request.path += '/' + target_.object + '/' + target_.match;
  call.request.content_type = "application/json";
  KnownRows sent;
  for (const RowIndex row : rows) sent.emplace_back(row, std::string());
  body(call.request.body, batch, sent);
  return call;
}

Call Writing::by_id(const Batch& batch, const KnownRows& rows) const {
  Call call;
  call.effect = Effect::keyed_write;
  call.request.method = wire::Method::patch;
  call.request.path = target_.path("composite/sobjects");
  call.request.content_type = "application/json";
  body(call.request.body, batch, rows);
  return call;
}

Call Writing::remove(const KnownRows& rows) const {
  Call call;
  call.effect = Effect::keyed_write;
  call.request.method = wire::Method::delete_;
  call.request.path = target_.path("composite/sobjects");
  call.request.query = "ids=" + ids_of(rows) + "&allOrNone=false";
  return call;
}

std::size_t Writing::bound(std::string_view line) const {
  constexpr std::size_t kMore = 32;  // "id":"…",
  constexpr std::size_t kEnough = kMaxBytes / kMaxRows / 2;
  return type_.size() + kMore + records_.bound(line, kEnough);
}

std::vector<std::string> Writing::parents(const Batch& batch) const {
  std::vector<std::string> parents;
  if (references_.empty() || batch.operation == Operation::clear) return parents;
  for (const BatchRow& row : batch.rows) {
    const RowView view(row.line, *batch.schema);
    std::string& parent = parents.emplace_back();
    for (const std::size_t column : references_) {
      parent.append(view.cell(column).raw()).push_back('\t');
    }
  }
  return parents;
}

}  // namespace tailrace::salesforce
