#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "run/engine.hpp"

namespace tailrace {

/// A run on a thread of its own, so that the caller's main thread stays free to hear signals.
/// Threads and handles come to be in start(), never earlier: workers fork.
class RunHandle {
 public:
  /// `spec`: the resolved run spec as JSON. `calls`: its destination is a function in this process,
  /// whose calls are taken from here. Throws std::invalid_argument where it is none.
  RunHandle(const std::string& spec, std::unique_ptr<Source> arrow_source, bool calls = false);
  /// Cancels a run that still works and waits for its end.
  ~RunHandle();
  RunHandle(const RunHandle&) = delete;
  RunHandle& operator=(const RunHandle&) = delete;

  /// Throws std::logic_error when called twice.
  void start();
  /// True once the run has ended.
  [[nodiscard]] bool wait(std::chrono::milliseconds limit);
  /// Ends the run soon: what is in flight is settled or unknown within the drain time.
  void cancel();
  /// Where the calls of a function are taken from and answered; until the run has ended.
  /// Throws std::logic_error where there are none.
  [[nodiscard]] http::CallQueue& calls();
  /// JSON: phase, scanned, planned, accepted, rejected, unknown, requests, seconds.
  [[nodiscard]] std::string progress() const;
  /// JSON: status, message, report, plan, source_error. Throws std::logic_error before the end, and
  /// what a broken invariant threw.
  [[nodiscard]] std::string result() const;

 private:
  void work();

  std::shared_ptr<http::CallQueue> calls_;  // none where rows go over a network
  Engine engine_;
  mutable std::mutex mutex_;
  std::condition_variable ended_signal_;
  std::optional<std::string> result_;
  std::exception_ptr broken_;
  bool ended_ = false;
  std::chrono::steady_clock::time_point started_at_{};
  std::thread thread_;
};

}  // namespace tailrace
