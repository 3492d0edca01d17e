#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "diff/differ.hpp"
#include "diff/guard.hpp"
#include "row/schema.hpp"
#include "source/source.hpp"

namespace tailrace {

/// What a run is for. `adopt` takes the model as delivered and sends nothing; `verify` compares it
/// with the destination; `attempt` makes the request for one row and sends it only where asked.
enum class Task : std::uint8_t { run, plan, adopt, verify, attempt };
enum class Mode : std::uint8_t { upsert, update, insert, append };
enum class OnMissing : std::uint8_t { skip, reject };  // mode update, no such record
enum class Backfill : std::uint8_t { send, skip };  // first run: skip takes the model as delivered

/// What becomes of an insert that may or may not have happened.
enum class InsertSafety : std::uint8_t { idempotency_key, read_back, park, duplicate_ok };

struct SourceSpec {
  std::string kind;  // postgres | arrow
  std::string dsn;
  std::string select;
  std::string application_name;
  std::string comment;
  std::string encoding;  // arrow: as the producer names it
};

struct ExpectedState {
  std::string store_id;
  std::int64_t epoch = 0;
  std::int64_t last_seq = 0;
};

/// What is kept of rejected rows, and how often they are tried.
struct RejectedPolicy {
  std::int32_t max_attempts =
      10;  // then quarantined: tried again when the row changed, or released
  bool code_only = false;  // the tool's messages are not stored: they may quote a value
};

/// One part of a sync by identity hash. A round is what the tasks of one whole share.
struct ShardOf {
  int index = 0;
  int of = 1;
  std::string round;
};

/// A plan file to be sent, or to be written, whole or in parts. At most one of those is set.
struct PlanFiles {
  std::string read;
  std::string write;
  std::string directory;
  int parts = 0;
  /// Beside any of them: where a run or a plan that a guard refuses leaves what it would have sent.
  std::string keep = {};
};

/// A line of JSON for each request, for people.
struct TraceFile {
  std::string path;  // empty: none
  bool bodies = false;  // with what was sent and answered
};

struct Timing {
  std::chrono::milliseconds lease{60'000};
  std::chrono::milliseconds send_window{30'000};
  std::chrono::milliseconds quiet{120'000};
  std::chrono::milliseconds drain{3'000};
  std::chrono::milliseconds outage{120'000};  // of nothing but failures, then the run gives up
  std::chrono::milliseconds job_patience{600'000};  // then a job is left to the next run
  std::chrono::milliseconds store_patience{60'000};  // outcomes are kept so long for a lost store
  std::optional<std::chrono::milliseconds> deadline;
};

/// The resolved run spec: everything a run needs, made by the Python side from the user's files.
struct RunSpec {
  std::string run_id;
  std::string project;
  std::string sync;
  Task task = Task::run;
  SourceSpec source;
  Schema schema;  // types are filled in from the source when it opens
  std::vector<std::string> key_names;
  Mode mode = Mode::upsert;
  OnRemoved on_removed = OnRemoved::ignore;
  OnMissing on_missing = OnMissing::skip;
  Backfill backfill = Backfill::send;
  std::optional<InsertSafety> insert_safety;  // unset: the best that the destination can do
  std::optional<std::chrono::milliseconds> resync_every;
  bool changed_fields = false;
  bool create_fields = false;  // those that the tool does not have are made before the first row
  bool row_log = false;
  std::vector<std::string> was;  // names that this sync had before
  RejectedPolicy rejected;
  std::optional<ShardOf> shard;
  PlanFiles plan;
  TraceFile trace;
  std::optional<std::vector<std::string>> only_keys;  // rows of other keys are passed over
  bool try_send = false;
  std::string mapping_fingerprint;
  nlohmann::json connection;
  nlohmann::json object;
  std::string account;
  std::vector<std::string> account_was;  // what the state of this account was kept under before
  Guards guards;
  std::vector<std::string> allow_guards;
  Limit tolerate;
  bool full_refresh = false;
  std::string state_url;
  std::optional<ExpectedState> expect;
  Timing timing;
  std::size_t buffer_bytes = Changeset::kDefaultBufferBytes;
  std::string spill_directory;
  std::string user_agent;
};

/// The columns of a run spec, without their types. Throws as parse_run_spec does.
[[nodiscard]] Schema parse_schema(const nlohmann::json& spec);
/// The types, as the source tells them. Throws SourceError where it has other columns.
void set_types(Schema& schema, const std::vector<SourceColumn>& columns);

/// Throws std::invalid_argument, naming the key, where the JSON is not a run spec of format 1.
[[nodiscard]] RunSpec parse_run_spec(const std::string& json);

}  // namespace tailrace
