#include "destination/rest/finding.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "destination/rest/settings.hpp"
#include "wire/json_reader.hpp"

namespace tailrace::rest {

FindForm read_find(const nlohmann::json& settings, const std::string& where) {
  const Settings reader(settings, where,
                        {"method", "path", "body", "batch_rows", "results", "match", "id"});
  FindForm form;
  form.asking = read_asking(reader);
  form.results = reader.text("results", "");
  form.match = reader.text("match", "");
  form.id = reader.text("id", "id");
  return form;
}

const std::string* Found::find(std::string_view match) const {
  const auto found = ids.find(std::string(match));
  return found == ids.end() ? nullptr : &found->second;
}

std::optional<Found> read_found(const FindForm& form, const wire::Reply& reply,
                                std::string_view match_field) {
  const auto body = wire::read_json(reply);
  const nlohmann::json* list = body ? wire::at_path(*body, form.results) : nullptr;
  if (list == nullptr || !list->is_array()) return std::nullopt;
  Found found;
  for (const nlohmann::json& record : *list) {
    const std::string match =
        wire::text_at(record, form.match.empty() ? match_field : std::string_view(form.match));
    std::string id = wire::text_at(record, form.id);
    if (match.empty() || id.empty()) return std::nullopt;
    const auto [place, added] = found.ids.emplace(match, id);
    if (!added && place->second != id) place->second.clear();
  }
  return found;
}

}  // namespace tailrace::rest
