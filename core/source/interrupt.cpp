#include "source/interrupt.hpp"

#include <array>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tailrace {

Interrupt::Interrupt() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
    throw std::system_error(errno, std::generic_category(), "interrupt: pipe");
  }
  wake_read_ = ends[0];
  wake_write_ = ends[1];
}

Interrupt::~Interrupt() {
  ::close(wake_read_);
  ::close(wake_write_);
}

void Interrupt::raise() noexcept {
  const std::lock_guard lock(mutex_);
  if (raised_.exchange(true, std::memory_order_acq_rel)) return;
  // The pipe is empty here, so the byte fits; a reader is woken by its being there, not by reading.
  [[maybe_unused]] const auto written = ::write(wake_write_, "", 1);
  if (guarded_ >= 0) ::shutdown(guarded_, SHUT_RDWR);
}

void Interrupt::guard(int socket) noexcept {
  const std::lock_guard lock(mutex_);
  guarded_ = socket;
  if (raised()) ::shutdown(socket, SHUT_RDWR);
}

void Interrupt::release() noexcept {
  const std::lock_guard lock(mutex_);
  guarded_ = -1;
}

}  // namespace tailrace
