#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "run/plan_seal.hpp"

namespace tailrace {

/// The first bytes of every plan file.
inline constexpr std::string_view kPlanMagic = "TLRPLAN\n";

/// A descriptor that is closed with the object.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();

  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

/// A directory that plan files are written to. Entries are made durable by sync().
class PlanDirectory {
 public:
  /// Throws PlanError where it is none or may not be opened.
  explicit PlanDirectory(const std::string& path);

  /// Throws PlanError unless the name is free or a plan's already: nothing else is written over,
  /// and no symbolic link is followed. True where there is a plan.
  [[nodiscard]] bool may_write(const std::string& name) const;
  /// A name that is not there is well. Throws std::system_error.
  void remove(const std::string& name) const;
  void sync() const;

  [[nodiscard]] int descriptor() const { return fd_.get(); }
  [[nodiscard]] std::string path_of(const std::string& name) const {
    return path_ + (path_.ends_with('/') ? "" : "/") + name;
  }

 private:
  std::string path_;
  Descriptor fd_;
};

/// One plan file while it is written: under another name, mode 0600, sealed as it grows. Nothing is
/// left of it unless publish() is called. Throws std::system_error where the disk is full or fails.
class PlanOutput {
 public:
  PlanOutput(const PlanDirectory& directory, std::string name, const Hasher::Secret& store_secret);
  PlanOutput(PlanOutput&& other) noexcept;
  PlanOutput& operator=(PlanOutput&&) = delete;
  PlanOutput(const PlanOutput&) = delete;
  PlanOutput& operator=(const PlanOutput&) = delete;
  ~PlanOutput();

  void write(std::string_view bytes);
  /// Writes the seal behind everything and makes the bytes durable.
  [[nodiscard]] PlanSeal::Bytes close();
  /// Gives it its name. Throws PlanError where a file that is no plan took the name meanwhile.
  void publish();

  [[nodiscard]] std::string path() const { return directory_->path_of(name_); }

 private:
  void flush();
  [[noreturn]] void fail(int error, const char* what) const;

  const PlanDirectory* directory_;
  std::string name_;
  std::string temporary_;  // empty once the file has its name
  Descriptor fd_;
  PlanSeal seal_;
  std::string buffer_;
};

}  // namespace tailrace
