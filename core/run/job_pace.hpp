#pragma once

#include <chrono>
#include <optional>

#include "run/clock.hpp"

namespace tailrace {

/// When to ask a tool for the jobs that are under way there. A request that finds none ended is
/// followed by a longer wait each time, up to a cap; one that does sets the pace by how long jobs
/// take. While nothing waits for a job's place, one request in five seconds is enough.
class JobPace {
 public:
  using Time = Clock::Time;

  /// A job was seen to have ended so long after it began.
  void ended(std::chrono::milliseconds took);
  /// An answer came, after the calls of ended() that it led to.
  void answered(Time now, bool any_ended);

  /// When to ask next. `oldest`: when the job that waits longest began; `urgent`: batches wait for
  /// a job's place, or nothing else is left to do.
  [[nodiscard]] Time next(Time oldest, bool urgent) const;

 private:
  std::chrono::milliseconds gap_{200};
  std::optional<std::chrono::milliseconds> took_;  // of late
  std::optional<Time> last_;
};

}  // namespace tailrace
