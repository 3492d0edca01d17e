#include "destination/zendesk/lookup.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "destination/settle.hpp"
#include "wire/json_reader.hpp"

namespace tailrace::zendesk {

using nlohmann::json;

Call show_many(const Target& target, const std::vector<std::string>& matches) {
  Call call;
  call.effect = Effect::none;
  call.request.method = wire::Method::get;
  call.request.path = target.path("show_many");
  std::string& query = call.request.query;
  query = target.by == Match::id ? "ids=" : "external_ids=";
  bool first = true;
  for (const std::string& match : matches) {
    if (!std::exchange(first, false)) query += ',';
    wire::append_percent_encoded(query, match);
  }
  return call;
}

std::size_t that_fit(const std::vector<std::string>& matches, std::size_t from) {
  std::size_t bytes = 0;
  std::size_t count = 0;
  while (from + count < matches.size() && count < kMaxRows) {
    bytes += wire::percent_encode(matches[from + count]).size() + 1;
    if (bytes > kMaxQueryBytes && count > 0) break;
    ++count;
  }
  return count;
}

const json* records_in(const Target& target, const json& body) {
  const json* list = wire::member(body, target.object);
  if (list == nullptr || !list->is_array()) return nullptr;
  const json* count = wire::member(body, "count");
  const bool said = count != nullptr && count->is_number_unsigned();
  if (said && count->get<std::size_t>() != list->size()) return nullptr;
  return list;
}

std::optional<Found> read_found(const Target& target, const json& body) {
  const json* list = records_in(target, body);
  if (list == nullptr) return std::nullopt;
  Found found;
  for (const json& record : *list) {
    const std::string match = target.compared(wire::text_at(record, target.match));
    const std::string id = wire::text_at(record, "id");
    if (match.empty() || !is_numeric_id(id)) continue;
    const auto [at, is_new] = found.ids.emplace(match, id);
    if (!is_new && at->second != id) found.twice.push_back(match);
  }
  return found;
}

}  // namespace tailrace::zendesk
