#include "virtual_committer.hpp"

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

#include "row/mutant.hpp"
#include "state/errors.hpp"

namespace tailrace::simulation {
namespace {

using std::chrono::milliseconds;

/// Commits as the threaded one does, on the run's own thread: what is queued goes together, and
/// takes the time that the schedule gives it.
class VirtualCommitter final : public Committer {
 public:
  VirtualCommitter(Process& process, StateStore& store, CommitterOptions options)
      : process_(process), store_(store), options_(std::move(options)), builder_(options_) {
    process_.renew_at_ms = process_.now_ms() + options_.lease.count() / 3;
    process_.renew = [this] { renew(); };
  }
  ~VirtualCommitter() override {
    process_.renew = {};
    process_.renew_at_ms = INT64_MAX;
    process_.stir_at_ms.reset();
  }
  VirtualCommitter(const VirtualCommitter&) = delete;
  VirtualCommitter& operator=(const VirtualCommitter&) = delete;

  void submit(Piece piece) override {
    process_.check_alive();
    if (error_) return;
    queue_.push_back(std::move(piece));
    if (!busy()) process_.stir_at_ms = process_.now_ms();
  }

  [[nodiscard]] std::vector<Ack> take_acks() override {
    work();
    if (error_ && acks_.empty()) std::rethrow_exception(error_);
    return std::exchange(acks_, {});
  }

  [[nodiscard]] bool flush(milliseconds limit) override {
    const std::int64_t end = process_.now_ms() + limit.count();
    for (;;) {
      work();
      if (error_) return false;
      if (!busy()) return true;
      if (process_.now_ms() >= end) return false;
      process_.sleep_until(std::min(due_ms_, end));
    }
  }

  void with_store(const std::function<void(StateStore&)>& use) override {
    while (!error_ && busy()) {
      process_.sleep_until(due_ms_);
      work();
    }
    use(store_);
  }

  [[nodiscard]] std::int64_t last_seq() const override { return last_seq_or_first(); }
  [[nodiscard]] double busy_seconds() const override { return 0; }

 private:
  [[nodiscard]] std::int64_t last_seq_or_first() const {
    return committed_ ? committed_seq_ : options_.last_seq;
  }

  void work() {
    process_.check_alive();
    for (;;) {
      if (error_) return;
      if (!busy()) {
        if (queue_.empty()) return;
        committing_ = std::exchange(queue_, {});
        due_ms_ = process_.now_ms() + process_.plan().commit_ms;
        process_.stir_at_ms = due_ms_;
      }
      if (process_.now_ms() < due_ms_) return;
      commit();
    }
  }

  void commit() {
    process_.stir_at_ms.reset();
    try {
      if (!built_) {
        std::vector<Piece> pieces = std::exchange(committing_, {});
        built_ = builder_.build(pieces, store_.now_ms(), built_acks_);
        built_at_ms_ = process_.now_ms();
      }
      store_.append(options_.holder, *built_);
    } catch (const StoreUnavailable&) {
      if (try_again()) return;
      fail();
      return;
    } catch (const std::exception&) {
      fail();
      return;
    }
    taken();
  }

  void taken() {
    const std::vector<Ack> acks = std::exchange(built_acks_, {});
    acks_.insert(acks_.end(), acks.begin(), acks.end());
    built_.reset();
    committed_ = true;
    committed_seq_ = builder_.seq();
  }

  /// A store that is away gets time to come back; the same commit is made again then.
  bool try_again() {
    constexpr std::int64_t kStoreRetryMs = 250;
    if (mutant(18)) {
      taken();
      return true;
    }
    const std::int64_t now = process_.now_ms();
    if (now - built_at_ms_ >= options_.store_patience.count()) return false;
    due_ms_ = now + kStoreRetryMs;
    process_.stir_at_ms = due_ms_;
    return true;
  }

  [[nodiscard]] bool busy() const { return built_ || !committing_.empty(); }

  void renew() {
    process_.renew_at_ms = process_.now_ms() + options_.lease.count() / 3;
    if (error_ || (mutant(17) && !process_.source_ended)) return;
    try {
      store_.renew(options_.holder, options_.lease.count());
    } catch (const std::exception&) {
      fail();
    }
  }

  void fail() {
    error_ = std::current_exception();
    queue_.clear();
    committing_.clear();
    built_.reset();
    process_.stir_at_ms = process_.now_ms();
  }

  Process& process_;
  StateStore& store_;
  CommitterOptions options_;
  CommitBuilder builder_;
  std::vector<Piece> queue_;
  std::vector<Piece> committing_;
  std::optional<Commit> built_;  // on its way to the store
  std::vector<Ack> built_acks_;
  std::int64_t built_at_ms_ = 0;
  std::vector<Ack> acks_;
  std::exception_ptr error_;
  std::int64_t due_ms_ = 0;
  std::int64_t committed_seq_ = 0;
  bool committed_ = false;
};

}  // namespace

std::unique_ptr<Committer> make_virtual_committer(Process& process, StateStore& store,
                                                  CommitterOptions options) {
  return std::make_unique<VirtualCommitter>(process, store, std::move(options));
}

}  // namespace tailrace::simulation
