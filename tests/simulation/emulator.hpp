#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "language.hpp"
#include "schedule.hpp"
#include "wire/request.hpp"

namespace tailrace::simulation {

/// One request as the tool's log has it. Times are virtual milliseconds.
struct Delivery {
  static constexpr std::int64_t kNever = -1;

  int number = 0;   // of the schedule, from 1
  int process = 0;  // who sent it
  Ask ask;
  int attempt = 1;  // of this operation on these keys
  std::uint64_t fate = 0;  // of seed, operation, sorted keys and attempt
  Fault fault = Fault::none;
  std::int64_t sent_ms = 0;
  std::int64_t arrives_ms = kNever;  // kNever: it takes no effect
  std::int64_t answers_ms = 0;       // when the sender knows how it ended
  std::int64_t not_before_ms = 0;    // Retry-After, as a time; 0: none
  std::int64_t lag_ms = 0;           // a question does not see what is younger
  std::string job;                   // that it made
  std::int64_t stuck_ms = 0;         // for how much longer it is at work
  std::int64_t done_ms = kNever;     // when the job takes effect
  bool arrived = false;
  bool replayed = false;  // done before, under the same idempotency key
  std::vector<RowAnswer> rows;  // what became of each, once it arrived or was refused
  wire::Reply reply;            // what the sender sees
};

/// A tool with records by a unique external id: a state machine without sockets. Requests arrive,
/// take effect, and are answered when its rules say so. A request's fate hangs on the seed, the
/// operation, its keys and the attempt, and not on the order in which requests arrive.
class Emulator {
 public:
  struct Record {
    std::string id;
    std::string value;
    int made = 0;  // how often a record of that key was created
    std::int64_t since_ms = 0;
    bool ours = false;  // it holds what a sync has written
  };

  /// `wall_ms`: added to virtual time gives what the wall clock shows, for Retry-After as a date.
  Emulator(const Schedule& schedule, std::int64_t wall_ms);

  /// Somebody else makes a record, where there is none of that key.
  void add_foreign(const std::string& key, const std::string& value, std::int64_t now_ms = 0);

  /// Takes a request at its first byte; its place in the log. Throws what Language::read throws.
  std::size_t take(int process, const wire::Request& request, std::int64_t now_ms);
  /// What is due until `now_ms` takes effect, in the order of its arrival.
  void advance(std::int64_t now_ms);
  [[nodiscard]] std::optional<std::int64_t> next_arrival() const;

  /// From now on every request is served well.
  void end_faults(std::int64_t now_ms);

  [[nodiscard]] const std::deque<Delivery>& log() const { return log_; }
  [[nodiscard]] const std::map<std::string, Record>& records() const { return records_; }
  /// Requests that will still take effect, jobs that are at work among them.
  [[nodiscard]] const std::vector<std::size_t>& under_way() const { return under_way_; }
  /// The key of a record that has, or had, that id; empty where none had.
  [[nodiscard]] std::string key_of(const std::string& id) const;
  [[nodiscard]] const Language& language() const { return *language_; }

 private:
  [[nodiscard]] const Rule* fate(const Delivery& delivery) const;
  [[nodiscard]] bool fits(const Rule& rule, const Delivery& delivery) const;
  void plan(Delivery& delivery, const Rule* rule);
  void plan_answer(Delivery& delivery, const Rule* rule);
  void lose(Delivery& delivery, wire::Failure failure, std::int64_t after_ms);
  void refuse_all(Delivery& delivery, Done done, wire::Reply reply);
  void add_retry_after(Delivery& delivery, const Rule& rule);
  bool arrive(Delivery& delivery);
  void complete(Delivery& delivery);
  void make_job(Delivery& delivery);
  [[nodiscard]] std::size_t open_jobs(std::int64_t now_ms) const;
  [[nodiscard]] nlohmann::json job_status(const Delivery& job, std::int64_t now_ms) const;
  [[nodiscard]] nlohmann::json poll_answer(const Delivery& delivery) const;
  void answer_question(Delivery& delivery);
  void spoil(Delivery& delivery) const;
  [[nodiscard]] const Delivery* job_of(const Ask& ask) const;
  void judge_rows(Delivery& delivery);
  void remember(const Delivery& delivery);
  void apply(Delivery& delivery);
  void apply_row(const Delivery& delivery, const Ask::Row& row, RowAnswer& answer);
  [[nodiscard]] bool sees(const Delivery& delivery, const Record& record) const;
  void write_answer(Delivery& delivery);
  [[nodiscard]] std::string resolve(const Ask::Row& row) const;

  Schedule schedule_;
  std::unique_ptr<Language> language_;
  std::int64_t wall_ms_;
  bool faulty_ = true;
  std::deque<Delivery> log_;
  std::vector<std::size_t> under_way_;
  std::map<std::string, Record> records_;
  std::map<std::string, std::string> keys_by_id_;  // removed ones too
  std::map<std::string, int> attempts_;
  std::map<std::string, std::size_t> done_once_;  // idempotency key → place in the log
  int next_id_ = 1000;
};

}  // namespace tailrace::simulation
