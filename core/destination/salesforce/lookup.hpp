#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "destination/destination.hpp"
#include "destination/salesforce/target.hpp"

namespace tailrace::salesforce {

/// How the values of a query are written: SOQL wants quotes for texts and none for numbers, and
/// which of them a field is only Salesforce knows. Texts are tried first.
enum class Literals : std::uint8_t { quoted, bare };

/// A query, encoded in an address.
[[nodiscard]] Call query_call(const Target& target, std::string_view soql);

/// The records that have one of these match values: Salesforce's ids, the match field and `fields`.
[[nodiscard]] Call ask_by_match(const Target& target, std::span<const std::string> fields,
                                std::span<const std::string> matches, Literals literals);
/// Which of these ids there are.
[[nodiscard]] Call ask_by_id(const Target& target, std::span<const std::string> ids);

/// How many of these values one query takes, by the length of its address; at least one.
[[nodiscard]] std::size_t that_fit(const Target& target, std::span<const std::string> fields,
                                   std::span<const std::string> matches);

/// Whether a query was refused because its values are written as texts and the field is a number.
[[nodiscard]] bool wants_bare(const wire::Reply& reply, std::span<const std::string> matches);

/// A page of a query's answer. nullptr: not an answer.
[[nodiscard]] const nlohmann::json* records_in(const nlohmann::json& body);
/// Whether the page is all that there is.
[[nodiscard]] bool is_whole(const nlohmann::json& body);

/// A record's match value in the form of Target::compared.
[[nodiscard]] std::string match_of(const Target& target, const nlohmann::json& record);

/// What became of a look-up of one value.
struct Looked {
  enum class Sight : std::uint8_t { found, missing, several, other_case, open } sight;
  std::string id;  // found
};

/// The records of an answer, by their match values.
class Found {
 public:
  /// nullopt: not an answer; nothing is known, of absence neither.
  [[nodiscard]] static std::optional<Found> read(const Target& target, const nlohmann::json& body,
                                                 std::span<const std::string> asked);

  /// A value is found as it is written, and no otherwise: Salesforce compares without regard to
  /// case in most fields, and a record of other letters may be somebody else's.
  [[nodiscard]] Looked of(const std::string& match) const;

 private:
  std::unordered_map<std::string, std::vector<std::string>> ids_;
  std::unordered_map<std::string, int> folded_;  // values in lower case, of all records
  bool strays_ = false;  // records of none of the values that were asked for
  bool whole_ = true;
};

}  // namespace tailrace::salesforce
