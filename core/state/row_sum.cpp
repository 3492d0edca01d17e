#include "state/row_sum.hpp"

#include <algorithm>

namespace tailrace {
RowSum& RowSum::add_sealed(std::string_view blob) {
  add(static_cast<std::int64_t>(blob.size()));
  return add(blob.substr(blob.size() - std::min(blob.size(), kSumBytes)));
}

std::int64_t plus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

std::int64_t minus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

}  // namespace tailrace
