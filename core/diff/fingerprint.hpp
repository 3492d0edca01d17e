#pragma once

#include <cstdint>
#include <string>

#include "row/hash.hpp"

namespace tailrace {

/// What is done to a record, as a plan's fingerprint tells operations apart. The numbers are
/// hashed: they may not change.
enum class PlannedOp : std::uint8_t { add = 1, change = 2, delete_ = 3, archive = 4, clear = 5 };

/// Sum over (operation, identity, version) of a plan's rows, 128 bits: equal plans have equal
/// fingerprints, in whatever order their rows were found.
class Fingerprint {
 public:
  void add(PlannedOp op, const IdentityHash& identity, Version version);

  /// 32 lower-case hex digits; all zeros for no rows.
  [[nodiscard]] std::string text() const;

 private:
  std::uint64_t high_ = 0;
  std::uint64_t low_ = 0;
};

}  // namespace tailrace
