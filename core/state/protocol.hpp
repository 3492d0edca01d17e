#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "state/store.hpp"

namespace tailrace {

/// What every kind of store decides alike.

inline constexpr std::size_t kRunsKept = 1000;  // of each sync
inline constexpr std::int64_t kLogKeptMs = std::int64_t{kLogDays} * 86'400'000;

/// Throws std::invalid_argument where the shard or the lease makes no sense.
void check_claim(const SyncAddress& address, std::int64_t lease_ms);

/// How a commit's seqs lie to the journal's last one. Throws std::logic_error where they leave a
/// gap or overlap in part.
enum class Follows : std::uint8_t { next, repeated };
[[nodiscard]] Follows follows(const std::vector<JournalRow>& rows, std::int64_t last_seq);

/// Throws std::logic_error where a fold's carried rows do not follow on.
void check_carried(const std::vector<JournalRow>& rows, std::int64_t last_seq);

/// The row as it is stored: the first failure's time and the number of attempts come from `before`.
/// To be released is no attempt.
[[nodiscard]] RejectedRow rejected_again(const RejectedRow& row, const RejectedRow& before);

/// Throws std::invalid_argument where the hashes of a row are too long.
void check_fields(const std::vector<FieldHashes>& fields);

/// Whether a count is one of the round that is asked for.
[[nodiscard]] bool counts_in(const ShardCount& count, const std::string& round,
                             std::int64_t now_ms);

/// Throws std::logic_error where the shard is none, or its journal does not end with its last seq.
void check_image(const ShardImage& image);
/// The seq before the image's journal.
[[nodiscard]] std::int64_t folded_seq_of(const ShardImage& image);

/// Entries in a packed bucket, without unpacking it.
[[nodiscard]] std::size_t entries_in(std::string_view packed_entries);

/// Of one sync, whatever the shard.
[[nodiscard]] bool same_sync(const SyncAddress& a, const SyncAddress& b);

[[nodiscard]] bool same_row(const JournalRow& a, const JournalRow& b);

[[noreturn]] void fail_fenced(const Holder& holder);
/// A run holds what somebody else wants to change.
[[noreturn]] void fail_under_way(const SyncAddress& address);
/// A store that is not empty was to be imported into.
[[noreturn]] void fail_not_empty();

/// 32 hexadecimal digits and as many random bytes, from the kernel.
[[nodiscard]] StoreIdentity new_identity();

}  // namespace tailrace
