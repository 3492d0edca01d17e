#include "http/call_queue.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace tailrace::http {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

struct TakenCall {
  SteadyTime at{};
  std::uint64_t bytes = 0;
};

[[nodiscard]] Finished ended(CallId id, wire::Failure failure, const char* why) {
  Finished finished;
  finished.id = id;
  finished.reply.failure = failure;
  finished.reply.failure_text = why;
  return finished;
}

[[nodiscard]] Finished ended(CallId id, const TakenCall& call, wire::Reply reply) {
  Finished finished;
  finished.id = id;
  finished.sent_at = call.at;
  finished.bytes_sent = call.bytes;
  finished.bytes_received = reply.body.size();
  finished.seconds = std::chrono::duration<double>(Steady::now() - call.at).count();
  finished.reply = std::move(reply);
  return finished;
}

}  // namespace

struct CallQueue::State {
  mutable std::mutex mutex;
  std::condition_variable called;    // a call waits, or none will
  std::condition_variable answered;  // something ended, or wake() was called
  std::deque<Outgoing> waiting;
  std::map<CallId, TakenCall> taken;
  std::vector<Finished> finished;
  bool woken = false;
  bool closed = false;
};

class CallQueue::Carrier final : public Transport {
 public:
  Carrier(std::shared_ptr<State> state, milliseconds timeout)
      : state_(std::move(state)), timeout_(timeout) {}
  Carrier(const Carrier&) = delete;
  Carrier& operator=(const Carrier&) = delete;
  ~Carrier() override { abandon(); }

  void start(Outgoing outgoing) override {
    const std::lock_guard lock(state_->mutex);
    state_->waiting.push_back(std::move(outgoing));
    state_->called.notify_one();
  }

  [[nodiscard]] std::vector<Finished> poll(milliseconds wait) override {
    std::unique_lock lock(state_->mutex);
    const SteadyTime end = Steady::now() + wait;
    for (;;) {
      end_late_ones(Steady::now());
      const bool over = Steady::now() >= end;
      if (over || state_->woken || !state_->finished.empty()) break;
      state_->answered.wait_until(lock, std::min(end, next_end()));
    }
    state_->woken = false;
    return std::exchange(state_->finished, {});
  }

  void wake() noexcept override {
    const std::lock_guard lock(state_->mutex);
    state_->woken = true;
    state_->answered.notify_one();
  }

  void abandon() override {
    const std::lock_guard lock(state_->mutex);
    for (const Outgoing& call : state_->waiting) {
      state_->finished.push_back(ended(call.id, wire::Failure::not_sent, "given up"));
    }
    for (const auto& [id, call] : state_->taken) lose(id, call, "given up while it worked");
    state_->waiting.clear();
    state_->taken.clear();
  }

  [[nodiscard]] std::size_t in_flight() const override {
    const std::lock_guard lock(state_->mutex);
    // An answer that nobody has read may say that no more is to be sent.
    return state_->waiting.size() + state_->taken.size() + state_->finished.size();
  }

 private:
  void lose(CallId id, const TakenCall& call, const char* why) {
    wire::Reply reply;
    reply.failure = wire::Failure::lost;
    reply.failure_text = why;
    state_->finished.push_back(ended(id, call, std::move(reply)));
  }

  /// Calls whose time to begin, or to be answered, is over.
  void end_late_ones(SteadyTime now) {
    std::erase_if(state_->waiting, [&](const Outgoing& call) {
      if (now < call.send_by) return false;
      state_->finished.push_back(ended(call.id, wire::Failure::expired, "nobody took it in time"));
      return true;
    });
    std::erase_if(state_->taken, [&](const auto& one) {
      if (now < one.second.at + timeout_) return false;
      lose(one.first, one.second, "no answer in time");
      return true;
    });
  }

  [[nodiscard]] SteadyTime next_end() const {
    SteadyTime next = SteadyTime::max();
    for (const Outgoing& call : state_->waiting) next = std::min(next, call.send_by);
    for (const auto& [id, call] : state_->taken) next = std::min(next, call.at + timeout_);
    return next;
  }

  std::shared_ptr<State> state_;
  milliseconds timeout_;
};

CallQueue::CallQueue() : state_(std::make_shared<State>()) {}
CallQueue::~CallQueue() { close(); }

std::optional<CallQueue::Taken> CallQueue::take(milliseconds wait) {
  std::unique_lock lock(state_->mutex);
  const SteadyTime end = Steady::now() + wait;
  for (;;) {
    // What is late is the run's to end: it is not begun any more.
    const auto call = std::find_if(state_->waiting.begin(), state_->waiting.end(),
                                   [](const Outgoing& one) { return Steady::now() < one.send_by; });
    if (call != state_->waiting.end()) {
      Taken taken{call->id, std::move(call->request.body)};
      state_->taken[taken.id] = {Steady::now(), taken.body.size()};
      state_->waiting.erase(call);
      state_->answered.notify_one();  // there is another end to wait for
      return taken;
    }
    if (state_->closed || Steady::now() >= end) return std::nullopt;
    state_->called.wait_until(lock, end);
  }
}

bool CallQueue::answer(CallId id, wire::Reply reply) {
  const std::lock_guard lock(state_->mutex);
  const auto call = state_->taken.find(id);
  if (call == state_->taken.end()) return false;
  state_->finished.push_back(ended(id, call->second, std::move(reply)));
  state_->taken.erase(call);
  state_->answered.notify_one();
  return true;
}

void CallQueue::close() {
  const std::lock_guard lock(state_->mutex);
  state_->closed = true;
  state_->called.notify_all();
}

bool CallQueue::closed() const {
  const std::lock_guard lock(state_->mutex);
  return state_->closed;
}

std::unique_ptr<Transport> CallQueue::transport(const TransportOptions& options) {
  return std::make_unique<Carrier>(state_, options.total_timeout);
}

}  // namespace tailrace::http
