#include "state/holder_lock.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "state/packing.hpp"

namespace tailrace {
namespace {

// Far enough below the largest offset for a byte to follow.
constexpr std::uint64_t kOffsets = (std::uint64_t{1} << 62) - 1;

std::int64_t byte_of(const Holder& holder) {
  BlobWriter bytes(BlobKind::sum);
  bytes.u64(static_cast<std::uint64_t>(holder.sync_id));
  bytes.u32(static_cast<std::uint32_t>(holder.shard));
  bytes.u32(static_cast<std::uint32_t>(holder.of));
  bytes.u64(static_cast<std::uint64_t>(holder.epoch));
  return static_cast<std::int64_t>(bytes.sum() & kOffsets);
}

struct flock range(std::int64_t byte, short type) {
  struct flock range{};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  range.l_start = byte;
  range.l_len = 1;
  return range;
}

}  // namespace

// Closing is enough, and does not take the lock from a parent process that shares it.
HolderLock::~HolderLock() {
  if (file_ >= 0) ::close(file_);
}

bool HolderLock::open() {
  if (file_ < 0) file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  return file_ >= 0;
}

bool HolderLock::set(std::int64_t byte, short type) {
  struct flock wanted = range(byte, type);
  return ::fcntl(file_, F_OFD_SETLK, &wanted) == 0;
}

bool HolderLock::take(const Holder& holder) {
  const std::int64_t byte = byte_of(holder);
  if (!open() || !set(byte, F_WRLCK)) return false;
  taken_.insert(byte);
  return true;
}

void HolderLock::release(const Holder& holder) {
  const std::int64_t byte = byte_of(holder);
  if (taken_.erase(byte) > 0) set(byte, F_UNLCK);
}

bool HolderLock::taken_here(const Holder& holder) const { return taken_.contains(byte_of(holder)); }

bool HolderLock::taken_elsewhere(const Holder& holder) {
  struct flock asked = range(byte_of(holder), F_WRLCK);
  if (!open() || ::fcntl(file_, F_OFD_GETLK, &asked) != 0) return true;
  return asked.l_type != F_UNLCK;
}

}  // namespace tailrace
