#include "destination/rest/finding.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "destination/rest/settings.hpp"
#include "wire/json_reader.hpp"
#include "wire/json_writer.hpp"

namespace tailrace::rest {
namespace {

using nlohmann::json;

constexpr std::size_t kMostAsked = 1000;
constexpr std::array kAskingMethods{Word<wire::Method>{"GET", wire::Method::get},
                                    Word<wire::Method>{"POST", wire::Method::post}};

}  // namespace

FindForm read_find(const json& settings, const std::string& where) {
  const Settings reader(settings, where,
                        {"method", "path", "body", "batch_rows", "results", "match", "id"});
  FindForm form;
  const json* body = reader.given("body");
  form.method = reader.word("method", kAskingMethods, body == nullptr ? "GET" : "POST");
  form.path = Template::of_path(reader.text("path", ""), reader.place("path"));
  if (form.path.has_id()) reader.refuse("path", "holds {id}, which is what is looked for");
  form.batch_rows = reader.count("batch_rows", 1, kMostAsked);
  form.has_body = body != nullptr;
  if (body != nullptr) {
    form.body = Template::of_shape(*body, "$matches", false, reader.place("body"));
  }
  if (form.has_body == form.path.has_placeholder()) {
    reader.refuse("path", "must hold {match}, or body $matches");
  }
  if (!form.has_body && form.batch_rows != 1) {
    reader.refuse("batch_rows", "must be 1: the path asks for one record");
  }
  form.results = reader.text("results", "");
  form.match = reader.text("match", "");
  form.id = reader.text("id", "id");
  return form;
}

const std::string* Found::find(std::string_view match) const {
  const auto found = ids.find(std::string(match));
  return found == ids.end() ? nullptr : &found->second;
}

wire::Request question_for(const FindForm& form, const std::vector<std::string_view>& matches) {
  wire::Request request;
  request.method = form.method;
  form.path.append_address(request, {{}, matches.front()});
  if (!form.has_body) return request;
  request.content_type = "application/json";
  form.body.append(request.body, {}, [&matches](std::string& out) {
    out.push_back('[');
    for (const std::string_view match : matches) {
      if (out.back() != '[') out.push_back(',');
      wire::append_json_string(out, match);
    }
    out.push_back(']');
  });
  return request;
}

std::optional<Found> read_found(const FindForm& form, const wire::Reply& reply,
                                std::string_view match_field) {
  const auto body = wire::read_json(reply);
  const json* list = body ? wire::at_path(*body, form.results) : nullptr;
  if (list == nullptr || !list->is_array()) return std::nullopt;
  Found found;
  for (const json& record : *list) {
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
