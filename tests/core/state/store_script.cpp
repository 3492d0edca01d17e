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

void fill(StateStore& store, StoreBackend& backend, const SyncAddress& address,
          std::uint64_t from) {
  Claim claim = claim_of(store, "fill 1", address);
  std::vector<IntentRow> rows;
  for (std::uint64_t i = from; i < from + 300; ++i) rows.push_back(intent_row(i, i));
  Journalist(store, claim, "fill 1").accept(rows, store.now_ms());
  finish_with_fold(store, claim, run_row("fill 1"),
                   {{identity_of(from), identity_of(from + 1)}, {}});
  claim = claim_of(store, "fill 2", address);
  Journalist journal(store, claim, "fill 2");
  journal.accept({intent_row(from + 2, 9), intent_row(from + 3, 9)}, store.now_ms());
  journal.accept({intent_row(from + 4, 0)}, store.now_ms(), StateOp::remove);
  const std::int64_t seq = journal.intent(
      {{StateOp::write, 1, {}, {}, {intent_row(from + 5, 9), intent_row(from + 6, 9)}},
       {StateOp::write, 1, "key 1", std::string(32, 'd'), {intent_row(from + 7, 9)}}},
      store.now_ms());
  journal.outcome({{seq, 0, store.now_ms(), {{RowOutcome::unknown, {}}}}});
  store.append(claim.holder, with_rejected({rejected_row(from + 8, 1), rejected_row(from + 9, 1)}));
  backend.advance(1);
  finish_plain(store, claim, run_row("fill 2"));
}

}  // namespace tailrace::test
