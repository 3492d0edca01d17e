#include "source/arrow_metadata.hpp"

#include <cstddef>
#include <cstring>
#include <map>
#include <string_view>

#include <nlohmann/json.hpp>

namespace tailrace {
namespace {

using Pairs = std::map<std::string, std::string, std::less<>>;

/// Walks the specification's layout: a count, then of each key and each value its length (int32,
/// native byte order) and its bytes.
class MetadataCursor {
 public:
  explicit MetadataCursor(const char* at) : at_(at) {}

  std::int32_t number() {
    std::int32_t value = 0;
    std::memcpy(&value, at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  std::string text() {
    const auto size = static_cast<std::size_t>(number());
    std::string value(at_, size);
    at_ += size;
    return value;
  }

 private:
  const char* at_;
};

Pairs pairs_of(const char* metadata) {
  Pairs pairs;
  if (metadata == nullptr) return pairs;
  MetadataCursor cursor(metadata);
  for (std::int32_t left = cursor.number(); left > 0; --left) {
    std::string key = cursor.text();
    pairs[std::move(key)] = cursor.text();
  }
  return pairs;
}

std::string_view value_of(const Pairs& pairs, std::string_view key) {
  const auto found = pairs.find(key);
  return found == pairs.end() ? std::string_view{} : std::string_view(found->second);
}

std::string opaque_type_name(std::string_view metadata) {
  const auto document = nlohmann::json::parse(metadata, nullptr, false);
  if (!document.is_object()) return {};
  const auto name = document.find("type_name");
  return name != document.end() && name->is_string() ? name->get<std::string>() : std::string{};
}

bool stored_as_text(const ArrowSchema& schema) {
  const std::string_view format = schema.format;
  return format == "u" || format == "U" || format == "vu";
}

bool stored_as_bytes(const ArrowSchema& schema) {
  const std::string_view format = schema.format;
  return format == "z" || format == "Z" || format == "vz" || format.starts_with("w:");
}

ArrowMeaning meaning_of_foreign(const ArrowSchema& schema, std::string_view type_name) {
  if (stored_as_text(schema)) {
    if (type_name == "numeric" || type_name == "decimal") return ArrowMeaning::decimal;
    if (type_name == "json" || type_name == "jsonb") return ArrowMeaning::json;
    return ArrowMeaning::storage;
  }
  if (!stored_as_bytes(schema) || type_name == "bytea") return ArrowMeaning::storage;
  return type_name == "uuid" ? ArrowMeaning::uuid : ArrowMeaning::foreign;
}

}  // namespace

ArrowExtension extension_of(const ArrowSchema& schema) {
  const Pairs pairs = pairs_of(schema.metadata);
  const std::string name(value_of(pairs, "ARROW:extension:name"));
  if (name == "arrow.uuid" && stored_as_bytes(schema)) return {ArrowMeaning::uuid, "uuid"};
  if (name == "arrow.json" && stored_as_text(schema)) return {ArrowMeaning::json, "json"};
  if (name == "arrow.bool8" && std::string_view(schema.format) == "c") {
    return {ArrowMeaning::boolean, "bool8"};
  }
  std::string type_name(value_of(pairs, "ADBC:postgresql:typname"));
  if (name == "arrow.opaque") {
    auto opaque = opaque_type_name(value_of(pairs, "ARROW:extension:metadata"));
    if (!opaque.empty()) type_name = std::move(opaque);
  }
  if (name != "arrow.opaque" && type_name.empty()) return {};
  return {meaning_of_foreign(schema, type_name), type_name};
}

}  // namespace tailrace
