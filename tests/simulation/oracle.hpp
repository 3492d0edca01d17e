#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "emulator.hpp"
#include "process.hpp"
#include "row/hash.hpp"
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

/// Hashes of the keys and rows of a simulation, as the engine makes them.
class Names {
 public:
  Names(const Hasher::Secret& secret, const std::string& mapping_fingerprint);

  [[nodiscard]] const IdentityHash& identity(const std::string& key);
  [[nodiscard]] Version version(const std::string& key, const std::string& value);
  /// Of a key that was asked for before; empty for any other hash.
  [[nodiscard]] std::string key_of(const IdentityHash& identity) const;
  /// "k1=a" of a version that was asked for before.
  [[nodiscard]] std::string row_of(Version version) const;

 private:
  Hasher hasher_;
  Schema schema_;
  std::string scratch_;
  std::map<std::string, IdentityHash> identities_;
  std::map<std::pair<std::string, std::string>, Version> versions_;
};

using Model = std::map<std::string, std::string>;

/// Watches a simulation and says which promise was broken. What it knows comes from the tool's log,
/// from the commits as they reached the store, and from the models; a run's report is only ever
/// judged by them.
class Oracle {
 public:
  Oracle(const Schedule& schedule, const Emulator& tool, std::shared_ptr<MemoryDisk> disk,
         Names& names, std::int64_t store_offset_ms);

  /// The model that runs see from now on; `rows`: valid ones.
  void model_is(const Model& model) { model_ = model; }
  void foreign(const std::string& key, const std::string& value) { foreign_[key] = value; }

  // In the order in which they happen, by process.
  void begins(const Process& process);
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
  struct Ledger {  // of one process
    std::vector<Intent> intents;
    std::multiset<std::string> in_flight;
    std::set<std::string> removed;
    std::size_t asked = 0;
    std::size_t sent = 0;
    std::set<IdentityHash> accepted;  // in durable outcomes
    std::int64_t not_before_ms = 0;
  };

  void read_intents(const JournalRow& row, Ledger& ledger);
  void read_outcomes(const Process& process, const JournalRow& row, Ledger& ledger);
  void check_outcome(const Process& process, const Intent& intent, std::size_t row,
                     RowOutcome outcome);
  [[nodiscard]] bool was_applied(int process, const Intent& intent, std::size_t row) const;
  [[nodiscard]] bool was_refused(int process, const Intent& intent, std::size_t row) const;
  void check_intent(const Process& process, const Delivery& delivery, Ledger& ledger);
  void check_removal(const Process& process, const Delivery& delivery, Ledger& ledger);
  void check_counts(const Process& process, const Report& report, const Ledger& ledger);
  void check_state(std::int64_t now_ms);
  void check_tool_is_model(const std::string& rule);
  void check_doubts(const Process& process);
  [[nodiscard]] std::optional<StateView> load(std::int64_t now_ms) const;
  [[nodiscard]] bool is_rejected(const std::string& key, Version version) const;
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
  std::set<std::string> delivered_;  // keys that a run has announced to write
  std::vector<Failure> failures_;
};

}  // namespace tailrace::simulation
