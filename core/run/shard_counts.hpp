#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "diff/guard.hpp"
#include "state/records.hpp"

namespace tailrace {

/// What one shard has counted, as it is kept in the store for its siblings.
struct ShardTally {
  // Grows each time that the shard counts again after it acted on a count: another round, or this
  // one once more.
  std::int64_t generation = 0;
  bool acted = false;  // it got past the guards with this count
  /// The whole model's rows, and how they were compared. Counts of equal texts add up to what a
  /// whole run would have counted; others do not.
  std::string compared;
  nlohmann::json counts;
};

/// By shard, the own one included once it has counted.
using ShardTallies = std::map<int, ShardTally>;

[[nodiscard]] nlohmann::json counts_of(const GuardFacts& facts);
[[nodiscard]] std::string to_text(const ShardTally& tally);
/// Throws StateLost where one cannot be read.
[[nodiscard]] ShardTallies read_tallies(const std::vector<ShardCount>& counts);

/// That of a count made now. Counts of a lower one have been acted on.
[[nodiscard]] std::int64_t next_generation(const ShardTallies& tallies, int own);

/// How many siblings have not counted for this round. One without a name has to be counted anew
/// each time; in one with a name, what a sibling has acted on says what it counted in it.
[[nodiscard]] int missing_siblings(const ShardTallies& tallies, const ShardTally& own, int shard,
                                   int of, bool named);

/// All have counted, and not all the same model: at its next try the shard counts the whole by
/// itself, or a model that never stands still would keep all of them waiting.
[[nodiscard]] bool counts_alone(const ShardTallies& tallies, int shard, int of, bool named);

/// Adds what the siblings have counted. False, and nothing is added, where one of them has counted
/// another model, or compared it in another way.
[[nodiscard]] bool add_siblings(const ShardTallies& tallies, const ShardTally& own, int shard,
                                GuardFacts& facts);

}  // namespace tailrace
