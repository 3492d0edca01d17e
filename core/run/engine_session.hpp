#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>

#include "destination/destination.hpp"
#include "diff/changeset.hpp"
#include "diff/differ.hpp"
#include "http/auth.hpp"
#include "http/transport.hpp"
#include "row/hash.hpp"
#include "run/committer.hpp"
#include "run/engine.hpp"
#include "run/report.hpp"
#include "source/reader.hpp"
#include "state/store.hpp"
#include "state/table.hpp"

namespace tailrace {

/// Thrown within the run to end it with a status of its own.
struct Ended : std::runtime_error {
  Ended(Status as, const std::string& message) : std::runtime_error(message), status(as) {}
  Status status;
};

[[nodiscard]] inline double seconds_between(Clock::Time from, Clock::Time to) {
  return std::chrono::duration<double>(to - from).count();
}

/// What one run holds while it lasts, in the order in which it comes to be.
struct Engine::Session {
  Report report;
  nlohmann::json plan;
  std::string source_code;
  std::string trouble;  // why rows are left over, in the tool's or the network's words
  std::unique_ptr<StateStore> store;
  std::optional<Claim> claim;
  std::unique_ptr<Committer> committer;
  std::unique_ptr<Reader> reader;
  std::string encoding;
  std::unique_ptr<Destination> destination;
  std::optional<Hasher> hasher;
  StateView state;
  std::optional<Changeset> changes;
  std::optional<Differ> differ;
  std::unique_ptr<http::Transport> transport;
  std::unique_ptr<http::Auth> auth;
  Clock::Time started;
  bool diff_finished = false;
  bool rows_counted = false;  // each planned row has its outcome in the report
  bool leased = false;

  [[nodiscard]] std::uint64_t planned() const {
    const DiffCounts& counts = differ->counts();
    return counts.added + counts.changed + counts.removed;
  }
  /// Uses the store while the settle thread does not.
  template <typename Use>
  void with_store(const Use& use) {
    if (committer) {
      committer->with_store(use);
    } else {
      use(*store);
    }
  }
  /// Counts every planned row where nothing was sent at all.
  void count_not_attempted() {
    ChangeRow row;
    changes->rewind();
    while (changes->next(row)) {
      if (!differ->is_duplicate(row.identity)) ++report.outcomes.not_attempted;
    }
    rows_counted = true;
  }
};

}  // namespace tailrace
