#include "row/sha256.hpp"

#include <openssl/evp.h>

#include <array>
#include <stdexcept>

#include "row/ascii.hpp"

namespace tailrace {

struct Sha256::Context {
  EVP_MD_CTX* md = EVP_MD_CTX_new();
  Context() {
    if (md == nullptr || EVP_DigestInit_ex(md, EVP_sha256(), nullptr) != 1) {
      EVP_MD_CTX_free(md);
      throw std::runtime_error("hash: SHA-256 is not available in OpenSSL");
    }
  }
  ~Context() { EVP_MD_CTX_free(md); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {}
Sha256::~Sha256() = default;

void Sha256::bytes(std::string_view part) {
  if (EVP_DigestUpdate(context_->md, part.data(), part.size()) != 1) {
    throw std::runtime_error("hash: SHA-256 failed");
  }
}

void Sha256::number(std::uint64_t part) {
  std::array<char, 8> little{};
  for (char& byte : little) {
    byte = static_cast<char>(part & 0xFF);
    part >>= 8;
  }
  bytes({little.data(), little.size()});
}

void Sha256::text(std::string_view part) {
  number(part.size());
  bytes(part);
}

std::string Sha256::raw() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned int size = 0;
  if (EVP_DigestFinal_ex(context_->md, out.data(), &size) != 1) {
    throw std::runtime_error("hash: SHA-256 failed");
  }
  return {out.begin(), out.begin() + size};
}

std::string Sha256::hex() { return hex_of(raw()); }

}  // namespace tailrace
