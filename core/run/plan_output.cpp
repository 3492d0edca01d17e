#include "run/plan_output.hpp"

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include "row/ascii.hpp"
#include "run/plan_errors.hpp"

namespace tailrace {
namespace {

constexpr std::size_t kBufferBytes = 64u << 10;  // of each of many parts that are written at once

std::string text_of(int error) { return std::generic_category().message(error); }

/// Ends in a name that no other writer has chosen.
std::string temporary_name(const std::string& name) {
  std::array<unsigned char, 8> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) {
    throw std::runtime_error("plan: OpenSSL has no random numbers");
  }
  return "." + name + "." + hex_of(random);
}

/// The device is full or broken: trying again may help. Anything else is about what was asked for.
bool is_about_the_device(int error) {
  return error == ENOSPC || error == EDQUOT || error == EFBIG || error == EIO || error == EMFILE ||
         error == ENFILE || error == ENOMEM || error == ESTALE;
}

}  // namespace

Descriptor::Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

PlanDirectory::PlanDirectory(const std::string& path)
    : path_(path), fd_(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (fd_.get() < 0) {
    throw PlanError("plan: cannot write to the directory " + path + ": " + text_of(errno));
  }
}

bool PlanDirectory::may_write(const std::string& name) const {
  const Descriptor file(
      ::openat(fd_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file.get() < 0 && errno == ENOENT) return false;
  const auto refuse = [&](const std::string& why) {
    throw PlanError("plan: " + path_of(name) + " " + why + ": choose another name");
  };
  if (file.get() < 0 && errno == ELOOP) refuse("is a symbolic link, which is not followed");
  if (file.get() < 0) refuse("cannot be looked at (" + text_of(errno) + ")");
  struct stat facts{};
  std::array<char, kPlanMagic.size()> magic{};
  const bool regular = ::fstat(file.get(), &facts) == 0 && S_ISREG(facts.st_mode);
  const bool is_plan =
      regular &&
      ::pread(file.get(), magic.data(), magic.size(), 0) == static_cast<ssize_t>(magic.size()) &&
      std::string_view(magic.data(), magic.size()) == kPlanMagic;
  if (!is_plan) refuse("is there already and is no plan");
  return true;
}

void PlanDirectory::remove(const std::string& name) const {
  if (::unlinkat(fd_.get(), name.c_str(), 0) == 0 || errno == ENOENT) return;
  throw std::system_error(errno, std::generic_category(), "plan: cannot remove " + path_of(name));
}

void PlanDirectory::sync() const {
  // EINVAL: the file system keeps its entries without being asked.
  if (::fsync(fd_.get()) == 0 || errno == EINVAL) return;
  throw std::system_error(errno, std::generic_category(), "plan: cannot sync " + path_);
}

PlanOutput::PlanOutput(const PlanDirectory& directory, std::string name,
                       const Hasher::Secret& store_secret)
    : directory_(&directory),
      name_(std::move(name)),
      temporary_(temporary_name(name_)),
      fd_(::openat(directory.descriptor(), temporary_.c_str(),
                   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)),
      seal_(store_secret) {
  if (fd_.get() < 0) {
    temporary_.clear();
    fail(errno, "make");
  }
  // The umask may have taken the owner's own rights away.
  if (::fchmod(fd_.get(), 0600) != 0) {
    const int error = errno;
    ::unlinkat(directory.descriptor(), temporary_.c_str(), 0);
    fail(error, "make");
  }
}

PlanOutput::PlanOutput(PlanOutput&& other) noexcept
    : directory_(other.directory_),
      name_(std::move(other.name_)),
      temporary_(std::exchange(other.temporary_, {})),
      fd_(std::move(other.fd_)),
      seal_(std::move(other.seal_)),
      buffer_(std::move(other.buffer_)) {}

PlanOutput::~PlanOutput() {
  if (!temporary_.empty()) ::unlinkat(directory_->descriptor(), temporary_.c_str(), 0);
}

void PlanOutput::fail(int error, const char* what) const {
  const std::string message = std::string("plan: cannot ") + what + " " + path();
  if (is_about_the_device(error)) {
    throw std::system_error(error, std::generic_category(), message);
  }
  throw PlanError(message + ": " + text_of(error));
}

void PlanOutput::write(std::string_view bytes) {
  seal_.add(bytes);
  buffer_.append(bytes);
  if (buffer_.size() >= kBufferBytes) flush();
}

void PlanOutput::flush() {
  std::string_view left = buffer_;
  while (!left.empty()) {
    const ssize_t n = ::write(fd_.get(), left.data(), left.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail(n < 0 ? errno : EIO, "write");
    left.remove_prefix(static_cast<std::size_t>(n));
  }
  buffer_.clear();
}

PlanSeal::Bytes PlanOutput::close() {
  const PlanSeal::Bytes seal = seal_.finish();
  buffer_.append(reinterpret_cast<const char*>(seal.data()), seal.size());
  flush();
  if (::fsync(fd_.get()) != 0) fail(errno, "sync");
  fd_ = Descriptor();
  return seal;
}

void PlanOutput::publish() {
  const int at = directory_->descriptor();
  if (!directory_->may_write(name_)) {
    // A link, unlike a rename, never takes a name away from a file that came to be meanwhile.
    if (::linkat(at, temporary_.c_str(), at, name_.c_str(), 0) == 0) {
      ::unlinkat(at, std::exchange(temporary_, {}).c_str(), 0);
      return;
    }
    // Not every file system has links.
    if (errno == EEXIST) static_cast<void>(directory_->may_write(name_));
  }
  if (::renameat(at, temporary_.c_str(), at, name_.c_str()) != 0) fail(errno, "name");
  temporary_.clear();
}

}  // namespace tailrace
