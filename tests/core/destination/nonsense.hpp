#pragma once

#include <string>
#include <vector>

#include "wire/request.hpp"

namespace tailrace {

struct Nonsense {
  std::string name;
  wire::Reply reply;
  /// A success that an API may well answer with where its status alone speaks for the rows.
  bool could_be_success = false;
};

/// What servers, proxies and attackers answer instead of an answer: no row may be accepted by any
/// of them.
[[nodiscard]] std::vector<Nonsense> nonsense();

}  // namespace tailrace
