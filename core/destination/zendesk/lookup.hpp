#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "destination/destination.hpp"
#include "destination/records.hpp"
#include "destination/zendesk/target.hpp"

namespace tailrace::zendesk {

/// Records by the values that the rows are matched by: one GET of show_many.
[[nodiscard]] Call show_many(const Target& target, const std::vector<std::string>& matches);

/// How many of these values one request takes, by the length of its address; at least one.
[[nodiscard]] std::size_t that_fit(const std::vector<std::string>& matches, std::size_t from);

struct Found {
  std::unordered_map<std::string, std::string> ids;  // by compared match value
  std::vector<std::string> twice;                    // values that several records have
};
/// nullopt: not a whole answer; nothing is known, of absence neither.
[[nodiscard]] std::optional<Found> read_found(const Target& target, const nlohmann::json& body);

/// What is known of rows before their records are asked for. The same each time it is made.
struct Lookup {
  KnownRows known;             // whose ids nobody has to be asked for
  std::vector<RowIndex> rows;  // that one request asks for
  std::vector<std::string> matches;  // of these
  std::vector<RowIndex> later;       // that it has no room for
  std::vector<RowIndex> unaskable;
};
/// `known_id`: Zendesk's id of a row, or empty text.
[[nodiscard]] Lookup lookup_of(const Target& target, const Batch& batch,
                               const std::vector<RowIndex>& rows,
                               const std::function<std::string(RowIndex)>& known_id);

/// Rejects the rows that cannot be asked for, and leaves those that come later to another batch.
void put_aside(Step& step, const Lookup& lookup, Operation operation);

/// What is known of them after the answer, in their order.
struct LookedUp {
  Step step;  // verdicts of rows that several records stand for; of all rows without an answer
  bool answered = false;
  KnownRows known;
  std::vector<RowIndex> missing;
};
[[nodiscard]] LookedUp read_lookup(const Target& target, Lookup lookup, Operation operation,
                                   const wire::Reply& reply);

/// The list of records in an answer, where its `count` does not contradict it; else nullptr.
[[nodiscard]] const nlohmann::json* records_in(const Target& target, const nlohmann::json& body);

}  // namespace tailrace::zendesk
