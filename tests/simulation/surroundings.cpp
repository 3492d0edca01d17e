#include "surroundings.hpp"

#include <algorithm>
#include <deque>
#include <exception>
#include <utility>

#include "destination/registry.hpp"
#include "job_destination.hpp"
#include "source/source.hpp"
#include "state/errors.hpp"
#include "state/memory_store.hpp"
#include "virtual_committer.hpp"
#include "world.hpp"

namespace tailrace::simulation {
namespace {

using std::chrono::milliseconds;

[[nodiscard]] Clock::Time time_of(std::int64_t ms) { return Clock::Time{milliseconds(ms)}; }

[[nodiscard]] std::int64_t ms_of(Clock::Time time) {
  return std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count();
}

class VirtualClock final : public Clock {
 public:
  explicit VirtualClock(World& world) : world_(world) {}
  [[nodiscard]] Time now() const override { return time_of(world_.now_ms()); }
  [[nodiscard]] std::chrono::system_clock::time_point wall() const override {
    return std::chrono::system_clock::time_point{milliseconds(world_.store_ms())};
  }

 private:
  World& world_;
};

class ModelSource final : public Source {
 public:
  ModelSource(Process& process, std::vector<std::string> lines)
      : process_(process), lines_(std::move(lines)) {}

  [[nodiscard]] std::vector<SourceColumn> open() override {
    process_.step(Where::reading);
    process_.sleep_until(process_.now_ms() + process_.plan().read_ms / 2);
    std::vector<SourceColumn> columns{{"id", Type::text, "text"}, {"v", Type::text, "text"}};
    if (process_.world().schedule().changed_fields) columns.push_back({"w", Type::text, "text"});
    return columns;
  }

  [[nodiscard]] bool next(Chunk& chunk) override {
    constexpr std::size_t kRowsInChunk = 6;
    chunk.clear();
    process_.step(Where::reading);
    process_.sleep_until(process_.now_ms() + process_.plan().read_ms / 2);
    if (process_.plan().read_fails && at_ > 0) {
      throw SourceError("the warehouse went away", false, "08006");
    }
    for (std::size_t i = 0; i < kRowsInChunk && at_ < lines_.size(); ++i) {
      chunk.append(lines_[at_++]);
    }
    if (chunk.rows() == 0) {
      process_.source_ended = true;
      process_.source_ended_ms = process_.now_ms();
    }
    return chunk.rows() > 0;
  }

  void cancel() noexcept override {}
  [[nodiscard]] std::string encoding() const override { return encoding_name(process_.encoding); }

 private:
  Process& process_;
  std::vector<std::string> lines_;
  std::size_t at_ = 0;
};

/// The store of one process on the disk that all share. Before and after each thing it makes
/// durable the process may die.
class ProcessStore final : public MemoryStore {
 public:
  explicit ProcessStore(Process& process)
      : MemoryStore(process.world().disk(), [&process] { return process.world().store_ms(); }),
        process_(process) {}

  [[nodiscard]] std::optional<Claim> claim(const SyncAddress& address, const RunRow& run,
                                           std::int64_t lease_ms) override {
    process_.step(Where::before_claim);
    std::optional<Claim> claimed = MemoryStore::claim(address, run, lease_ms);
    if (process_.world().telling()) {
      process_.world().tell("run " + std::to_string(process_.number()) +
                            (claimed ? " claims" : " finds the lease taken"));
    }
    if (claimed) {
      // Whether the process lives is for the schedule to say, not for this object.
      MemoryDisk::Sync& sync =
          process_.world().disk()->syncs[static_cast<std::size_t>(claimed->holder.sync_id - 1)];
      sync.shards[static_cast<std::size_t>(claimed->holder.shard)].holder = process_.lock;
    }
    if (claimed) process_.world().oracle().claims(process_);
    process_.step(Where::after_claim);
    return claimed;
  }

  void renew(const Holder& holder, std::int64_t lease_ms) override {
    process_.check_alive();
    MemoryStore::renew(holder, lease_ms);
  }

  void append(const Holder& holder, const Commit& commit) override {
    process_.step(Where::before_commit);
    const RunPlan::StoreFault* fault = next_fault();
    if (fault != nullptr && !fault->applied) throw StoreUnavailable("the store is away");
    MemoryStore::append(holder, commit);
    process_.world().note(Event::commit, static_cast<std::uint64_t>(process_.number()),
                          commit.journal.size());
    const bool made_again = !commit.journal.empty() && commit.journal.back().seq <= seen_seq_;
    if (!commit.journal.empty()) seen_seq_ = commit.journal.back().seq;
    if (!made_again) {
      process_.world().tell(process_, commit);
      process_.world().oracle().commits(process_, commit);
    }
    if (fault != nullptr) throw StoreUnavailable("the store's answer was lost");
    process_.step(Where::after_commit);
  }

  void finish(const Holder& holder, const Finish& finish) override {
    process_.step(Where::before_finish);
    const RunPlan::StoreFault* fault = next_fault();
    if (fault != nullptr && !fault->applied) throw StoreUnavailable("the store is away");
    MemoryStore::finish(holder, finish);
    if (fault != nullptr) throw StoreUnavailable("the store's answer was lost");
    process_.step(Where::after_finish);
  }

 private:
  [[nodiscard]] const RunPlan::StoreFault* next_fault() {
    ++commits_;
    for (const RunPlan::StoreFault& fault : process_.plan().store_faults) {
      if (fault.commit == commits_) return &fault;
    }
    return nullptr;
  }

  Process& process_;
  int commits_ = 0;
  std::int64_t seen_seq_ = 0;
};

/// The wire between one process and the tool. A request leaves when its process gets to it, and
/// never after its time.
class Wire final : public http::Transport {
 public:
  explicit Wire(Process& process) : process_(process) {}

  void start(http::Outgoing outgoing) override {
    process_.check_alive();
    process_.world().oracle().asks(process_);
    if (const std::string_view known = told_of_itself(outgoing.request.path); !known.empty()) {
      return tell(outgoing.id, known);
    }
    queued_.push_back(std::move(outgoing));
  }

  [[nodiscard]] std::vector<http::Finished> poll(milliseconds wait) override {
    const std::int64_t end = process_.now_ms() + wait.count();
    process_.check_alive();
    for (;;) {
      while (!queued_.empty()) send_first();
      std::vector<http::Finished> finished = take_finished();
      if (!finished.empty()) {
        process_.step(Where::with_answer);
        return finished;
      }
      const std::int64_t stir = looks_again() ? INT64_MAX : process_.stir_at_ms.value_or(INT64_MAX);
      const bool woken = std::exchange(woken_, false);
      if (woken || process_.now_ms() >= std::min(end, stir)) return finished;
      std::int64_t next = std::min(end, stir);
      for (const Under& one : under_way_) next = std::min(next, log(one).answers_ms);
      process_.sleep_until(next);
    }
  }

  void wake() noexcept override { woken_ = true; }

  void abandon() override {
    for (const http::Outgoing& outgoing : queued_) {
      over_.push_back(ended(outgoing.id, wire::Failure::not_sent));
    }
    for (const Under& one : under_way_) {
      over_.push_back(ended(one.id, wire::Failure::lost));
      over_.back().sent_at = time_of(log(one).sent_ms);
      given_up_.push_back(one.place);
    }
    queued_.clear();
    under_way_.clear();
  }

  [[nodiscard]] std::size_t in_flight() const override {
    return queued_.size() + under_way_.size();
  }

 private:
  struct Under {
    http::CallId id;
    std::size_t place;  // in the tool's log
  };

  /// Who only waits here does not take what stirs: after some looks at one moment a poll waits as
  /// it was asked to, as time passes in the world by itself.
  bool looks_again() {
    constexpr int kLooks = 10;
    looks_ = process_.now_ms() == looked_at_ms_ ? looks_ + 1 : 0;
    looked_at_ms_ = process_.now_ms();
    return looks_ > kLooks;
  }

  /// There is one account, and one set of fields, which are no part of a schedule.
  static std::string_view told_of_itself(std::string_view path) {
    if (path.starts_with("/account-info/")) return R"({"portalId": 1})";
    if (path.starts_with("/crm/v3/properties/")) {
      return R"({"results": [{"name": "id", "hasUniqueValue": true}, {"name": "v"}, {"name": "w"}]})";
    }
    return {};
  }

  /// At once.
  void tell(http::CallId id, std::string_view body) {
    over_.push_back(ended(id, wire::Failure::none));
    over_.back().reply.status = 200;
    over_.back().reply.body = body;
    over_.back().sent_at = time_of(process_.now_ms());
  }

  [[nodiscard]] const Delivery& log(const Under& one) const {
    return process_.world().tool().log()[one.place];
  }

  static http::Finished ended(http::CallId id, wire::Failure failure) {
    http::Finished finished;
    finished.id = id;
    finished.reply.failure = failure;
    return finished;
  }

  void send_first() {
    process_.step(Where::before_send);
    if (queued_.empty()) return;
    const http::Outgoing outgoing = std::move(queued_.front());
    queued_.pop_front();
    if (process_.now_ms() >= ms_of(outgoing.send_by)) {
      over_.push_back(ended(outgoing.id, wire::Failure::expired));
      return;
    }
    World& world = process_.world();
    const std::size_t place =
        world.tool().take(process_.number(), outgoing.request, process_.now_ms());
    const Delivery& delivery = world.tool().log()[place];
    under_way_.push_back({outgoing.id, place});
    world.note(Event::send, delivery.fate, static_cast<std::uint64_t>(process_.number()));
    world.tell(delivery);
    world.oracle().sends(process_, delivery);
    process_.step(Where::after_send);
  }

  std::vector<http::Finished> take_finished() {
    std::vector<http::Finished> finished = std::exchange(over_, {});
    World& world = process_.world();
    for (const std::size_t place : std::exchange(given_up_, {})) {
      world.oracle().learns(process_, world.tool().log()[place]);
    }
    const std::int64_t now = process_.now_ms();
    std::stable_sort(under_way_.begin(), under_way_.end(), [&](const Under& a, const Under& b) {
      return log(a).answers_ms < log(b).answers_ms;
    });
    auto one = under_way_.begin();
    for (; one != under_way_.end() && log(*one).answers_ms <= now; ++one) {
      const Delivery& delivery = log(*one);
      http::Finished done;
      done.id = one->id;
      done.reply = delivery.reply;
      if (delivery.fault != Fault::refuse) done.sent_at = time_of(delivery.sent_ms);
      finished.push_back(std::move(done));
      world.note(Event::answer, delivery.fate, static_cast<std::uint64_t>(delivery.reply.status));
      if (world.telling()) {
        world.tell("run " + std::to_string(process_.number()) + " learns of request " +
                   std::to_string(delivery.number) + ": " + std::to_string(delivery.reply.status) +
                   " " + delivery.reply.failure_text + delivery.reply.body);
      }
      world.oracle().learns(process_, delivery);
    }
    under_way_.erase(under_way_.begin(), one);
    return finished;
  }

  Process& process_;
  std::deque<http::Outgoing> queued_;
  std::vector<Under> under_way_;
  std::vector<http::Finished> over_;
  std::vector<std::size_t> given_up_;
  bool woken_ = false;
  std::int64_t looked_at_ms_ = -1;
  int looks_ = 0;
};

}  // namespace

Surroundings surroundings_of(Process& process, std::vector<std::string> lines) {
  Surroundings around;
  around.source = [&process, rows = std::move(lines)](const RunSpec&) {
    return std::make_unique<ModelSource>(process, rows);
  };
  around.store = [&process](const std::string&, bool) {
    process.check_alive();
    return std::make_unique<ProcessStore>(process);
  };
  around.transport = [&process](const http::TransportOptions&) {
    return std::make_unique<Wire>(process);
  };
  around.clock = std::make_shared<VirtualClock>(process.world());
  around.committer = [&process](StateStore& store, CommitterOptions options,
                                const std::function<void()>&) {
    return make_virtual_committer(process, store, std::move(options));
  };
  around.destination = make_destination;
  if (process.world().schedule().face == Face::job) {
    around.destination = [](const nlohmann::json&, const nlohmann::json& object, const Schema&) {
      return make_job_destination(object);
    };
  }
  if (process.world().schedule().face == Face::jobs) {
    around.destination = [](const nlohmann::json&, const nlohmann::json& object,
                            const Schema& schema) { return make_jobs_destination(object, schema); };
  }
  around.reading.depth = 0;
  return around;
}

}  // namespace tailrace::simulation
