#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "destination/destination.hpp"
#include "diff/changeset.hpp"
#include "run/clock.hpp"
#include "state/table.hpp"

namespace tailrace {

/// One row on its way through a destination.
struct WorkRow {
  Change change = Change::added;
  IdentityHash identity;
  Version version = 0;
  std::string line;
  std::string key;
  std::string match;
  std::string destination_id;
  bool was_rejected = false;  // rejected_row has an entry, to be taken away once accepted
  bool was_unknown = false;   // an earlier attempt of this run may have been applied
  bool regrouped = false;     // goes on in another batch
  std::optional<Verdict> verdict;
};

/// An intent of a work's call: which rows it spoke for, and whether the request left.
struct WorkIntent {
  std::int64_t seq = 0;
  std::uint32_t batch = 0;
  std::vector<RowIndex> rows;
  bool sent = false;
  bool closed = false;  // an outcome or a void was submitted for it
  std::int64_t sent_at_ms = 0;  // store's clock
};

/// A batch while it is sent: its rows, the steps taken so far, the attempt.
struct Work {
  std::uint64_t id = 0;
  Operation operation = Operation::upsert;
  int attempt = 1;
  std::vector<WorkRow> rows;
  std::vector<BatchRow> views;  // into rows
  std::string trace;
  Memo memo;
  std::vector<WorkIntent> intents;
  std::vector<Regroup> regroup;
  std::size_t outstanding = 0;  // calls without an answer
  bool unkeyed = false;         // a request of it cannot be repeated harmlessly
  bool paced = false;           // refused for the rate: another try costs no retry budget
  bool needs_token = false;     // of the retry budget, before it may go again
  Clock::Time ready_at{};       // not before (backoff)

  [[nodiscard]] Batch batch(const Schema& schema) const {
    return Batch{operation, &schema, views, trace};
  }
  /// After rows were set or moved.
  void refresh_views();
};

/// Why a planned row gets no request in this run.
struct Withheld {
  Change change = Change::added;
  IdentityHash identity;
  Version version = 0;
  std::string key;
  bool held_back = false;  // rejected before and unchanged since; else refused here
  std::string code;
  std::string message;
  std::string field;
};

/// Cuts the changeset into batches by the destination's rows and bytes. Rows of identities that
/// turned out to be duplicates are passed over; rows not to be sent are told to `withheld`.
class Batcher {
 public:
  struct Hooks {
    std::function<bool(const IdentityHash&)> is_duplicate;
    std::function<void(const Withheld&)> withheld;
    std::int64_t now_ms = 0;  // store's clock, to judge how old a rejection is
  };

  Batcher(Changeset& changes, const Schema& schema, const Destination& destination,
          const StateView& state, Operation removal, Hooks hooks);

  /// The next batch; nullopt at the end.
  [[nodiscard]] std::optional<Work> next();
  /// Passes over the rest, calling `row` for each that would have been sent.
  void drain(const std::function<void()>& row);

 private:
  bool read_row();
  [[nodiscard]] bool withhold(const WorkRow& row) const;
  [[nodiscard]] Operation operation_of(const WorkRow& row) const;

  Changeset& changes_;
  const Schema& schema_;
  const Destination& destination_;
  const StateView& state_;
  Operation removal_;
  Hooks hooks_;
  ChangeRow change_;
  std::optional<WorkRow> ahead_;
  std::string scratch_;
};

}  // namespace tailrace
