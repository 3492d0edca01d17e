#pragma once

#include <atomic>
#include <cstdint>

namespace tailrace {

enum class Phase : std::uint8_t { start, read, send, settle, done };

/// What another thread may look at while a run works. Written by the run alone.
struct Progress {
  std::atomic<Phase> phase{Phase::start};
  std::atomic<std::uint64_t> scanned{0};
  std::atomic<std::uint64_t> planned{0};
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> rejected{0};
  std::atomic<std::uint64_t> unknown{0};
  std::atomic<std::uint64_t> requests{0};
};

}  // namespace tailrace
