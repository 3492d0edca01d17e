#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "destination/destination.hpp"
#include "row/schema.hpp"

namespace tailrace {

/// How one row compares with its record.
struct VerifiedRow {
  struct Field {
    std::string field;
    std::optional<std::string> ours;
    std::optional<std::string> theirs;
  };
  std::string key;
  const char* state = "";  // missing, different, extra, unreadable
  std::vector<Field> fields;  // different
};

/// What comparing the model with the destination came to. `pending` rows have changed since they
/// were delivered, so that a difference says nothing.
struct Verification {
  static constexpr std::size_t kRowsShown = 1000;

  std::uint64_t checked = 0;
  std::uint64_t equal = 0;
  std::uint64_t missing = 0;
  std::uint64_t different = 0;
  std::uint64_t extra = 0;
  std::uint64_t pending = 0;
  std::uint64_t unreadable = 0;  // the tool gave no answer for it
  std::vector<VerifiedRow> rows;    // the first of those that are not equal
  std::vector<std::string> repair;  // keys of all that are missing or different
  std::string failure;  // why rows could not be read

  void add(VerifiedRow row);
  [[nodiscard]] nlohmann::json to_json() const;
};

/// Fields of `line` that the record has otherwise, under the tool's own equality. A field that is
/// NULL and keeps what is there is not compared.
[[nodiscard]] std::vector<VerifiedRow::Field> differing_fields(const Destination& destination,
                                                               const Schema& schema,
                                                               const std::string& line,
                                                               const Record& record);

}  // namespace tailrace
