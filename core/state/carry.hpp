#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "state/journal.hpp"
#include "state/table.hpp"

namespace tailrace {

/// Where journal rows that outlive a fold go.
struct CarryInto {
  std::int64_t epoch = 0;
  std::string run_id;          // of doubts; open batches keep that of their run
  std::int64_t last_seq = 0;   // the rows get the seqs after it
};

/// Doubts as intents that stay open, so that loading them gives the same doubts again; open batches
/// as they were.
[[nodiscard]] std::vector<JournalRow> carry_doubts(const CarryInto& into, Doubts doubts,
                                                   const std::vector<OpenBatch>& open,
                                                   std::int64_t quiet_ms);

}  // namespace tailrace
