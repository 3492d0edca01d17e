#pragma once

#include <string>
#include <string_view>

#include "destination/destination.hpp"

namespace tailrace::marketo {

/// Leads or the members of a static list, and the field that leads are looked up by.
struct Target {
  /// Throws std::invalid_argument for another object, or what cannot be a field's name.
  Target(std::string_view object_name, std::string_view match_field);

  /// Below the list's own address.
  [[nodiscard]] std::string list_path(std::string_view rest) const;
  /// As Marketo compares the value: without regard to case or to space around it.
  [[nodiscard]] bool identity_into(std::string_view value, std::string& out) const;
  /// The identity, or empty text where there is none.
  [[nodiscard]] std::string compared(std::string_view value) const;
  /// Whether leads can be looked up by this value. Lists of values are joined by commas, and no way
  /// was found to say one that has a comma.
  [[nodiscard]] static bool can_ask(std::string_view value) {
    return value.find(',') == std::string_view::npos;
  }

  std::string match;
  std::string list;  // the id of a static list; empty: leads
  bool by_id;        // Marketo's own ids
};

}  // namespace tailrace::marketo
