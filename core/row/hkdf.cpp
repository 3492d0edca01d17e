#include "row/hkdf.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>

namespace tailrace {

void hkdf_expand(std::span<const std::uint8_t> key, std::string_view info,
                 std::span<std::uint8_t> out) {
  std::string previous;
  std::uint8_t counter = 1;
  for (std::size_t done = 0; done < out.size(); ++counter) {
    std::string message = previous;
    message.append(info);
    message.push_back(static_cast<char>(counter));
    std::array<unsigned char, EVP_MAX_MD_SIZE> block{};
    unsigned int size = 0;
    if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(message.data()), message.size(), block.data(),
             &size) == nullptr) {
      throw std::runtime_error("hash: HMAC-SHA-256 is not available in OpenSSL");
    }
    previous.assign(reinterpret_cast<const char*>(block.data()), size);
    const std::size_t n = std::min<std::size_t>(size, out.size() - done);
    std::copy_n(block.begin(), n, out.begin() + static_cast<std::ptrdiff_t>(done));
    done += n;
  }
}

}  // namespace tailrace
