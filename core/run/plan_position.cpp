#include "run/plan_position.hpp"

#include <algorithm>
#include <string>

#include "run/plan_errors.hpp"
#include "run/plan_parts.hpp"

namespace tailrace {
namespace {

/// Where a shard of the plan's layout stands before anybody claims it.
struct Start {
  std::int64_t epoch = 0;
  std::int64_t seq = 0;  // of the last row that the old shards had
  bool split = false;    // it comes to be by a split of other shards; rows carried over follow
};

Start start_of(const PlanHeader& header, int shard) {
  Start start;
  for (const ShardPosition& at : header.positions) {
    if (at.of == header.of) {
      if (at.shard == shard) return {at.epoch, at.last_seq, false};
      continue;
    }
    // A split gives every new shard the latest epoch and seq of the old ones.
    start.epoch = std::max(start.epoch, at.epoch);
    start.seq = std::max(start.seq, at.last_seq);
    start.split = true;
  }
  return start;
}

[[noreturn]] void fail_moved(const std::string& how) {
  throw StalePlan("plan: the sync has moved on since the plan was made (" + how +
                  "): nothing was sent, plan again");
}

std::string at_text(std::int64_t epoch, std::int64_t seq) {
  return "epoch " + std::to_string(epoch) + ", journal " + std::to_string(seq);
}

void check_shard(const PlanHeader& header, const ShardPosition& now) {
  const Start start = start_of(header, now.shard);
  const std::string name = "shard " + std::to_string(now.shard) + " of " + std::to_string(now.of);
  if (now.shard != header.shard) {
    if (now.epoch == start.epoch || now.epoch == start.epoch + 1) return;
    fail_moved(name + " was at epoch " + std::to_string(start.epoch) + ", now at " +
               std::to_string(now.epoch) + ": more than this plan's parts have run");
  }
  const bool unread = start.split ? now.last_seq >= start.seq : now.last_seq == start.seq;
  if (now.epoch == start.epoch && unread) return;
  fail_moved((now.of == 1 ? "it" : name) + " was at " + at_text(start.epoch, start.seq) +
             ", now at " + at_text(now.epoch, now.last_seq));
}

}  // namespace

std::vector<ShardPosition> positions_of(const std::vector<Claim>& shards) {
  std::vector<ShardPosition> positions;
  for (const Claim& claim : shards) {
    const Holder& holder = claim.holder;
    positions.push_back({holder.shard, holder.of, holder.epoch, claim.last_seq});
  }
  return positions;
}

void check_position(const PlanHeader& header, const std::vector<ShardPosition>& now) {
  if (now == header.positions) return;
  const bool split_so =
      now.size() == static_cast<std::size_t>(header.of) && now.front().of == header.of;
  if (!split_so) {
    fail_moved(std::to_string(header.positions.size()) + " shards then, " +
               std::to_string(now.size()) + " now");
  }
  for (const ShardPosition& shard : now) check_shard(header, shard);
}

void check_claim(const PlanHeader& header, const Claim& claim, std::size_t journal_rows) {
  const Start start = start_of(header, header.shard);
  // A shard that was just split has no journal but the rows that were carried over.
  const auto carried = start.split ? static_cast<std::int64_t>(journal_rows) : 0;
  const std::int64_t seq = claim.last_seq - carried;
  const std::int64_t epoch = claim.holder.epoch - 1;
  if (epoch == start.epoch && seq == start.seq) return;
  fail_moved("it was at " + at_text(start.epoch, start.seq) + ", now at " + at_text(epoch, seq));
}

void check_state(const PlanHeader& header, const StateTable& table) {
  // The table holds one shard; all of it is this part's.
  if (state_sums(table, 1).front() == header.state_sum) return;
  fail_moved("what the destination is known to have is not the same");
}

}  // namespace tailrace
