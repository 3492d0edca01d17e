#pragma once

#include <chrono>
#include <cstddef>
#include <optional>

#include "run/clock.hpp"

namespace tailrace {

/// When to ask a tool for the jobs that are under way there. A request that finds none ended is
/// followed by a longer wait each time, up to a cap; one that does sets the pace by how long jobs
/// take. While nothing waits for a job's place, one request in five seconds is enough. Where one
/// request does not ask for all jobs, those that do share the time between two looks at a job.
class JobPace {
 public:
  using Time = Clock::Time;

  /// A job was seen to have ended so long after it began.
  void ended(std::chrono::milliseconds took);
  /// An answer came, after the calls of ended() that it led to. `round`: how many requests it takes
  /// to ask for all jobs.
  void answered(Time now, bool any_ended, std::size_t round = 1);

  /// When to ask for a job that began then, if it were the only one. `urgent`: batches wait for a
  /// job's place, or nothing else is left to do.
  [[nodiscard]] Time first_look(Time began, bool urgent) const;
  /// When to ask next. `oldest`: when the job that waits longest began.
  [[nodiscard]] Time next(Time oldest, bool urgent, std::size_t round = 1) const;

 private:
  std::chrono::milliseconds gap_{200};  // between two looks at a job
  std::optional<std::chrono::milliseconds> took_;  // of late
  std::optional<Time> last_;
};

}  // namespace tailrace
