#include "diff/changeset.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "diff/spill_file.hpp"

namespace tailrace {
namespace {

/// Before each row's texts. In memory and in the spill file alike; neither outlives the process.
struct Header {
  IdentityHash identity;
  Version version = 0;
  std::array<std::uint32_t, 3> lengths{};  // line; or key, match, destination id
  Change change = Change::added;
};

using Texts = std::array<std::string_view, 3>;

}  // namespace

/// While writing, `buffer` holds what is not in the file yet. While reading it holds a window of
/// the file, or all rows where there is no file.
struct Changeset::Impl {
  std::string directory;
  std::size_t buffer_bytes = 0;
  std::string buffer;
  std::optional<SpillFile> file;
  std::size_t rows = 0;
  bool sealed = false;

  std::size_t read_rows = 0;
  std::size_t at = 0;             // next byte of `buffer`
  std::uint64_t file_offset = 0;  // of the first byte behind `buffer`

  void write(Change change, const IdentityHash& identity, Version version, const Texts& texts);
  void flush();
  void seal();
  void rewind();
  [[nodiscard]] std::string_view take(std::size_t bytes);
  void refill(std::size_t bytes);
};

void Changeset::Impl::write(Change change, const IdentityHash& identity, Version version,
                            const Texts& texts) {
  if (sealed) throw std::logic_error("changeset: a row was appended after it was sealed");
  Header header{identity, version, {}, change};
  std::size_t bytes = sizeof header;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].size() > std::numeric_limits<std::uint32_t>::max()) {
      throw std::system_error(EFBIG, std::generic_category(), "changeset: a row of 4 GiB or more");
    }
    header.lengths[i] = static_cast<std::uint32_t>(texts[i].size());
    bytes += texts[i].size();
  }
  if (buffer.size() + bytes > buffer_bytes) flush();
  buffer.append(reinterpret_cast<const char*>(&header), sizeof header);
  for (const std::string_view text : texts) buffer.append(text);
  ++rows;
}

void Changeset::Impl::flush() {
  if (buffer.empty()) return;
  if (!file) file = SpillFile::open(directory);
  file->append(buffer);
  buffer.clear();
}

void Changeset::Impl::seal() {
  if (sealed) return;
  if (file) flush();
  sealed = true;
  rewind();
}

void Changeset::Impl::rewind() {
  if (!sealed) throw std::logic_error("changeset: read before it was sealed");
  read_rows = 0;
  at = 0;
  if (!file) return;
  buffer.clear();
  file_offset = 0;
}

/// The next bytes of the rows; the view holds until the next call.
std::string_view Changeset::Impl::take(std::size_t bytes) {
  if (buffer.size() - at < bytes) refill(bytes);
  const std::string_view taken = std::string_view(buffer).substr(at, bytes);
  at += bytes;
  return taken;
}

void Changeset::Impl::refill(std::size_t bytes) {
  const std::size_t kept = buffer.size() - at;
  const std::size_t want = std::max(bytes, buffer_bytes);
  buffer.erase(0, at);
  at = 0;
  buffer.resize(want);
  const std::size_t got =
      file ? file->read(file_offset, std::span(buffer).subspan(kept)) : std::size_t{0};
  file_offset += got;
  buffer.resize(kept + got);
  if (buffer.size() < bytes) {
    throw std::system_error(EIO, std::generic_category(), "changeset: the spill file was cut");
  }
}

Changeset::Changeset(std::string directory, std::size_t buffer_bytes)
    : impl_(std::make_unique<Impl>()) {
  impl_->directory = std::move(directory);
  impl_->buffer_bytes = buffer_bytes;
  // Pages that are not written cost nothing; growing by doubling would cost twice the buffer.
  impl_->buffer.reserve(buffer_bytes);
}

Changeset::~Changeset() = default;
Changeset::Changeset(Changeset&&) noexcept = default;
Changeset& Changeset::operator=(Changeset&&) noexcept = default;

void Changeset::append(Change change, const IdentityHash& identity, Version version,
                       std::string_view line) {
  impl_->write(change, identity, version, {line, {}, {}});
}

void Changeset::append_removed(const IdentityHash& identity, const EntryKeys& keys) {
  impl_->write(Change::removed, identity, 0, {keys.key, keys.match, keys.destination_id});
}

void Changeset::seal() { impl_->seal(); }

bool Changeset::next(ChangeRow& row) {
  if (!impl_->sealed) throw std::logic_error("changeset: read before it was sealed");
  if (impl_->read_rows == impl_->rows) return false;
  Header header;
  std::memcpy(&header, impl_->take(sizeof header).data(), sizeof header);
  row.change = header.change;
  row.identity = header.identity;
  row.version = header.version;
  row.line.clear();
  row.keys.key.clear();
  row.keys.match.clear();
  row.keys.destination_id.clear();
  if (header.change == Change::removed) {
    row.keys.key.assign(impl_->take(header.lengths[0]));
    row.keys.match.assign(impl_->take(header.lengths[1]));
    row.keys.destination_id.assign(impl_->take(header.lengths[2]));
  } else {
    row.line.assign(impl_->take(header.lengths[0]));
  }
  ++impl_->read_rows;
  return true;
}

void Changeset::rewind() { impl_->rewind(); }

std::size_t Changeset::rows() const { return impl_->rows; }

std::size_t Changeset::spilled_bytes() const {
  return impl_->file ? static_cast<std::size_t>(impl_->file->size()) : 0;
}

}  // namespace tailrace
