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
#include "http/pacer.hpp"
#include "http/retry.hpp"
#include "http/scrub.hpp"
#include "http/transport.hpp"
#include "run/clock.hpp"
#include "run/committer.hpp"
#include "run/progress.hpp"
#include "run/report.hpp"
#include "run/work.hpp"

namespace tailrace {

struct SenderOptions {
  std::size_t max_in_flight = 8;
  std::vector<wire::RateRule> rates;
  std::vector<wire::Header> headers;  // of the connection, on every request
  Timing timing;
  int max_attempts = 5;
  std::uint64_t seed = 0;
};

/// Sends batches: begin → intent → request → reply → settle, many at once, on one thread. Pure
/// towards time and network: both come in through Clock, Transport and Committer.
class Sender {
 public:
  struct Parts {
    const Schema& schema;
    const Destination& destination;
    Batcher& batches;
    http::Transport& transport;
    const http::Auth& auth;
    const http::Scrubber& scrubber;
    Committer& committer;
    const Clock& clock;
    const std::atomic<bool>& cancelled;
    Progress& progress;
  };

  Sender(Parts parts, SenderOptions options, Report& report);

  /// Sends until nothing is left, the run is cancelled, stopped by the tool, or its time is up.
  /// Every row is counted in the report when it returns. `steady_to_store_ms`: added to the
  /// clock's milliseconds gives the store's time. Throws what the committer throws.
  void run(std::int64_t steady_to_store_ms);

  /// Why sending ended early, if it did.
  [[nodiscard]] const std::optional<Stop>& stopped() const { return stop_; }
  [[nodiscard]] bool was_cancelled() const { return cancelled_; }
  /// What the tool or the network last said of a row that is left over; empty where none is.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  /// A row that the batcher keeps back; counted and, where refused here, recorded.
  void withheld(const Withheld& row);

 private:
  struct PendingCall {
    std::uint64_t work = 0;
    Call call;
    std::optional<std::size_t> intent;  // index into Work::intents
    Clock::Time send_by = Clock::Time::max();
    Clock::Time started{};
  };
  struct Settled {
    OutcomeCounts counts;
    std::vector<RejectedSample> samples;
  };

  // The loop's parts (sender.cpp).
  void take_acks();
  void fill();
  void start_ready();
  [[nodiscard]] bool may_start(wire::RateClass rate_class);
  [[nodiscard]] std::chrono::milliseconds next_wait() const;
  void check_limits();
  void give_up();
  void end_waiting();
  [[nodiscard]] bool next_retry(Clock::Time now);
  void settle_rest();
  void count_lost();
  [[nodiscard]] bool sending_over() const;

  // One work's way (sender_steps.cpp).
  void begin(Work work);
  void apply(Work& work, Step step, const Call* call, const wire::Reply* reply);
  void ask_intent(Work& work, Call call);
  void start_call(std::uint64_t id);
  void on_finished(http::Finished finished);
  void expire(Work& work, PendingCall pending);
  void take_verdicts(Work& work, std::vector<Verdict>& verdicts);
  void take_pace(Work& work, const Step& step, wire::RateClass rate_class,
                 const wire::Reply* reply);
  void take_stop(Work& work, Step& step, const wire::Reply* reply);
  void judge_connection(const wire::Reply& reply);
  void end_work(Work& work);
  void finish_row(WorkRow& row, Settled& settled, Piece& piece);
  void retry_rows(Work& work, std::vector<RowIndex> rows);
  void split_regrouped(Work& work);
  [[nodiscard]] bool may_retry(const Work& work, const WorkRow& row) const;
  [[nodiscard]] bool ending() const { return stop_ || cancelled_ || given_up_; }
  void close_intents(Work& work, Piece& piece) const;
  void submit(Piece piece, Settled settled);
  void stop(Stop stop);

  [[nodiscard]] std::int64_t store_ms(Clock::Time time) const;
  [[nodiscard]] std::uint64_t window() const;

  Parts parts_;
  SenderOptions options_;
  Report& report_;
  http::Pacer pacer_;
  http::RetryBudget budget_;
  http::Breaker breaker_;
  std::mt19937_64 random_;
  std::int64_t steady_to_store_ms_ = 0;

  std::unordered_map<std::uint64_t, Work> works_;
  std::unordered_map<std::uint64_t, PendingCall> calls_;  // waiting for intent, slot or answer
  std::deque<std::uint64_t> ready_;                       // calls that may start
  std::deque<Work> retries_;
  std::unordered_map<std::uint64_t, std::uint64_t> awaiting_intent_;  // piece → call
  std::unordered_map<std::uint64_t, Settled> settling_;               // piece → its rows' counts
  std::uint64_t next_id_ = 1;
  std::uint64_t started_ = 0;
  bool exhausted_ = false;  // the batcher has no more
  bool cancelled_ = false;
  bool given_up_ = false;
  std::optional<Stop> stop_;
  std::string trouble_;
  std::optional<Clock::Time> failing_since_;
  std::optional<Clock::Time> draining_until_;
  Clock::Time started_at_{};
};

}  // namespace tailrace
