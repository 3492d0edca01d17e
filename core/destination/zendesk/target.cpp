#include "destination/zendesk/target.hpp"

#include <algorithm>
#include <stdexcept>

#include "destination/settle.hpp"
#include "row/ascii.hpp"
#include "wire/request.hpp"
#include "wire/utf8.hpp"

namespace tailrace::zendesk {
namespace {

struct Named {
  std::string_view object;
  std::string_view singular;
  Kind kind;
  std::string_view field_path;
  std::string_view prefix;
};
constexpr std::array kKinds{
    Named{"users", "user", Kind::users, "user_fields", "user_fields."},
    Named{"organizations", "organization", Kind::organizations, "organization_fields",
          "organization_fields."},
    Named{"tickets", "ticket", Kind::tickets, "ticket_fields", "custom_fields."},
};

[[nodiscard]] const Named& named(std::string_view object) {
  const auto found = std::find_if(kKinds.begin(), kKinds.end(),
                                  [&](const Named& one) { return one.object == object; });
  if (found == kKinds.end()) {
    throw std::invalid_argument("object: Zendesk has users, organizations and tickets, not '" +
                                std::string(object) + "'");
  }
  return *found;
}

[[nodiscard]] Match match_of(Kind kind, std::string_view field) {
  if (field == "external_id") return Match::external_id;
  if (field == "id") return Match::id;
  if (field == "email" && kind == Kind::users) return Match::email;
  if (kind == Kind::tickets) return Match::other;  // of inserts alone, where it names the row
  throw std::invalid_argument("match: Zendesk finds " +
                              std::string(kKinds[static_cast<std::size_t>(kind)].object) +
                              " by external_id" + (kind == Kind::users ? ", email" : "") +
                              " or id, not by '" + std::string(field) + "'");
}

}  // namespace

Target::Target(std::string_view name, std::string_view match_field)
    : object(named(name).object),
      singular(named(name).singular),
      match(match_field),
      kind(named(name).kind),
      by(match_of(kind, match_field)) {}

std::string Target::path(std::string_view verb) const {
  std::string path(kApi);
  path += object;
  if (!verb.empty()) path.append("/").append(verb);
  return path;
}

bool Target::identity_into(std::string_view value, std::string& out) const {
  const std::string_view text = wire::trimmed(value);
  if (text.empty()) return false;
  if (by == Match::id && !is_numeric_id(text)) return false;
  // An external id is sent as it is, spaces and all, so that they count here too.
  out.assign(by == Match::external_id ? value : text);
  if (by == Match::external_id || by == Match::email) make_lower(out);
  return true;
}

std::string Target::compared(std::string_view value) const {
  std::string found;
  if (!identity_into(value, found)) found.clear();
  return found;
}

bool Target::can_ask(std::string_view match_value) const {
  return (by == Match::external_id || by == Match::id) &&
         match_value.find(',') == std::string_view::npos;
}

std::string_view Target::field_path() const { return named(object).field_path; }

std::string_view Target::custom_prefix() const { return named(object).prefix; }

std::span<const Standard> Target::standard_fields() const {
  switch (kind) {
    case Kind::users: return kUserFields;
    case Kind::organizations: return kOrganizationFields;
    case Kind::tickets: return kTicketFields;
  }
  return {};
}

}  // namespace tailrace::zendesk
