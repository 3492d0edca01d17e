#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace tailrace {

/// SHA-256 over parts. text() and number() put lengths between them, so that ("ab", "c") and
/// ("a", "bc") differ. Throws std::runtime_error where OpenSSL refuses.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void bytes(std::string_view part);
  void text(std::string_view part);
  void number(std::uint64_t part);

  /// 32 bytes; ends the digest.
  [[nodiscard]] std::string raw();
  /// 64 lower-case hex digits; ends the digest.
  [[nodiscard]] std::string hex();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace tailrace
