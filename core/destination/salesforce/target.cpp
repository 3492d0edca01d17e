#include "destination/salesforce/target.hpp"

#include <algorithm>
#include <stdexcept>

#include "destination/salesforce/facts.hpp"
#include "row/ascii.hpp"
#include "wire/utf8.hpp"

namespace tailrace::salesforce {
namespace {

constexpr std::size_t kShortId = 15;
constexpr std::size_t kWholeId = 18;
constexpr std::size_t kBlock = 5;
constexpr std::string_view kMarks = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// Bit i is set where letter i of the five is a capital.
[[nodiscard]] char mark_of(std::string_view block) {
  std::size_t bits = 0;
  for (std::size_t i = 0; i < block.size(); ++i) {
    if (is_upper(block[i])) bits |= std::size_t{1} << i;
  }
  return kMarks[bits];
}

[[nodiscard]] bool is_name(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  const auto plain = [](char c) { return is_alphanumeric(c) || c == '_'; };
  return !text.empty() && text.size() <= kLongest && !is_digit(text.front()) &&
         std::all_of(text.begin(), text.end(), plain);
}

[[nodiscard]] std::string name_of(std::string_view text, std::string_view what) {
  if (is_name(text)) return std::string(text);
  throw std::invalid_argument(std::string(what) + ": '" + std::string(text) +
                              "' is no API name of Salesforce's: letters, digits and _");
}

}  // namespace

std::optional<std::string> whole_id(std::string_view text) {
  if (text.size() != kShortId && text.size() != kWholeId) return std::nullopt;
  if (!std::all_of(text.begin(), text.end(), is_alphanumeric)) return std::nullopt;
  std::string id(text.substr(0, kShortId));
  for (std::size_t at = 0; at < kShortId; at += kBlock) id += mark_of(text.substr(at, kBlock));
  const bool its_own =
      text.size() == kShortId ||
      same_but_for_case(text.substr(kShortId), std::string_view(id).substr(kShortId));
  if (!its_own) return std::nullopt;
  return id;
}

Target::Target(std::string_view object_name, std::string_view match_field,
               std::string_view api_version)
    : object(name_of(object_name, "object")),
      match(name_of(match_field, "match")),
      version(api_version),
      by_id(match == kId) {}

std::string Target::path(std::string_view rest) const {
  return std::string(kData).append(version).append("/").append(rest);
}

bool Target::identity_into(std::string_view value, std::string& out) const {
  const std::string_view text = wire::trimmed(value);
  if (text.empty()) return false;
  if (!by_id) {
    out.assign(text);
    return true;
  }
  const auto id = whole_id(text);
  if (id) out.assign(*id);
  return id.has_value();
}

std::string Target::compared(std::string_view value) const {
  std::string found;
  if (!identity_into(value, found)) found.clear();
  return found;
}

}  // namespace tailrace::salesforce
