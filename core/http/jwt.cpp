#include "http/jwt.hpp"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <stdexcept>
#include <system_error>

#include "http/base64.hpp"

namespace tailrace::http {
namespace {

// NIST SP 800-131A: shorter keys sign nothing any more.
constexpr int kFewestBits = 2048;
constexpr std::size_t kLargestFile = 64 << 10;

struct BioDeleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct KeyDeleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct DigestDeleter {
  void operator()(EVP_MD_CTX* digest) const { EVP_MD_CTX_free(digest); }
};

/// OpenSSL's own would ask on the terminal.
int no_password(char*, int, int, void*) { return -1; }

std::string with_lines(const std::string& text) {
  if (text.find('\n') != std::string::npos) return text;
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool line_end = text.compare(at, 2, "\\n") == 0;
    out += line_end ? '\n' : text[at];
    if (line_end) ++at;
  }
  return out;
}

class File {
 public:
  explicit File(const std::string& path) : number_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~File() {
    if (number_ >= 0) ::close(number_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

}  // namespace

struct JwtKey::Key {
  std::unique_ptr<EVP_PKEY, KeyDeleter> rsa;
};

JwtKey::JwtKey(const Secret& pem) : key_(std::make_unique<Key>()) {
  const Secret text(with_lines(pem.reveal()));
  const std::unique_ptr<BIO, BioDeleter> bio(
      BIO_new_mem_buf(text.reveal().data(), static_cast<int>(text.reveal().size())));
  key_->rsa.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_password, nullptr));
  ERR_clear_error();
  if (!key_->rsa) {
    const bool locked = text.reveal().find("ENCRYPTED") != std::string::npos;
    throw std::invalid_argument(
        locked ? "auth: the private key is encrypted; write it without a passphrase "
                 "(openssl pkey -in FILE -out NEW)"
               : "auth: the private key is no PEM text with a private key in it");
  }
  if (EVP_PKEY_get_base_id(key_->rsa.get()) != EVP_PKEY_RSA) {
    throw std::invalid_argument("auth: the private key is no RSA key, which RS256 takes");
  }
  if (EVP_PKEY_get_bits(key_->rsa.get()) < kFewestBits) {
    throw std::invalid_argument("auth: the private key has fewer than 2048 bits");
  }
}

JwtKey::~JwtKey() = default;
JwtKey::JwtKey(JwtKey&&) noexcept = default;
JwtKey& JwtKey::operator=(JwtKey&&) noexcept = default;

std::string JwtKey::sign(const std::string& header, const std::string& claims) const {
  const std::string text = base64url(header) + '.' + base64url(claims);
  const std::unique_ptr<EVP_MD_CTX, DigestDeleter> digest(EVP_MD_CTX_new());
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t size = 0;
  const bool ready =
      digest &&
      EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key_->rsa.get()) == 1 &&
      EVP_DigestSign(digest.get(), nullptr, &size, bytes, text.size()) == 1;
  std::string signature(size, '\0');
  if (!ready || EVP_DigestSign(digest.get(), reinterpret_cast<unsigned char*>(signature.data()),
                               &size, bytes, text.size()) != 1) {
    ERR_clear_error();
    throw std::runtime_error("OpenSSL cannot sign with RS256");
  }
  signature.resize(size);
  return text + '.' + base64url(signature);
}

Secret read_key_file(const std::string& path) {
  const auto fail = [&path](const std::string& why) {
    throw std::invalid_argument("auth: key_file " + path + ": " + why);
  };
  const File file(path);
  struct stat facts{};
  if (file.number() < 0 || ::fstat(file.number(), &facts) != 0) {
    fail(std::generic_category().message(errno));
  }
  if (!S_ISREG(facts.st_mode)) fail("is no file");
  if ((facts.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)) != 0) {
    fail("others may read or change it; chmod 600 it");
  }
  std::string text(kLargestFile, '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t got = ::read(file.number(), text.data() + filled, text.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(std::generic_category().message(errno));
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  if (filled == text.size()) fail("is too large for a key");
  text.resize(filled);
  return Secret(std::move(text));
}

}  // namespace tailrace::http
