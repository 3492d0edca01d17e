#pragma once

#include <cstdint>
#include <string>

namespace tailrace::test {

/// What SQLite does to files, counted, and made to fail. For the whole process.
struct FaultPlan {
  enum class Fault : std::uint8_t { none, io_error, disk_full, torn_write, kill };

  Fault fault = Fault::none;
  int at = 0;          // which change of a file, from 1
  bool lasts = false;  // all later ones fail too
  bool sync = true;    // false: nothing waits for the disk, for tests that are not about that

  int changes = 0;     // writes, syncs, truncations and deletions so far
  int syncs = 0;       // asked for so far
  int faults = 0;
};

/// The name to open SQLite with, registered at the first call. It follows fault_plan().
[[nodiscard]] const std::string& fault_vfs();
[[nodiscard]] FaultPlan& fault_plan();

/// Sets a plan, and takes it back at the end of the scope.
class ScopedFault {
 public:
  explicit ScopedFault(const FaultPlan& plan) { fault_plan() = plan; }
  ~ScopedFault() { fault_plan() = {}; }
  ScopedFault(const ScopedFault&) = delete;
  ScopedFault& operator=(const ScopedFault&) = delete;
};

}  // namespace tailrace::test
