#pragma once

#include <cstddef>
#include <vector>

#include "run/plan_header.hpp"
#include "state/store.hpp"
#include "state/table.hpp"

namespace tailrace {

/// Is the sync's state what the plan was made from? docs/architecture.md says why these rules are
/// right. Each function throws StalePlan where it is not.

[[nodiscard]] std::vector<ShardPosition> positions_of(const std::vector<Claim>& shards);

/// Before the claim, so that a stale plan takes no epoch from one that is not: the shards are where
/// the plan found them, or are split into its parts and only siblings have moved, once each.
void check_position(const PlanHeader& header, const std::vector<ShardPosition>& now);

/// Right after the claim, exact: no run has taken the shard since the plan, nor written to what it
/// was split from. `journal_rows`: rows of the shard's journal.
void check_claim(const PlanHeader& header, const Claim& claim, std::size_t journal_rows);

/// Entry for entry: the shard has what it had, however it was split or folded meanwhile.
void check_state(const PlanHeader& header, const StateTable& table);

}  // namespace tailrace
