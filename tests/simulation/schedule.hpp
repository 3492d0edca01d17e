#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "run/spec.hpp"

namespace tailrace::simulation {

/// What goes wrong with one request. "_before": it never takes effect; "_after": it did.
enum class Fault : std::uint8_t {
  none,
  refuse,          // nobody listens
  reset_before,    // the connection ends without an answer
  reset_after,
  timeout_before,  // no answer within the timeout
  timeout_after,
  late,            // no answer, and it takes effect later, within the quiet time
  late_504,        // a gateway gives up; it takes effect later
  duplicate,       // delivered twice, one right behind the other
  throttle,        // 429
  error_before,    // 500
  error_after,
  busy_before,     // 503 with Retry-After
  busy_after,
  unauthorized,    // 401
  quota,           // the day's requests are used up
  lock_row,        // some rows are locked: told row by row, nothing happened to them
  partial,         // some rows are not executed: told row by row
  clash,           // one row is refused for its content
  missing,         // the answer leaves a row out
  extra,           // the answer names a row that was not asked about
  shuffled,        // the answer's rows are in another order
  contradict,      // the answer names a row twice, with two outcomes
  html_before,     // a page for people, with status 200
  html_after,
  ok_false,        // status 200 and a body that says no; nothing was done
  empty_before,    // status 200, no body
  empty_after,
  truncated,       // applied, and the answer is cut
  bad_json,        // applied, and the answer is no JSON
  field_gone,      // the tool no longer has the field
  redirect,        // 307 to another host; nothing was done
  wrong_charset,   // applied, and the answer is in another encoding of text
  slow_body,       // applied, and the answer is not there whole when the time is up
  too_large,       // applied, and the answer is larger than is read
  readback_lag,    // a question does not see what was made just before
  job_stuck,       // the job is at work for long
  job_failed,      // it ends without having done anything
  job_partial_results,  // it was done, and its results do not name every row
  jobs_full,       // others have as many jobs at work as the tool takes
};
[[nodiscard]] std::string_view to_text(Fault fault);
[[nodiscard]] Fault fault_of(std::string_view name);
[[nodiscard]] const std::vector<Fault>& all_faults();

/// The tool's face: which destination speaks to it, and how it answers.
enum class Face : std::uint8_t {
  rest_list,    // an entry for every row
  rest_errors,  // names refused rows only
  rest_single,  // PUT, one row a request
  hubspot,
  job,          // takes a batch under a name, works on it later, and is asked how that went
  jobs,         // the same without names: so many jobs at once, and several asked for together
};
[[nodiscard]] std::string_view to_text(Face face);

[[nodiscard]] std::string_view to_text(Mode mode);
[[nodiscard]] std::string_view to_text(OnRemoved on_removed);
[[nodiscard]] std::string_view to_text(InsertSafety safety);
[[nodiscard]] const std::vector<Face>& all_faces();

// Each throws std::invalid_argument for a word that is none of them.
[[nodiscard]] Face face_of(const std::string& name);
[[nodiscard]] Mode mode_of(const std::string& name);
[[nodiscard]] OnRemoved removal_of(const std::string& name);
[[nodiscard]] InsertSafety safety_of(const std::string& name);

/// The account's limit: so many requests in any window, of all runs together. 0: none.
struct Rate {
  int requests = 0;
  std::int64_t window_ms = 0;
};

/// A rule of the tool. The first that fits a request decides its fate.
struct Rule {
  std::string op = "*";    // write, update, insert, delete, archive, clear, read, or *
  std::string key = "*";   // a row's key, or *
  int attempt = 0;         // of this operation on these keys, from 1; 0: any
  int nth = 0;             // request of the whole schedule, from 1; 0: any
  int run = 0;             // that makes the request, from 1; 0: any
  double share = 1;        // of the requests that fit
  Fault fault = Fault::none;
  /// job_stuck: for how long; late: how late at most; throttle, busy: Retry-After (0: no header);
  /// readback_lag: how long a record is not seen.
  std::int64_t by_ms = 0;
  bool date = false;       // Retry-After as a date
};

/// The model's row of a key from this round on; no value: the row is not in the model. Under
/// `changed_fields` a value has two cells, with a tab between them.
struct Edit {
  std::string key;
  std::optional<std::string> value;
};

/// What happens to one run. Steps are its dealings with the world, counted from 1.
struct RunPlan {
  int shard = 0;  // the part of the sync that it sends
  int of = 1;
  struct Freeze {
    int step = 0;
    std::int64_t for_ms = 0;
  };
  struct StoreFault {
    int commit = 0;        // of this run, from 1
    bool applied = false;  // the commit holds, its answer is lost
  };
  int crash_step = 0;        // 0: none
  std::string crash_at;      // a place by its name, instead; empty: none
  int crash_time = 1;        // the n-th time that the run comes there
  bool lock_stays = false;   // after a crash the process lock looks held
  int cancel_step = 0;       // 0: none
  std::vector<Freeze> freezes;
  std::vector<StoreFault> store_faults;
  std::int64_t read_ms = 0;    // how long the model's query takes
  bool read_fails = false;     // in the middle of the stream
  std::int64_t commit_ms = 0;  // how long a commit takes
  std::int64_t start_ms = 0;   // after the round's begin
};

struct Round {
  std::vector<Edit> edits;
  std::vector<std::string> appear;  // records that somebody else makes, where there are none
  bool model_empty = false;  // the query gives no rows, by mistake
  int repeated = 0;          // so many rows come twice
  int invalid = 0;           // so many rows without a key
  int encoding = 1;          // the source's form of values; another makes every row differ
  int mapping = 1;
  bool whole_rows = false;   // not only the changed fields
  /// Before the runs a person has rejected rows tried again: of one key, or `*`; empty: nobody
  /// does. A parked row is only looked after by its key, by what the tool has of it.
  std::string retry;
  bool named = false;        // its shards know that they belong together
  std::vector<RunPlan> runs;  // at once
  std::int64_t pause_ms = 0;  // afterwards
};

/// Everything that one seed means, as data.
struct Schedule {
  std::uint64_t seed = 0;
  Face face = Face::rest_list;
  Mode mode = Mode::upsert;
  OnRemoved on_removed = OnRemoved::delete_;
  InsertSafety safety = InsertSafety::read_back;  // insert, append
  bool rejects_missing = false;  // update: on_missing
  bool changed_fields = false;
  std::size_t max_jobs = 2;  // that the tool takes at once
  std::size_t batch_rows = 3;
  std::size_t max_in_flight = 2;
  bool refuses_whole = false;  // one bad row makes the tool refuse the request
  std::int64_t lease_ms = 12'000;
  std::int64_t window_ms = 4'000;
  std::int64_t quiet_ms = 20'000;
  std::int64_t timeout_ms = 5'000;
  std::int64_t deadline_ms = 0;  // 0: none
  double max_removed_percent = 0;  // 0: the guard is off
  std::int64_t store_patience_ms = 0;  // how long a run waits for a store that is away
  Rate rate;
  int quiet_of = 1;  // shards of the runs after the faults
  std::vector<std::string> existing;  // keys of records that somebody else has made
  std::vector<Rule> rules;
  std::vector<Round> rounds;
};

/// Whether the sync makes each of its rows anew.
[[nodiscard]] inline bool inserts(const Schedule& schedule) {
  return schedule.mode == Mode::insert || schedule.mode == Mode::append;
}
/// For how long a run asks for a job before it leaves it to the next one.
[[nodiscard]] inline std::int64_t job_patience_ms(Face face) {
  return face == Face::jobs ? 8'000 : 30'000;
}
[[nodiscard]] inline bool is_job(Face face) { return face == Face::job || face == Face::jobs; }

[[nodiscard]] Schedule make_schedule(std::uint64_t seed);

[[nodiscard]] nlohmann::json to_json(const Schedule& schedule);
/// Throws std::invalid_argument or nlohmann::json::exception for what is not a schedule.
[[nodiscard]] Schedule schedule_of(const nlohmann::json& json);

}  // namespace tailrace::simulation
