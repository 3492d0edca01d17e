#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <fstream>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TAILRACE_COUNTS_HEAP 1
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();  // not every gcc has its header
#endif

namespace tailrace::testing {

#ifdef TAILRACE_COUNTS_HEAP

/// How much the heap in use grew at its peak. A sanitizer keeps what was freed for a while, so that
/// resident memory says nothing; the heap is looked at every few milliseconds instead.
class PeakMemory {
 public:
  PeakMemory()
      : before_(__sanitizer_get_current_allocated_bytes()), peak_(before_), looking_([this] {
          std::unique_lock lock(mutex_);
          while (!ended_.wait_for(lock, std::chrono::milliseconds(2), [this] { return over_; })) {
            peak_ = std::max(peak_, __sanitizer_get_current_allocated_bytes());
          }
        }) {}
  ~PeakMemory() {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    ended_.notify_one();
    looking_.join();
  }
  PeakMemory(const PeakMemory&) = delete;
  PeakMemory& operator=(const PeakMemory&) = delete;

  [[nodiscard]] std::size_t growth() const {
    const std::lock_guard lock(mutex_);
    return peak_ - before_;
  }

 private:
  std::size_t before_;
  std::size_t peak_;
  bool over_ = false;
  mutable std::mutex mutex_;
  std::condition_variable ended_;
  std::thread looking_;
};

#else

/// A line of /proc/self/status that is in kB, in bytes.
inline std::size_t memory_of_status(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with(name + ":")) continue;
    return std::stoull(line.substr(name.size() + 1)) * 1024;
  }
  throw std::runtime_error("/proc/self/status has no " + name);
}

/// How much the process's resident memory grew at its peak since this was made.
class PeakMemory {
 public:
  PeakMemory() {
    std::ofstream("/proc/self/clear_refs") << "5";  // the peak begins anew at what is resident
    before_ = memory_of_status("VmRSS");
    if (memory_of_status("VmHWM") > before_ + (4u << 20)) {
      throw std::runtime_error("the kernel did not begin the peak anew");
    }
  }
  [[nodiscard]] std::size_t growth() const {
    const std::size_t peak = memory_of_status("VmHWM");
    return peak > before_ ? peak - before_ : 0;
  }

 private:
  std::size_t before_ = 0;
};

#endif

}  // namespace tailrace::testing
