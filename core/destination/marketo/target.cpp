#include "destination/marketo/target.hpp"

#include <algorithm>
#include <stdexcept>

#include "destination/marketo/facts.hpp"
#include "destination/settle.hpp"
#include "row/ascii.hpp"
#include "wire/utf8.hpp"

namespace tailrace::marketo {
namespace {

constexpr std::string_view kListPrefix = "list:";

[[nodiscard]] std::string list_of(std::string_view object) {
  if (object == "leads") return {};
  const std::string_view id = object.substr(std::min(object.size(), kListPrefix.size()));
  if (object.starts_with(kListPrefix) && is_numeric_id(id)) return std::string(id);
  throw std::invalid_argument(
      "object: Marketo has leads, and list:ID for the members of a static list, not '" +
      std::string(object) + "'");
}

[[nodiscard]] std::string field_of(std::string_view name) {
  constexpr std::size_t kLongest = 255;
  const auto plain = [](char c) { return is_alphanumeric(c) || c == '_'; };
  if (!name.empty() && name.size() <= kLongest && std::all_of(name.begin(), name.end(), plain)) {
    return std::string(name);
  }
  throw std::invalid_argument("match: '" + std::string(name) +
                              "' is no REST API name of a Marketo field: letters, digits and _");
}

}  // namespace

Target::Target(std::string_view object_name, std::string_view match_field)
    : match(field_of(match_field)), list(list_of(object_name)), by_id(match == kId) {}

std::string Target::list_path(std::string_view rest) const {
  return std::string(kLists) + list + std::string(rest);
}

bool Target::identity_into(std::string_view value, std::string& out) const {
  std::string_view text = wire::trimmed(value);
  if (by_id) {
    if (!is_numeric_id(text)) return false;
    while (text.size() > 1 && text.front() == '0') text.remove_prefix(1);
  }
  out.assign(text);
  make_lower(out);
  return !text.empty();
}

std::string Target::compared(std::string_view value) const {
  std::string found;
  if (!identity_into(value, found)) found.clear();
  return found;
}

}  // namespace tailrace::marketo
