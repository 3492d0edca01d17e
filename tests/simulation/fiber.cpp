#include "fiber.hpp"

#include <cxxabi.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <array>
#include <cstring>
#include <stdexcept>
#include <utility>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace tailrace::simulation {
namespace {

constexpr std::size_t kStackBytes = 1u << 20;

/// What the C++ runtime keeps a thread about exceptions that are being handled. A fiber that stands
/// still within a handler must find its own again.
class Exceptions {
 public:
  void exchange() {
    void* live = abi::__cxa_get_globals();
    std::array<std::byte, kBytes> other;
    std::memcpy(other.data(), live, kBytes);
    std::memcpy(live, kept_.data(), kBytes);
    kept_ = other;
  }

 private:
  // A pointer to the innermost exception and a count, by the Itanium C++ ABI.
  static constexpr std::size_t kBytes = sizeof(void*) + sizeof(unsigned int);
  std::array<std::byte, kBytes> kept_{};
};

/// Stacks are used again: a page table a run would cost more than the run.
class Stacks {
 public:
  ~Stacks() {
    for (void* stack : free_) ::munmap(stack, kStackBytes);
  }
  void* take() {
    if (!free_.empty()) {
      void* stack = free_.back();
      free_.pop_back();
      return stack;
    }
    void* stack = ::mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stack == MAP_FAILED) throw std::runtime_error("no memory for a stack");
    return stack;
  }
  void give(void* stack) { free_.push_back(stack); }

 private:
  std::vector<void*> free_;
};

thread_local Stacks stacks;

}  // namespace

struct Fiber::Impl {
  explicit Impl(std::function<void()> work) : body(std::move(work)), stack(stacks.take()) {
#if defined(__SANITIZE_THREAD__)
    tsan = __tsan_create_fiber(0);
#endif
  }
  ~Impl() {
#if defined(__SANITIZE_THREAD__)
    __tsan_destroy_fiber(tsan);
#endif
    stacks.give(stack);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  static void enter(unsigned int high, unsigned int low) {
    const auto address = (static_cast<std::uintptr_t>(high) << 32) | low;
    auto* fiber = reinterpret_cast<Impl*>(address);
    fiber->arrived(nullptr);
    fiber->body();
    fiber->ended = true;
    fiber->leave(true);
  }

  /// On the fiber's stack: after a switch to it.
  void arrived(void* fake_stack) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(fake_stack, &home_stack, &home_bytes);
#else
    static_cast<void>(fake_stack);
#endif
  }

  void leave(bool for_good) {
    void* fake_stack = nullptr;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(for_good ? nullptr : &fake_stack, home_stack, home_bytes);
#else
    static_cast<void>(for_good);
#endif
#if defined(__SANITIZE_THREAD__)
    __tsan_switch_to_fiber(home_tsan, 0);
#endif
    exceptions.exchange();
    ::swapcontext(&own, &home);
    arrived(fake_stack);
  }

  void go() {
    void* fake_stack = nullptr;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&fake_stack, stack, kStackBytes);
#endif
#if defined(__SANITIZE_THREAD__)
    home_tsan = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(tsan, 0);
#endif
    exceptions.exchange();
    ::swapcontext(&home, &own);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
#else
    static_cast<void>(fake_stack);
#endif
  }

  std::function<void()> body;
  void* stack;
  ucontext_t own{};
  ucontext_t home{};
  Exceptions exceptions;
  bool started = false;
  bool ended = false;
#if defined(__SANITIZE_ADDRESS__)
  const void* home_stack = nullptr;
  std::size_t home_bytes = 0;
#endif
#if defined(__SANITIZE_THREAD__)
  void* tsan = nullptr;
  void* home_tsan = nullptr;
#endif
};

Fiber::Fiber(std::function<void()> body) : impl_(std::make_unique<Impl>(std::move(body))) {}
Fiber::~Fiber() = default;

bool Fiber::ended() const { return impl_->ended; }

void Fiber::resume() {
  if (impl_->ended) throw std::logic_error("a fiber that has ended cannot go on");
  if (!impl_->started) {
    impl_->started = true;
    ::getcontext(&impl_->own);
    impl_->own.uc_stack.ss_sp = impl_->stack;
    impl_->own.uc_stack.ss_size = kStackBytes;
    impl_->own.uc_link = nullptr;
    const auto address = reinterpret_cast<std::uintptr_t>(impl_.get());
    // makecontext hands over ints only.
    ::makecontext(&impl_->own, reinterpret_cast<void (*)()>(&Impl::enter), 2,
                  static_cast<unsigned int>(address >> 32),
                  static_cast<unsigned int>(address & 0xffffffffU));
  }
  impl_->go();
}

void Fiber::suspend() { impl_->leave(false); }

}  // namespace tailrace::simulation
