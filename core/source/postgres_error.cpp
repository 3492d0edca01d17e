#include "source/postgres_error.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include <pqxx/except>
#include <pqxx/version>

#include "row/ascii.hpp"

namespace tailrace {
namespace {

struct Rule {
  std::string_view prefix;
  bool configuration;
};

// The first prefix that fits decides, so exceptions stand above their class.
constexpr std::array kRules{
    Rule{"08P01", true},   // a parameter ($1) in the model's SQL, for which we send no value
    Rule{"25001", true},   // a model that wants to leave the read-only transaction
    Rule{"25006", true},   // a model that writes
    Rule{"55P03", false},  // a lock was not free
    Rule{"55", true},      // e.g. a materialized view that was never filled
    Rule{"0A", true},      // not supported, e.g. SELECT … INTO
    Rule{"0L", true},     Rule{"0P", true}, Rule{"21", true},  // a subquery gave more than one row
    Rule{"22", true},  // the data does not fit the query: division by zero, bad casts
    Rule{"26", true},  // several statements in one
    Rule{"28", true},  // login refused
    Rule{"2B", true},     Rule{"2F", true}, Rule{"34", true},
    Rule{"38", true},     Rule{"39", true}, Rule{"3D", true},  // no such database
    Rule{"3F", true},  // no such schema
    Rule{"42", true},  // syntax, unknown names, missing rights
    Rule{"44", true},     Rule{"54", true},  // the statement is too large or too complex
    Rule{"F0", true},     Rule{"P0", true},  // RAISE in a function of the model
};

bool looks_like_sqlstate(std::string_view text) {
  constexpr std::size_t kStateChars = 5;
  return text.size() == kStateChars &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || is_upper(c); });
}

}  // namespace

bool is_configuration(std::string_view sqlstate) {
  const auto* rule = std::find_if(kRules.begin(), kRules.end(), [&](const Rule& candidate) {
    return sqlstate.starts_with(candidate.prefix);
  });
  return rule != kRules.end() && rule->configuration;
}

std::string sqlstate_of(const std::exception& thrown) {
  if (const auto* error = dynamic_cast<const pqxx::sql_error*>(&thrown)) {
    if (!error->sqlstate().empty()) return error->sqlstate();
    // libpqxx leaves the state out of these.
    if (dynamic_cast<const pqxx::insufficient_privilege*>(error) != nullptr) return "42501";
  }
#if PQXX_VERSION_MAJOR > 7 || PQXX_VERSION_MINOR >= 8
  if (dynamic_cast<const pqxx::protocol_violation*>(&thrown) != nullptr) return "08P01";
#endif
  if (dynamic_cast<const pqxx::too_many_connections*>(&thrown) != nullptr) return "53300";
  return "08006";  // the connection broke before the server could say why
}

std::string take_sqlstate(std::string& message) {
  constexpr std::string_view kSeparator = ":  ";
  constexpr std::size_t kStateChars = 5;
  std::string state;
  for (auto at = message.find(kSeparator); at != std::string::npos;
       at = message.find(kSeparator, at + 1)) {
    const auto begin = at + kSeparator.size();
    if (message.compare(std::min(begin + kStateChars, message.size()), 2, ": ") != 0) continue;
    const auto candidate = message.substr(begin, kStateChars);
    if (!looks_like_sqlstate(candidate)) continue;
    state = candidate;
    message.erase(begin, kStateChars + 2);
  }
  const auto location = message.find("\nLOCATION:");
  if (!state.empty() && location != std::string::npos) {
    const auto end = message.find('\n', location + 1);
    message.erase(location, end == std::string::npos ? end : end - location);
  }
  return state;
}

}  // namespace tailrace
