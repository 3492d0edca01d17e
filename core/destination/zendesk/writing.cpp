#include "destination/zendesk/writing.hpp"

#include <algorithm>

#include "wire/json_writer.hpp"

namespace tailrace::zendesk {
namespace {

constexpr std::string_view kSkipVerify = "skip_verify_email";

[[nodiscard]] wire::RowForm row_form() {
  wire::RowForm form;
  form.numbers = wire::NumberForm::number;
  form.clear = wire::RowForm::Clear::json_null;
  form.nested = true;
  return form;
}

/// What a record has to have.
[[nodiscard]] bool is_kept(const Column& column) {
  return std::find(kNeverCleared.begin(), kNeverCleared.end(), column.name) != kNeverCleared.end();
}

[[nodiscard]] bool has_field(const Schema& schema, std::string_view name) {
  const std::span<const Column> fields = schema.fields();
  return std::any_of(fields.begin(), fields.end(),
                     [&](const Column& column) { return column.name == name; });
}

}  // namespace

Writing::Writing(const Target& target, const Schema& schema, bool skip_verify_email)
    : target_(target),
      skip_verify_email_(skip_verify_email && target.kind == Kind::users &&
                         !has_field(schema, kSkipVerify)),
      records_(schema, clearable(schema, is_kept), row_form()) {}

void Writing::item(std::string& body, const Batch& batch, RowIndex index, const std::string& id,
                   std::string_view organization, wire::RowScratch& scratch) const {
  std::string more;
  if (!id.empty() && target_.by != Match::id) more.append("\"id\":").append(id).append(",");
  // A new user is written to by Zendesk, unless told not to.
  const bool creates = batch.operation != Operation::clear && id.empty();
  if (creates && skip_verify_email_) more += "\"skip_verify_email\":true,";
  if (!organization.empty()) more.append("\"organization_id\":").append(organization).append(",");
  records_.write(body, batch, index, more, scratch);
}

Call Writing::many(const Batch& batch, const KnownRows& rows, std::string_view verb,
                   const KnownRows& organizations) const {
  Call call;
  const bool updates = verb == "update_many";
  call.request.method = updates ? wire::Method::put : wire::Method::post;
  call.request.path = target_.path(verb);
  call.request.content_type = "application/json";
  call.effect = batch.operation == Operation::insert ? Effect::unkeyed_write : Effect::keyed_write;
  std::string& body = call.request.body;
  std::size_t room = 32;
  for (const BatchRow& row : batch.rows) room += row.line.size() + 256;
  body.reserve(room);
  body.append("{\"").append(target_.object).append("\":[");
  std::vector<std::string_view> organization_of(batch.rows.size());
  for (const auto& [row, id] : organizations) organization_of[row] = id;
  wire::RowScratch scratch;
  bool first = true;
  for (const auto& [row, id] : rows) {
    if (!std::exchange(first, false)) body += ',';
    item(body, batch, row, id, organization_of[row], scratch);
  }
  body += "]}";
  return call;
}

Call Writing::destroy(const KnownRows& rows) const {
  Call call;
  call.request.method = wire::Method::delete_;
  call.request.path = target_.path("destroy_many");
  call.request.query = "ids=" + ids_of(rows);
  call.effect = Effect::keyed_write;
  return call;
}

Call Writing::ticket(const Batch& batch, RowIndex row) const {
  Call call;
  call.request.path = target_.path({});
  call.request.content_type = "application/json";
  call.effect = Effect::unkeyed_write;
  call.tag = static_cast<int>(row);
  if (!batch.idempotency_key.empty()) {
    std::string key = batch.idempotency_key;
    if (batch.rows.size() > 1) key.append("-").append(std::to_string(row));
    call.request.headers.push_back({std::string(kIdempotencyHeader), std::move(key)});
    call.effect = Effect::keyed_write;
  }
  wire::RowScratch scratch;
  std::string& body = call.request.body;
  body.append("{\"").append(target_.singular).append("\":");
  item(body, batch, row, {}, {}, scratch);
  body += '}';
  return call;
}

std::size_t Writing::bound(std::string_view line) const {
  // Behind the row's own: "id":…,"skip_verify_email":true,"organization_id":…, and commas.
  constexpr std::size_t kEnvelope = 112;
  constexpr std::size_t kEnough = kMaxBytes / kMaxRows / 2;
  return kEnvelope + records_.bound(line, kEnough);
}

}  // namespace tailrace::zendesk
