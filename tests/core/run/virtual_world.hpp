#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "state/memory_store.hpp"
#include "wire/retry_after.hpp"
#include "world.hpp"

namespace tailrace::testing {

/// How a tool answers one request: after `after`, with `reply`.
struct Answered {
  std::chrono::milliseconds after{0};
  wire::Reply reply;
};

/// A World whose time passes only where a run waits, on one thread: an hour takes as long as its
/// requests. The tool is a function of the request and the time.
class VirtualWorld : public World {
 public:
  using Time = Clock::Time;
  using Answer = std::function<Answered(const http::Outgoing& outgoing, Time now)>;

  struct Request {
    Time at;
    std::string body;
  };

  explicit VirtualWorld(Answer answer) : answer_(std::move(answer)) {}

  std::vector<Request> requests;  // in the order of their starts
  std::size_t most_at_once = 0;

  [[nodiscard]] Time now() const { return now_; }
  [[nodiscard]] std::chrono::system_clock::time_point wall() const {
    return std::chrono::system_clock::time_point{
        kWall + std::chrono::floor<std::chrono::milliseconds>(now_.time_since_epoch())};
  }
  void pass(std::chrono::milliseconds time) { now_ += time; }

  RunResult run_through() {
    Surroundings world = surroundings();
    world.clock = std::make_shared<VirtualClock>(*this);
    world.reading.depth = 0;
    world.store = [this](const std::string&, bool) {
      return std::make_unique<MemoryStore>(disk_, [this] { return unix_ms(); });
    };
    world.transport = [this](const http::TransportOptions&) {
      return std::make_unique<VirtualTransport>(*this);
    };
    world.committer = [](StateStore& store, CommitterOptions options,
                         const std::function<void()>&) {
      return std::make_unique<InstantCommitter>(store, std::move(options));
    };
    return Engine(parse_run_spec(spec().dump()), std::move(world)).run();
  }

  static wire::Reply ok(const std::string& body = R"({"errors": []})") {
    wire::Reply reply;
    reply.status = 200;
    reply.body = body;
    reply.headers = {{"content-type", "application/json"}};
    return reply;
  }
  static wire::Reply status(int status) {
    wire::Reply reply = ok("{}");
    reply.status = status;
    return reply;
  }
  static wire::Reply failed(wire::Failure failure) {
    wire::Reply reply;
    reply.failure = failure;
    return reply;
  }

 private:
  static constexpr std::chrono::seconds kWall{1'700'000'000};

  [[nodiscard]] std::int64_t unix_ms() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(wall().time_since_epoch()).count();
  }

  class VirtualClock final : public Clock {
   public:
    explicit VirtualClock(const VirtualWorld& world) : world_(world) {}
    [[nodiscard]] Time now() const override { return world_.now(); }
    [[nodiscard]] std::chrono::system_clock::time_point wall() const override {
      return world_.wall();
    }

   private:
    const VirtualWorld& world_;
  };

  class VirtualTransport final : public http::Transport {
   public:
    explicit VirtualTransport(VirtualWorld& world) : world_(world) {}

    void start(http::Outgoing outgoing) override {
      world_.requests.push_back({world_.now(), outgoing.request.body});
      Answered answered = world_.answer_(outgoing, world_.now());
      http::Finished finished;
      finished.id = outgoing.id;
      finished.reply = std::move(answered.reply);
      finished.bytes_sent = outgoing.request.body.size();
      if (finished.reply.failure != wire::Failure::not_sent) finished.sent_at = world_.now();
      under_way_.push_back({world_.now() + answered.after, std::move(finished)});
      world_.most_at_once = std::max(world_.most_at_once, under_way_.size());
    }

    std::vector<http::Finished> poll(std::chrono::milliseconds wait) override {
      const auto first =
          std::min_element(under_way_.begin(), under_way_.end(),
                           [](const auto& left, const auto& right) { return left.at < right.at; });
      const Time until = world_.now() + wait;
      world_.now_ = first == under_way_.end() ? until : std::clamp(first->at, world_.now(), until);
      std::vector<http::Finished> finished;
      for (std::size_t i = 0; i < under_way_.size();) {
        if (under_way_[i].at > world_.now()) {
          ++i;
          continue;
        }
        wire::Reply& reply = under_way_[i].finished.reply;
        reply.retry_after = wire::longest_retry_after(reply.headers, world_.wall());
        finished.push_back(std::move(under_way_[i].finished));
        under_way_.erase(under_way_.begin() + static_cast<std::ptrdiff_t>(i));
      }
      return finished;
    }

    void wake() noexcept override {}
    void abandon() override {
      for (UnderWay& one : under_way_) {
        one.at = world_.now();
        one.finished.reply = failed(wire::Failure::lost);
      }
    }
    [[nodiscard]] std::size_t in_flight() const override { return under_way_.size(); }

   private:
    struct UnderWay {
      Time at;
      http::Finished finished;
    };
    VirtualWorld& world_;
    std::vector<UnderWay> under_way_;
  };

  /// Makes everything durable at once.
  class InstantCommitter final : public Committer {
   public:
    InstantCommitter(StateStore& store, CommitterOptions options)
        : store_(store), options_(std::move(options)), builder_(options_) {}

    void submit(Piece piece) override {
      std::vector<Piece> pieces;
      pieces.push_back(std::move(piece));
      std::vector<Ack> acks;
      store_.append(options_.holder, builder_.build(pieces, store_.now_ms(), acks));
      acks_.insert(acks_.end(), acks.begin(), acks.end());
    }
    [[nodiscard]] std::vector<Ack> take_acks() override { return std::exchange(acks_, {}); }
    [[nodiscard]] bool flush(std::chrono::milliseconds) override { return true; }
    void with_store(const std::function<void(StateStore&)>& use) override { use(store_); }
    [[nodiscard]] std::int64_t last_seq() const override { return builder_.seq(); }
    [[nodiscard]] double busy_seconds() const override { return 0; }

   private:
    StateStore& store_;
    CommitterOptions options_;
    CommitBuilder builder_;
    std::vector<Ack> acks_;
  };

  Answer answer_;
  Time now_{std::chrono::hours(1)};
  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
};

}  // namespace tailrace::testing
