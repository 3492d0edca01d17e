#include "state/rejected.hpp"

#include <algorithm>
#include <array>

namespace tailrace {
namespace {

constexpr std::array<std::string_view, 4> kWords{"permanent", "transient", "parked", "released"};

}  // namespace

std::string_view word_of(Hold hold) { return kWords.at(static_cast<std::size_t>(hold)); }

std::optional<Hold> hold_from(std::string_view word) {
  const auto found = std::find(kWords.begin(), kWords.end(), word);
  if (found == kWords.end()) return std::nullopt;
  return static_cast<Hold>(found - kWords.begin());
}

}  // namespace tailrace
