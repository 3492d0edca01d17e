#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tailrace {

/// A temporary file that no name leads to, mode 0600: rows of a model are in it. It is gone when
/// the process is, however that ends. Every method throws std::system_error.
class SpillFile {
 public:
  /// Where the file system cannot make files without a name, one is made and unlinked at once.
  [[nodiscard]] static SpillFile open(const std::string& directory);
  /// The second way alone.
  [[nodiscard]] static SpillFile open_unlinked(const std::string& directory);

  SpillFile(SpillFile&& other) noexcept;
  SpillFile& operator=(SpillFile&& other) noexcept;
  SpillFile(const SpillFile&) = delete;
  SpillFile& operator=(const SpillFile&) = delete;
  ~SpillFile();

  void append(std::string_view bytes);
  /// Fills `into` from `offset` on; fewer bytes only at the file's end.
  [[nodiscard]] std::size_t read(std::uint64_t offset, std::span<char> into) const;

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] int descriptor() const { return fd_; }

 private:
  SpillFile(int fd, std::string directory) : fd_(fd), directory_(std::move(directory)) {}

  int fd_ = -1;
  std::uint64_t size_ = 0;
  std::string directory_;  // for messages
};

}  // namespace tailrace
