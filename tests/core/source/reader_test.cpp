#include "source/reader.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "source/reading.hpp"

namespace tailrace::test {
namespace {

/// What a scripted source does and what was seen of it; outlives the source.
struct Script {
  std::size_t chunks = 3;
  std::size_t fails_at = SIZE_MAX;
  bool fails_in_open = false;
  std::size_t blocks_at = SIZE_MAX;
  bool blocks_in_open = false;
  bool heeds_cancel = true;
  std::size_t row_bytes = 10;

  std::mutex mutex;
  std::condition_variable changed;
  bool released = false;

  std::atomic<std::size_t> filled{0};
  std::atomic<bool> blocked{false};
  std::atomic<bool> destroyed{false};
  std::thread::id read_on;
  std::thread::id destroyed_on;
  std::set<const char*> buffers;

  void release() {
    const std::lock_guard lock(mutex);
    released = true;
    changed.notify_all();
  }
};

class ScriptedSource : public Source {
 public:
  explicit ScriptedSource(Script& script) : script_(script) {}
  ~ScriptedSource() override {
    script_.destroyed_on = std::this_thread::get_id();
    script_.destroyed = true;
  }
  ScriptedSource(const ScriptedSource&) = delete;
  ScriptedSource& operator=(const ScriptedSource&) = delete;

  std::vector<SourceColumn> open() override {
    script_.read_on = std::this_thread::get_id();
    if (script_.blocks_in_open) block();
    if (script_.fails_in_open) throw SourceError("source: no such table", true, "42P01");
    return {{"id", Type::integer, "bigint"}};
  }
  bool next(Chunk& chunk) override {
    chunk.clear();
    const std::size_t number = script_.filled.load();
    if (number == script_.blocks_at) block();
    if (number == script_.fails_at) throw SourceError("source: broke off", false, "57P01");
    if (number == script_.chunks) return false;
    chunk.append(std::to_string(number) + std::string(script_.row_bytes, 'x'));
    script_.buffers.insert(chunk.bytes().data());
    ++script_.filled;
    return true;
  }
  void cancel() noexcept override {
    if (script_.heeds_cancel) script_.release();
  }
  std::string encoding() const override { return "scripted/1"; }

 private:
  void block() {
    script_.blocked = true;
    std::unique_lock lock(script_.mutex);
    script_.changed.wait(lock, [this] { return script_.released; });
    if (script_.heeds_cancel) throw SourceError("source: cancelled", false, "57014");
  }

  Script& script_;
};

std::unique_ptr<Source> scripted(Script& script) {
  return std::make_unique<ScriptedSource>(script);
}

TEST(Reader, HandsOverColumnsAndChunksInOrder) {
  Script script;
  script.chunks = 100;
  {
    Reader reader(scripted(script));
    EXPECT_EQ(reader.encoding(), "scripted/1");
    const auto columns = reader.open();
    ASSERT_EQ(columns.size(), 1U);
    EXPECT_EQ(columns[0].name, "id");
    Chunk chunk;
    std::size_t seen = 0;
    while (reader.next(chunk)) {
      ASSERT_EQ(chunk.rows(), 1U);
      EXPECT_TRUE(chunk.line(0).starts_with(std::to_string(seen) + "x"));
      ++seen;
    }
    EXPECT_EQ(seen, 100U);
    EXPECT_FALSE(reader.next(chunk)) << "the end stays the end";
    EXPECT_TRUE(script.destroyed) << "the source is gone as soon as all is read";
  }
  EXPECT_EQ(script.destroyed_on, script.read_on);
  EXPECT_NE(script.read_on, std::this_thread::get_id());
}

TEST(Reader, ReadsNoFurtherAheadThanItsDepth) {
  Script script;
  script.chunks = 50;
  Reader reader(scripted(script), {.depth = 4});
  static_cast<void>(reader.open());
  // One more than the depth: the chunk that waits for its place.
  EXPECT_TRUE(becomes_true([&] { return script.filled == 5; }));
  Chunk chunk;
  for (std::size_t taken = 1; taken <= 10; ++taken) {
    ASSERT_TRUE(reader.next(chunk));
    EXPECT_LE(script.filled, taken + 5);
  }
}

TEST(Reader, RecyclesTheBuffersOfChunks) {
  Script script;
  script.chunks = 2000;
  script.row_bytes = 4096;
  {
    Reader reader(scripted(script), {.depth = 4});
    static_cast<void>(reader.open());
    Chunk chunk;
    while (reader.next(chunk)) {}
  }
  EXPECT_LE(script.buffers.size(), 20U) << "2,000 chunks went through";
}

TEST(Reader, ThrowsWhatOpenThrew) {
  Script script;
  script.fails_in_open = true;
  Reader reader(scripted(script));
  const auto error = source_error_of([&] { static_cast<void>(reader.open()); });
  ASSERT_TRUE(error.has_value());
  EXPECT_TRUE(error->configuration);
  EXPECT_EQ(error->code, "42P01");
  EXPECT_TRUE(script.destroyed);
}

TEST(Reader, ThrowsWhatNextThrewAgainAndAgain) {
  Script script;
  script.fails_at = 2;
  Reader reader(scripted(script));
  static_cast<void>(reader.open());
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto error = source_error_of([&] {
      Chunk chunk;
      while (reader.next(chunk)) {}
    });
    ASSERT_TRUE(error.has_value());
    EXPECT_FALSE(error->configuration);
    EXPECT_EQ(error->code, "57P01");
  }
}

TEST(Reader, CancelWakesAConsumerWhoseSourceIsSilent) {
  for (const bool heeds : {true, false}) {
    Script script;
    script.blocks_at = 0;
    script.heeds_cancel = heeds;
    {
      Reader reader(scripted(script), {.patience = std::chrono::milliseconds(20)});
      static_cast<void>(reader.open());
      std::thread canceller([&] {
        EXPECT_TRUE(becomes_true([&] { return script.blocked.load(); }));
        reader.cancel();
      });
      Chunk chunk;
      const auto error = source_error_of([&] { static_cast<void>(reader.next(chunk)); });
      canceller.join();
      ASSERT_TRUE(error.has_value());
      EXPECT_EQ(error->code, "57014");
    }
    script.release();
    EXPECT_TRUE(becomes_true([&] { return script.destroyed.load(); }));
  }
}

TEST(Reader, CancelWakesAConsumerInOpen) {
  Script script;
  script.blocks_in_open = true;
  Reader reader(scripted(script));
  std::thread canceller([&] {
    EXPECT_TRUE(becomes_true([&] { return script.blocked.load(); }));
    reader.cancel();
  });
  EXPECT_TRUE(source_error_of([&] { static_cast<void>(reader.open()); }).has_value());
  canceller.join();
}

TEST(Reader, CancelledItNeverLooksFinished) {
  Script script;
  script.chunks = 2;
  Reader reader(scripted(script));
  static_cast<void>(reader.open());
  EXPECT_TRUE(becomes_true([&] { return script.destroyed.load(); }));
  reader.cancel();
  Chunk chunk;
  EXPECT_TRUE(source_error_of([&] { static_cast<void>(reader.next(chunk)); }).has_value());
}

TEST(Reader, GoesAwayWhileTheQueueIsFull) {
  Script script;
  script.chunks = SIZE_MAX;
  {
    Reader reader(scripted(script), {.depth = 2});
    static_cast<void>(reader.open());
    EXPECT_TRUE(becomes_true([&] { return script.filled == 3; }));
  }
  EXPECT_TRUE(script.destroyed);
}

TEST(Reader, LeavesASourceThatIgnoresItToItsThread) {
  Script script;
  script.blocks_at = 1;
  script.heeds_cancel = false;
  const auto begin = std::chrono::steady_clock::now();
  {
    Reader reader(scripted(script), {.patience = std::chrono::milliseconds(50)});
    static_cast<void>(reader.open());
    EXPECT_TRUE(becomes_true([&] { return script.blocked.load(); }));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  EXPECT_FALSE(script.destroyed);
  script.release();
  EXPECT_TRUE(becomes_true([&] { return script.destroyed.load(); }));
}

TEST(Reader, NeverOpenedItStartsNoThread) {
  Script script;
  { const Reader reader(scripted(script)); }
  EXPECT_EQ(script.destroyed_on, std::this_thread::get_id());
}

}  // namespace
}  // namespace tailrace::test
