#include "diff/spill_file.hpp"

#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace tailrace {
namespace {

[[noreturn]] void fail(int error, const std::string& what, const std::string& directory) {
  throw std::system_error(error, std::generic_category(),
                          "changeset: cannot " + what + " the spill file in " + directory);
}

/// What open() answers where the file system or the kernel knows no O_TMPFILE.
[[nodiscard]] bool means_unsupported(int error) {
  return error == EOPNOTSUPP || error == EISDIR || error == EINVAL;
}

}  // namespace

SpillFile SpillFile::open(const std::string& directory) {
#ifdef O_TMPFILE
  // O_EXCL: no link can be made to it later either.
  const int fd = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
  if (fd >= 0) return {fd, directory};
  if (!means_unsupported(errno)) fail(errno, "make", directory);
#endif
  return open_unlinked(directory);
}

SpillFile SpillFile::open_unlinked(const std::string& directory) {
  std::string path = directory + "/tailrace-changeset-XXXXXX";
  const int fd = ::mkostemp(path.data(), O_CLOEXEC);
  if (fd < 0) fail(errno, "make", directory);
  SpillFile file(fd, directory);
  if (::unlink(path.c_str()) != 0) fail(errno, "unlink", directory);
  return file;
}

SpillFile::SpillFile(SpillFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      size_(std::exchange(other.size_, 0)),
      directory_(std::move(other.directory_)) {}

SpillFile& SpillFile::operator=(SpillFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(size_, other.size_);
  std::swap(directory_, other.directory_);
  return *this;
}

SpillFile::~SpillFile() {
  if (fd_ >= 0) ::close(fd_);
}

void SpillFile::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail(n < 0 ? errno : EIO, "write", directory_);
    size_ += static_cast<std::uint64_t>(n);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::size_t SpillFile::read(std::uint64_t offset, std::span<char> into) const {
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t n =
        ::pread(fd_, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(errno, "read", directory_);
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

}  // namespace tailrace
