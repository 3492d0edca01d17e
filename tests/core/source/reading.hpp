#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "source/source.hpp"

namespace tailrace::test {

/// All rows that are left.
inline std::vector<std::string> rest_of(Source& source) {
  std::vector<std::string> lines;
  Chunk chunk;
  while (source.next(chunk)) {
    for (std::size_t i = 0; i < chunk.rows(); ++i) lines.emplace_back(chunk.line(i));
  }
  return lines;
}

inline std::vector<std::string> rows_of(Source& source) {
  static_cast<void>(source.open());
  return rest_of(source);
}

/// The SourceError that `work` throws, if it throws one.
inline std::optional<SourceError> source_error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const SourceError& error) {
    return error;
  }
  return std::nullopt;
}

/// Asks until the answer is yes or ten seconds have passed.
inline bool becomes_true(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace tailrace::test
