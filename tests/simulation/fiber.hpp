#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace tailrace::simulation {

/// A stack of its own that runs one function and can stand still in the middle of it. Everything is
/// on one thread; who goes on is whoever is resumed.
class Fiber {
 public:
  /// `body` may not let an exception out.
  explicit Fiber(std::function<void()> body);
  ~Fiber();  // the body must have ended
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Goes on with the body until it stands still or ends. Not from within a fiber.
  void resume();
  /// From within the body: stands still until resumed.
  void suspend();
  [[nodiscard]] bool ended() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tailrace::simulation
