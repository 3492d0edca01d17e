// What runs note beside the state: fields, the log, budgets, shards' counts.

#include <utility>

#include "state/protocol.hpp"
#include "state/sqlite_budget.hpp"
#include "state/sqlite_notes.hpp"
#include "state/sqlite_store.hpp"

namespace tailrace {

void SqliteStore::note_fields(const SyncAddress& address, const std::string& fingerprint) {
  with_connection([&](SqliteConnection& connection) {
    SqliteTransaction transaction(connection);
    SqliteCatalogue tables(connection);
    for (SyncRow& sync : read_catalogue(tables).syncs) {
      if (!sync.is(address) || sync.fields_noted == fingerprint) continue;
      if (!sync.fields_noted.empty()) sync.fields_changed_ms = now_ms();
      sync.fields_noted = fingerprint;
      tables.write(sync);
    }
    transaction.commit();
  });
}

std::vector<std::string> SqliteStore::read_fields(const Holder& holder,
                                                  std::span<const IdentityHash> identities) {
  std::vector<std::string> found;
  with_connection([&](SqliteConnection& connection) {
    const SqliteTransaction one_view(connection, SqliteTransaction::Kind::reading);
    static_cast<void>(shard_of_epoch(holder));
    found.clear();
    SqliteFields fields(connection, holder.sync_id);
    for (const IdentityHash& identity : identities) found.push_back(fields.read(identity));
  });
  return found;
}

void SqliteStore::write_notes(const ShardRow& shard, const Commit& commit) {
  SqliteFields fields(*connection_, shard.sync_id);
  for (const FieldHashes& row : commit.fields) fields.put(row);
  for (const IdentityHash& identity : commit.fields_forgotten) fields.drop(identity);
  if (commit.log.empty()) return;
  SqliteLog log(*connection_);
  const std::string sync = SqliteCatalogue(*connection_).sync(shard.sync_id).sync;
  for (const LogRow& row : commit.log) log.add({shard.run_id, sync, row, now_ms()});
}

std::vector<LogEntry> SqliteStore::log_of(const std::string& sync, const std::string& key,
                                          std::size_t limit) {
  std::vector<LogEntry> entries;
  with_connection([&](SqliteConnection& connection) {
    entries = SqliteLog(connection).of_key(sync, key, limit);
  });
  return entries;
}

RateGrant SqliteStore::draw(const RateAsk& ask) {
  check_ask(ask);
  RateGrant grant;
  with_connection([&](SqliteConnection& connection) {
    const SqliteUnsynced quick(connection);
    SqliteTransaction transaction(connection);
    SqliteBudget budget(connection);
    const std::int64_t now = now_ms();
    if (ask.want < 0) {
      const RateSlot back = grants_.take_back(ask);
      budget.take_out(ask, back, now);
      grant = {-back.used, 0};
    } else {
      grant = grant_of(ask, now, budget.counting(ask, now));
      if (grant.granted + grant.others == 0) return;
      const RateSlot slot{slot_until(ask, now), grant.granted + grant.others};
      budget.add(ask, slot, now);
      grants_.note(ask, slot.until_ms, grant.granted);
    }
    transaction.commit();
  });
  return grant;
}

void SqliteStore::put_shard_count(const Holder& holder, const std::string& round,
                                  const std::string& counts) {
  with_connection([&](SqliteConnection& connection) {
    SqliteTransaction transaction(connection);
    static_cast<void>(held(holder));
    SqliteCounts(connection, holder.sync_id).put({holder.shard, round, now_ms(), counts});
    transaction.commit();
  });
}

std::vector<ShardCount> SqliteStore::shard_counts(const Holder& holder, const std::string& round) {
  std::vector<ShardCount> counts;
  with_connection([&](SqliteConnection& connection) {
    const SqliteTransaction one_view(connection, SqliteTransaction::Kind::reading);
    static_cast<void>(shard_of_epoch(holder));
    counts = SqliteCounts(connection, holder.sync_id).all();
  });
  std::erase_if(counts,
                [&](const ShardCount& count) { return !counts_in(count, round, now_ms()); });
  return counts;
}

}  // namespace tailrace
