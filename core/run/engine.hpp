#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

#include "destination/destination.hpp"
#include "http/call_queue.hpp"
#include "http/transport.hpp"
#include "run/clock.hpp"
#include "run/committer.hpp"
#include "run/login_memory.hpp"
#include "run/progress.hpp"
#include "run/report.hpp"
#include "run/spec.hpp"
#include "run/work.hpp"
#include "source/reader.hpp"
#include "source/source.hpp"
#include "state/store.hpp"

namespace tailrace {

class FieldChoice;
class Sender;
struct Answer;
struct SenderOptions;
struct PlanAsk;
struct PlanContent;
class Differ;
struct DiffOptions;

/// Everything of the outside world that a run touches. A simulator passes its own.
struct Surroundings {
  using MakeCommitter = std::function<std::unique_ptr<Committer>(
      StateStore& store, CommitterOptions options, std::function<void()> wake)>;

  std::function<std::unique_ptr<Source>(const RunSpec&)> source;
  std::function<std::unique_ptr<StateStore>(const std::string& url, bool create)> store;
  std::function<std::unique_ptr<http::Transport>(const http::TransportOptions&)> transport;
  std::shared_ptr<const Clock> clock;
  MakeCommitter committer;
  std::function<std::unique_ptr<Destination>(const nlohmann::json& connection,
                                             const nlohmann::json& object, const Schema& schema)>
      destination;
  Reader::Limits reading;
};

/// The real world: COPY or an Arrow stream, SQLite or PostgreSQL, libcurl or libpq; or in their
/// place `calls`, which whoever answers them takes from there.
[[nodiscard]] Surroundings real_surroundings(std::unique_ptr<Source> arrow_source,
                                             std::shared_ptr<http::CallQueue> calls = nullptr);

/// What a run ended with: the report, and for plans the plan.
struct RunResult {
  Report report;
  nlohmann::json plan;     // null unless the task was plan
  nlohmann::json verify;   // null unless the task was verify
  nlohmann::json attempt;  // null unless the task was to try one row
  std::string source_code;  // of a SourceError
};

/// Performs one run or plan: read → diff → changeset → guard → send → settle → report.
/// Never throws for a run that failed: the report's status and message say how it ended.
class Engine {
 public:
  Engine(RunSpec spec, Surroundings surroundings);
  ~Engine();

  [[nodiscard]] RunResult run();

  /// From any thread, at any time: in flight is settled or unknown within `timing.drain`.
  void cancel();
  [[nodiscard]] const Progress& progress() const { return progress_; }

 private:
  struct Session;  // of one run: store, claim, committer, state, changeset …
  struct ForgetInterrupt;
  void perform(Session& session);
  void perform_to_an_end(Session& session);
  [[nodiscard]] RunResult result_of(Session& session) const;
  void plan(Session& session);
  void verify_all(Session& session);
  void deliver(Session& session);
  [[nodiscard]] PlanAsk plan_ask(const Session& session) const;
  void open(Session& session);
  void check_expected(const Session& session) const;
  void claim(Session& session);
  void take_lease(Session& session, const SyncAddress& address);
  void make_committer(Session& session);
  void carry_old_name(Session& session, SyncAddress& address) const;
  void know_login(Session& session, const SyncAddress& address);
  [[nodiscard]] std::optional<LoginMemory> last_login(Session& session,
                                                      const SyncAddress& address) const;
  [[nodiscard]] std::string ask_account(Session& session, const Destination& destination,
                                        bool needed);
  [[nodiscard]] Answer ask_tool(Session& session, const Destination& destination,
                                const ReadAsk& question);
  [[nodiscard]] Answer ask_first(Session& session, const ReadAsk& question);
  void prepare(Session& session);
  void make_fields(Session& session);
  [[nodiscard]] std::vector<FieldFact> fields_to_make(Session& session);
  [[nodiscard]] bool has_baseline(Session& session, const SyncAddress& address) const;
  void judge_model(Session& session, GuardFacts& facts);
  void judge_mapping(Session& session);
  void judge_values(Session& session, const std::vector<FieldFact>& known);
  [[nodiscard]] std::string guard_shards(Session& session, GuardFacts& facts);
  void load_whole_count(Session& session);
  [[noreturn]] void wait_for_siblings(Session& session, int missing) const;
  [[noreturn]] void count_again(Session& session) const;
  [[noreturn]] void give_way(Session& session, std::chrono::milliseconds wait,
                             const std::string& why) const;
  [[nodiscard]] GuardFacts guard_facts(Session& session);
  [[nodiscard]] bool takes_as_delivered(const Session& session) const;
  void read(Session& session);
  void prepare_mode(Session& session) const;
  void guard(Session& session);
  [[nodiscard]] bool keep_plan(Session& session);
  static void refuse_breaches(const Session& session, bool kept);
  [[nodiscard]] PlanContent plan_content(Session& session) const;
  void check_plan_ask() const;
  void look(Session& session, const SyncAddress& address) const;
  void open_plan_file(Session& session);
  void take_plan(Session& session);
  void write_plan_file(Session& session);
  void send(Session& session);
  void adopt(Session& session);
  void restate(Session& session);
  void take_rows(Session& session, Changeset& changes, std::uint64_t& taken);
  void take_types(Session& session);
  void load(Session& session);
  [[nodiscard]] DiffOptions diff_options(Session& session);
  void compare_fields(Session& session, DiffOptions& options);
  [[nodiscard]] double consume_model(Session& session);
  class Comparison;  // of rows with the tool's records
  void verify(Session& session);
  void compare_rows(Session& session, Comparison& comparison) const;
  [[nodiscard]] bool is_delivered(const Session& session, const ChangeRow& row) const;
  void attempt(Session& session);
  void wake_by(http::Transport* transport);
  void make_login(Session& session) const;
  void resume_jobs(Session& session);
  [[nodiscard]] SenderOptions sender_options(const Session& session) const;
  void connect(Session& session, const SenderOptions& options);
  void send_all(Session& session, Changeset& changes, Report& report,
                std::vector<Work> left_in_jobs);
  void end_sending(Session& session, const Sender& sender) const;
  [[noreturn]] void stop_by(Session& session, const Stop& stop) const;
  /// Ends the run for a question that was not answered, by what that says of another try.
  [[noreturn]] void end_unanswered(Session& session, const Answer& answer,
                                   const std::string& message) const;
  [[nodiscard]] BatchPolicy batch_policy(const Session& session, std::int64_t now_ms) const;
  void choose_fields(Session& session, FieldChoice& fields, std::vector<WorkRow>& rows) const;
  void finish(Session& session);
  void settle_end(Session& session);
  void write_end(Session& session, StateStore& store);
  void note_model(Session& session, StateStore& store, const Claim& claim, Finish& finish) const;
  void end_with(Session& session, Status status, const std::string& message);

  RunSpec spec_;
  Surroundings world_;
  Progress progress_;
  std::atomic<bool> cancelled_{false};
  std::mutex cancel_mutex_;
  std::function<void()> interrupt_;  // wakes whatever the run waits for
};

}  // namespace tailrace
