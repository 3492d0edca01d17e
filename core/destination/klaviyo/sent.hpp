#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "destination/destination.hpp"

namespace tailrace::klaviyo {

/// What is remembered of a batch's request: the job that works on it, and the rows that it is
/// about, in the order in which they were sent.
struct Sent {
  std::string job;  // empty: the request has not been answered
  std::vector<RowIndex> rows;
};

/// "JOB * 10000", where all of so many rows are sent, or "JOB # a0…": a bit for each row of the
/// batch, four in a digit, the first one's the highest. At most 10,000 rows, so below 4 KiB.
[[nodiscard]] Memo to_memo(const Sent& sent, std::size_t batch_rows);
/// nullopt: not a memo of ours, or of a batch of another size.
[[nodiscard]] std::optional<Sent> from_memo(std::string_view memo, std::size_t batch_rows);
/// Of the same batch in a later run, whose rows are those that were sent.
[[nodiscard]] std::optional<Sent> resumed(std::string_view memo, std::size_t batch_rows);

}  // namespace tailrace::klaviyo
