#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "state/journal.hpp"
#include "state/replay.hpp"
#include "state/table.hpp"

namespace tailrace {

/// Where journal rows that outlive a fold go.
struct CarryInto {
  std::int64_t epoch = 0;
  std::string run_id;         // of unknown sends; open batches keep that of their run
  std::int64_t last_seq = 0;  // the rows get the seqs after it
  std::int64_t quiet_ms = 0;  // that the horizons were made with
};

/// Unknown sends as intents that stay open, so that they are found again with the same horizons;
/// open batches, and the sends that belong to them, as they were.
[[nodiscard]] std::vector<JournalRow> carry_doubts(const CarryInto& into,
                                                   std::vector<UnknownSend> sends,
                                                   const std::vector<OpenBatch>& open);

}  // namespace tailrace
