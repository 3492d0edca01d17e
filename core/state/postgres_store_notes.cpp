// What runs note beside the state: fields, the log, budgets, shards' counts.

#include <utility>

#include "state/postgres_notes.hpp"
#include "state/postgres_store.hpp"
#include "state/protocol.hpp"

namespace tailrace {

void PostgresStore::note_fields(const SyncAddress& address, const std::string& fingerprint) {
  with_link([&](PostgresLink& link) {
    PostgresTransaction transaction(link, Kind::writing);
    PostgresCatalogue catalogue(transaction);
    std::optional<PostgresSync> sync = catalogue.sync(address, true);
    if (!sync || sync->fields_noted == fingerprint) return;
    if (!sync->fields_noted.empty()) sync->fields_changed_ms = clock_in(transaction);
    sync->fields_noted = fingerprint;
    catalogue.write(*sync);
    transaction.commit();
  });
}

std::vector<std::string> PostgresStore::read_fields(const Holder& holder,
                                                    std::span<const IdentityHash> identities) {
  std::vector<std::string> found;
  read(holder, nullptr, [&](PostgresTransaction& transaction, PostgresShard&) {
    found = PostgresFields(transaction, holder.sync_id).read(identities);
  });
  return found;
}

void PostgresStore::write_notes(PostgresTransaction& transaction, const PostgresShard& shard,
                                const Commit& commit) {
  PostgresFields fields(transaction, shard.sync_id);
  fields.put(commit.fields);
  fields.drop(commit.fields_forgotten);
  if (commit.log.empty()) return;
  const std::int64_t now = clock_in(transaction);
  PostgresLog(transaction).add(shard.sync_id, shard.run_id, commit.log, now);
}

std::vector<LogEntry> PostgresStore::log_of(const std::string& sync, const std::string& key,
                                            std::size_t limit) {
  std::vector<LogEntry> entries;
  with_link([&](PostgresLink& link) {
    PostgresTransaction transaction(link, Kind::reading, kPostgresLong);
    entries = PostgresLog(transaction).of_key(sync, key, limit);
    transaction.commit();
  });
  return entries;
}

RateGrant PostgresStore::draw_in(PostgresTransaction& transaction, const RateAsk& ask) {
  PostgresBudget budget(transaction, ask);
  const std::vector<PostgresResult> found =
      transaction.run(batch(budget.locking(identity_.id), reading_clock(), budget.reading()));
  const std::int64_t now = latest_ms_ = found[1].integer(0, 0);
  const std::vector<RateSlot> counting = budget.counting(found[2], now);
  if (ask.want < 0) {
    const RateSlot back = grants_.take_back(ask);
    if (back.used > 0 && back.until_ms > now) {
      budget.add({back.until_ms, -back.used}, counting, now);
      transaction.commit();
    }
    return {-back.used, 0};
  }
  const RateGrant grant = grant_of(ask, now, counting);
  if (grant.granted + grant.others == 0) return grant;
  const RateSlot slot{slot_until(ask, now), grant.granted + grant.others};
  budget.add(slot, counting, now);
  transaction.commit();
  grants_.note(ask, slot.until_ms, grant.granted);
  return grant;
}

RateGrant PostgresStore::draw(const RateAsk& ask) {
  check_ask(ask);
  RateGrant grant;
  // A grant whose answer was lost only leaves tokens unused; tokens given back twice would be sent
  // twice, so that is not made again.
  const bool once = ask.want < 0;
  with_link(
      [&](PostgresLink& link) {
        PostgresTransaction transaction(link, Kind::writing, kPostgresBudget);
        grant = draw_in(transaction, ask);
      },
      &once);
  return grant;
}

void PostgresStore::put_shard_count(const Holder& holder, const std::string& round,
                                    const std::string& counts) {
  with_link([&](PostgresLink& link) {
    PostgresTransaction transaction(link, Kind::writing);
    static_cast<void>(held(transaction, holder));
    PostgresCounts(transaction, holder.sync_id)
        .put({holder.shard, round, clock_in(transaction), counts});
    transaction.commit();
  });
}

std::vector<ShardCount> PostgresStore::shard_counts(const Holder& holder,
                                                    const std::string& round) {
  std::vector<ShardCount> counts;
  read(holder, nullptr, [&](PostgresTransaction& transaction, PostgresShard&) {
    counts = PostgresCounts(transaction, holder.sync_id).all();
    clock_in(transaction);
  });
  std::erase_if(counts,
                [&](const ShardCount& count) { return !counts_in(count, round, latest_ms_); });
  return counts;
}

}  // namespace tailrace
