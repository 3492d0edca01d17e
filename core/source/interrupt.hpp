#pragma once

#include <atomic>
#include <mutex>

namespace tailrace {

/// Lets one thread break what another thread waits for in a socket. Once raised it stays raised.
///
/// Two waits are covered: poll() on wake_fd() beside a socket, and a library that blocks in the
/// socket itself (libpq does, in the middle of a COPY): raise() shuts the guarded socket down, so
/// the blocked read ends at once even where the network is dead and nothing can be sent.
class Interrupt {
 public:
  /// Throws std::system_error where the process has no file descriptors left.
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  void raise() noexcept;
  [[nodiscard]] bool raised() const noexcept { return raised_.load(std::memory_order_acquire); }

  /// Readable from the moment that raise() was called.
  [[nodiscard]] int wake_fd() const noexcept { return wake_read_; }

  /// From now on raise() shuts this socket down; at once where it was raised before.
  void guard(int socket) noexcept;
  /// Must be called before the socket is closed: its number may be reused by another thread.
  void release() noexcept;

 private:
  std::atomic<bool> raised_{false};
  std::mutex mutex_;
  int guarded_ = -1;
  int wake_read_ = -1;
  int wake_write_ = -1;
};

/// Guards a socket as long as it lives; must be destroyed before the socket is closed.
class GuardedSocket {
 public:
  GuardedSocket(Interrupt& interrupt, int socket) noexcept : interrupt_(interrupt) {
    interrupt_.guard(socket);
  }
  ~GuardedSocket() { interrupt_.release(); }
  GuardedSocket(const GuardedSocket&) = delete;
  GuardedSocket& operator=(const GuardedSocket&) = delete;

 private:
  Interrupt& interrupt_;
};

}  // namespace tailrace
