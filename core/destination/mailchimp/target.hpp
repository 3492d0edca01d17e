#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "destination/destination.hpp"

namespace tailrace::mailchimp {

/// One audience, whose members are known by their e-mail addresses.
struct Target {
  /// Throws std::invalid_argument for another object than members, another match field, a list
  /// that is none.
  Target(std::string_view object, std::string_view list_id, std::string_view match_field);

  /// As Mailchimp compares addresses: without regard to case.
  [[nodiscard]] static bool identity_into(std::string_view value, std::string& out);
  /// The identity, or empty text where there is none.
  [[nodiscard]] static std::string compared(std::string_view value);

  /// /lists/ID and what follows.
  [[nodiscard]] std::string path(std::string_view rest = {}) const;
  /// Of a member by its match value: its MD5 stands in the path.
  [[nodiscard]] std::string member_path(std::string_view match) const;

  std::string list;
};

/// Where fields of a schema are that are not like the others. Throws std::invalid_argument for
/// names that members do not have.
struct Mapped {
  explicit Mapped(const Schema& schema);

  std::optional<std::size_t> status;
  std::optional<std::size_t> status_if_new;
  std::optional<std::size_t> tags;
  Schema rows;  // what cannot be emptied keeps its value where ours is NULL
  Schema new_rows;  // with the status of a new member as its status
};

[[nodiscard]] bool is_merge_field(std::string_view name);

}  // namespace tailrace::mailchimp
