#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "state/store.hpp"

namespace tailrace {

/// What every kind of store decides alike.

inline constexpr std::size_t kRunsKept = 1000;  // of each sync

/// Throws std::invalid_argument where the shard or the lease makes no sense.
void check_claim(const SyncAddress& address, std::int64_t lease_ms);

/// How a commit's seqs lie to the journal's last one. Throws std::logic_error where they leave a
/// gap or overlap in part.
enum class Follows : std::uint8_t { next, repeated };
[[nodiscard]] Follows follows(const std::vector<JournalRow>& rows, std::int64_t last_seq);

/// Throws std::logic_error where a fold's carried rows do not follow on.
void check_carried(const std::vector<JournalRow>& rows, std::int64_t last_seq);

/// The row as it is stored: the first failure's time and the number of attempts come from `before`.
[[nodiscard]] RejectedRow rejected_again(const RejectedRow& row, const RejectedRow& before);

/// Entries in a packed bucket, without unpacking it.
[[nodiscard]] std::size_t entries_in(std::string_view packed_entries);

[[nodiscard]] bool same_row(const JournalRow& a, const JournalRow& b);

[[noreturn]] void fail_fenced(const Holder& holder);

/// 32 hexadecimal digits and as many random bytes, from the kernel.
[[nodiscard]] StoreIdentity new_identity();

}  // namespace tailrace
