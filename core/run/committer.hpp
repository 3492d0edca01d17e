#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "state/store.hpp"

namespace tailrace {

/// Rows recorded as accepted though this run sent no request for them: the model taken as
/// delivered, an insert found at the destination, one that a person says has arrived. Or, with
/// `outcome` unknown, an insert that is in doubt once more.
struct TakenBatch {
  IntentBatch rows;
  std::vector<std::string> destination_ids;  // as long as the rows, or empty
  std::int64_t as_of_ms = 0;  // store's clock: when it was so; 0: at the commit
  RowOutcome outcome = RowOutcome::accepted;
};

/// What one batch asks to be made durable: its intent, or how its intents ended.
struct Piece {
  std::uint64_t id = 0;  // given back in the Ack
  std::vector<IntentBatch> intents;
  std::vector<OutcomeBatch> outcomes;
  std::vector<VoidBatch> voids;
  std::vector<TakenBatch> taken;
  std::vector<RejectedRow> rejected;
  std::vector<IdentityHash> no_longer_rejected;
  std::vector<LogRow> log;
  std::vector<FieldHashes> fields;
  std::vector<IdentityHash> fields_forgotten;
};

/// The piece is durable. Its first intent is batch `first_batch` of journal row `intent_seq`.
struct Ack {
  std::uint64_t id = 0;
  std::int64_t intent_seq = 0;
  std::uint32_t first_batch = 0;
};

/// Settles: writes journal entries in group commits. A send waits for the ack of its intent;
/// nothing waits for an outcome's.
class Committer {
 public:
  virtual ~Committer() = default;

  virtual void submit(Piece piece) = 0;
  /// Acks since the last call. Throws what the store threw (Fenced, StoreUnavailable, StateLost):
  /// from then on nothing more becomes durable.
  [[nodiscard]] virtual std::vector<Ack> take_acks() = 0;
  /// Waits until all that was submitted is durable, or `limit` has passed (false).
  [[nodiscard]] virtual bool flush(std::chrono::milliseconds limit) = 0;
  /// Uses the store while nothing else does.
  virtual void with_store(const std::function<void(StateStore&)>& use) = 0;
  [[nodiscard]] virtual std::int64_t last_seq() const = 0;
  /// Seconds spent in commits.
  [[nodiscard]] virtual double busy_seconds() const = 0;
};

struct CommitterOptions {
  Holder holder;
  std::string run_id;
  std::int64_t last_seq = 0;
  std::chrono::milliseconds lease{60'000};
  std::chrono::milliseconds send_window{30'000};
  /// How long outcomes are kept for a store that is away; nothing is sent meanwhile.
  std::chrono::milliseconds store_patience{60'000};
};

/// Joins pieces into one commit: the journal rows that carry them, numbered on from `last_seq`.
class CommitBuilder {
 public:
  explicit CommitBuilder(const CommitterOptions& options)
      : options_(options), seq_(options.last_seq) {}

  /// `now_ms`: the store's clock; intents are good until now + send window.
  [[nodiscard]] Commit build(std::vector<Piece>& pieces, std::int64_t now_ms,
                             std::vector<Ack>& acks);
  [[nodiscard]] std::int64_t seq() const { return seq_; }

 private:
  JournalRow next_row(JournalKind kind);
  void add_taken(std::vector<TakenBatch>& taken, std::int64_t now_ms, Commit& commit);
  CommitterOptions options_;
  std::int64_t seq_;
};

/// The committer of a real run: a thread of its own that takes whatever is queued and makes it
/// durable in one commit, and renews the lease every third of its length, in every phase.
class ThreadedCommitter final : public Committer {
 public:
  /// `wake` is called from the thread after each commit, to rouse the sender.
  ThreadedCommitter(StateStore& store, CommitterOptions options, std::function<void()> wake);
  ~ThreadedCommitter() override;
  ThreadedCommitter(const ThreadedCommitter&) = delete;
  ThreadedCommitter& operator=(const ThreadedCommitter&) = delete;

  void submit(Piece piece) override;
  [[nodiscard]] std::vector<Ack> take_acks() override;
  [[nodiscard]] bool flush(std::chrono::milliseconds limit) override;
  void with_store(const std::function<void(StateStore&)>& use) override;
  [[nodiscard]] std::int64_t last_seq() const override;
  [[nodiscard]] double busy_seconds() const override;

 private:
  void work();
  void commit(std::vector<Piece> pieces);
  void renew();
  [[nodiscard]] bool pause_before_retry(std::chrono::steady_clock::time_point since);
  void fail(std::exception_ptr error);

  StateStore& store_;
  CommitterOptions options_;
  std::function<void()> wake_;
  CommitBuilder builder_;
  std::mutex store_mutex_;  // taken before mutex_ where both are

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Piece> queue_;
  std::vector<Ack> acks_;
  std::exception_ptr error_;
  bool committing_ = false;
  bool ending_ = false;
  std::int64_t last_seq_ = 0;
  double busy_seconds_ = 0;
  std::chrono::steady_clock::time_point renewed_at_;
  std::optional<std::chrono::steady_clock::time_point> unrenewed_since_;
  std::thread thread_;
};

/// The committer of real runs, as Surroundings want it.
[[nodiscard]] std::unique_ptr<Committer> make_threaded_committer(StateStore& store,
                                                                 CommitterOptions options,
                                                                 std::function<void()> wake);

}  // namespace tailrace
