#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>

#include "state/memory_store.hpp"
#include "state/sqlite_store.hpp"
#include "store_contract.hpp"

namespace tailrace::test {
namespace {

constexpr std::int64_t kStartMs = 1'790'000'000'000;

class MemoryBackend : public StoreBackend {
 public:
  std::unique_ptr<StateStore> open() override {
    return std::make_unique<MemoryStore>(disk_, [now = now_ms_] { return *now; });
  }
  void advance(std::int64_t ms) override { *now_ms_ += ms; }

 private:
  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  std::shared_ptr<std::int64_t> now_ms_ = std::make_shared<std::int64_t>(kStartMs);
};

class SqliteBackend : public StoreBackend {
 public:
  std::unique_ptr<StateStore> open() override {
    SqliteOptions options;
    options.create = true;
    options.clock = [now = now_ms_] { return ClockReading{"boot-1", *now, *now + kStartMs}; };
    return std::make_unique<SqliteStore>(directory_.path() + "/state.db", options);
  }
  void advance(std::int64_t ms) override { *now_ms_ += ms; }

 private:
  ScratchDirectory directory_;
  std::shared_ptr<std::int64_t> now_ms_ = std::make_shared<std::int64_t>(1000);
};

}  // namespace

ScratchDirectory::ScratchDirectory() {
  std::string pattern = std::filesystem::temp_directory_path() / "tailrace-state-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
  path_ = pattern;
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

BackendKind memory_backend() {
  return {"memory", [] { return std::make_unique<MemoryBackend>(); }};
}

BackendKind sqlite_backend() {
  return {"sqlite", [] { return std::make_unique<SqliteBackend>(); }};
}

}  // namespace tailrace::test
