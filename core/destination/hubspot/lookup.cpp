#include "destination/hubspot/lookup.hpp"

#include "destination/hubspot/facts.hpp"
#include "destination/settle.hpp"
#include "wire/json_writer.hpp"

namespace tailrace::hubspot {

Call ask_by_match(const Target& target, std::span<const std::string> properties,
                  std::span<const std::string> matches) {
  Call call;
  call.effect = Effect::none;
  call.request.path = target.path("read");
  call.request.content_type = "application/json";
  wire::JsonWriter out(call.request.body);
  out.begin_object();
  // Without a property the ids are HubSpot's own.
  if (target.match != kRecordId) {
    out.key("idProperty");
    out.string(target.match);
  }
  out.key("properties");
  out.begin_array();
  for (const std::string& property : properties) out.string(property);
  out.end_array();
  out.key("inputs");
  out.begin_array();
  for (const std::string& match : matches) {
    out.begin_object();
    out.key("id");
    out.string(match);
    out.end_object();
  }
  out.end_array();
  out.end_object();
  return call;
}

std::vector<std::string> ids_by_row(std::string_view text, std::size_t rows) {
  std::vector<std::string> ids(rows);
  for (auto& [row, id] : known_rows(text, rows)) ids[row] = std::move(id);
  return ids;
}

Reason already_gone() {
  return reason_of("already_gone", "there is no record with this match value");
}

}  // namespace tailrace::hubspot
