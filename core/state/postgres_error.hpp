#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace tailrace {

/// What went wrong in talking to the server, before it is told as an error of the store.
class PostgresFault : public std::runtime_error {
 public:
  PostgresFault(const std::string& message, std::string its_state, bool is_lost)
      : std::runtime_error(message), sqlstate(std::move(its_state)), link_lost(is_lost) {}

  std::string sqlstate;  // empty where the server sent none
  bool link_lost;        // the connection is of no more use, and the last commit's end not known

  /// Nothing happened, and the same again may well succeed at once.
  [[nodiscard]] bool passing() const;
};

/// Tells the fault as an error of the store: StateLost where the tables are not what they were,
/// std::invalid_argument where login or rights are wrong, StoreUnavailable for all else.
[[noreturn]] void throw_as_store_error(const PostgresFault& fault);

/// libpq tells the SQLSTATE of a refused connection in its verbose message only ("FATAL:  28P01:
/// password …"). Takes it out of the message, and the server's source line; empty where it has
/// none.
[[nodiscard]] std::string take_connect_state(std::string& message);

}  // namespace tailrace
