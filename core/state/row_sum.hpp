#pragma once

#include <cstdint>
#include <string_view>

#include "state/packing.hpp"

namespace tailrace {

/// Checksum over the columns of a row, in the order of adding; stored beside them as an integer.
class RowSum {
 public:
  RowSum& add(std::int64_t value) {
    out_.u64(static_cast<std::uint64_t>(value));
    return *this;
  }
  RowSum& add(std::string_view value) {
    out_.text(value);
    return *this;
  }
  /// For a sealed blob, which has a checksum: stands for all of it.
  RowSum& add_sealed(std::string_view blob);
  [[nodiscard]] std::int64_t value() const { return static_cast<std::int64_t>(out_.sum()); }

 private:
  BlobWriter out_{BlobKind::sum};
};

/// Sums of rows are added up, so that a row that is gone shows; the order does not matter.
[[nodiscard]] std::int64_t plus(std::int64_t a, std::int64_t b);
[[nodiscard]] std::int64_t minus(std::int64_t a, std::int64_t b);

}  // namespace tailrace
