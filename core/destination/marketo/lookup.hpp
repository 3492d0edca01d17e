#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "destination/destination.hpp"
#include "destination/marketo/target.hpp"

namespace tailrace::marketo {

/// The leads that have one of these values (at most 300) in the match field: ids, the match field
/// and `fields`. Where the address would be too long, the POST that stands for the GET.
[[nodiscard]] Call ask_by_match(const Target& target, std::span<const std::string> fields,
                                std::span<const std::string> matches);

/// Leads by their match values, in the form of Target::compared.
class Found {
 public:
  /// Records that have none of the values that were asked for are nobody's.
  Found(const Target& target, const nlohmann::json& results);

  /// Marketo's id; empty text where there is no such lead.
  [[nodiscard]] std::string id_of(const std::string& match) const;
  /// Whether more than one lead has the value.
  [[nodiscard]] bool is_several(const std::string& match) const;

 private:
  std::unordered_map<std::string, std::vector<std::string>> ids_;
};

}  // namespace tailrace::marketo
