#include "state/protocol.hpp"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>
#include <tuple>

#include "row/ascii.hpp"

namespace tailrace {
namespace {

constexpr int kMostShards = 1024;
constexpr std::int64_t kNamelessRoundMs = 3'600'000;

void fill_random(std::uint8_t* at, std::size_t bytes) {
  while (bytes > 0) {
    const ssize_t got = ::getrandom(at, bytes, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw std::system_error(errno, std::generic_category(), "getrandom");
    at += got;
    bytes -= static_cast<std::size_t>(got);
  }
}

}  // namespace

void check_claim(const SyncAddress& address, std::int64_t lease_ms) {
  if (address.of < 1 || address.of > kMostShards || address.shard < 0 ||
      address.shard >= address.of) {
    throw std::invalid_argument("state: there is no shard " + std::to_string(address.shard) +
                                " of " + std::to_string(address.of));
  }
  if (lease_ms <= 0) throw std::invalid_argument("state: a lease needs a length");
}

Follows follows(const std::vector<JournalRow>& rows, std::int64_t last_seq) {
  for (std::size_t i = 1; i < rows.size(); ++i) {
    if (rows[i].seq != rows[i - 1].seq + 1) {
      throw std::logic_error("state: the seqs of a commit have a gap");
    }
  }
  if (rows.empty() || rows.front().seq == last_seq + 1) return Follows::next;
  if (rows.back().seq <= last_seq) return Follows::repeated;
  throw std::logic_error("state: a commit begins with seq " + std::to_string(rows.front().seq) +
                         ", the journal ends with " + std::to_string(last_seq));
}

void check_carried(const std::vector<JournalRow>& rows, std::int64_t last_seq) {
  if (follows(rows, last_seq) != Follows::next) {
    throw std::logic_error("state: a fold carries seqs that are taken");
  }
}

RejectedRow rejected_again(const RejectedRow& row, const RejectedRow& before) {
  RejectedRow again = row;
  again.attempts = before.attempts + (row.hold == Hold::released ? 0 : 1);
  again.first_at_ms = before.first_at_ms;
  return again;
}

void check_fields(const std::vector<FieldHashes>& fields) {
  for (const FieldHashes& row : fields) {
    if (row.hashes.size() > kFieldHashesBytes) {
      throw std::invalid_argument("state: field hashes of a row take more than " +
                                  std::to_string(kFieldHashesBytes) + " bytes");
    }
  }
}

bool counts_in(const ShardCount& count, const std::string& round, std::int64_t now_ms) {
  return count.round == round && (!round.empty() || now_ms - count.at_ms < kNamelessRoundMs);
}

void check_image(const ShardImage& image) {
  check_claim(image.address, 1);
  const std::vector<JournalRow>& journal = image.journal;
  const bool whole = (journal.empty() || journal.back().seq == image.claim.last_seq) &&
                     image.claim.holder.shard == image.address.shard &&
                     image.claim.holder.of == image.address.of;
  if (!whole || follows(journal, folded_seq_of(image)) != Follows::next) {
    throw std::logic_error("state: the journal of shard " + std::to_string(image.address.shard) +
                           " of sync " + image.address.sync + " is not whole");
  }
}

std::int64_t folded_seq_of(const ShardImage& image) {
  return image.claim.last_seq - static_cast<std::int64_t>(image.journal.size());
}

std::size_t entries_in(std::string_view packed_entries) {
  // What is around the entries is shorter than one of them.
  return packed_entries.size() / sizeof(SnapshotEntry);
}

bool same_sync(const SyncAddress& a, const SyncAddress& b) {
  return std::tie(a.sync, a.account, a.object) == std::tie(b.sync, b.account, b.object);
}

bool same_row(const JournalRow& a, const JournalRow& b) {
  const auto fields = [](const JournalRow& row) {
    return std::tie(row.seq, row.epoch, row.run_id, row.kind, row.send_by_ms, row.entries);
  };
  return fields(a) == fields(b);
}

void fail_fenced(const Holder& holder) {
  throw Fenced("state: epoch " + std::to_string(holder.epoch) + " of shard " +
               std::to_string(holder.shard) + " of " + std::to_string(holder.of) +
               " has ended: another run took over, or this one has finished");
}

void fail_under_way(const SyncAddress& address) {
  throw Fenced("state: a run of sync " + address.sync + " is under way");
}

void fail_not_empty() {
  throw std::logic_error("state: a store can be copied into an empty one alone; name a new one");
}

StoreIdentity new_identity() {
  StoreIdentity identity;
  std::array<std::uint8_t, 16> id{};
  fill_random(id.data(), id.size());
  identity.id = hex_of(id);
  fill_random(identity.secret.data(), identity.secret.size());
  return identity;
}

}  // namespace tailrace
