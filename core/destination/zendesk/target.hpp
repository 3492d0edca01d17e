#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "destination/destination.hpp"
#include "destination/zendesk/facts.hpp"

namespace tailrace::zendesk {

enum class Kind : std::uint8_t { users, organizations, tickets };
enum class Match : std::uint8_t { external_id, email, id, other };

/// One object of the account and the field that its records are matched by.
struct Target {
  /// Throws std::invalid_argument where the object has no such match field.
  Target(std::string_view object, std::string_view match_field);

  [[nodiscard]] std::string path(std::string_view verb) const;
  /// As Zendesk compares the match value: external ids and e-mail addresses without regard to case.
  [[nodiscard]] bool identity_into(std::string_view value, std::string& out) const;
  /// The identity, or empty text where there is none.
  [[nodiscard]] std::string compared(std::string_view value) const;
  /// Whether show_many can be asked for the record. Its list is joined by commas, and none was
  /// found to be escaped.
  [[nodiscard]] bool can_ask(std::string_view match) const;
  /// Where the fields of the account's own making are asked for, and what they stand below.
  [[nodiscard]] std::string_view field_path() const;
  [[nodiscard]] std::string_view custom_prefix() const;
  [[nodiscard]] std::span<const Standard> standard_fields() const;

  std::string object;    // users
  std::string singular;  // user
  std::string match;
  Kind kind;
  Match by;
};

}  // namespace tailrace::zendesk
