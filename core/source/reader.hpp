#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "row/chunk.hpp"
#include "source/source.hpp"

namespace tailrace {

/// Reads a source on a thread of its own, at most `depth` chunks ahead of the consumer. The source
/// is opened, read and destroyed on that thread. One consumer; cancel() from any thread. With a
/// depth of 0 there is no thread: the consumer's own reads when it asks.
class Reader {
 public:
  struct Limits {
    std::size_t depth = 8;
    /// How long the destructor waits for a source that does not heed its cancel().
    std::chrono::milliseconds patience{1000};
  };

  explicit Reader(std::unique_ptr<Source> source);
  Reader(std::unique_ptr<Source> source, Limits limits);
  /// Cancels what still runs. A source that is stuck in foreign code (a driver's get_next) is left
  /// to its thread after `patience`; it is destroyed there when the foreign code returns.
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// Starts the thread and waits for the source's open(). Called once.
  /// Throws what the source threw; SourceError after cancel().
  [[nodiscard]] std::vector<SourceColumn> open();

  /// Swaps the next chunk in; the buffer that `chunk` had is filled again later. False at the end.
  /// Throws what the source threw, also before all chunks read until then are taken, and
  /// SourceError after cancel().
  [[nodiscard]] bool next(Chunk& chunk);

  /// A waiting open() or next() throws at once, whatever the source does.
  void cancel() noexcept;

  [[nodiscard]] const std::string& encoding() const { return encoding_; }

 private:
  struct Shared;
  [[nodiscard]] bool read_here(Chunk& chunk);

  std::shared_ptr<Shared> shared_;
  std::string encoding_;
  std::chrono::milliseconds patience_;
  std::thread thread_;
};

}  // namespace tailrace
