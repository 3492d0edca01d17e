#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "diff/differ.hpp"
#include "diff/guard.hpp"
#include "run/login_memory.hpp"
#include "run/spec.hpp"

namespace tailrace {

/// How a run ended; the names are those of the report's `status`.
enum class Status : std::uint8_t {
  done,
  planned,
  rejected,
  unfinished,
  quota,
  cancelled,
  busy,
  refused,
  config,
  state_lost,
};
[[nodiscard]] std::string_view to_text(Status status);

/// Outcomes of planned rows, each counted where it happens.
struct OutcomeCounts {
  std::uint64_t accepted = 0;
  std::uint64_t rejected = 0;
  std::uint64_t skipped = 0;
  std::uint64_t pending = 0;
  std::uint64_t unknown = 0;
  std::uint64_t not_attempted = 0;

  [[nodiscard]] std::uint64_t total() const {
    return accepted + rejected + skipped + pending + unknown + not_attempted;
  }
  OutcomeCounts& operator+=(const OutcomeCounts& other) {
    accepted += other.accepted;
    rejected += other.rejected;
    skipped += other.skipped;
    pending += other.pending;
    unknown += other.unknown;
    not_attempted += other.not_attempted;
    return *this;
  }
};

struct HttpCounts {
  std::uint64_t requests = 0;
  std::uint64_t retries = 0;
  std::uint64_t rate_limited = 0;
  std::uint64_t bytes_sent = 0;
  std::optional<double> calls_left;
};

struct PhaseSeconds {
  double read = 0;
  double diff = 0;
  double send = 0;
  double settle = 0;
};

struct RejectedSample {
  std::string key;
  std::string code;
  std::string message;
  std::string field;
};

/// What a run tells: the one report of command line, XCom, Dagster metadata and state table.
struct Report {
  static constexpr int kFormat = 1;
  static constexpr std::size_t kSampleRows = 20;

  std::string run_id;
  std::string sync;
  Status status = Status::done;
  std::string message;
  std::int64_t started_at_ms = 0;
  std::int64_t ended_at_ms = 0;
  DiffCounts diff;
  OutcomeCounts outcomes;
  OutcomeCounts resumed;  // rows that earlier runs left in jobs; none of them is planned
  HttpCounts http;
  PhaseSeconds seconds;
  std::optional<std::int64_t> not_before_ms;
  std::vector<RejectedSample> rejected_sample;
  std::vector<InvalidRow> invalid_sample;
  std::vector<Breach> breaches;
  std::vector<std::string> notes;  // what a reader of the plan or the report should know
  std::optional<NullCounts> nulls;  // of the fields that max_null_jump watches
  std::optional<LoginMemory> login;  // where the tool can tell whose it is
  std::string account;              // with `object`: whose state it is, and whose null counts
  std::string object;
  std::string store_id;
  std::int64_t epoch = 0;
  std::int64_t last_seq = 0;
  std::uint64_t in_doubt = 0;

  /// Throws std::logic_error where a count identity does not hold: no run may hide a row.
  void assert_counts(bool diff_finished) const;
  [[nodiscard]] nlohmann::json to_json() const;
};

[[nodiscard]] nlohmann::json to_json(const Breach& breach);

/// The null counts that a stored report has for this account and object.
[[nodiscard]] std::optional<NullCounts> nulls_of(const std::string& report,
                                                 const std::string& account,
                                                 const std::string& object);

/// RFC 3339, UTC, milliseconds.
[[nodiscard]] std::string format_time(std::int64_t unix_ms);

/// Whether `rows` of `base` are not more than the limit.
[[nodiscard]] bool within(const Limit& limit, double rows, double base);

/// The status by the precedence of the exit table, for a run that reached its end: quota and
/// unfinished outrank rejected; rows above `tolerate` make it rejected.
[[nodiscard]] Status judge_end(const Report& report, const Limit& tolerate);

[[nodiscard]] std::uint64_t peak_rss_bytes();

}  // namespace tailrace
