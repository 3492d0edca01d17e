#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "emulator.hpp"
#include "names.hpp"
#include "process.hpp"
#include "row/hash.hpp"
#include "run/by_hand.hpp"
#include "schedule.hpp"
#include "state/memory_store.hpp"
#include "state/store.hpp"
#include "state/table.hpp"

namespace tailrace::simulation {

/// A promise that was broken: the rule's name and what was seen.
struct Failure {
  std::string rule;
  std::string text;
};

using Model = std::map<std::string, std::string>;

/// Watches a simulation and says which promise was broken. What it knows comes from the tool's log,
/// from the commits as they reached the store, and from the models; a run's report is only ever
/// judged by them.
class Oracle {
 public:
  Oracle(const Schedule& schedule, const Emulator& tool, std::shared_ptr<MemoryDisk> disk,
         Names& names, std::int64_t store_offset_ms);

  /// `model`: what runs see from now on.
  void round_begins(Model model);
  void foreign(const std::string& key, const std::string& value) { foreign_[key] = value; }
  /// Somebody else has made a record, which the sync may update.
  void appears(const std::string& key) { appeared_.insert(key); }
  /// What a person who looks into the tool says of the row; nothing where nobody can know yet.
  [[nodiscard]] std::optional<ByHand::Kind> by_hand(const std::string& key) const;
  /// A person has had rejected rows tried again.
  void retried();

  // In the order in which they happen, by process.
  void begins(const Process& process);
  void claims(const Process& process);  // has the lease, and has not read the state
  void asks(const Process& process);  // a request is handed to the transport
  void sends(const Process& process, const Delivery& delivery);
  void learns(const Process& process, const Delivery& delivery);  // of its answer
  void commits(const Process& process, const Commit& commit);     // durable now
  void ends(const Process& process, bool alone);

  /// No run is at work.
  void round_is_over(std::int64_t now_ms);
  /// A run after the faults; the second of them has nothing left to send.
  void quiet_run_ended(const Process& process, bool second);
  /// Everything has come to rest.
  void all_is_over();

  /// How many shards the state has, where one of them has a job to follow: nothing else can.
  [[nodiscard]] int layout_with_jobs(std::int64_t now_ms) const;

  void fail(std::string rule, std::string text);
  [[nodiscard]] const std::vector<Failure>& failures() const { return failures_; }

 private:
  struct Intent {
    std::int64_t seq = 0;
    std::uint32_t batch = 0;
    StateOp op = StateOp::write;
    std::int64_t send_by_ms = 0;  // virtual
    std::vector<std::pair<IdentityHash, Version>> rows;
    bool used = false;
  };
  struct Sends {  // of one key
    int costly = 0;     // sends that the answer before did not make free
    bool free = true;  // the next one is: nothing was sent, or the tool is to blame for another
  };
  struct Ledger {  // of one process
    std::vector<Intent> intents;
    std::multiset<std::string> in_flight;
    std::set<std::string> removed;
    std::size_t known = 0;    // keys that the state knew when it claimed
    bool must_refuse = false;  // its guard on the encoding has to hold it back
    std::size_t asked = 0;
    std::size_t written = 0;  // requests that change something
    std::set<IdentityHash> accepted;  // in durable outcomes
    Model acknowledged;  // changed_fields: what the state knew, field by field, when it claimed
    std::int64_t not_before_ms = 0;
    std::map<std::string, Sends> sends;  // by key
    std::size_t retries = 0;             // that cost something
    int failures_in_a_row = 0;
    bool met_fault = false;
    int round = 0;
    int mapping = 1;
  };

  void read_intents(const JournalRow& row, Ledger& ledger);
  void read_outcomes(const Process& process, const JournalRow& row, std::int64_t first_seq,
                     Ledger& ledger);
  void check_outcome(const Process& process, const Intent& intent, std::size_t row,
                     RowOutcome outcome);
  [[nodiscard]] bool was_applied(int process, const Intent& intent, std::size_t row) const;
  [[nodiscard]] bool was_refused(int process, const Intent& intent, std::size_t row) const;
  void check_intent(const Process& process, const Delivery& delivery, Ledger& ledger);
  void check_removal(const Process& process, const Delivery& delivery, Ledger& ledger);
  [[nodiscard]] Ask::Op removal() const;
  void note_fields(const Process& process, Ledger& ledger);
  void check_fields(const Process& process, const Delivery& delivery, Ledger& ledger);
  void note_jobs(const Delivery& delivery);
  void check_jobs(const Process& process, const Delivery& delivery);
  void check_rate(const Process& process);
  void check_retries(const Process& process, const Delivery& delivery, Ledger& ledger);
  void note_answer(const Delivery& delivery, Ledger& ledger);
  [[nodiscard]] bool is_left_to_do(const std::string& key, const StateView& view) const;
  void check_retried(const Process& process);
  void check_liveness(const Process& process, const Report& report, const Ledger& ledger);
  void check_listed();
  void check_order();
  void check_limit(const Process& process, const Ledger& ledger);
  void judge_encoding(const StateView& view, Ledger& ledger) const;
  void check_counts(const Process& process, const Report& report, const Ledger& ledger);
  void check_state(std::int64_t now_ms);
  void check_tool_is_model(const std::string& rule);
  void check_made(const std::string& key, const Emulator::Record& record);
  void check_appended();
  [[nodiscard]] bool is_as_the_model(const std::string& key, const std::string& value) const;
  [[nodiscard]] bool is_missing(const std::string& key) const;
  [[nodiscard]] bool asks_for_missing_alone(const Process& process) const;
  void check_doubts(const Process& process);
  [[nodiscard]] std::optional<StateView> load(std::int64_t now_ms) const;
  [[nodiscard]] const RejectedRow* rejection_of(const std::string& key) const;
  [[nodiscard]] bool is_settled_rejection(const std::string& key, const std::string& value) const;
  [[nodiscard]] bool is_parked(const std::string& key) const;
  [[nodiscard]] bool is_kept(const std::string& key) const;
  [[nodiscard]] std::string key_of(const Ask::Row& row) const;

  const Schedule& schedule_;
  const Emulator& tool_;
  std::shared_ptr<MemoryDisk> disk_;
  Names& names_;
  std::int64_t store_offset_ms_;
  Model model_;
  std::map<std::string, std::string> foreign_;
  std::map<int, Ledger> ledgers_;
  int round_ = 0;
  bool was_sharded_ = false;  // at some time
  struct Guarded {  // what guards judge, of one round
    std::size_t known = 0;           // by the state of all shards, at most
    std::set<std::string> removed;   // by shards
    std::set<std::pair<std::string, std::string>> encodings;  // with mappings, as it began
    bool encoding_passed = false;    // a run under this encoding has ended by itself
  } guarded_;
  std::deque<std::int64_t> asked_ms_;  // of all runs, as far back as a window of the limit
  std::set<std::string> delivered_;  // keys that a run has announced to write
  std::set<std::string> appeared_;
  std::set<std::string> released_;  // rejected rows that were to be tried again, and were not yet
  std::set<std::string> unsure_jobs_;  // of which an answer made no sense
  std::map<std::pair<std::string, Version>, int> made_;  // append: outcomes that say so
  std::vector<Failure> failures_;
};

}  // namespace tailrace::simulation
