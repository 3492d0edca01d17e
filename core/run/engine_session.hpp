#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>

#include "destination/destination.hpp"
#include "diff/changeset.hpp"
#include "diff/differ.hpp"
#include "diff/null_count.hpp"
#include "http/transport.hpp"
#include "row/hash.hpp"
#include "run/committer.hpp"
#include "run/engine.hpp"
#include "run/field_choice.hpp"
#include "run/login.hpp"
#include "run/plan_file.hpp"
#include "run/recording.hpp"
#include "run/report.hpp"
#include "run/request_trace.hpp"
#include "run/verify.hpp"
#include "run/whole_count.hpp"
#include "source/reader.hpp"
#include "state/store.hpp"
#include "state/table.hpp"

namespace tailrace {

/// Thrown within the run to end it with a status of its own.
struct Ended : std::runtime_error {
  Ended(Status as, const std::string& message) : std::runtime_error(message), status(as) {}
  Status status;
};

[[nodiscard]] inline double seconds_between(Clock::Time from, Clock::Time to) {
  return std::chrono::duration<double>(to - from).count();
}

/// The account's limits: the connection's own, else the vendor's.
[[nodiscard]] std::vector<wire::RateRule> rates_of(const Capabilities& can,
                                                   const nlohmann::json& connection);
/// Takes no lease: nothing is written to the store or to the destination.
[[nodiscard]] bool only_looks(const RunSpec& spec);
/// One of several shards that read for themselves: it counts, and looks at what its siblings have
/// counted.
[[nodiscard]] bool judges_siblings(const RunSpec& spec);
[[nodiscard]] bool can_find_records(const Capabilities& can);
[[nodiscard]] Operation write_operation(Mode mode);
[[nodiscard]] Operation removal_operation(OnRemoved on_removed);
/// Whether a lost insert can be looked up by its match value.
[[nodiscard]] bool can_read_back(Mode mode, const Capabilities& can);

/// What one run holds while it lasts, in the order in which it comes to be.
struct Engine::Session {
  Report report;
  nlohmann::json plan;
  Verification verification;
  nlohmann::json attempt;
  http::Recording* recording = nullptr;  // of `transport`, where a row is tried
  std::string source_code;
  std::string trouble;  // why rows are left over, in the tool's or the network's words
  std::unique_ptr<StateStore> store;
  std::vector<Claim> shards;  // whose state is loaded: the claimed one, or all that are looked at
  std::optional<Claim> claim;  // of them, as one
  SyncAddress found_at;  // where the state is, perhaps under an earlier name
  std::unique_ptr<Committer> committer;
  std::unique_ptr<Reader> reader;
  std::string encoding;
  std::unique_ptr<Destination> destination;
  std::optional<Hasher> hasher;
  std::optional<InsertSafety> insert_safety;  // of mode insert and append, as it is kept
  bool full_refresh = false;  // asked for, or due
  StateView state;
  std::optional<Changeset> changes;
  // Where the mapping has changed and the fields are known:
  std::optional<KnownFields> known_fields;
  std::optional<FieldChoice> field_choice;
  std::optional<Changeset> restated;
  std::optional<WholeCount> whole;  // of a shard that cannot take what its siblings have counted
  std::optional<Differ> differ;  // unset where a plan file is sent
  std::optional<OpenedPlan> sealed;  // that plan; its rows are `changes`
  std::unique_ptr<http::Transport> transport;
  std::unique_ptr<Login> login;
  std::unique_ptr<RequestTrace> trace;  // where it was asked for
  Clock::Time started;
  bool diff_finished = false;
  bool rows_counted = false;  // each planned row has its outcome in the report
  bool leased = false;
  bool guarded = false;  // the guards have let the whole model pass
  bool adopted = false;  // the model was taken as delivered
  std::optional<NullCounter> null_counter;
  std::optional<std::vector<FieldFact>>
      described;  // the object's fields, where they were asked for

  [[nodiscard]] const DiffCounts& counts() const {
    return sealed ? sealed->header.counts : differ->counts();
  }
  [[nodiscard]] std::uint64_t planned() const {
    return counts().added + counts().changed + counts().removed;
  }
  /// A plan file has no rows that are not to be sent.
  [[nodiscard]] bool is_duplicate(const IdentityHash& identity) const {
    return differ && differ->is_duplicate(identity);
  }
  [[nodiscard]] PlanLists lists() const {
    if (sealed) return sealed->lists;
    return {differ->newly_absent(), differ->returned(), differ->forgotten()};
  }
  /// Uses the store while the settle thread does not.
  template <typename Use>
  void with_store(const Use& use) {
    if (committer) {
      committer->with_store(use);
    } else {
      use(*store);
    }
  }
  /// A task that sends nothing: each planned row is left as it is.
  void count_as_planned() {
    report.outcomes.not_attempted += planned();
    rows_counted = true;
  }
  /// Counts every planned row where nothing was sent at all.
  void count_not_attempted() {
    ChangeRow row;
    changes->rewind();
    while (changes->next(row)) {
      if (!is_duplicate(row.identity)) ++report.outcomes.not_attempted;
    }
    rows_counted = true;
  }
};

}  // namespace tailrace
