#pragma once

#include <stdexcept>

namespace tailrace {

/// The file is no plan, was altered or cut, is of a newer format, or cannot be read or written
/// where it was asked for. Exit 2; nothing was sent.
class PlanError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// A sound plan of another store, sync or mapping, or one that the sync's state has left behind.
/// Exit 3; nothing was sent.
class StalePlan : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace tailrace
