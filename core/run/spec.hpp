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

namespace tailrace {

enum class Task : std::uint8_t { run, plan };
enum class Mode : std::uint8_t { upsert, update, insert, append };

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

struct Timing {
  std::chrono::milliseconds lease{60'000};
  std::chrono::milliseconds send_window{30'000};
  std::chrono::milliseconds quiet{120'000};
  std::chrono::milliseconds drain{3'000};
  std::chrono::milliseconds outage{120'000};  // of nothing but failures, then the run gives up
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
  std::string mapping_fingerprint;
  nlohmann::json connection;
  nlohmann::json object;
  std::string account;
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

/// Throws std::invalid_argument, naming the key, where the JSON is not a run spec of format 1.
[[nodiscard]] RunSpec parse_run_spec(const std::string& json);

}  // namespace tailrace
