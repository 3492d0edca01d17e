#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "diff/changeset.hpp"
#include "diff/differ.hpp"
#include "row/chunk.hpp"
#include "state/table.hpp"

namespace tailrace {

/// What a whole run would count, by a shard that reads the whole model as each of them does: for
/// the guards, where its siblings have counted another model. It takes as much memory as a whole
/// run's comparison.
///
/// Where keys are told apart from match values, rows that left are counted although a row of their
/// key may still be there and only be invalid: at worst more rows than a whole run would remove.
class WholeCount {
 public:
  explicit WholeCount(StateView state) : state_(std::move(state)) {}

  /// `options`: those of the shard's own comparison. The schema, the hasher and what the options
  /// refer to must live as long.
  void begin(const Schema& schema, const Hasher& hasher, DiffOptions options) {
    options.shard = 0;
    options.of = 1;
    options.count_only = true;
    options.restated = nullptr;
    differ_.emplace(schema, hasher, state_, std::move(options), nothing_);
  }
  void consume(const Chunk& chunk) { differ_->consume(chunk); }
  void finish() { differ_->finish({}); }

  [[nodiscard]] const StateTable& table() const { return state_.table; }
  [[nodiscard]] const DiffCounts& counts() const { return differ_->counts(); }
  [[nodiscard]] std::uint64_t known() const { return state_.known; }

 private:
  StateView state_;
  Changeset nothing_{{}, 0};
  std::optional<Differ> differ_;
};

}  // namespace tailrace
