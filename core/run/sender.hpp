#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "http/auth.hpp"
#include "http/concurrency.hpp"
#include "http/pacer.hpp"
#include "http/retry.hpp"
#include "http/scrub.hpp"
#include "http/transport.hpp"
#include "run/account_budget.hpp"
#include "run/clock.hpp"
#include "run/committer.hpp"
#include "run/job_pace.hpp"
#include "run/progress.hpp"
#include "run/report.hpp"
#include "run/request_trace.hpp"
#include "run/work.hpp"

namespace tailrace {

struct SenderOptions {
  std::size_t max_in_flight = 8;
  std::vector<wire::RateRule> rates;
  /// Of the calls that the tool allows in a day: where all that use the account have made so many,
  /// sending stops. `calls_a_day` counts where an answer names none.
  std::optional<double> daily_share;
  std::optional<double> calls_a_day;
  std::vector<wire::Header> headers;  // of the connection, on every request
  Timing timing;
  int max_attempts = 5;
  std::uint64_t seed = 0;
  OnMissing on_missing = OnMissing::skip;
  RejectedPolicy rejected;
  bool row_log = false;
  bool changed_fields = false;
  std::optional<InsertSafety> insert_safety;  // set for mode insert and append
  bool appends = false;  // mode append: each version of a row is a record of its own
  bool can_read_back = false;  // the destination finds one record by its match value
  std::string insert_scope;  // store, sync and object: what idempotency keys are made of
};

/// Sends batches: begin → intent → request → reply → settle, many at once, on one thread. Pure
/// towards time and network: both come in through Clock, Transport and Committer.
class Sender {
 public:
  struct Parts {
    const Schema& schema;
    const Destination& destination;
    const StateView& state;
    Batcher& batches;
    http::Transport& transport;
    http::Auth& auth;
    const http::Scrubber& scrubber;
    Committer& committer;
    AccountBudget& account;
    const Clock& clock;
    const std::atomic<bool>& cancelled;
    Progress& progress;
    RequestTrace* trace = nullptr;
  };

  Sender(Parts parts, SenderOptions options, Report& report);

  /// Sends until nothing is left, the run is cancelled, stopped by the tool, or its time is up.
  /// Every row is counted in the report when it returns. `steady_to_store_ms`: added to the
  /// clock's milliseconds gives the store's time. Throws what the committer throws.
  void run(std::int64_t steady_to_store_ms);

  /// A batch that an earlier run left in a job of the tool; before run().
  void resume(Work work) { retries_.push_back(std::move(work)); }

  /// Why sending ended early, if it did.
  [[nodiscard]] const std::optional<Stop>& stopped() const { return stop_; }
  [[nodiscard]] bool was_cancelled() const { return cancelled_; }
  /// What the tool or the network last said of a row that is left over; empty where none is.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  /// A row that the batcher keeps back; counted and, where refused here, recorded.
  void withheld(Withheld row);
  /// An insert that an earlier run may have made; settled when all else was sent.
  void doubtful(WorkRow row) { doubtful_.push_back(std::move(row)); }

 private:
  struct PendingCall {
    std::uint64_t work = 0;
    Call call;
    std::optional<std::size_t> intent;  // index into Work::intents
    Clock::Time send_by = Clock::Time::max();
    Clock::Time started{};
    std::uint64_t login = 0;  // generation of the credentials that it was sent with
    int refusals = 0;         // of credentials
    std::size_t under_way = 0;  // requests when it started, with it
  };
  /// A request that asks for the jobs of several works.
  struct Poll {
    std::uint64_t call = 0;
    std::vector<std::uint64_t> works;
    std::vector<std::chrono::milliseconds> late;  // behind the time that the pace had chosen
    std::size_t round = 1;                        // requests that it takes to ask for all jobs
  };
  struct Settled {
    OutcomeCounts counts;
    std::vector<RejectedSample> samples;
  };

  // The loop's parts (sender.cpp).
  void take_acks();
  [[nodiscard]] std::uint64_t ahead(Clock::Time now) const;
  void fill();
  void start_ready();
  [[nodiscard]] bool may_start(wire::RateClass rate_class);
  [[nodiscard]] std::chrono::milliseconds next_ready(Clock::Time now) const;
  [[nodiscard]] bool is_free(wire::RateClass rate_class, Clock::Time now);
  [[nodiscard]] std::chrono::milliseconds next_wait() const;
  void check_limits();
  void give_up();
  void end_waiting();
  void end_unsent(Work work);
  [[nodiscard]] bool next_retry(Clock::Time now);
  [[nodiscard]] bool put_off(Work& work);
  void settle_rest();
  void count_lost();
  [[nodiscard]] bool sending_over() const;

  // One work's way (sender_steps.cpp).
  void begin(Work work);
  void apply(Work& work, Step step, const Call* call, const wire::Reply* reply);
  [[nodiscard]] static std::vector<RowIndex> open_rows(const Work& work);
  [[nodiscard]] static std::vector<RowIndex> rows_of(const Work& work, const Call& call);
  [[nodiscard]] IntentBatch intent_of(const Work& work, const std::vector<RowIndex>& rows) const;
  void ask_intent(Work& work, Call call, int refusals = 0);
  [[nodiscard]] bool makes_another(const Work& work, Effect effect) const;
  void start_call(std::uint64_t id);
  void on_finished(http::Finished finished);
  void note_sent(WorkIntent& intent, const http::Finished& finished) const;
  void take_answer(Work& work, PendingCall& pending, const http::Finished& finished);
  void expire(Work& work, PendingCall pending);
  void never_sent(Work& work);
  void take_verdicts(Work& work, std::vector<Verdict>& verdicts);
  void take_regroup(Work& work, std::vector<Regroup>& groups);
  void take_pace(Work& work, const Step& step, wire::RateClass rate_class,
                 const wire::Reply* reply);
  void take_stop(Work& work, Step& step, const wire::Reply* reply);
  void judge_connection(const wire::Reply& reply);
  void judge_speed(const PendingCall& pending, const wire::Reply& reply);
  void judge_delay(Clock::Time now);
  void keep_daily_share(const wire::RateHint& hint);
  void trace(const Work& work, const PendingCall& pending, const http::Finished& finished,
             std::string_view outcome) const;

  // Credentials that are renewed (sender_login.cpp).
  void renew_login();
  [[nodiscard]] bool goes_again(Work& work, PendingCall& pending, const wire::Reply& reply,
                                bool login_refused);

  // Batches that the tool works on (sender_jobs.cpp).
  [[nodiscard]] bool waits_for_job(const Work& work) const;
  [[nodiscard]] bool job_takes_too_long(const Work& work) const;
  void leave_pending(Work& work);
  void settle_beside_job(Work& work);
  void enter_job(Work& work);
  void take_handover(std::uint64_t id, const Ack& ack);
  [[nodiscard]] bool job_is_free(Clock::Time now);
  void take_jobs_full(Work& work, const Step& step);
  void note_lost_job(const Work& work);
  void hold_place();
  [[nodiscard]] std::optional<Clock::Time> jobs_due() const;
  void ask_for_jobs();
  [[nodiscard]] std::size_t jobs_under_way() const;
  [[nodiscard]] bool jobs_are_urgent() const;
  [[nodiscard]] std::size_t round_of(std::size_t jobs) const;
  [[nodiscard]] std::vector<JobBatch> job_batches(const Poll& poll) const;
  void take_polled(const PendingCall& pending, const wire::Reply& reply);
  void leave_long_jobs();

  // How rows end (sender_settle.cpp).
  void end_work(Work& work);
  [[nodiscard]] bool released_since(const Work& work, const WorkRow& row) const;
  void finish_row(const Work& work, WorkRow& row, Settled& settled, Piece& piece);
  void reject(const WorkRow& row, const Reason& reason, Hold hold, Settled& settled, Piece& piece);
  void take_over_parked(const WorkRow& row, Piece& piece) const;
  [[nodiscard]] Outcome final_outcome(const WorkRow& row) const;
  void note_fields(const WorkRow& row, Piece& piece) const;
  void log_row(const Work& work, const WorkRow& row, Outcome outcome, Piece& piece) const;
  void note_trouble(const Reason& reason);
  void retry_rows(Work& work, std::vector<RowIndex> rows);
  void split_regrouped(Work& work);
  [[nodiscard]] bool may_retry(const Work& work, const WorkRow& row) const;
  [[nodiscard]] bool ending() const { return stop_ || cancelled_ || given_up_; }
  void take_unsent(const Work& work, Piece& piece) const;
  void close_intents(Work& work, Piece& piece) const;
  void submit(Piece piece, Settled settled);
  void stop(Stop stop);

  // Inserts that may have happened (sender_inserts.cpp).
  void take_doubtful();
  [[nodiscard]] bool is_stuck(const Work& work, const WorkRow& row) const;
  void look_up(Work& work, const std::vector<RowIndex>& stuck);
  void park(WorkRow row);
  void read_back_due(std::int64_t now_ms);
  void repeat_open_batches(std::int64_t now_ms);
  [[nodiscard]] bool assemble(const OpenBatch& open, Work& work);
  static void mark_repeatable(const Work& work, const wire::Request& request, IntentBatch& intent);
  [[nodiscard]] ReadAsk read_back_ask(const Work& work) const;
  void ask_read_back(Work& work);
  void apply_read(Work& work, ReadStep step, const wire::Reply* reply);
  enum class Look : std::uint8_t { found, absent, again, open };
  [[nodiscard]] Look look_of(const Work& work, const WorkRow& row) const;
  void end_read_back(Work& work);
  void look_again(const Work& before, Work again);
  [[nodiscard]] Version version_in_doubt(const WorkRow& row) const;
  void count_doubtful();
  [[nodiscard]] std::string idempotency_key(const Work& work) const;
  [[nodiscard]] bool may_repeat(const Work& work) const;

  [[nodiscard]] std::int64_t store_ms(Clock::Time time) const;
  [[nodiscard]] std::uint64_t window() const;

  Parts parts_;
  SenderOptions options_;
  Report& report_;
  http::Pacer pacer_;
  http::Concurrency concurrency_;
  http::RetryBudget budget_;
  http::Breaker breaker_;
  std::mt19937_64 random_;
  std::int64_t steady_to_store_ms_ = 0;

  std::unordered_map<std::uint64_t, Work> works_;
  std::unordered_map<std::uint64_t, PendingCall> calls_;  // waiting for intent, slot or answer
  std::deque<std::uint64_t> ready_;                       // calls that may start
  std::deque<Work> retries_;
  std::deque<WorkRow> doubtful_;  // inserts of earlier runs
  std::unordered_map<std::uint64_t, std::uint64_t> awaiting_intent_;  // piece → call
  std::unordered_map<std::uint64_t, Settled> settling_;               // piece → its rows' counts
  std::unordered_map<std::uint64_t, std::uint64_t> handing_over_;     // piece → work
  std::optional<Poll> poll_;                                          // under way
  JobPace job_pace_;
  std::deque<Clock::Time> lost_jobs_;  // until when each may be at work
  Clock::Time jobs_full_until_{};
  int jobs_full_ = 0;         // refusals in a row
  bool asked_last_ = false;   // for jobs, when the run was ending
  std::uint64_t next_id_ = 1;
  std::uint64_t started_ = 0;
  bool exhausted_ = false;  // the batcher has no more
  bool cancelled_ = false;
  bool given_up_ = false;
  std::optional<Stop> stop_;
  std::string trouble_;
  std::optional<Clock::Time> failing_since_;
  std::optional<Clock::Time> put_off_since_;  // by answers that are not about the rate
  std::optional<Clock::Time> draining_until_;
  bool drained_ = false;  // nothing is waited for any more
  Clock::Time started_at_{};
};

}  // namespace tailrace
