#include "run/plan_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "diff/spill_file.hpp"
#include "row/little_endian.hpp"
#include "run/plan_errors.hpp"
#include "run/plan_parts.hpp"
#include "state/packing.hpp"

namespace tailrace {
namespace {

constexpr std::size_t kStoreIdBytes = 64;
constexpr std::size_t kPreambleBytes = kPlanMagic.size() + 4 + 4 + 5 * 8 + kStoreIdBytes + 8;
constexpr std::size_t kIdentityBytes = 16;
constexpr std::size_t kCopyBytes = 1u << 20;
// A header holds a line a column and samples: far less than this.
constexpr std::size_t kMostHeaderBytes = 64u << 20;

using PreambleBytes = std::array<char, kPreambleBytes>;

/// What a file says of itself before its seal was looked at.
struct Preamble {
  std::uint32_t header_bytes = 0;
  PlanSizes sizes;
  std::array<std::uint64_t, 3> listed{};  // identities in each list
  std::string store_id;

  /// Of the whole file with its seal; nullopt where no file is so long.
  [[nodiscard]] std::optional<std::uint64_t> file_bytes() const {
    constexpr std::uint64_t kMost = std::uint64_t{1} << 60;
    std::uint64_t bytes = kPreambleBytes + header_bytes + PlanSeal::kBytes;
    for (const std::uint64_t count : listed) {
      if (count > kMost / kIdentityBytes) return std::nullopt;
      bytes += count * kIdentityBytes;
    }
    if (sizes.row_bytes > kMost || bytes > kMost) return std::nullopt;
    return bytes + sizes.row_bytes;
  }
};

PreambleBytes pack(const Preamble& preamble) {
  PreambleBytes bytes{};
  char* at = std::copy(kPlanMagic.begin(), kPlanMagic.end(), bytes.data());
  at = put_little(put_little(at, kPlanFormat), preamble.header_bytes);
  at = put_little(put_little(at, preamble.sizes.rows), preamble.sizes.row_bytes);
  for (const std::uint64_t count : preamble.listed) at = put_little(at, count);
  std::copy(preamble.store_id.begin(), preamble.store_id.end(), at);
  at += kStoreIdBytes;
  put_little(at, checksum({bytes.data(), static_cast<std::size_t>(at - bytes.data())}));
  return bytes;
}

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw PlanError("plan: " + path + " " + why);
}

[[noreturn]] void refuse_altered(const std::string& path) {
  refuse(path, "was altered or damaged since it was made: nothing was sent, plan again");
}

Preamble unpack(const PreambleBytes& bytes, const std::string& path) {
  const char* at = bytes.data() + kPlanMagic.size();
  const auto format = get_little<std::uint32_t>(at);
  if (format > kPlanFormat) {
    refuse(path, "is a plan of format " + std::to_string(format) +
                     ", made by a newer tailrace: this one reads format " +
                     std::to_string(kPlanFormat) + ", plan again with it or upgrade it");
  }
  Preamble preamble;
  preamble.header_bytes = get_little<std::uint32_t>(at);
  preamble.sizes.rows = get_little<std::uint64_t>(at);
  preamble.sizes.row_bytes = get_little<std::uint64_t>(at);
  for (std::uint64_t& count : preamble.listed) count = get_little<std::uint64_t>(at);
  preamble.store_id.assign(at, kStoreIdBytes);
  preamble.store_id.erase(std::min(preamble.store_id.find('\0'), kStoreIdBytes));
  at += kStoreIdBytes;
  const auto sum = checksum({bytes.data(), static_cast<std::size_t>(at - bytes.data())});
  const bool sound = get_little<std::uint64_t>(at) == sum && format == kPlanFormat &&
                     preamble.header_bytes <= kMostHeaderBytes && preamble.file_bytes();
  if (!sound) refuse_altered(path);
  return preamble;
}

void append_identities(std::string& out, const std::vector<IdentityHash>& identities) {
  std::array<char, kIdentityBytes> bytes{};
  for (const IdentityHash& identity : identities) {
    put_little(put_little(bytes.data(), identity.high), identity.low);
    out.append(bytes.data(), bytes.size());
  }
}

/// The file as it stands open, read from its front.
class PlanInput {
 public:
  explicit PlanInput(const std::string& path)
      : path_(path),
        // Not blocking: nobody may be at the other end of a pipe of that name.
        fd_(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) {
    if (fd_.get() < 0 && errno == ELOOP) refuse(path, "is a symbolic link, which is not followed");
    if (fd_.get() < 0) refuse(path, "cannot be read: " + std::generic_category().message(errno));
    struct stat facts{};
    if (::fstat(fd_.get(), &facts) != 0 || !S_ISREG(facts.st_mode)) refuse(path, "is no file");
    bytes_ = static_cast<std::uint64_t>(facts.st_size);
  }

  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

  /// Fewer bytes only at the file's end.
  [[nodiscard]] std::size_t read(std::span<char> into) {
    std::size_t done = 0;
    while (done < into.size()) {
      const ssize_t n = ::read(fd_.get(), into.data() + done, into.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        throw std::system_error(errno, std::generic_category(), "plan: cannot read " + path_);
      }
      if (n == 0) break;
      done += static_cast<std::size_t>(n);
    }
    return done;
  }

 private:
  std::string path_;
  Descriptor fd_;
  std::uint64_t bytes_ = 0;
};

/// The bytes between preamble and seal: in memory where they are few, else in a file without a
/// name.
class PrivateCopy {
 public:
  PrivateCopy(const PlanReading& reading, std::uint64_t bytes) : reading_(reading) {
    if (bytes > reading.buffer_bytes) file_ = SpillFile::open(reading.spill_directory);
  }

  void append(std::string_view bytes) {
    if (file_) {
      file_->append(bytes);
    } else {
      memory_.append(bytes);
    }
  }

  [[nodiscard]] std::string read(std::uint64_t offset, std::size_t bytes) const {
    if (!file_) return memory_.substr(offset, bytes);
    std::string out(bytes, '\0');
    out.resize(file_->read(offset, out));
    return out;
  }

  /// Everything from `begin` on is rows.
  [[nodiscard]] Changeset rows(std::uint64_t begin, std::size_t count) && {
    if (file_) return Changeset::sealed(std::move(*file_), begin, count, reading_.buffer_bytes);
    memory_.erase(0, begin);
    return Changeset::sealed(std::move(memory_), count);
  }

 private:
  const PlanReading& reading_;
  std::string memory_;
  std::optional<SpillFile> file_;
};

Preamble read_preamble(PlanInput& input, PlanSeal& seal, const std::string& path) {
  PreambleBytes bytes{};
  const std::size_t got = input.read(bytes);
  const std::string_view start(bytes.data(), std::min(got, kPlanMagic.size()));
  if (start != kPlanMagic) refuse(path, "is no plan file");
  if (got < bytes.size()) refuse(path, "was cut short: nothing was sent, plan again");
  seal.add({bytes.data(), bytes.size()});
  return unpack(bytes, path);
}

/// Copies what the seal is over, then compares the seal.
PlanSeal::Bytes copy_sealed(PlanInput& input, PlanSeal& seal, std::uint64_t bytes,
                            const PlanReading& reading, PrivateCopy& copy,
                            const std::string& path) {
  std::string block;
  for (std::uint64_t left = bytes; left > 0; left -= block.size()) {
    if (reading.between) reading.between();
    block.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left, kCopyBytes)));
    if (input.read(block) != block.size()) refuse_altered(path);
    seal.add(block);
    copy.append(block);
  }
  PlanSeal::Bytes claimed{};
  const std::span<char> into(reinterpret_cast<char*>(claimed.data()), claimed.size());
  if (input.read(into) != claimed.size() || !same_seal(claimed, seal.finish())) {
    refuse_altered(path);
  }
  return claimed;
}

std::vector<IdentityHash> identities_of(const std::string& bytes) {
  std::vector<IdentityHash> identities(bytes.size() / kIdentityBytes);
  const char* at = bytes.data();
  for (IdentityHash& identity : identities) {
    identity.high = get_little<std::uint64_t>(at);
    identity.low = get_little<std::uint64_t>(at);
  }
  return identities;
}

/// Only our own mistake or another version's could make a sealed file fail here.
void check_rows(const PlanHeader& header, Changeset& rows, const std::string& path) {
  RowTally tally;
  ChangeRow row;
  bool at_home = true;
  while (rows.next(row)) {
    tally.add(row, header.on_removed);
    const auto of = static_cast<std::uint32_t>(header.of);
    at_home = at_home && shard_of(row.identity, of) == static_cast<std::uint32_t>(header.shard);
  }
  rows.rewind();
  const DiffCounts& counts = header.counts;
  const bool agrees = tally.added == counts.added && tally.changed == counts.changed &&
                      tally.removed == counts.removed &&
                      tally.fingerprint.text() == header.fingerprint;
  if (!agrees || !at_home) refuse(path, "has other rows than its header says: plan again");
}

nlohmann::json parse_header(const std::string& bytes, const std::string& path) {
  nlohmann::json header = nlohmann::json::parse(bytes, nullptr, false);
  if (!header.is_object()) refuse(path, "has a header that cannot be read: plan again");
  return header;
}

}  // namespace

void begin_plan(PlanOutput& out, const std::string& store_id, const nlohmann::json& header,
                const PlanLists& lists, const PlanSizes& sizes) {
  if (store_id.size() > kStoreIdBytes) throw std::logic_error("plan: a store id too long");
  // Samples may quote bytes of the model that are no UTF-8.
  const std::string json = header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (json.size() > kMostHeaderBytes) {
    throw PlanError("plan: names and samples are larger than a plan file's header may be");
  }
  Preamble preamble;
  preamble.header_bytes = static_cast<std::uint32_t>(json.size());
  preamble.sizes = sizes;
  preamble.listed = {lists.newly_absent.size(), lists.returned.size(), lists.forgotten.size()};
  preamble.store_id = store_id;
  const PreambleBytes bytes = pack(preamble);
  out.write({bytes.data(), bytes.size()});
  out.write(json);
  for (const auto* list : {&lists.newly_absent, &lists.returned, &lists.forgotten}) {
    std::string packed;
    append_identities(packed, *list);
    out.write(packed);
  }
}

SealedFile open_sealed(const std::string& path, const StoreIdentity& store,
                       const PlanReading& reading) {
  PlanInput input(path);
  PlanSeal seal(store.secret);
  const Preamble preamble = read_preamble(input, seal, path);
  if (preamble.store_id != store.id) {
    throw StalePlan("plan: " + path + " was made with another state store (" + preamble.store_id +
                    "; this one is " + store.id + "): nothing was sent, plan again");
  }
  const std::uint64_t whole = preamble.file_bytes().value_or(0);
  if (input.bytes() < whole) refuse(path, "was cut short: nothing was sent, plan again");
  if (input.bytes() > whole) {
    refuse(path, "has bytes behind its end: it was altered, nothing was sent, plan again");
  }
  const std::uint64_t body = whole - kPreambleBytes - PlanSeal::kBytes;
  PrivateCopy copy(reading, body);
  const PlanSeal::Bytes found = copy_sealed(input, seal, body, reading, copy, path);

  // From here on the bytes are ours.
  nlohmann::json header = parse_header(copy.read(0, preamble.header_bytes), path);
  std::uint64_t at = preamble.header_bytes;
  std::array<std::vector<IdentityHash>, 3> lists;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    const std::size_t bytes = preamble.listed[i] * kIdentityBytes;
    lists[i] = identities_of(copy.read(at, bytes));
    at += bytes;
  }
  return {std::move(header),
          {std::move(lists[0]), std::move(lists[1]), std::move(lists[2])},
          std::move(copy).rows(at, preamble.sizes.rows),
          found};
}

OpenedPlan open_plan(const std::string& path, const StoreIdentity& store,
                     const PlanReading& reading) {
  SealedFile file = open_sealed(path, store, reading);
  PlanHeader header = plan_header(file.header);
  check_rows(header, file.rows, path);
  if (header.of > 1) check_siblings(path, header, file.seal, store, reading);
  return {std::move(header), std::move(file.lists), std::move(file.rows)};
}

}  // namespace tailrace
