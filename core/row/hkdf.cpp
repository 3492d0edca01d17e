#include "row/hkdf.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>
#include <string>

namespace tailrace {
namespace {

using MacContext = std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)>;

[[noreturn]] void fail() {
  throw std::runtime_error("hash: HMAC-SHA-256 is not available in OpenSSL");
}

/// With the key in it. Looking the algorithm up costs more than a block of it.
MacContext keyed_mac(std::span<const std::uint8_t> key) {
  static EVP_MAC* const algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  MacContext mac(algorithm == nullptr ? nullptr : EVP_MAC_CTX_new(algorithm), EVP_MAC_CTX_free);
  std::string digest = "SHA256";
  const std::array<OSSL_PARAM, 2> settings{
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_end()};
  const bool keyed = mac && EVP_MAC_init(mac.get(), key.data(), key.size(), settings.data()) == 1;
  if (!keyed) fail();
  return mac;
}

}  // namespace

void hkdf_expand(std::span<const std::uint8_t> key, std::string_view info,
                 std::span<std::uint8_t> out) {
  const MacContext mac = keyed_mac(key);
  std::array<unsigned char, EVP_MAX_MD_SIZE> block{};
  std::size_t size = 0;
  std::uint8_t counter = 1;
  for (std::size_t done = 0; done < out.size(); ++counter) {
    const auto* text = reinterpret_cast<const unsigned char*>(info.data());
    const bool made = EVP_MAC_init(mac.get(), nullptr, 0, nullptr) == 1 &&
                      EVP_MAC_update(mac.get(), block.data(), size) == 1 &&
                      EVP_MAC_update(mac.get(), text, info.size()) == 1 &&
                      EVP_MAC_update(mac.get(), &counter, 1) == 1 &&
                      EVP_MAC_final(mac.get(), block.data(), &size, block.size()) == 1;
    if (!made) fail();
    const std::size_t n = std::min(size, out.size() - done);
    std::copy_n(block.begin(), n, out.begin() + static_cast<std::ptrdiff_t>(done));
    done += n;
  }
}

}  // namespace tailrace
