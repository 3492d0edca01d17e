#include "destination/hubspot/answer.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "destination/hubspot/facts.hpp"
#include "row/ascii.hpp"
#include "wire/json_reader.hpp"

namespace tailrace::hubspot {
namespace {

using nlohmann::json;

/// Texts of a member that is one text or a list of them.
void append_texts(std::vector<std::string>& out, const json* value) {
  if (value == nullptr) return;
  if (!value->is_array()) {
    std::string text = wire::scalar_text(*value);
    if (!text.empty()) out.push_back(std::move(text));
    return;
  }
  for (const json& one : *value) {
    std::string text = wire::scalar_text(one);
    if (!text.empty()) out.push_back(std::move(text));
  }
}

[[nodiscard]] bool is_schema_code(std::string_view code) {
  return code == kNoSuchProperty || code == kReadOnlyProperty || code == kNotUnique;
}

/// Takes over what a property's own error says. An error of the schema outweighs one of a value.
void take_detail(Problem& problem, std::string code, std::string message, std::string field) {
  const bool first = problem.code == problem.category;
  if (code.empty() || (!first && !is_schema_code(code))) return;
  if (!first && is_schema_code(problem.code)) return;
  problem.code = std::move(code);
  problem.field = std::move(field);
  if (!message.empty()) problem.message = std::move(message);
}

/// `Property values were not valid: [{"isValid":false,"message":…,"error":…,"name":…}]`
void read_embedded(Problem& problem) {
  constexpr std::string_view kLead = "Property values were not valid: ";
  if (!problem.message.starts_with(kLead)) return;
  const auto list = wire::read_json(std::string_view(problem.message).substr(kLead.size()));
  if (!list || !list->is_array()) return;
  for (const json& one : *list) {
    take_detail(problem, wire::text_at(one, "error"), wire::text_at(one, "message"),
                wire::text_at(one, "name"));
  }
}

void read_details(Problem& problem, const json& error) {
  const json* details = wire::member(error, "errors");
  if (details == nullptr || !details->is_array()) return;
  for (const json& one : *details) {
    std::vector<std::string> names;
    append_texts(names, wire::at_path(one, "context.propertyName"));
    append_texts(names, wire::member(one, "in"));
    take_detail(problem, wire::text_at(one, "code"), wire::text_at(one, "message"),
                names.empty() ? std::string() : names.front());
  }
}

/// Scopes that a 403 asks for, so that the message says what to grant.
void name_scopes(Problem& problem, const json& error) {
  std::vector<std::string> scopes;
  const auto gather = [&scopes](const json& holder) {
    for (const char* name : {"requiredGranularScopes", "requiredScopes"}) {
      const json* context = wire::member(holder, "context");
      if (context != nullptr) append_texts(scopes, wire::member(*context, name));
    }
  };
  gather(error);
  const json* details = wire::member(error, "errors");
  if (details != nullptr && details->is_array()) {
    for (const json& one : *details) gather(one);
  }
  for (std::size_t i = 0; i < scopes.size(); ++i) {
    problem.message += (i == 0 ? " Missing scope: " : ", ") + scopes[i];
  }
}

[[nodiscard]] bool is_number(std::string_view text, double& value) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  return read.ec == std::errc{} && read.ptr == text.data() + text.size();
}

/// Whether a stored match value may be the one that was sent: HubSpot may have changed its case or
/// the notation of a number.
[[nodiscard]] bool may_be_same(std::string_view sent, std::string_view stored) {
  double a = 0;
  double b = 0;
  if (same_but_for_case(sent, stored)) return true;
  return is_number(sent, a) && is_number(stored, b) && a == b;
}

/// `value` stands in `text` with no letter, digit or address character beside it.
[[nodiscard]] bool mentions(std::string_view text, std::string_view value) {
  constexpr std::size_t kShortest = 4;  // shorter ones stand in texts by chance
  constexpr std::string_view kBounds = " \t\n\"'()[]{}<>,;:=";
  if (value.size() < kShortest) return false;
  for (std::size_t at = text.find(value); at != std::string_view::npos;
       at = text.find(value, at + 1)) {
    const std::size_t end = at + value.size();
    const bool starts = at == 0 || kBounds.find(text[at - 1]) != std::string_view::npos;
    const bool stops = end == text.size() || kBounds.find(text[end]) != std::string_view::npos;
    if (starts && stops) return true;
  }
  return false;
}

/// Reads one answer; see read_outcomes.
class Reading {
 public:
  Reading(const RowNames& names, std::size_t rows, Outcome not_found)
      : names_(names), not_found_(not_found), outcomes_{Evidence(rows), std::nullopt} {}

  void results(const json& list) {
    for (const json& result : list) accept(result);
  }

  void errors(const json& list) {
    std::vector<Problem> nameless;
    for (const json& error : list) {
      Problem problem = read_problem(error);
      if (is_schema_problem(problem) && !outcomes_.schema_problem) {
        outcomes_.schema_problem = problem;
      }
      const std::vector<RowIndex> rows = rows_of(problem);
      for (const RowIndex row : rows) add(row, problem);
      if (rows.empty()) nameless.push_back(std::move(problem));
    }
    for (const Problem& problem : nameless) place_nameless(problem, nameless.size());
  }

  [[nodiscard]] Outcomes take() && { return std::move(outcomes_); }

 private:
  void accept(const json& result) {
    const std::string id = wire::text_at(result, "id");
    const std::optional<RowIndex> row = row_of(result, id);
    if (!row || id.empty()) return;
    Verdict verdict{*row, Outcome::accepted, {}, id};
    if (!fits(*row, result, id)) {
      verdict.outcome = Outcome::unknown;
      verdict.reason = reason_of("contradictory", "the result has another record's match value");
    }
    outcomes_.evidence.add(std::move(verdict));
  }

  [[nodiscard]] std::optional<RowIndex> row_of(const json& result, const std::string& id) const {
    const json* trace = wire::member(result, "objectWriteTraceId");
    if (trace != nullptr && !trace->is_null()) return by_trace(wire::scalar_text(*trace));
    const std::string match = returned_match(result);
    if (!match.empty()) return by_value(names_.matches, names_.normalise(match));
    return by_value(names_.ids, id);
  }

  /// A row found by its trace must not be somebody else's record.
  [[nodiscard]] bool fits(RowIndex row, const json& result, const std::string& id) const {
    if (!names_.ids.empty() && !names_.ids[row].empty()) return names_.ids[row] == id;
    const std::string match = returned_match(result);
    if (match.empty() || names_.matches.empty()) return true;
    return may_be_same(names_.matches[row], names_.normalise(match));
  }

  [[nodiscard]] std::string returned_match(const json& result) const {
    const json* properties = wire::member(result, "properties");
    if (properties == nullptr || names_.match_property.empty()) return {};
    const json* value = wire::member(*properties, names_.match_property);
    return value == nullptr ? std::string() : wire::scalar_text(*value);
  }

  [[nodiscard]] std::optional<RowIndex> by_trace(std::string_view trace) const {
    if (names_.trace_prefix.empty() || !trace.starts_with(names_.trace_prefix)) return std::nullopt;
    const std::string_view digits = trace.substr(names_.trace_prefix.size());
    if (digits.empty() || (digits.size() > 1 && digits.front() == '0')) return std::nullopt;
    RowIndex row = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), row);
    const bool whole = read.ec == std::errc{} && read.ptr == digits.data() + digits.size();
    if (!whole || row >= outcomes_.evidence.size()) return std::nullopt;
    return row;
  }

  /// The one row of that value; none where several have it.
  [[nodiscard]] static std::optional<RowIndex> by_value(const std::vector<std::string>& values,
                                                        std::string_view value) {
    if (value.empty()) return std::nullopt;
    const auto found = std::find(values.begin(), values.end(), value);
    if (found == values.end() || std::find(found + 1, values.end(), value) != values.end()) {
      return std::nullopt;
    }
    return static_cast<RowIndex>(found - values.begin());
  }

  [[nodiscard]] std::vector<RowIndex> rows_of(const Problem& problem) const {
    std::vector<RowIndex> rows;
    const auto add_row = [&rows](std::optional<RowIndex> row) {
      if (row && std::find(rows.begin(), rows.end(), *row) == rows.end()) rows.push_back(*row);
    };
    for (const std::string& trace : problem.traces) add_row(by_trace(trace));
    if (!problem.traces.empty()) return rows;
    for (const std::string& id : problem.ids) {
      const auto by_match = by_value(names_.matches, names_.normalise(id));
      add_row(by_match ? by_match : by_value(names_.ids, id));
    }
    return rows;
  }

  void add(RowIndex row, const Problem& problem) {
    Verdict verdict{row, outcome_of(problem), reason_of_problem(problem), {}};
    if (verdict.outcome == Outcome::skipped) verdict.reason.code = kMissing;
    outcomes_.evidence.add(std::move(verdict));
  }

  /// An error without a name for its row: the row whose match value it quotes, or the only row
  /// that nothing else was said of.
  void place_nameless(const Problem& problem, std::size_t nameless) {
    if (!problem.traces.empty() || !problem.ids.empty()) return;  // names rows that are not ours
    const std::vector<RowIndex> open = outcomes_.evidence.open();
    if (open.size() == 1 && nameless == 1) {
      add(open.front(), problem);
      return;
    }
    std::optional<RowIndex> quoted;
    for (const RowIndex row : open) {
      if (names_.matches.empty() || !mentions(problem.message, names_.matches[row])) continue;
      if (quoted) return;
      quoted = row;
    }
    if (quoted) add(*quoted, problem);
  }

  [[nodiscard]] Outcome outcome_of(const Problem& problem) const {
    if (problem.code.empty()) return Outcome::unknown;
    if (problem.category == kNotFound) return not_found_;
    for (const RowRule& rule : kRowErrors) {
      if (rule.category == problem.category) return rule.outcome;
    }
    return Outcome::rejected;
  }

  [[nodiscard]] static Reason reason_of_problem(const Problem& problem) {
    Reason reason = reason_of(problem.code, problem.message, problem.field);
    reason.transient = std::any_of(kRowErrors.begin(), kRowErrors.end(), [&](const RowRule& rule) {
      return rule.category == problem.category;
    });
    return reason;
  }

  const RowNames& names_;
  Outcome not_found_;
  Outcomes outcomes_;
};

}  // namespace

Problem read_problem(const json& error) {
  Problem problem;
  if (!error.is_object()) return problem;
  problem.category = wire::text_at(error, "category");
  problem.message = wire::text_at(error, "message");
  problem.code = problem.category;
  read_details(problem, error);
  read_embedded(problem);
  if (problem.message.starts_with(kNotUniqueMessage)) problem.code = kNotUnique;
  if (problem.code.empty()) problem.code = wire::text_at(error, "errorType");
  if (problem.code.empty() && wire::text_at(error, "status") == "error") problem.code = "error";
  name_scopes(problem, error);
  append_texts(problem.traces, wire::at_path(error, "context.objectWriteTraceId"));
  for (const char* name : {"context.ids", "context.id"}) {
    append_texts(problem.ids, wire::at_path(error, name));
  }
  return problem;
}

bool is_schema_problem(const Problem& problem) { return is_schema_code(problem.code); }

std::optional<Outcomes> read_outcomes(const wire::Reply& reply, const RowNames& names,
                                      std::size_t rows, Outcome not_found) {
  const auto body = wire::read_json(reply);
  if (!body || wire::text_at(*body, "status") != kComplete) return std::nullopt;
  Reading reading(names, rows, not_found);
  const json* results = wire::member(*body, "results");
  if (results != nullptr && results->is_array()) reading.results(*results);
  const json* errors = wire::member(*body, "errors");
  if (errors != nullptr && errors->is_array()) reading.errors(*errors);
  return std::move(reading).take();
}

}  // namespace tailrace::hubspot
