#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "journal_script.hpp"
#include "state/store.hpp"
#include "store_contract.hpp"

namespace tailrace::test {

/// Claims it; the test fails where another run has it.
[[nodiscard]] Claim claim_of(StateStore& store, const std::string& run_id,
                             const SyncAddress& address = kAccounts);
/// The sync of kAccounts, one shard of it.
[[nodiscard]] SyncAddress shard(int number, int of);
[[nodiscard]] std::vector<JournalRow> journal_of(StateStore& store, const Claim& claim);

[[nodiscard]] RejectedRow rejected_row(std::uint64_t number, std::int64_t at_ms);
[[nodiscard]] Commit with_rejected(std::vector<RejectedRow> rows);

/// State of all kinds in one shard: accepted, folded and not, absent, in doubt, open, rejected.
void fill(StateStore& store, StoreBackend& backend, const SyncAddress& address, std::uint64_t from);

/// What a run finds, for comparing.
struct Picture {
  std::set<std::pair<IdentityHash, Version>> acknowledged;
  std::set<IdentityHash> in_doubt;
  std::set<IdentityHash> absent;
  std::set<IdentityHash> rejected;

  bool operator==(const Picture&) const = default;
};
/// Adds what the claimed shard holds.
void see(StateStore& store, const Claim& claim, Picture& seen);

}  // namespace tailrace::test
