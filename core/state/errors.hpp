#pragma once

#include <stdexcept>
#include <string>

namespace tailrace {

/// The store is missing, another one, corrupt or of a newer format. Exit 7; nothing was sent.
class StateLost : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The store could not be reached or written: retry later. Exit 5.
class StoreUnavailable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Another run took a newer epoch: this one may write nothing more. Exit 4.
class Fenced : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The state cannot be divided anew before the jobs that the old shards left at the destination are
/// followed to their end, which takes a run with as many shards as before. Exit 2; nothing was
/// sent.
class JobsOpen : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace tailrace
