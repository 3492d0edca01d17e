#include "http/oauth_seal.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>

#include "row/ascii.hpp"
#include "row/hkdf.hpp"
#include "row/sha256.hpp"

namespace tailrace::http {
namespace {

constexpr std::size_t kNonce = 12;
constexpr std::size_t kTag = 16;
constexpr char kForm = '\1';

struct CipherDeleter {
  void operator()(EVP_CIPHER_CTX* cipher) const { EVP_CIPHER_CTX_free(cipher); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, CipherDeleter>;

unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
const unsigned char* bytes(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string expanded(const std::string& root, std::string_view use) {
  std::string out(32, '\0');
  hkdf_expand({bytes(root), root.size()}, use, {bytes(out), out.size()});
  return out;
}

}  // namespace

TokenSeal::TokenSeal(const OauthSettings& settings) {
  Sha256 digest;
  digest.text("tailrace login");
  digest.text(settings.origin);
  digest.text(settings.path);
  digest.text(settings.query);
  digest.text(settings.client_id);
  digest.text(settings.client_secret.reveal());
  digest.text(settings.refresh_token.reveal());
  const Secret root(digest.raw());
  login_ = hex_of(expanded(root.reveal(), "name").substr(0, 16));
  key_ = Secret(expanded(root.reveal(), "seal"));
}

std::string TokenSeal::seal(const Secret& token) const {
  const std::string& text = token.reveal();
  std::string nonce(kNonce, '\0');
  std::string closed(text.size(), '\0');
  std::string tag(kTag, '\0');
  const Cipher cipher(EVP_CIPHER_CTX_new());
  int size = 0;
  const bool done = cipher && RAND_bytes(bytes(nonce), static_cast<int>(kNonce)) == 1 &&
                    EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr,
                                       bytes(key_.reveal()), bytes(nonce)) == 1 &&
                    EVP_EncryptUpdate(cipher.get(), nullptr, &size, bytes(login_),
                                      static_cast<int>(login_.size())) == 1 &&
                    EVP_EncryptUpdate(cipher.get(), bytes(closed), &size, bytes(text),
                                      static_cast<int>(text.size())) == 1 &&
                    EVP_EncryptFinal_ex(cipher.get(), bytes(closed) + size, &size) == 1 &&
                    EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(kTag),
                                        bytes(tag)) == 1;
  if (!done) throw std::runtime_error("OpenSSL cannot seal with AES-256-GCM");
  return kForm + nonce + closed + tag;
}

std::optional<Secret> TokenSeal::open(const std::string& sealed) const {
  if (sealed.size() < 1 + kNonce + kTag || sealed.front() != kForm) return std::nullopt;
  const std::string nonce = sealed.substr(1, kNonce);
  const std::string closed = sealed.substr(1 + kNonce, sealed.size() - 1 - kNonce - kTag);
  std::string tag = sealed.substr(sealed.size() - kTag);
  std::string text(closed.size(), '\0');
  const Cipher cipher(EVP_CIPHER_CTX_new());
  int size = 0;
  const bool done = cipher &&
                    EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr,
                                       bytes(key_.reveal()), bytes(nonce)) == 1 &&
                    EVP_DecryptUpdate(cipher.get(), nullptr, &size, bytes(login_),
                                      static_cast<int>(login_.size())) == 1 &&
                    EVP_DecryptUpdate(cipher.get(), bytes(text), &size, bytes(closed),
                                      static_cast<int>(closed.size())) == 1 &&
                    EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(kTag),
                                        bytes(tag)) == 1 &&
                    EVP_DecryptFinal_ex(cipher.get(), bytes(text) + size, &size) == 1;
  Secret opened(std::move(text));
  if (!done) return std::nullopt;
  return opened;
}

}  // namespace tailrace::http
