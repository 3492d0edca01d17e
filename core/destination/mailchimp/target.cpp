#include "destination/mailchimp/target.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "destination/connection.hpp"
#include "destination/mailchimp/facts.hpp"
#include "row/ascii.hpp"
#include "wire/utf8.hpp"

namespace tailrace::mailchimp {
namespace {

[[nodiscard]] std::string md5_hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  std::size_t size = 0;
  if (EVP_Q_digest(nullptr, "MD5", nullptr, text.data(), text.size(), digest.data(), &size) != 1) {
    throw std::runtime_error("mailchimp: this machine's OpenSSL has no MD5, which names members");
  }
  std::string hex;
  append_hex(hex, std::span(digest.data(), size));
  return hex;
}

[[nodiscard]] const Standard* standard(std::string_view name) {
  const auto found = std::find_if(kStandard.begin(), kStandard.end(),
                                  [&](const Standard& one) { return one.name == name; });
  return found == kStandard.end() ? nullptr : &*found;
}

[[nodiscard]] std::string meant(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Standard& one : kStandard) names.push_back(one.name);
  return meant_of(name, names);
}

[[nodiscard]] bool is_own(std::string_view name) {
  const auto below = [&](std::string_view parent) {
    return name.starts_with(parent) && name.size() > parent.size();
  };
  return below(kMergeFields) || below(kInterests);
}

}  // namespace

bool is_merge_field(std::string_view name) { return name.starts_with(kMergeFields); }

Target::Target(std::string_view object, std::string_view list_id, std::string_view match_field)
    : list(list_id) {
  if (object != "members") {
    throw std::invalid_argument("object: Mailchimp has members, not '" + std::string(object) + "'");
  }
  if (list.empty() || !std::all_of(list.begin(), list.end(), is_alphanumeric)) {
    throw std::invalid_argument("connection: list_id: '" + list + "' is not an audience's id");
  }
  if (match_field != kMatch) {
    throw std::invalid_argument("match: Mailchimp finds members by email_address, not by '" +
                                std::string(match_field) + "'");
  }
}

bool Target::identity_into(std::string_view value, std::string& out) {
  value = wire::trimmed(value);
  if (value.empty()) return false;
  out.assign(value);
  make_lower(out);
  return true;
}

std::string Target::compared(std::string_view value) {
  std::string found;
  if (!identity_into(value, found)) found.clear();
  return found;
}

std::string Target::path(std::string_view rest) const {
  return std::string(kLists).append(list).append(rest);
}

std::string Target::member_path(std::string_view match) const {
  return path("/members/").append(md5_hex(compared(match)));
}

Mapped::Mapped(const Schema& schema) : rows(schema) {
  for (std::size_t i = 0; i < rows.field_count; ++i) {
    Column& column = rows.columns[i];
    const Standard* field = standard(column.name);
    if (field == nullptr && !is_own(column.name)) {
      throw std::invalid_argument("fields: Mailchimp's members have no field '" + column.name +
                                  "'" + meant(column.name) +
                                  "; what is your audience's own stands below merge_fields, as "
                                  "in 'merge_fields.FNAME', or interests");
    }
    if (!is_merge_field(column.name) && (field == nullptr || !field->clears)) {
      column.nulls = Nulls::keep;
    }
    if (column.name == kStatus) status = i;
    if (column.name == kStatusIfNew) status_if_new = i;
    if (column.name == kTags) tags = i;
  }
  if (status && status_if_new) {
    throw std::invalid_argument("fields: map status or status_if_new, not both");
  }
  new_rows = rows;
  if (status_if_new) new_rows.columns[*status_if_new].name = kStatus;
}

}  // namespace tailrace::mailchimp
