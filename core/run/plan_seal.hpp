#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "row/hash.hpp"

struct evp_mac_ctx_st;

namespace tailrace {

/// HMAC-SHA-256 over a plan file's bytes, under a key that HKDF makes of the store's secret for
/// this use alone. Whoever cannot read the store can neither make a plan nor alter one.
class PlanSeal {
 public:
  static constexpr std::size_t kBytes = 32;
  using Bytes = std::array<std::uint8_t, kBytes>;

  /// Throws std::runtime_error where OpenSSL has no HMAC-SHA-256.
  explicit PlanSeal(const Hasher::Secret& store_secret);

  void add(std::string_view bytes);
  /// Of all that was added. Nothing may be added afterwards.
  [[nodiscard]] Bytes finish();

 private:
  struct Free {
    void operator()(evp_mac_ctx_st* context) const;
  };
  std::unique_ptr<evp_mac_ctx_st, Free> context_;
};

/// In a time that does not tell where they differ.
[[nodiscard]] bool same_seal(const PlanSeal::Bytes& a, const PlanSeal::Bytes& b);

}  // namespace tailrace
