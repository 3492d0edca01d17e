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
#include "run/spec.hpp"
#include "state/table.hpp"

namespace tailrace {

/// One row on its way through a destination.
struct WorkRow {
  Change change = Change::added;
  IdentityHash identity;
  Version version = 0;
  std::string line;   // empty where the batch is read from `place` while it is sent
  LinePlace place;
  std::string key;
  std::string match;
  std::string destination_id;
  std::string send;           // changed_fields: which fields go; empty: all
  std::string hashes;         // changed_fields: of the fields as they are now
  bool was_rejected = false;  // rejected_row has an entry, to be taken away once accepted
  bool was_unknown = false;   // an earlier attempt, of any run, may have been applied
  bool was_lost = false;      // one of this run: it may still arrive
  bool regrouped = false;     // goes on in another batch
  bool is_stuck = false;      // refused where it was inserted again under its idempotency key
  std::optional<Verdict> verdict;
};

/// An intent of a work's call: which rows it spoke for, and whether the request left.
struct WorkIntent {
  std::int64_t seq = 0;
  std::uint32_t batch = 0;
  std::vector<RowIndex> rows;
  bool sent = false;
  bool lost = false;    // no answer that says what became of it
  bool closed = false;  // an outcome or a void was submitted for it
  std::int64_t sent_at_ms = 0;  // store's clock
};

/// A batch while it is sent: its rows, the steps taken so far, the attempt.
struct Work {
  std::uint64_t id = 0;
  Operation operation = Operation::upsert;
  int attempt = 1;
  int tries = 0;  // with those that the tool put off, which cost no attempt
  std::vector<WorkRow> rows;
  std::vector<BatchRow> views;  // into rows
  std::shared_ptr<const StoredLines> lines;  // of the rows, where they are not in memory
  std::string trace;
  std::string idempotency_key;  // of inserts that are repeated under one
  std::string body_sha256;      // that the body must have, where an earlier run sent it
  std::int64_t first_sent_ms = 0;  // of the idempotency key, store's clock; 0: not yet
  Memo memo;
  std::vector<WorkIntent> intents;
  std::vector<Regroup> regroup;
  std::size_t outstanding = 0;  // calls without an answer
  bool resumes = false;         // a job of an earlier run: asked for, not sent
  std::optional<Clock::Time> job_since;  // when it first was left to wait for a job
  bool in_job = false;          // a job of the tool, which poll() asks for
  bool handing_over = false;    // the job is not yet on record
  Clock::Time job_asked_at{};   // when poll() last asked for it
  bool reads_back = false;      // asks whether its inserts are there instead of sending them
  int reads = 0;                // times that it asked
  bool stuck = false;           // refused whole, and bound to its idempotency key
  bool unkeyed = false;         // a request of it cannot be repeated harmlessly
  bool written = false;         // rows still open have been written in part
  bool paced = false;           // refused for the rate: another try costs no retry budget
  bool needs_token = false;     // of the retry budget, before it may go again
  Clock::Time ready_at{};       // not before (backoff)
  Clock::Time begun_at{};       // before the first request of this attempt
  int expired = 0;              // intents that ran out though a request could have started

  [[nodiscard]] Batch batch(const Schema& schema) const {
    return Batch{operation, &schema, views, trace, idempotency_key, lines, tries};
  }
  /// What the journal says of its rows, which are all of one kind.
  [[nodiscard]] StateOp state_op() const;
  /// After rows were set or moved. `store`: of their lines, where those are not in memory.
  void refresh_views(const std::shared_ptr<const LineStore>& store = {});
};

/// A planned row that gets no request in this run.
struct Withheld {
  WorkRow row;
  Reason reason;
  Hold hold = Hold::permanent;
  bool recorded = false;  // rejected before and held back since; else refused here
};

/// What becomes of rows that an earlier run left behind, and which operation the others get.
struct BatchPolicy {
  Operation write = Operation::upsert;
  Operation removal = Operation::delete_;
  RejectedPolicy rejected;
  bool inserts_once = false;  // mode insert: a key is created once, whatever its version
  bool may_duplicate = false;  // insert_safety: duplicate_ok
  bool asked_for = false;      // somebody names the rows: they go, rejected before or not
  std::int64_t now_ms = 0;     // store's clock, to judge how old a rejection is
  std::int64_t fields_changed_at_ms = 0;  // the destination's field list; 0: never seen to change
};

/// Cuts the changeset into batches by the destination's rows and bytes. Rows of identities that
/// turned out to be duplicates are passed over; rows not to be sent are told to a hook.
class Batcher {
 public:
  struct Hooks {
    std::function<bool(const IdentityHash&)> is_duplicate;
    std::function<void(Withheld)> withheld;
    /// Inserts that an earlier run may have made.
    std::function<void(WorkRow)> doubtful;
    /// Fills `send` and `hashes` of a batch's rows; unset where every field is sent.
    std::function<void(std::vector<WorkRow>&)> choose_fields;
  };

  Batcher(Changeset& changes, const Schema& schema, const Destination& destination,
          const StateView& state, BatchPolicy policy, Hooks hooks);

  /// The next batch; nullopt at the end.
  [[nodiscard]] std::optional<Work> next();
  /// Where the lines of the batches are; null where they are in memory.
  [[nodiscard]] const std::shared_ptr<const LineStore>& lines() const { return lines_; }
  /// Passes over the rest, calling `row` for each that would have been sent.
  void drain(const std::function<void()>& row);

 private:
  bool read_row();
  void take_change(WorkRow& row);
  [[nodiscard]] bool held_back(const RejectedRow& before, const WorkRow& row) const;
  [[nodiscard]] bool withhold(WorkRow& row) const;
  [[nodiscard]] bool is_doubtful(const WorkRow& row) const;
  void refuse_too_large(std::size_t limit_bytes);
  [[nodiscard]] Operation operation_of(const WorkRow& row) const;
  void let_go(std::vector<WorkRow>& fresh, std::vector<WorkRow>& rows) const;

  Changeset& changes_;
  const Schema& schema_;
  const Destination& destination_;
  const StateView& state_;
  BatchPolicy policy_;
  Hooks hooks_;
  std::shared_ptr<const LineStore> lines_;
  ChangeRow change_;
  std::optional<WorkRow> ahead_;
  std::string scratch_;
};

}  // namespace tailrace
