#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "diff/differ.hpp"
#include "diff/guard.hpp"
#include "diff/invalid_row.hpp"
#include "diff/null_count.hpp"
#include "row/schema.hpp"
#include "run/spec.hpp"

namespace tailrace {

/// Where one shard of the sync's state stood when the plan was made.
struct ShardPosition {
  int shard = 0;
  int of = 1;
  std::int64_t epoch = 0;
  std::int64_t last_seq = 0;

  bool operator==(const ShardPosition&) const = default;
};

/// All that a run needs of a plan besides its rows. Never a resolved secret: connection and object
/// come from the run's own spec.
struct PlanHeader {
  std::string run_id;  // of the plan; what the parts of one plan have in common
  std::int64_t created_at_ms = 0;
  std::string sync;
  std::string account;
  std::string object;
  int shard = 0;
  int of = 1;

  std::vector<ShardPosition> positions;  // of every shard there was; none where the sync is new
  std::string state_sum;                 // of this part's entries, see state_sums()
  std::string mapping_fingerprint;
  std::string source_kind;
  std::string encoding;
  Schema schema;
  Mode mode = Mode::upsert;
  OnRemoved on_removed = OnRemoved::ignore;
  bool resync = false;  // everything was to be sent

  DiffCounts counts;        // of this part; their sum over the parts is `whole`
  DiffCounts whole;
  std::uint64_t known = 0;  // the guards' base, of the whole
  std::vector<Breach> breaches;                // of the whole, when the plan was made
  std::optional<NullCounts> nulls;             // of the whole; unset where no guard watches any
  std::vector<InvalidRow> invalid_sample;      // all with part 0, which counts the invalid rows
  std::string fingerprint;                     // of this part's rows
  std::string whole_fingerprint;
};

[[nodiscard]] nlohmann::json to_json(const PlanHeader& header);
/// Throws PlanError, naming the key, where the JSON is no header of format 1.
[[nodiscard]] PlanHeader plan_header(const nlohmann::json& json);

}  // namespace tailrace
