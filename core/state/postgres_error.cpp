#include "state/postgres_error.hpp"

#include <algorithm>
#include <array>

#include "row/ascii.hpp"
#include "state/errors.hpp"

namespace tailrace {
namespace {

enum class Meaning : std::uint8_t { lost, configuration, unavailable };

struct Rule {
  std::string_view prefix;
  Meaning meaning;
};

// Classes: PostgreSQL documentation, appendix A. What is not here may be better at the next try.
constexpr std::array kRules{
    Rule{"0P", Meaning::configuration},     // no such role
    Rule{"23", Meaning::lost},              // a row that the shard's own row knows nothing of
    Rule{"28", Meaning::configuration},     // login refused
    Rule{"3D", Meaning::configuration},     // no such database
    Rule{"3F", Meaning::lost},              // the schema is gone
    Rule{"42501", Meaning::configuration},  // missing rights
    Rule{"42", Meaning::lost},              // a table or column is gone: every statement is ours
    Rule{"XX001", Meaning::lost},           // data corrupted
    Rule{"XX002", Meaning::lost},           // index corrupted
};

Meaning meaning_of(const PostgresFault& fault) {
  const auto* rule = std::find_if(kRules.begin(), kRules.end(), [&](const Rule& candidate) {
    return std::string_view(fault.sqlstate).starts_with(candidate.prefix);
  });
  return rule == kRules.end() ? Meaning::unavailable : rule->meaning;
}

bool looks_like_state(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || is_upper(c); });
}

}  // namespace

bool PostgresFault::passing() const {
  return link_lost || sqlstate == "40001" || sqlstate == "40P01";
}

void throw_as_store_error(const PostgresFault& fault) {
  std::string what = std::string("state: ") + fault.what();
  if (!fault.sqlstate.empty()) what += " (SQLSTATE " + fault.sqlstate + ")";
  switch (meaning_of(fault)) {
    case Meaning::lost:
      throw StateLost(what + "; restore the store, or take a new baseline with reset");
    case Meaning::configuration: throw std::invalid_argument(what);
    case Meaning::unavailable: break;
  }
  throw StoreUnavailable(what);
}

std::string take_connect_state(std::string& message) {
  constexpr std::string_view before = ":  ";
  constexpr std::size_t state_chars = 5;
  std::string state;
  for (std::size_t at = message.find(before); at != std::string::npos;
       at = message.find(before, at + 1)) {
    const std::size_t begin = at + before.size();
    const bool fits = message.size() > begin + state_chars && message[begin + state_chars] == ':' &&
                      looks_like_state(std::string_view(message).substr(begin, state_chars));
    if (!fits) continue;
    state = message.substr(begin, state_chars);
    message.erase(begin, state_chars + 2);
  }
  const std::size_t location = message.find("\nLOCATION:");
  if (location != std::string::npos) message.resize(location);
  while (!message.empty() && message.back() == '\n') message.pop_back();
  return state;
}

}  // namespace tailrace
