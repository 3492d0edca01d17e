#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "destination/destination.hpp"
#include "destination/zendesk/target.hpp"

namespace tailrace::zendesk {

/// What is remembered of a batch's request: the rows that it is about in the order in which they
/// were sent, each with Zendesk's id where it was sent by that, and the job that works on them.
struct Sent {
  std::string job;  // empty: the request has not been answered
  int misses = 0;   // answers that did not know the job
  std::vector<std::pair<RowIndex, std::string>> rows;

  [[nodiscard]] std::vector<RowIndex> indexes() const;
};

/// "JOB MISSES 5:123 7 9:456"; at most 100 rows, so that it stays below 4 KiB.
[[nodiscard]] Memo to_memo(const Sent& sent);
/// nullopt: not a memo of ours.
[[nodiscard]] std::optional<Sent> from_memo(std::string_view memo);

/// The answer to a request that queues a job: the batch waits for it, or nothing is known.
[[nodiscard]] Step read_queued(const Batch& batch, Sent sent, const wire::Reply& reply);

/// The same batch in a later run, whose rows are those that were sent.
[[nodiscard]] Step resume_job(const Batch& batch, const Memo& memo);

[[nodiscard]] Call ask_for_jobs(std::span<const JobBatch> batches);
[[nodiscard]] Polled read_jobs(const Target& target, std::span<const JobBatch> batches,
                               const wire::Reply& reply);

}  // namespace tailrace::zendesk
