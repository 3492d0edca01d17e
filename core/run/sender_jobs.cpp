// Batches that the tool works on by itself: what has a job is asked for until it is done, and left
// to the next run where that takes too long.
#include <algorithm>

#include "run/sender.hpp"

namespace tailrace {

/// True where nothing but the tool's own work is waited for: the job is on record by its memo, and
/// nothing has been said of any row.
bool Sender::waits_for_job(const Work& work) const {
  if (!work.job_since && !work.resumes) return false;
  const auto silent = [](const WorkRow& row) { return !row.verdict && !row.regrouped; };
  const auto on_record = [](const WorkIntent& intent) { return intent.sent && !intent.closed; };
  return std::any_of(work.intents.begin(), work.intents.end(), on_record) &&
         std::all_of(work.rows.begin(), work.rows.end(), silent);
}

bool Sender::job_takes_too_long(const Work& work) const {
  return work.job_since && waits_for_job(work) &&
         parts_.clock.now() - *work.job_since >= options_.timing.job_patience;
}

/// Its intents stay open, so that the next run takes the job up again from the memo.
void Sender::leave_pending(Work& work) {
  report_.outcomes.pending += work.rows.size();
  const std::int64_t due = store_ms(std::max(work.ready_at, parts_.clock.now()));
  report_.not_before_ms = std::max(report_.not_before_ms.value_or(due), due);
  works_.erase(work.id);
}

}  // namespace tailrace
