#include "source/reader.hpp"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>

#include "source/failure.hpp"

namespace tailrace {
namespace {

// A chunk that once held a very long row would keep its memory for the rest of the run.
constexpr std::size_t kRecycledBytes = 4 * Chunk::kTargetBytes;

}  // namespace

struct Reader::Shared {
  Shared(std::unique_ptr<Source> read, std::size_t chunks)
      : depth(chunks), source(std::move(read)) {}

  void run();
  void read();
  void finish(std::exception_ptr thrown);
  [[nodiscard]] bool publish(std::vector<SourceColumn> described);
  [[nodiscard]] Chunk empty_chunk();
  [[nodiscard]] bool push(Chunk chunk);
  /// Throws where there is nothing to wait for any more; the caller holds the mutex.
  void check() const;

  const std::size_t depth;
  std::mutex mutex;
  std::condition_variable changed;
  std::unique_ptr<Source> source;  // set to null by the reader thread, under the mutex
  std::optional<std::vector<SourceColumn>> columns;
  std::deque<Chunk> full;
  std::vector<Chunk> empty;
  std::exception_ptr failure;
  bool ended = false;
  bool cancelled = false;
};

void Reader::Shared::run() {
  std::exception_ptr thrown;
  try {
    read();
  } catch (...) {
    thrown = std::current_exception();  // thrown again at the consumer
  }
  finish(std::move(thrown));
}

void Reader::Shared::read() {
  if (!publish(source->open())) return;
  for (;;) {
    Chunk chunk = empty_chunk();
    if (!source->next(chunk)) return;
    if (chunk.rows() > 0 && !push(std::move(chunk))) return;
  }
}

void Reader::Shared::finish(std::exception_ptr thrown) {
  std::unique_ptr<Source> last;
  {
    const std::lock_guard lock(mutex);
    last = std::move(source);
  }
  last.reset();  // not under the mutex: a driver may take its time, and cancel() must not wait
  const std::lock_guard lock(mutex);
  failure = std::move(thrown);
  ended = true;
  changed.notify_all();
}

bool Reader::Shared::publish(std::vector<SourceColumn> described) {
  const std::lock_guard lock(mutex);
  columns = std::move(described);
  changed.notify_all();
  return !cancelled;
}

Chunk Reader::Shared::empty_chunk() {
  const std::lock_guard lock(mutex);
  if (empty.empty()) return {};
  Chunk chunk = std::move(empty.back());
  empty.pop_back();
  return chunk;
}

bool Reader::Shared::push(Chunk chunk) {
  std::unique_lock lock(mutex);
  changed.wait(lock, [this] { return full.size() < depth || cancelled; });
  if (cancelled) return false;
  full.push_back(std::move(chunk));
  changed.notify_all();
  return true;
}

void Reader::Shared::check() const {
  if (cancelled) throw cancelled_error();
  if (failure) std::rethrow_exception(failure);
}

Reader::Reader(std::unique_ptr<Source> source) : Reader(std::move(source), Limits{}) {}

Reader::Reader(std::unique_ptr<Source> source, Limits limits)
    : shared_(std::make_shared<Shared>(std::move(source), limits.depth)),
      encoding_(shared_->source->encoding()),
      patience_(limits.patience) {}

Reader::~Reader() {
  if (!thread_.joinable()) return;
  cancel();
  std::unique_lock lock(shared_->mutex);
  const bool ended = shared_->changed.wait_for(lock, patience_, [this] { return shared_->ended; });
  lock.unlock();
  if (ended) {
    thread_.join();
  } else {
    thread_.detach();  // it owns all that it touches
  }
}

std::vector<SourceColumn> Reader::open() {
  std::unique_lock lock(shared_->mutex);
  shared_->check();
  if (shared_->depth == 0) {
    lock.unlock();  // cancel() may come while the source works
    return shared_->source->open();
  }
  thread_ = std::thread([shared = shared_] { shared->run(); });
  shared_->changed.wait(lock, [this] {
    return shared_->columns.has_value() || shared_->ended || shared_->cancelled;
  });
  if (!shared_->columns) shared_->check();
  if (shared_->cancelled) throw cancelled_error();
  return *shared_->columns;
}

bool Reader::read_here(Chunk& chunk) {
  do {
    {
      const std::lock_guard lock(shared_->mutex);
      shared_->check();
    }
    if (!shared_->source->next(chunk)) return false;
  } while (chunk.rows() == 0);
  return true;
}

bool Reader::next(Chunk& chunk) {
  if (shared_->depth == 0) return read_here(chunk);
  Chunk spent;
  std::swap(chunk, spent);
  spent.clear();
  const bool reusable = spent.bytes().capacity() <= kRecycledBytes;

  std::unique_lock lock(shared_->mutex);
  if (reusable && !shared_->ended) shared_->empty.push_back(std::move(spent));
  shared_->changed.wait(
      lock, [this] { return !shared_->full.empty() || shared_->ended || shared_->cancelled; });
  shared_->check();
  if (shared_->full.empty()) return false;
  chunk = std::move(shared_->full.front());
  shared_->full.pop_front();
  shared_->changed.notify_all();
  return true;
}

void Reader::cancel() noexcept {
  const std::lock_guard lock(shared_->mutex);
  shared_->cancelled = true;
  if (shared_->source) shared_->source->cancel();
  shared_->changed.notify_all();
}

}  // namespace tailrace
