#include "state/sqlite_store.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include "state/errors.hpp"
#include "state/protocol.hpp"
#include "state/sqlite_content.hpp"
#include "state/sqlite_migration.hpp"
#include "state/sqlite_notes.hpp"
#include "state/sqlite_runs.hpp"
#include "state/sqlite_schema.hpp"

namespace tailrace {
namespace {

bool is_missing(const std::string& path) {
  struct stat file{};
  return ::lstat(path.c_str(), &file) != 0 && errno == ENOENT;
}

/// The path with the links of its directories resolved: SQLite follows none, and only the file
/// itself has to be no link.
std::string resolve(const std::string& path, bool create) {
  const std::filesystem::path given(path);
  std::error_code code;
  std::filesystem::path directory = std::filesystem::absolute(given, code).parent_path();
  if (create) make_state_directory(directory.string());
  const std::filesystem::path real = std::filesystem::canonical(directory, code);
  if (!code) directory = real;
  return (directory / given.filename()).string();
}

}  // namespace

SqliteStore::SqliteStore(const std::string& path, SqliteOptions options)
    : path_(resolve(path, options.create)),
      options_(std::move(options)),
      process_(::getpid()),
      clock_(options_.clock),
      lock_(path_ + ".lock") {
  if (options_.create && is_missing(path_)) {
    create_sqlite_store(path_, options_.vfs, options_.clock());
  }
  open();
}

SqliteStore::~SqliteStore() {
  // A forked child may not close what is its parent's: that would end the parent's file locks.
  if (connection_ && ::getpid() != process_) connection_->abandon();
}

void SqliteStore::open() {
  check_sqlite_file(path_);
  auto connection = std::make_unique<SqliteConnection>(path_, options_.vfs, kBusyTimeoutMs);
  if (sqlite_format_of(*connection, path_) < kSqliteFormat) migrate(*connection);
  check_sqlite_schema(*connection, path_);
  set_up_sqlite(*connection);
  if (suspect_) recover(*connection);
  const SqliteTransaction one_view(*connection, SqliteTransaction::Kind::reading);
  SqliteCatalogue tables(*connection);
  const Catalogue catalogue = read_catalogue(tables);
  const StoreIdentity& found = catalogue.store.identity;
  if (!identity_.id.empty() && (found.id != identity_.id || found.secret != identity_.secret)) {
    throw StateLost("state: " + path_ + " is another store than before");
  }
  identity_ = found;
  adopt_clock(tables, catalogue, false);
  connection_ = std::move(connection);
  suspect_ = false;
}

void SqliteStore::migrate(SqliteConnection& connection) {
  set_up_sqlite(connection);
  migrate_sqlite(connection, [&](const std::vector<ShardRow>& shards) {
    SqliteCatalogue tables(connection);
    Catalogue earlier;
    earlier.shards = shards;
    adopt_clock(tables, earlier, false);
    const bool busy = std::any_of(shards.begin(), shards.end(),
                                  [&](const ShardRow& shard) { return lives(shard, {}); });
    if (!busy) return;
    throw StoreUnavailable("state: " + path_ +
                           " is of an earlier format, and a run of an earlier version of Tailrace "
                           "works with it: wait for its end");
  });
}

// Pages whose sync failed may be gone from the kernel's cache as if they had been written. Writing
// them out of the log once more and syncing that is the only way to be sure.
void SqliteStore::recover(SqliteConnection& connection) const {
  const std::string found = connection.ask("PRAGMA quick_check(1)");
  if (found != "ok") throw StateLost("state: " + path_ + " is corrupt: " + found);
  if (connection.ask("PRAGMA wal_checkpoint(TRUNCATE)") != "0") {
    throw StoreUnavailable("state: " + path_ + " is in use; its log cannot be written out");
  }
}

void SqliteStore::check_process() const {
  if (::getpid() != process_) {
    throw std::logic_error("state: the store was opened before fork(); open it in the child");
  }
}

void SqliteStore::with_connection(const std::function<void(SqliteConnection&)>& work) {
  check_process();
  if (connection_ && connection_->suspect()) {
    suspect_ = true;
    connection_.reset();
  }
  if (!connection_) open();
  try {
    work(*connection_);
  } catch (const std::exception&) {
    if (connection_->suspect()) {
      suspect_ = true;
      connection_.reset();
    }
    throw;
  }
}

SqliteStore::Catalogue SqliteStore::read_catalogue(SqliteCatalogue& tables) {
  Catalogue catalogue;
  catalogue.store = tables.store();
  catalogue.syncs = tables.syncs(catalogue.store);
  catalogue.shards = tables.shards(catalogue.store);
  return catalogue;
}

void SqliteStore::adopt_clock(SqliteCatalogue& tables, const Catalogue& catalogue, bool write) {
  const ClockAnchor stored = tables.clock();
  std::int64_t latest_ms = stored.wall_ms;
  for (const ShardRow& shard : catalogue.shards) latest_ms = std::max(latest_ms, shard.latest_ms);
  const ClockAnchor anchor = clock_.adopt(stored, latest_ms);
  if (write && !(anchor == stored)) tables.write(anchor);
}

ShardRow SqliteStore::shard_of_epoch(const Holder& holder) {
  SqliteCatalogue tables(*connection_);
  std::optional<ShardRow> shard = tables.shard(holder);
  if (!shard || shard->of != holder.of || shard->epoch != holder.epoch) fail_fenced(holder);
  return std::move(*shard);
}

ShardRow SqliteStore::held(const Holder& holder) {
  if (connection_->has_moved()) {
    throw StateLost("state: " + path_ + " was removed or replaced while the run was under way");
  }
  ShardRow shard = shard_of_epoch(holder);
  if (shard.lease_until_ms == 0) fail_fenced(holder);
  shard.latest_ms = std::max(shard.latest_ms, now_ms());
  return shard;
}

void SqliteStore::renew(const Holder& holder, std::int64_t lease_ms) {
  with_connection([&](SqliteConnection& connection) {
    SqliteTransaction transaction(connection);
    ShardRow shard = held(holder);
    shard.lease_until_ms = now_ms() + lease_ms;
    SqliteCatalogue(connection).write(shard);
    transaction.commit();
  });
}

void SqliteStore::read_snapshot(const Holder& holder, bool with_keys, const BucketVisitor& visit) {
  with_connection([&](SqliteConnection& connection) {
    const SqliteTransaction one_view(connection, SqliteTransaction::Kind::reading);
    ShardRow shard = shard_of_epoch(holder);
    SqliteContent(connection, shard).read_snapshot(with_keys, visit);
  });
}

SnapshotBucket SqliteStore::read_bucket(const Holder& holder, std::uint32_t bucket) {
  SnapshotBucket found;
  with_connection([&](SqliteConnection& connection) {
    const SqliteTransaction one_view(connection, SqliteTransaction::Kind::reading);
    ShardRow shard = shard_of_epoch(holder);
    found = SqliteContent(connection, shard).read_bucket(bucket);
  });
  return found;
}

void SqliteStore::read_journal(const Holder& holder, const JournalVisitor& visit) {
  with_connection([&](SqliteConnection& connection) {
    const SqliteTransaction one_view(connection, SqliteTransaction::Kind::reading);
    ShardRow shard = shard_of_epoch(holder);
    SqliteContent(connection, shard).read_journal(visit);
  });
}

std::vector<RejectedRow> SqliteStore::read_rejected(const Holder& holder) {
  std::vector<RejectedRow> rows;
  with_connection([&](SqliteConnection& connection) {
    const SqliteTransaction one_view(connection, SqliteTransaction::Kind::reading);
    ShardRow shard = shard_of_epoch(holder);
    rows = SqliteContent(connection, shard).read_rejected();
  });
  return rows;
}

void SqliteStore::append(const Holder& holder, const Commit& commit) {
  check_fields(commit.fields);
  with_connection([&](SqliteConnection& connection) {
    SqliteTransaction transaction(connection);
    ShardRow shard = held(holder);
    SqliteContent content(connection, shard);
    if (follows(commit.journal, shard.last_seq) == Follows::repeated) {
      const bool same =
          std::all_of(commit.journal.begin(), commit.journal.end(),
                      [&](const JournalRow& row) { return content.has_journal_row(row); });
      if (!same) fail_fenced(holder);
      return;
    }
    content.add_journal(commit.journal);
    for (const RejectedRow& row : commit.rejected) content.put_rejected(row);
    for (const IdentityHash& identity : commit.no_longer_rejected) content.drop_rejected(identity);
    write_notes(shard, commit);
    SqliteCatalogue(connection).write(shard);
    transaction.commit();
  });
}

void SqliteStore::finish(const Holder& holder, const Finish& finish) {
  with_connection([&](SqliteConnection& connection) {
    SqliteTransaction transaction(connection);
    SqliteRuns table(connection);
    ShardRow shard = shard_of_epoch(holder);
    if (shard.lease_until_ms == 0 && table.has_ended(holder, finish.run)) return;
    shard = held(holder);
    SqliteContent content(connection, shard);
    if (finish.fold) {
      if (finish.replace_all_buckets) content.drop_snapshot();
      for (const SnapshotBucket& bucket : finish.buckets) content.put_bucket(bucket);
      shard.bucket_bits = finish.bucket_bits;
      check_carried(finish.carried, shard.last_seq);
      content.drop_journal(finish.folded_seq);
      content.add_journal(finish.carried);
    }
    for (const IdentityHash& identity : finish.forgotten) content.drop_rejected(identity);
    if (!finish.mapping_fingerprint.empty()) {
      shard.mapping_fingerprint = finish.mapping_fingerprint;
      shard.encoding = finish.encoding;
    }
    if (finish.resynced) shard.resynced_ms = now_ms();
    shard.lease_until_ms = 0;
    SqliteCatalogue(connection).write(shard);
    SqliteLog(connection).drop_older(now_ms() - kLogKeptMs);
    table.end(holder, finish.run);
    table.keep(holder.sync_id, kRunsKept);
    transaction.commit();
  });
  lock_.release(holder);
}

std::vector<RunRow> SqliteStore::runs(const std::string& sync, std::size_t limit) {
  std::vector<RunRow> rows;
  with_connection(
      [&](SqliteConnection& connection) { rows = SqliteRuns(connection).latest(sync, limit); });
  return rows;
}

std::string sqlite_path_of(const std::string& url) {
  constexpr std::string_view scheme = "sqlite:///";
  if (!url.starts_with(scheme) || url.size() == scheme.size() || url.back() == '/') {
    throw std::invalid_argument("state: " + url +
                                " is not a store; write sqlite:///relative/path or "
                                "sqlite:////absolute/path");
  }
  return url.substr(scheme.size());
}

}  // namespace tailrace
