#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "emulator.hpp"
#include "oracle.hpp"
#include "process.hpp"
#include "run/spec.hpp"
#include "schedule.hpp"
#include "state/memory_store.hpp"

namespace tailrace::simulation {

/// What the trace is made of.
enum class Event : std::uint8_t { step, send, answer, commit, end, round, record };

/// How one schedule ended.
struct Outcome {
  std::vector<Failure> failures;
  std::uint64_t trace = 0;  // a hash over everything that happened, in order
  std::size_t runs = 0;
  std::size_t requests = 0;
  /// How often a process died there when that fault had been met before, in the order of Fault.
  std::vector<std::array<std::uint32_t, kWheres>> deaths;
};

/// One schedule played: virtual time, one tool, one store, and runs that meet in them.
class World {
 public:
  /// Where `story` is given every event is told there, for people.
  explicit World(Schedule schedule, std::ostream* story = nullptr);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  [[nodiscard]] Outcome play();
  std::function<void()> after_round;  // no run is at work, and the pause has not begun

  [[nodiscard]] std::int64_t now_ms() const { return now_ms_; }
  /// The store's clock and the wall clock, milliseconds since 1970.
  [[nodiscard]] std::int64_t store_ms() const;
  /// Time passes until `ms`, and what is on its way arrives.
  void advance(std::int64_t ms);
  void note(Event event, std::uint64_t a, std::uint64_t b = 0);
  void note_death(Where where);
  void tell(const std::string& line);
  void tell(const Delivery& delivery);
  void tell(const Process& process, const Commit& commit);
  [[nodiscard]] bool telling() const { return story_ != nullptr; }

  [[nodiscard]] const Schedule& schedule() const { return schedule_; }
  [[nodiscard]] Emulator& tool() { return tool_; }
  [[nodiscard]] Oracle& oracle() { return oracle_; }
  [[nodiscard]] const std::shared_ptr<MemoryDisk>& disk() const { return disk_; }

 private:
  void play_round(const Round& round);
  void play_quiet_runs();
  Process& start(const RunPlan& plan);
  void follow_jobs(const Round& quiet);
  void play_quiet_round(const Round& quiet, bool second);
  [[nodiscard]] RunSpec spec_of(const Process& process, const Round& round) const;
  [[nodiscard]] Model encoded(const Round& round) const;
  void run_process(Process& process, const Round& round);
  void run_alone(Process& process, const Round& round);
  void run_together(const std::vector<Process*>& processes, const Round& round);
  void edit_model(const Round& round);
  void appear(const std::string& key);
  void retry(const std::string& what);
  [[nodiscard]] std::vector<std::string> lines_of(const Round& round, Process& process) const;
  void note_end(const Process& process);

  Schedule schedule_;
  std::ostream* story_;
  std::int64_t now_ms_;
  std::uint64_t trace_;
  Emulator tool_;
  std::shared_ptr<MemoryDisk> disk_;
  Oracle oracle_;
  RunSpec spec_;
  Model model_;
  std::deque<Process> processes_;
  int rounds_ = 0;
  std::vector<std::array<std::uint32_t, kWheres>> deaths_;
};

}  // namespace tailrace::simulation
