#include "run/plan_seal.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <stdexcept>
#include <string>

#include "row/hkdf.hpp"

namespace tailrace {
namespace {

constexpr std::string_view kLabel = "tailrace/1 plan file";

void need(bool done) {
  if (!done) throw std::runtime_error("plan: HMAC-SHA-256 is not available in OpenSSL");
}

}  // namespace

void PlanSeal::Free::operator()(evp_mac_ctx_st* context) const { EVP_MAC_CTX_free(context); }

PlanSeal::PlanSeal(const Hasher::Secret& store_secret) {
  PlanSeal::Bytes key{};
  hkdf_expand(store_secret, kLabel, key);
  const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac(
      EVP_MAC_fetch(nullptr, "HMAC", nullptr), &EVP_MAC_free);
  need(mac != nullptr);
  context_.reset(EVP_MAC_CTX_new(mac.get()));
  need(context_ != nullptr);
  std::string digest = "SHA256";
  const std::array<OSSL_PARAM, 2> parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_end()};
  need(EVP_MAC_init(context_.get(), key.data(), key.size(), parameters.data()) == 1);
  OPENSSL_cleanse(key.data(), key.size());
}

void PlanSeal::add(std::string_view bytes) {
  need(EVP_MAC_update(context_.get(), reinterpret_cast<const unsigned char*>(bytes.data()),
                      bytes.size()) == 1);
}

PlanSeal::Bytes PlanSeal::finish() {
  Bytes seal{};
  std::size_t written = 0;
  need(EVP_MAC_final(context_.get(), seal.data(), &written, seal.size()) == 1);
  need(written == seal.size());
  return seal;
}

bool same_seal(const PlanSeal::Bytes& a, const PlanSeal::Bytes& b) {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace tailrace
