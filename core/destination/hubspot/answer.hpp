#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "destination/destination.hpp"
#include "destination/settle.hpp"

namespace tailrace::hubspot {

/// One error of HubSpot's: of a whole request, or an entry of `errors` in a 207.
struct Problem {
  std::string code;  // the property's error where it has one, else category; empty: not theirs
  std::string category;
  std::string message;
  std::string field;
  std::vector<std::string> traces;  // context.objectWriteTraceId
  std::vector<std::string> ids;  // context.ids and the like
};

/// Takes an error apart. All members are optional; a code is read from fields of the answer alone,
/// never found in its text, since texts quote the rows' own values.
[[nodiscard]] Problem read_problem(const nlohmann::json& error);

/// True for an error that every row of the sync would have.
[[nodiscard]] bool is_schema_problem(const Problem& problem);

/// How the rows of one request are told apart in its answer.
struct RowNames {
  std::string trace_prefix;  // of objectWriteTraceId; empty where none was sent
  std::string match_property;  // empty: results are not compared by it
  std::vector<std::string> matches;  // by row, as HubSpot compares them; may be empty
  std::vector<std::string> ids;  // by row, HubSpot's own ids; empty where not known
  /// A returned match value in the form of `matches`.
  std::function<std::string(std::string_view)> normalise;
};

/// What an answer with outcomes says of a batch's rows.
struct Outcomes {
  Evidence evidence;
  std::optional<Problem> schema_problem;
};

/// Reads a 200, 201 or 207 of a batch request. `not_found` is what a record that is not there
/// means to this operation. nullopt: not a finished answer of HubSpot's, nothing is known.
[[nodiscard]] std::optional<Outcomes> read_outcomes(const wire::Reply& reply, const RowNames& names,
                                                    std::size_t rows, Outcome not_found);

}  // namespace tailrace::hubspot
