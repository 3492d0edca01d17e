#include "destination/klaviyo/finding.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "destination/klaviyo/answer.hpp"
#include "wire/json_reader.hpp"
#include "wire/json_writer.hpp"

namespace tailrace::klaviyo {
namespace {

using nlohmann::json;

[[nodiscard]] std::string encoded(const std::string& match) {
  std::string quoted;
  wire::append_json_string(quoted, match);
  return wire::percent_encode(quoted);
}

}  // namespace

Call find_profiles(const Target& target, std::span<const std::string> matches,
                   std::string_view fields) {
  Call call = call_of(kFind, wire::Method::get, std::string(kProfiles));
  std::string& query = call.request.query;
  query.append("filter=any%28").append(target.match).append("%2C%5B");
  for (std::size_t i = 0; i < matches.size(); ++i) {
    query.append(i == 0 ? "" : "%2C").append(encoded(matches[i]));
  }
  query.append("%5D%29&fields%5Bprofile%5D=");
  wire::append_percent_encoded(query, fields);
  query.append("&page%5Bsize%5D=").append(std::to_string(kPage));
  return call;
}

std::size_t that_fit(std::span<const std::string> matches) {
  std::size_t bytes = 0;
  std::size_t count = 0;
  while (count < std::min(matches.size(), kMaxAny)) {
    bytes += encoded(matches[count]).size() + 3;
    if (count > 0 && bytes > kMaxFilterBytes) break;
    ++count;
  }
  return count;
}

const json* profiles_in(const json& body) {
  const json* data = wire::member(body, "data");
  const bool whole = data != nullptr && data->is_array() && data->size() <= kPage;
  return whole ? data : nullptr;
}

std::string match_of(const Target& target, const json& profile) {
  const std::string path = target.by_id ? "id" : "attributes." + target.match;
  return target.compared(wire::text_at(profile, path));
}

std::optional<std::unordered_map<std::string, std::string>> read_ids(const Target& target,
                                                                     const json& body) {
  const json* profiles = profiles_in(body);
  const auto next = next_cursor(body);
  // Each identifier is one profile's, so that there is no second page.
  if (profiles == nullptr || !next || !next->empty()) return std::nullopt;
  std::unordered_map<std::string, std::string> ids;
  for (const json& profile : *profiles) {
    std::string id = wire::text_at(profile, "id");
    if (!is_plain_id(id)) return std::nullopt;
    const auto [at, is_new] = ids.emplace(match_of(target, profile), id);
    if (!is_new && at->second != id) return std::nullopt;
  }
  return ids;
}

}  // namespace tailrace::klaviyo
