#include "state/clock.hpp"

#include <algorithm>
#include <ctime>
#include <fstream>

namespace tailrace {
namespace {

std::int64_t read_ms(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace

ClockReading read_machine_clock() {
  ClockReading reading{{}, read_ms(CLOCK_BOOTTIME), read_ms(CLOCK_REALTIME)};
  std::ifstream("/proc/sys/kernel/random/boot_id") >> reading.boot_id;
  return reading;
}

const ClockAnchor& StoreClock::adopt(const ClockAnchor& stored, std::int64_t latest_ms) {
  const ClockReading now = source_();
  const bool same_start = !now.boot_id.empty() && now.boot_id == stored.boot_id;
  anchor_ =
      same_start ? stored : ClockAnchor{now.boot_id, now.boot_ms, std::max(now.wall_ms, latest_ms)};
  return anchor_;
}

std::int64_t StoreClock::now_ms() {
  const std::int64_t now_ms = anchor_.wall_ms + (source_().boot_ms - anchor_.boot_ms);
  last_ms_ = std::max(last_ms_, now_ms);
  return last_ms_;
}

}  // namespace tailrace
