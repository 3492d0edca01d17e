#pragma once

#include <chrono>
#include <cstdint>

namespace tailrace {

/// How long until a state store that did not answer, or had nothing to give, is asked again.
inline constexpr std::chrono::milliseconds kStoreRetry{250};

/// Time as the run sees it; a simulator passes its own.
class Clock {
 public:
  using Time = std::chrono::steady_clock::time_point;
  virtual ~Clock() = default;
  [[nodiscard]] virtual Time now() const = 0;
  [[nodiscard]] virtual std::chrono::system_clock::time_point wall() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] Time now() const override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] std::chrono::system_clock::time_point wall() const override {
    return std::chrono::system_clock::now();
  }
};

}  // namespace tailrace
