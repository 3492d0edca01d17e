#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fiber.hpp"
#include "run/engine.hpp"
#include "schedule.hpp"

namespace tailrace::simulation {

/// Thrown through a run whose process dies. Not an std::exception, so nothing of the run's takes it
/// for a failure that it could handle.
struct Crash {};

/// Where in its way a run meets the world.
enum class Where : std::uint8_t {
  before_claim,
  after_claim,
  reading,
  before_commit,
  after_commit,
  before_send,
  after_send,
  with_answer,
  before_finish,
  after_finish,
};
inline constexpr std::size_t kWheres = 10;
[[nodiscard]] std::string_view to_text(Where where);

class World;

/// What a source says of the form in which it gives values.
[[nodiscard]] std::string encoding_name(int encoding);

/// One run as a process: where it meets the world it may die, stand still, or give way to another.
class Process {
 public:
  Process(World& world, int number, RunPlan plan);

  /// A place where the process may die or be frozen, and where another may go on.
  void step(Where where);
  /// Time passes for the process; it goes on renewing its lease.
  void sleep_until(std::int64_t ms);
  /// Throws Crash where the process has died: nothing that it still does may reach the world.
  void check_alive() const;

  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] const RunPlan& plan() const { return plan_; }
  [[nodiscard]] bool dead() const { return dead_; }
  [[nodiscard]] int steps() const { return steps_; }
  [[nodiscard]] std::int64_t now_ms() const;
  [[nodiscard]] World& world() { return world_; }

  // Set by whoever runs it.
  Engine* engine = nullptr;
  Fiber* fiber = nullptr;              // none: the process is alone
  std::int64_t wake_at_ms = 0;         // when it goes on
  std::int64_t renew_at_ms = INT64_MAX;  // the committer's, with:
  std::function<void()> renew;
  std::optional<std::int64_t> stir_at_ms;  // something of its own is ready then (a commit)
  std::shared_ptr<const void> lock;    // free once it is gone

  // What became of it.
  std::optional<RunResult> result;
  std::string broke;  // an exception that a run may not let out
  std::uint64_t scanned = 0;  // rows that the source gave, of its shard
  std::uint64_t valid = 0;    // of them, without those repeated and without a key
  std::uint64_t model_rows = 0;  // valid ones, of all shards
  int encoding = 1;
  int mapping = 1;
  bool whole_rows = false;  // not only the changed fields
  bool guards_pass = false;
  bool source_ended = false;
  std::int64_t source_ended_ms = 0;
  std::optional<Where> died;

 private:
  void pause_until(std::int64_t ms);

  World& world_;
  int number_;
  RunPlan plan_;
  int steps_ = 0;
  int turns_ = 0;
  int times_there_ = 0;  // at plan_.crash_at
  bool dead_ = false;
};

}  // namespace tailrace::simulation
