#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tailrace {

/// A run of rows in one buffer: what travels from the reader thread to the diff.
class Chunk {
 public:
  static constexpr std::size_t kTargetBytes = 256 * 1024;

  void append(std::string_view line) {
    bytes_.append(line);
    ends_.push_back(bytes_.size());
  }
  /// For writers that build the line in place: append to bytes(), then end_line().
  [[nodiscard]] std::string& bytes() { return bytes_; }
  void end_line() { ends_.push_back(bytes_.size()); }

  [[nodiscard]] std::size_t rows() const { return ends_.size(); }
  [[nodiscard]] bool full() const { return bytes_.size() >= kTargetBytes; }
  [[nodiscard]] std::string_view line(std::size_t i) const {
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(bytes_).substr(begin, ends_[i] - begin);
  }
  void clear() {
    bytes_.clear();
    ends_.clear();
  }

 private:
  std::string bytes_;
  std::vector<std::size_t> ends_;
};

}  // namespace tailrace
