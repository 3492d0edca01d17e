#include "store_script.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <utility>

#include "state/table.hpp"

namespace tailrace::test {

Claim claim_of(StateStore& store, const std::string& run_id, const SyncAddress& address) {
  std::optional<Claim> claim = store.claim(address, run_row(run_id), kLeaseMs);
  EXPECT_TRUE(claim.has_value()) << run_id;
  return claim.value_or(Claim{});
}

SyncAddress shard(int number, int of) {
  SyncAddress address = kAccounts;
  address.shard = number;
  address.of = of;
  return address;
}

std::vector<JournalRow> journal_of(StateStore& store, const Claim& claim) {
  std::vector<JournalRow> rows;
  store.read_journal(claim.holder, [&](const JournalRow& row) { rows.push_back(row); });
  return rows;
}

RejectedRow rejected_row(std::uint64_t number, std::int64_t at_ms) {
  RejectedRow row;
  row.identity = identity_of(number);
  row.key = key_of(number);
  row.version = UINT64_MAX - number;
  row.code = "INVALID_EMAIL";
  row.message = "not an address: \xC3\xA9\n";
  row.field = "email";
  row.hold = number % 2 == 1 ? Hold::transient : Hold::parked;
  row.first_at_ms = at_ms;
  row.last_at_ms = at_ms;
  return row;
}

Commit with_rejected(std::vector<RejectedRow> rows) {
  Commit commit;
  commit.rejected = std::move(rows);
  return commit;
}

void see(StateStore& store, const Claim& claim, Picture& seen) {
  const StateView view = load_state(store, claim, kQuietMs);
  for (StateTable::Slot slot = 0; slot < view.table.capacity(); ++slot) {
    const StateTable::Marks& marks = view.table.marks(slot);
    if (!marks.used) continue;
    const IdentityHash& identity = view.table.identity(slot);
    if (marks.acknowledged) seen.acknowledged.emplace(identity, view.table.version(slot));
    if (marks.in_doubt) seen.in_doubt.insert(identity);
    if (marks.absent) seen.absent.insert(identity);
    if (marks.rejected) seen.rejected.insert(identity);
  }
}

}  // namespace tailrace::test
