#include "diff/changeset.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <optional>
#include <span>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "diff/spill_file.hpp"
#include "row/little_endian.hpp"

namespace tailrace {
namespace {

/// Before each row's texts: change, lengths of line or of key, match value and destination's id,
/// identity, version.
constexpr std::size_t kHeaderBytes = 1 + 3 * 4 + 2 * 8 + 8;

using Texts = std::array<std::string_view, 3>;

struct Header {
  Change change = Change::added;
  std::array<std::uint32_t, 3> lengths{};
  IdentityHash identity;
  Version version = 0;
};

[[noreturn]] void fail(int error, const std::string& why) {
  throw std::system_error(error, std::generic_category(), "changeset: " + why);
}

void append_row(std::string& out, const Header& header, const Texts& texts) {
  std::array<char, kHeaderBytes> bytes{};
  char* at = put_little(bytes.data(), static_cast<std::uint8_t>(header.change));
  for (const std::string_view text : texts) {
    if (text.size() > std::numeric_limits<std::uint32_t>::max()) {
      fail(EFBIG, "a row of 4 GiB or more");
    }
    at = put_little(at, static_cast<std::uint32_t>(text.size()));
  }
  put_little(put_little(put_little(at, header.identity.high), header.identity.low), header.version);
  out.append(bytes.data(), bytes.size());
  for (const std::string_view text : texts) out.append(text);
}

Header read_header(const char* at) {
  Header header;
  const auto change = get_little<std::uint8_t>(at);
  if (change > static_cast<std::uint8_t>(Change::removed)) fail(EIO, "bytes that are no row");
  header.change = static_cast<Change>(change);
  for (std::uint32_t& length : header.lengths) length = get_little<std::uint32_t>(at);
  header.identity.high = get_little<std::uint64_t>(at);
  header.identity.low = get_little<std::uint64_t>(at);
  header.version = get_little<Version>(at);
  return header;
}

}  // namespace

/// The packed rows, in a file or, where they are few, in memory: what is sealed.
struct Packed final : LineStore {
  std::optional<SpillFile> file;
  std::string text;

  std::size_t read(std::uint64_t offset, std::span<char> into) const override {
    if (file) return file->read(offset, into);
    const std::string_view rest =
        std::string_view(text).substr(std::min<std::uint64_t>(offset, text.size()));
    return rest.copy(into.data(), into.size());
  }
};

/// While writing, `buffer` holds what is not in the file yet. While reading it holds a window of
/// the file; where there is no file, it is empty and all rows are in `packed`.
struct Changeset::Impl {
  std::string directory;
  std::size_t buffer_bytes = 0;
  std::string buffer;
  std::shared_ptr<Packed> packed = std::make_shared<Packed>();
  std::size_t rows = 0;
  bool sealed = false;

  std::size_t read_rows = 0;
  std::size_t at = 0;             // next byte of the window
  std::uint64_t file_begin = 0;   // of the rows in the file
  std::uint64_t file_offset = 0;  // of the first byte behind `buffer`

  void write(const Header& header, const Texts& texts);
  void flush();
  void seal();
  void rewind();
  [[nodiscard]] std::string_view take(std::size_t bytes);
  void refill(std::size_t bytes);
  [[nodiscard]] const std::string& window() const { return packed->file ? buffer : packed->text; }
  /// Of the next byte that take() gives.
  [[nodiscard]] std::uint64_t offset() const {
    return packed->file ? file_offset - (buffer.size() - at) : at;
  }
};

void Changeset::Impl::write(const Header& header, const Texts& texts) {
  if (sealed) throw std::logic_error("changeset: a row was appended after it was sealed");
  std::size_t bytes = kHeaderBytes;
  for (const std::string_view text : texts) bytes += text.size();
  if (buffer.size() + bytes > buffer_bytes) flush();
  append_row(buffer, header, texts);
  ++rows;
}

void Changeset::Impl::flush() {
  if (buffer.empty()) return;
  if (!packed->file) packed->file = SpillFile::open(directory);
  packed->file->append(buffer);
  buffer.clear();
}

void Changeset::Impl::seal() {
  if (sealed) return;
  if (packed->file) {
    flush();
  } else {
    packed->text = std::move(buffer);
    buffer.clear();
  }
  sealed = true;
  rewind();
}

void Changeset::Impl::rewind() {
  if (!sealed) throw std::logic_error("changeset: read before it was sealed");
  read_rows = 0;
  at = 0;
  if (!packed->file) return;
  buffer.clear();
  file_offset = file_begin;
}

/// The next bytes of the rows; the view holds until the next call.
std::string_view Changeset::Impl::take(std::size_t bytes) {
  if (window().size() - at < bytes) refill(bytes);
  const std::string_view taken = std::string_view(window()).substr(at, bytes);
  at += bytes;
  return taken;
}

void Changeset::Impl::refill(std::size_t bytes) {
  const std::size_t kept = window().size() - at;
  const auto& file = packed->file;
  const std::uint64_t left = kept + (file ? file->size() - file_offset : 0);
  // Looked at before anything is allocated: the length may be nonsense.
  if (bytes > left) fail(EIO, "the rows end too early");
  const std::size_t want = std::max(bytes, buffer_bytes);
  buffer.erase(0, at);
  at = 0;
  buffer.resize(want);
  const std::size_t got = file->read(file_offset, std::span(buffer).subspan(kept));
  file_offset += got;
  buffer.resize(kept + got);
  if (buffer.size() < bytes) fail(EIO, "the spill file was cut");
}

Changeset::Changeset(std::string directory, std::size_t buffer_bytes)
    : impl_(std::make_unique<Impl>()) {
  impl_->directory = std::move(directory);
  impl_->buffer_bytes = buffer_bytes;
  // Pages that are not written cost nothing; growing by doubling would cost twice the buffer.
  impl_->buffer.reserve(buffer_bytes);
}

Changeset Changeset::sealed(std::string packed, std::size_t rows) {
  Changeset changes;
  changes.impl_->packed->text = std::move(packed);
  changes.impl_->rows = rows;
  changes.impl_->sealed = true;
  return changes;
}

Changeset Changeset::sealed(SpillFile file, std::uint64_t begin, std::size_t rows,
                            std::size_t buffer_bytes) {
  if (begin > file.size()) fail(EIO, "the rows begin behind the file's end");
  Changeset changes;
  changes.impl_->packed->file = std::move(file);
  changes.impl_->file_begin = begin;
  changes.impl_->rows = rows;
  changes.impl_->buffer_bytes = buffer_bytes;
  changes.impl_->sealed = true;
  changes.impl_->rewind();
  return changes;
}

Changeset::Changeset() : impl_(std::make_unique<Impl>()) {}
Changeset::~Changeset() = default;
Changeset::Changeset(Changeset&&) noexcept = default;
Changeset& Changeset::operator=(Changeset&&) noexcept = default;

void Changeset::append(Change change, const IdentityHash& identity, Version version,
                       std::string_view line) {
  impl_->write({change, {}, identity, version}, {line, {}, {}});
}

void Changeset::append_removed(const IdentityHash& identity, const EntryKeys& keys) {
  impl_->write({Change::removed, {}, identity, 0}, {keys.key, keys.match, keys.destination_id});
}

void Changeset::seal() { impl_->seal(); }

bool Changeset::next(ChangeRow& row) {
  if (!impl_->sealed) throw std::logic_error("changeset: read before it was sealed");
  if (impl_->read_rows == impl_->rows) return false;
  const Header header = read_header(impl_->take(kHeaderBytes).data());
  row.change = header.change;
  row.identity = header.identity;
  row.version = header.version;
  row.line.clear();
  row.place = {};
  row.keys.key.clear();
  row.keys.match.clear();
  row.keys.destination_id.clear();
  if (header.change == Change::removed) {
    row.keys.key.assign(impl_->take(header.lengths[0]));
    row.keys.match.assign(impl_->take(header.lengths[1]));
    row.keys.destination_id.assign(impl_->take(header.lengths[2]));
  } else {
    row.place = {impl_->offset(), header.lengths[0]};
    row.line.assign(impl_->take(header.lengths[0]));
    if (header.lengths[1] != 0 || header.lengths[2] != 0) fail(EIO, "bytes that are no row");
  }
  ++impl_->read_rows;
  return true;
}

void append_packed(std::string& out, Change change, const IdentityHash& identity, Version version,
                   std::string_view line, const EntryKeys& keys) {
  const bool removed = change == Change::removed;
  const Texts texts = removed ? Texts{keys.key, keys.match, keys.destination_id} : Texts{line};
  append_row(out, {change, {}, identity, version}, texts);
}

std::size_t packed_bytes(const ChangeRow& row) {
  if (row.change != Change::removed) return kHeaderBytes + row.line.size();
  const EntryKeys& keys = row.keys;
  return kHeaderBytes + keys.key.size() + keys.match.size() + keys.destination_id.size();
}

void Changeset::rewind() { impl_->rewind(); }

std::shared_ptr<const LineStore> Changeset::lines() const {
  if (!impl_->sealed) throw std::logic_error("changeset: read before it was sealed");
  return impl_->packed;
}

std::size_t Changeset::rows() const { return impl_->rows; }

std::size_t Changeset::spilled_bytes() const {
  const auto& file = impl_->packed->file;
  return file ? static_cast<std::size_t>(file->size()) : 0;
}

}  // namespace tailrace
