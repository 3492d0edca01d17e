#include "destination/marketo/lookup.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "destination/marketo/facts.hpp"
#include "destination/settle.hpp"
#include "wire/json_reader.hpp"

namespace tailrace::marketo {
namespace {

void append_list(std::string& out, std::span<const std::string> values) {
  bool first = true;
  for (const std::string& value : values) {
    if (!std::exchange(first, false)) out += ',';
    wire::append_percent_encoded(out, value);
  }
}

}  // namespace

Call ask_by_match(const Target& target, std::span<const std::string> fields,
                  std::span<const std::string> matches) {
  std::string asked = "filterType=" + target.match + "&filterValues=";
  append_list(asked, matches);
  asked += "&fields=" + target.match;
  for (const std::string& field : fields) {
    if (field == target.match) continue;
    asked += ',';
    wire::append_percent_encoded(asked, field);
  }
  asked += "&batchSize=" + std::to_string(kMaxRows);
  Call call;
  call.effect = Effect::none;
  call.request.path = kLeads;
  if (kLeads.size() + 1 + asked.size() <= kMaxAddress) {
    call.request.method = wire::Method::get;
    call.request.query = std::move(asked);
  } else {
    call.request.query = "_method=GET";
    call.request.content_type = "application/x-www-form-urlencoded";
    call.request.body = std::move(asked);
  }
  return call;
}

Found::Found(const Target& target, const nlohmann::json& results) {
  for (const nlohmann::json& lead : results) {
    const std::string id = wire::text_at(lead, kId);
    const std::string match = target.compared(wire::text_at(lead, target.match));
    if (match.empty() || !is_numeric_id(id)) continue;
    std::vector<std::string>& ids = ids_[match];
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
}

std::string Found::id_of(const std::string& match) const {
  const auto found = ids_.find(match);
  return found == ids_.end() ? std::string() : found->second.front();
}

bool Found::is_several(const std::string& match) const {
  const auto found = ids_.find(match);
  return found != ids_.end() && found->second.size() > 1;
}

}  // namespace tailrace::marketo
