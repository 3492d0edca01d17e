#include "fault_vfs.hpp"

#include <signal.h>
#include <sqlite3.h>

#include <new>

namespace tailrace::test {
namespace {

struct ShimFile {
  sqlite3_file base;
  sqlite3_file* real;  // behind this struct, in the same allocation
};

sqlite3_vfs* usual() { return sqlite3_vfs_find(nullptr); }
sqlite3_file* real(sqlite3_file* file) { return reinterpret_cast<ShimFile*>(file)->real; }

/// Counts a change; the code it is to fail with, or SQLITE_OK.
int change(int io_error) {
  FaultPlan& plan = fault_plan();
  ++plan.changes;
  const bool now = plan.lasts ? plan.changes >= plan.at : plan.changes == plan.at;
  if (plan.fault == FaultPlan::Fault::none || !now) return SQLITE_OK;
  ++plan.faults;
  if (plan.fault == FaultPlan::Fault::kill) ::raise(SIGKILL);
  return plan.fault == FaultPlan::Fault::disk_full ? SQLITE_FULL : io_error;
}

int close(sqlite3_file* f) {
  const int code = real(f)->pMethods->xClose(real(f));
  f->pMethods = nullptr;
  return code;
}
int read(sqlite3_file* f, void* to, int bytes, sqlite3_int64 at) {
  return real(f)->pMethods->xRead(real(f), to, bytes, at);
}
int write(sqlite3_file* f, const void* from, int bytes, sqlite3_int64 at) {
  const int code = change(SQLITE_IOERR_WRITE);
  if (code != SQLITE_OK && fault_plan().fault == FaultPlan::Fault::torn_write && bytes > 1) {
    real(f)->pMethods->xWrite(real(f), from, bytes / 2, at);
  }
  return code != SQLITE_OK ? code : real(f)->pMethods->xWrite(real(f), from, bytes, at);
}
int truncate(sqlite3_file* f, sqlite3_int64 size) {
  const int code = change(SQLITE_IOERR_TRUNCATE);
  return code != SQLITE_OK ? code : real(f)->pMethods->xTruncate(real(f), size);
}
int sync(sqlite3_file* f, int flags) {
  ++fault_plan().syncs;
  const int code = change(SQLITE_IOERR_FSYNC);
  if (code != SQLITE_OK || !fault_plan().sync) return code;
  return real(f)->pMethods->xSync(real(f), flags);
}
int file_size(sqlite3_file* f, sqlite3_int64* size) {
  return real(f)->pMethods->xFileSize(real(f), size);
}
int lock(sqlite3_file* f, int kind) { return real(f)->pMethods->xLock(real(f), kind); }
int unlock(sqlite3_file* f, int kind) { return real(f)->pMethods->xUnlock(real(f), kind); }
int check_lock(sqlite3_file* f, int* out) {
  return real(f)->pMethods->xCheckReservedLock(real(f), out);
}
int control(sqlite3_file* f, int op, void* arg) {
  return real(f)->pMethods->xFileControl(real(f), op, arg);
}
int sector(sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); }
int traits(sqlite3_file* f) { return real(f)->pMethods->xDeviceCharacteristics(real(f)); }
int shm_map(sqlite3_file* f, int page, int bytes, int extend, void volatile** out) {
  return real(f)->pMethods->xShmMap(real(f), page, bytes, extend, out);
}
int shm_lock(sqlite3_file* f, int offset, int count, int flags) {
  return real(f)->pMethods->xShmLock(real(f), offset, count, flags);
}
void shm_barrier(sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); }
int shm_unmap(sqlite3_file* f, int remove) { return real(f)->pMethods->xShmUnmap(real(f), remove); }

const sqlite3_io_methods kMethods{
    2,       close,  read,   write,   truncate, sync,        file_size, lock,    unlock, check_lock,
    control, sector, traits, shm_map, shm_lock, shm_barrier, shm_unmap, nullptr, nullptr};

int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  auto* shim = new (file) ShimFile{{nullptr}, nullptr};
  shim->real = reinterpret_cast<sqlite3_file*>(shim + 1);
  const int code = usual()->xOpen(usual(), name, shim->real, flags, out_flags);
  if (shim->real->pMethods != nullptr) file->pMethods = &kMethods;
  return code;
}

int remove(sqlite3_vfs*, const char* name, int sync_directory) {
  const int code = change(SQLITE_IOERR_DELETE);
  return code != SQLITE_OK ? code : usual()->xDelete(usual(), name, sync_directory);
}

}  // namespace

FaultPlan& fault_plan() {
  static FaultPlan plan;
  return plan;
}

const std::string& fault_vfs() {
  static const std::string name = [] {
    static sqlite3_vfs vfs = *usual();
    vfs.szOsFile += static_cast<int>(sizeof(ShimFile));
    vfs.pNext = nullptr;
    vfs.zName = "tailrace-faults";
    vfs.xOpen = open;
    vfs.xDelete = remove;
    sqlite3_vfs_register(&vfs, 0);
    return std::string(vfs.zName);
  }();
  return name;
}

}  // namespace tailrace::test
