#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "http/transport.hpp"

namespace tailrace::http {

/// Requests that are answered within this process, by whoever takes them from here: there is no
/// socket, and else everything is as with one. A call that was taken may have happened, whatever
/// becomes of its answer; one that was not has not. Used from any thread.
class CallQueue {
 public:
  struct Taken {
    CallId id = 0;
    std::string body;
  };

  CallQueue();
  ~CallQueue();
  CallQueue(const CallQueue&) = delete;
  CallQueue& operator=(const CallQueue&) = delete;

  /// The next call; nothing where none came in time, or none will.
  [[nodiscard]] std::optional<Taken> take(std::chrono::milliseconds wait);
  /// The answer to a call that was taken. False where nobody waits for it any more: its time was
  /// over, or the run's.
  bool answer(CallId id, wire::Reply reply);
  /// No more calls will come.
  void close();
  [[nodiscard]] bool closed() const;

  /// The run's end of the queue, one at a time. A call ends `lost` when it was taken and
  /// `total_timeout` has passed without an answer.
  [[nodiscard]] std::unique_ptr<Transport> transport(const TransportOptions& options);

 private:
  class Carrier;
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace tailrace::http
