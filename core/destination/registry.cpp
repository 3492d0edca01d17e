#include "destination/registry.hpp"

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
    Kind{"hubspot", make_hubspot},
    Kind{"rest", make_rest},
    Kind{"zendesk", make_zendesk},
};

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
  std::string known;
  for (const Kind& kind : kKinds) {
    if (kind.type == type) return kind.make(connection, object, schema);
    known.append(known.empty() ? "" : ", ").append(kind.type);
  }
  throw std::invalid_argument("connection: there is no destination of type '" + type +
                              "'; known are " + known);
}

}  // namespace tailrace
