#include "run/committer.hpp"

#include <iterator>
#include <utility>

#include "run/clock.hpp"

namespace tailrace {
namespace {

template <typename Item>
void move_all(std::vector<Item>& from, std::vector<Item>& to) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  from.clear();
}

}  // namespace

JournalRow CommitBuilder::next_row(JournalKind kind) {
  JournalRow row;
  row.seq = ++seq_;
  row.epoch = options_.holder.epoch;
  row.run_id = options_.run_id;
  row.kind = kind;
  return row;
}

/// An intent and its outcome in one commit: nobody can see the one without the other.
void CommitBuilder::add_taken(std::vector<TakenBatch>& taken, std::int64_t now_ms, Commit& commit) {
  JournalRow intent = next_row(JournalKind::intent);
  intent.send_by_ms = now_ms;
  std::vector<IntentBatch> batches;
  std::vector<OutcomeBatch> outcomes;
  for (TakenBatch& batch : taken) {
    const std::int64_t at_ms = batch.as_of_ms > 0 ? batch.as_of_ms : now_ms;
    OutcomeBatch outcome{intent.seq, static_cast<std::uint32_t>(batches.size()), at_ms, {}};
    for (std::string& id : batch.destination_ids) {
      outcome.rows.push_back({batch.outcome, std::move(id)});
    }
    if (outcome.rows.empty()) outcome.rows.push_back({batch.outcome, {}});
    outcomes.push_back(std::move(outcome));
    batches.push_back(std::move(batch.rows));
  }
  intent.entries = pack_intents(batches);
  commit.journal.push_back(std::move(intent));
  commit.journal.push_back(next_row(JournalKind::outcome));
  commit.journal.back().entries = pack_outcomes(outcomes);
}

Commit CommitBuilder::build(std::vector<Piece>& pieces, std::int64_t now_ms,
                            std::vector<Ack>& acks) {
  std::vector<IntentBatch> intents;
  std::vector<OutcomeBatch> outcomes;
  std::vector<VoidBatch> voids;
  std::vector<TakenBatch> taken;
  Commit commit;
  for (Piece& piece : pieces) {
    acks.push_back({piece.id, 0, static_cast<std::uint32_t>(intents.size())});
    move_all(piece.intents, intents);
    move_all(piece.outcomes, outcomes);
    move_all(piece.voids, voids);
    move_all(piece.taken, taken);
    move_all(piece.rejected, commit.rejected);
    move_all(piece.no_longer_rejected, commit.no_longer_rejected);
    move_all(piece.log, commit.log);
    move_all(piece.fields, commit.fields);
    move_all(piece.fields_forgotten, commit.fields_forgotten);
  }
  // Outcomes first: they only ever speak of intents of earlier commits.
  if (!outcomes.empty()) {
    commit.journal.push_back(next_row(JournalKind::outcome));
    commit.journal.back().entries = pack_outcomes(outcomes);
  }
  if (!voids.empty()) {
    commit.journal.push_back(next_row(JournalKind::void_));
    commit.journal.back().entries = pack_voids(voids);
  }
  if (!intents.empty()) {
    JournalRow row = next_row(JournalKind::intent);
    row.send_by_ms = now_ms + options_.send_window.count();
    row.entries = pack_intents(intents);
    for (Ack& ack : acks) ack.intent_seq = row.seq;
    commit.journal.push_back(std::move(row));
  }
  if (!taken.empty()) add_taken(taken, now_ms, commit);
  return commit;
}

ThreadedCommitter::ThreadedCommitter(StateStore& store, CommitterOptions options,
                                     std::function<void()> wake)
    : store_(store),
      options_(std::move(options)),
      wake_(std::move(wake)),
      builder_(options_),
      last_seq_(options_.last_seq),
      renewed_at_(std::chrono::steady_clock::now()),
      thread_([this] { work(); }) {}

ThreadedCommitter::~ThreadedCommitter() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ThreadedCommitter::submit(Piece piece) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(piece));
  }
  changed_.notify_all();
}

std::vector<Ack> ThreadedCommitter::take_acks() {
  const std::lock_guard lock(mutex_);
  if (error_ && acks_.empty()) std::rethrow_exception(error_);
  return std::exchange(acks_, {});
}

bool ThreadedCommitter::flush(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  const auto settled = [this] { return error_ || (queue_.empty() && !committing_); };
  return changed_.wait_for(lock, limit, settled) && !error_;
}

void ThreadedCommitter::with_store(const std::function<void(StateStore&)>& use) {
  const std::lock_guard lock(store_mutex_);
  use(store_);
}

std::int64_t ThreadedCommitter::last_seq() const {
  const std::lock_guard lock(mutex_);
  return last_seq_;
}

double ThreadedCommitter::busy_seconds() const {
  const std::lock_guard lock(mutex_);
  return busy_seconds_;
}

void ThreadedCommitter::work() {
  const auto renew_every = options_.lease / 3;
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto due = renewed_at_ + renew_every;
    changed_.wait_until(lock, due, [this] { return ending_ || (!queue_.empty() && !error_); });
    if (ending_ && (queue_.empty() || error_)) return;
    std::vector<Piece> pieces;
    if (!error_) pieces = std::exchange(queue_, {});
    const bool renew = !error_ && std::chrono::steady_clock::now() >= due;
    if (error_) renewed_at_ = std::chrono::steady_clock::now();
    committing_ = true;
    lock.unlock();
    try {
      if (!pieces.empty()) commit(std::move(pieces));
      if (renew) this->renew();
    } catch (const std::exception&) {
      fail(std::current_exception());
    }
    lock.lock();
    if (renew) renewed_at_ = std::chrono::steady_clock::now();
    committing_ = false;
    changed_.notify_all();
    if (wake_) {
      lock.unlock();
      wake_();
      lock.lock();
    }
  }
}

void ThreadedCommitter::commit(std::vector<Piece> pieces) {
  const auto started = std::chrono::steady_clock::now();
  std::vector<Ack> acks;
  std::optional<Commit> built;
  for (const auto since = started;;) {
    try {
      const std::lock_guard store_lock(store_mutex_);
      if (!built) built = builder_.build(pieces, store_.now_ms(), acks);
      store_.append(options_.holder, *built);
      break;
    } catch (const StoreUnavailable&) {
      if (!pause_before_retry(since)) throw;
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  const std::lock_guard lock(mutex_);
  acks_.insert(acks_.end(), acks.begin(), acks.end());
  last_seq_ = builder_.seq();
  busy_seconds_ += took.count();
}

/// A store that is away gets time to come back. The same commit is made again: where an answer was
/// lost, the store finds it by its seqs.
bool ThreadedCommitter::pause_before_retry(std::chrono::steady_clock::time_point since) {
  std::unique_lock lock(mutex_);
  if (std::chrono::steady_clock::now() - since >= options_.store_patience) return false;
  return !changed_.wait_for(lock, kStoreRetry, [this] { return ending_; });
}

void ThreadedCommitter::renew() {
  const std::lock_guard store_lock(store_mutex_);
  try {
    store_.renew(options_.holder, options_.lease.count());
    unrenewed_since_.reset();
  } catch (const StoreUnavailable&) {
    // No intent becomes durable meanwhile, so nothing is sent; the next try is a third lease away.
    const auto now = std::chrono::steady_clock::now();
    if (!unrenewed_since_) unrenewed_since_ = now;
    if (now - *unrenewed_since_ >= options_.store_patience) throw;
  }
}

void ThreadedCommitter::fail(std::exception_ptr error) {
  const std::lock_guard lock(mutex_);
  if (!error_) error_ = std::move(error);
  queue_.clear();
}

std::unique_ptr<Committer> make_threaded_committer(StateStore& store, CommitterOptions options,
                                                   std::function<void()> wake) {
  return std::make_unique<ThreadedCommitter>(store, std::move(options), std::move(wake));
}

}  // namespace tailrace
