#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "destination/destination.hpp"

namespace tailrace::rest {

/// How an API tells which fields an object has. Members are dotted paths.
struct DescribeForm {
  std::string path;      // with its query
  std::string results;   // the list of fields, or an object that has them by their names
  std::string name;      // of a list: members of an entry
  std::string type;
  std::string writable;  // false: the field cannot be written
  std::string options;   // the values that it takes, where it takes no others
  std::vector<std::pair<std::string, Takes>> takes;  // what the API's words for types mean
  std::vector<std::string> standard;  // fields that are there whatever the answer lists
  bool makes = false;  // a field is made by writing it
};

/// Where an API says whose the login is.
struct OwnerForm {
  std::string path;
  std::string id;  // dotted
};

/// `describe` of a declaration, and `owner` of a connection. They throw std::invalid_argument that
/// names the key.
[[nodiscard]] DescribeForm read_describe(const nlohmann::json& settings, const std::string& where);
[[nodiscard]] OwnerForm read_owner(const nlohmann::json& settings, const std::string& where);

/// The fields that an answer tells of; nothing where it makes no sense. `match_field` may identify
/// a record, since the declaration says so.
[[nodiscard]] std::optional<std::vector<FieldFact>> fields_of(const DescribeForm& form,
                                                              const nlohmann::json& body,
                                                              std::string_view match_field);

}  // namespace tailrace::rest
