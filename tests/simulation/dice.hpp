#pragma once

#include <cstdint>
#include <string_view>

namespace tailrace::simulation {

/// A good mixer of 64 bits (the finaliser of SplitMix64).
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// A pseudo-random function: what it says depends on what it was fed and on nothing else.
class Prf {
 public:
  explicit constexpr Prf(std::uint64_t seed) : state_(mix(seed)) {}

  constexpr Prf& with(std::uint64_t value) {
    state_ = mix(state_ ^ mix(value + 1));
    return *this;
  }
  constexpr Prf& with(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325ULL;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    return with(hash);
  }
  [[nodiscard]] constexpr std::uint64_t value() const { return state_; }
  /// In [0, 1).
  [[nodiscard]] constexpr double share() const {
    return static_cast<double>(state_ >> 11) * 0x1.0p-53;
  }

 private:
  std::uint64_t state_;
};

/// Draws one after the other from a seed.
class Dice {
 public:
  explicit constexpr Dice(std::uint64_t seed) : state_(mix(seed)) {}

  constexpr std::uint64_t next() { return mix(state_ += 0x9e3779b97f4a7c15ULL); }
  /// In [0, n).
  constexpr std::uint64_t below(std::uint64_t n) { return n == 0 ? 0 : next() % n; }
  /// Both ends included.
  constexpr std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low) + 1));
  }
  constexpr bool chance(double share) {
    return static_cast<double>(next() >> 11) * 0x1.0p-53 < share;
  }
  template <typename List>
  constexpr const auto& of(const List& list) {
    return list[below(list.size())];
  }

 private:
  std::uint64_t state_;
};

}  // namespace tailrace::simulation
