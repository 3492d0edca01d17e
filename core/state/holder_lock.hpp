#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "state/store.hpp"

namespace tailrace {

/// Tells other processes on this machine that the holder of a shard lives: one byte of a file
/// beside the store, locked for as long as the process has the file open (an open file description
/// lock, so two stores in one process see each other too). Each epoch has a byte of its own, so a
/// stale holder's lock says nothing about the newer one. Only a hint: epochs do the fencing.
///
/// A forked child holds the lock as well until it ends; then the lease counts.
class HolderLock {
 public:
  explicit HolderLock(std::string path) : path_(std::move(path)) {}
  ~HolderLock();
  HolderLock(const HolderLock&) = delete;
  HolderLock& operator=(const HolderLock&) = delete;

  /// False where the file system cannot lock.
  bool take(const Holder& holder);
  void release(const Holder& holder);
  [[nodiscard]] bool taken_here(const Holder& holder) const;
  /// True where another store has it, or where that cannot be told.
  [[nodiscard]] bool taken_elsewhere(const Holder& holder);

 private:
  bool open();
  bool set(std::int64_t byte, short type);

  std::string path_;
  int file_ = -1;
  std::set<std::int64_t> taken_;
};

}  // namespace tailrace
