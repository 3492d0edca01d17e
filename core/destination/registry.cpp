#include "destination/registry.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

#include "destination/connection.hpp"
#include "destination/kinds.hpp"

namespace tailrace {
namespace {

using Maker = std::unique_ptr<Destination> (*)(const nlohmann::json&, const nlohmann::json&,
                                               const Schema&);

struct Kind {
  std::string_view type;
  Maker make;
};

constexpr std::array kKinds{
    Kind{"function", make_function}, Kind{"hubspot", make_hubspot},
    Kind{"klaviyo", make_klaviyo},   Kind{"mailchimp", make_mailchimp},
    Kind{"marketo", make_marketo},   Kind{"postgres", make_postgres},
    Kind{"rest", make_rest},         Kind{"salesforce", make_salesforce},
    Kind{"zendesk", make_zendesk},
};

constexpr std::array<std::string_view, 2> kLinking{"hubspot", "zendesk"};

void check_links(const Schema& schema, std::string_view type) {
  const bool links = std::find(kLinking.begin(), kLinking.end(), type) != kLinking.end();
  for (std::size_t i = 0; i < schema.field_count; ++i) {
    if (!schema.columns[i].link) continue;
    const bool last = i + 1 == schema.field_count && i != schema.match;
    if (links && last) continue;
    throw std::invalid_argument("destination: '" + std::string(type) + "' links no records so");
  }
}

void check_schema(const Schema& schema) {
  if (schema.field_count == 0 || schema.field_count > schema.columns.size() ||
      schema.match >= schema.field_count) {
    throw std::invalid_argument("destination: the match field must be one of the sync's fields");
  }
}

}  // namespace

std::unique_ptr<Destination> make_destination(const nlohmann::json& connection,
                                              const nlohmann::json& object, const Schema& schema) {
  check_schema(schema);
  const std::string type = text_of(connection, "type", "");
  check_links(schema, type);
  std::string known;
  for (const Kind& kind : kKinds) {
    if (kind.type == type) return kind.make(connection, object, schema);
    known.append(known.empty() ? "" : ", ").append(kind.type);
  }
  throw std::invalid_argument("connection: there is no destination of type '" + type +
                              "'; known are " + known);
}

}  // namespace tailrace
