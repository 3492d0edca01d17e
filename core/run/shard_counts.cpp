#include "run/shard_counts.hpp"

#include <algorithm>

#include "row/mutant.hpp"
#include "state/errors.hpp"

namespace tailrace {
namespace {

using nlohmann::json;

ShardTally tally_of(const std::string& text) {
  ShardTally tally;
  tally.counts = json::parse(text, nullptr, false);
  if (!tally.counts.is_object()) {
    throw StateLost("state: the counts of a shard cannot be read");
  }
  tally.generation = tally.counts.value("generation", std::int64_t{0});
  tally.acted = tally.counts.value("acted", false);
  tally.compared = tally.counts.value("compared", std::string());
  return tally;
}

void add_counts(const json& other, GuardFacts& facts) {
  const auto of = [&other](const char* name) { return other.value(name, std::uint64_t{0}); };
  DiffCounts& counts = facts.counts;
  counts.scanned += of("scanned");
  counts.unchanged += of("unchanged");
  counts.added += of("added");
  counts.changed += of("changed");
  counts.refreshed += of("refreshed");
  counts.removed += of("removed");
  counts.invalid += of("invalid");
  counts.gone += of("gone");
  facts.known += of("known");
}

}  // namespace

json counts_of(const GuardFacts& facts) {
  const DiffCounts& counts = facts.counts;
  return {
      {"scanned", counts.scanned},     {"unchanged", counts.unchanged}, {"added", counts.added},
      {"changed", counts.changed},     {"refreshed", counts.refreshed}, {"removed", counts.removed},
      {"invalid", counts.invalid},     {"gone", counts.gone},           {"known", facts.known},
      {"null_rows", facts.nulls.rows}, {"nulls", facts.nulls.nulls}};
}

std::string to_text(const ShardTally& tally) {
  json told = tally.counts;
  told["generation"] = tally.generation;
  told["acted"] = tally.acted;
  told["compared"] = tally.compared;
  return told.dump();
}

ShardTallies read_tallies(const std::vector<ShardCount>& counts) {
  ShardTallies tallies;
  for (const ShardCount& count : counts) tallies.emplace(count.shard, tally_of(count.counts));
  return tallies;
}

std::int64_t next_generation(const ShardTallies& tallies, int own) {
  if (const auto mine = tallies.find(own); mine != tallies.end()) {
    return mine->second.generation + (mine->second.acted ? 1 : 0);
  }
  // Nobody acts before all have counted: where somebody did, it was in another round.
  std::int64_t generation = 1;
  for (const auto& [shard, tally] : tallies) {
    generation = std::max(generation, tally.generation + (tally.acted ? 1 : 0));
  }
  return generation;
}

int missing_siblings(const ShardTallies& tallies, const ShardTally& own, int shard, int of,
                     bool named) {
  int missing = 0;
  for (int sibling = 0; sibling < of; ++sibling) {
    if (sibling == shard) continue;
    const auto found = tallies.find(sibling);
    const bool used_up =
        found != tallies.end() && found->second.generation < own.generation && !named;
    missing += found == tallies.end() || used_up ? 1 : 0;
  }
  return missing;
}

bool counts_alone(const ShardTallies& tallies, int shard, int of, bool named) {
  const auto mine = tallies.find(shard);
  if (mine == tallies.end()) return false;
  ShardTally own = mine->second;
  own.generation = next_generation(tallies, shard);
  if (missing_siblings(tallies, own, shard, of, named) > 0) return false;
  return std::any_of(tallies.begin(), tallies.end(),
                     [&](const auto& one) { return one.second.compared != own.compared; });
}

bool add_siblings(const ShardTallies& tallies, const ShardTally& own, int shard,
                  GuardFacts& facts) {
  const auto differs = [&](const auto& one) {
    return one.first != shard && one.second.compared != own.compared && !mutant(35);
  };
  if (std::any_of(tallies.begin(), tallies.end(), differs)) return false;
  for (const auto& [sibling, tally] : tallies) {
    if (sibling != shard) add_counts(tally.counts, facts);
  }
  return true;
}

}  // namespace tailrace
