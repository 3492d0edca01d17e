#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "destination/destination.hpp"

namespace tailrace::salesforce {

/// Whether records are taken away. Archiving is deleting: both put them into the org's bin.
[[nodiscard]] inline bool removes(Operation operation) {
  return operation == Operation::delete_ || operation == Operation::archive;
}

/// The id of 18 characters that one of 15 or 18 means; nothing for what is no id. In the 15 case
/// counts; the three behind them say which letters are capitals, whatever a tool on the way made
/// of them.
[[nodiscard]] std::optional<std::string> whole_id(std::string_view text);

/// One object of the org and the field that its records are matched by.
struct Target {
  /// Throws std::invalid_argument for what cannot be a name of Salesforce's.
  Target(std::string_view object_name, std::string_view match_field, std::string_view version);

  /// Below /services/data/vNN.0/.
  [[nodiscard]] std::string path(std::string_view rest) const;
  /// External ids without space around them; in case they count as they are, since a field may be
  /// case sensitive, and two values that Salesforce takes for one come back as a row's error. Ids
  /// in their 18 characters.
  [[nodiscard]] bool identity_into(std::string_view value, std::string& out) const;
  /// The identity, or empty text where there is none.
  [[nodiscard]] std::string compared(std::string_view value) const;

  std::string object;  // Account
  std::string match;
  std::string version;  // 60.0
  bool by_id;
};

}  // namespace tailrace::salesforce
