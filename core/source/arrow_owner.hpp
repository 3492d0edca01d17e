#pragma once

#include "source/arrow_abi.hpp"

namespace tailrace {

/// Owns an ArrowSchema, ArrowArray or ArrowArrayStream: releases it exactly once. A struct whose
/// `release` is null has been released or moved away.
template <typename Struct>
class ArrowOwner {
 public:
  ArrowOwner() = default;
  /// Moves the struct in, as the specification has it: the bytes are copied, the source marked.
  explicit ArrowOwner(Struct& from) noexcept : held_(from) { from.release = nullptr; }
  ArrowOwner(const ArrowOwner&) = delete;
  ArrowOwner& operator=(const ArrowOwner&) = delete;
  ~ArrowOwner() { release(); }

  void release() noexcept {
    if (held_.release != nullptr) held_.release(&held_);
    held_.release = nullptr;
  }
  /// For a producer to write into; what was held is released first.
  [[nodiscard]] Struct* fill() noexcept {
    release();
    held_ = Struct{};
    return &held_;
  }
  [[nodiscard]] bool holds() const noexcept { return held_.release != nullptr; }
  [[nodiscard]] Struct* get() noexcept { return &held_; }
  [[nodiscard]] Struct* operator->() noexcept { return &held_; }
  [[nodiscard]] const Struct* operator->() const noexcept { return &held_; }

 private:
  Struct held_{};
};

}  // namespace tailrace
