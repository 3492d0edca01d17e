#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace tailrace {

inline constexpr std::int64_t kDayMs = 86'400'000;

/// The machine's clocks at one moment.
struct ClockReading {
  std::string boot_id;        // changes with each start of the machine; empty where none is told
  std::int64_t boot_ms = 0;   // since the start, sleep included
  std::int64_t wall_ms = 0;   // since 1970
};
using ClockSource = std::function<ClockReading()>;

/// CLOCK_BOOTTIME, the kernel's boot id and the wall clock.
[[nodiscard]] ClockReading read_machine_clock();

/// What ties the time since the machine's start to the calendar; kept in the store, so that all
/// processes on the machine agree.
struct ClockAnchor {
  std::string boot_id;
  std::int64_t boot_ms = 0;
  std::int64_t wall_ms = 0;

  bool operator==(const ClockAnchor&) const = default;
};

/// The clock of a store in a file. A jump of the wall clock does not move it; only across a restart
/// of the machine it is read again, and then is never earlier than the latest time recorded.
class StoreClock {
 public:
  explicit StoreClock(ClockSource source) : source_(std::move(source)) {}

  /// Takes over the store's anchor; where it is of another start of the machine, sets a new one,
  /// which the caller has to write down. `latest_ms`: latest time recorded in the store.
  const ClockAnchor& adopt(const ClockAnchor& stored, std::int64_t latest_ms);

  [[nodiscard]] std::int64_t now_ms();
  [[nodiscard]] const std::string& boot_id() const { return anchor_.boot_id; }

 private:
  ClockSource source_;
  ClockAnchor anchor_;
  std::int64_t last_ms_ = 0;
};

}  // namespace tailrace
