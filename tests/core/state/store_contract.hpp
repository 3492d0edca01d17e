#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "state/store.hpp"

namespace tailrace::test {

/// One kind of store with a clock that the test moves. Stores opened from one backend share what
/// they keep, as two processes would.
class StoreBackend {
 public:
  virtual ~StoreBackend() = default;
  virtual std::unique_ptr<StateStore> open() = 0;
  virtual void advance(std::int64_t ms) = 0;
};

struct BackendKind {
  std::string name;
  std::function<std::unique_ptr<StoreBackend>()> make;
};

inline void PrintTo(const BackendKind& kind, std::ostream* out) { *out << kind.name; }

[[nodiscard]] BackendKind memory_backend();
[[nodiscard]] BackendKind sqlite_backend();
[[nodiscard]] BackendKind postgres_backend();

/// A directory of the test's own; gone with the object.
class ScratchDirectory {
 public:
  ScratchDirectory();
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// What every store must do. Another kind of store joins with one INSTANTIATE_TEST_SUITE_P.
class StoreContract : public ::testing::TestWithParam<BackendKind> {
 protected:
  std::unique_ptr<StoreBackend> backend_ = GetParam().make();
};

}  // namespace tailrace::test
