#include "state/postgres_store.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "state/errors.hpp"
#include "state/packing.hpp"
#include "state/postgres_content.hpp"
#include "state/postgres_notes.hpp"
#include "state/postgres_runs.hpp"
#include "state/protocol.hpp"

namespace tailrace {
namespace {

// A broken connection is made anew once; a deadlock with another run may come again.
constexpr int kAttempts = 3;

constexpr std::string_view kMissingRights = "42501";

class Depth {
 public:
  explicit Depth(int& depth) : depth_(depth) { ++depth_; }
  ~Depth() { --depth_; }
  Depth(const Depth&) = delete;
  Depth& operator=(const Depth&) = delete;

 private:
  int& depth_;
};

}  // namespace

PostgresStore::PostgresStore(std::string url, PostgresOptions options)
    : address_(std::move(url)),
      options_(std::move(options)),
      now_sql_("greatest(floor(extract(epoch FROM " + options_.clock + ") * 1000)::bigint, $1)"),
      clock_sql_("SELECT " + now_sql_),
      process_(::getpid()) {
  with_link([](PostgresLink&) {});
}

PostgresStore::~PostgresStore() {
  if (!link_) return;
  if (::getpid() != process_) {
    link_->abandon();
    return;
  }
  // The server ends the session some time after the socket was closed; whoever asks before that
  // should not take its locks for those of a living run.
  if (held_.empty() || link_->lost()) return;
  try {
    link_->set_patience(std::chrono::seconds(1));
    link_->run(batch(PostgresStatement("SELECT pg_catalog.pg_advisory_unlock_all()")));
  } catch (const PostgresFault&) {
    // The locks end with the session.
  }
}

void PostgresStore::check_process() const {
  if (::getpid() != process_) {
    throw std::logic_error("state: the store was opened before fork(); open it in the child");
  }
}

void PostgresStore::open() {
  auto link = std::make_unique<PostgresLink>(address_);
  prepare_postgres_store(*link, options_.create && identity_.id.empty());
  PostgresTransaction transaction(*link, Kind::reading);
  PostgresCatalogue catalogue(transaction);
  const StoreIdentity found = catalogue.store().identity;
  catalogue.check_counts();
  const std::vector<PostgresResult> session = transaction.commit(
      batch(PostgresStatement("SELECT coalesce(max(latest_at), 0) FROM tailrace.sync_shard"),
            PostgresStatement("SELECT pg_catalog.pg_backend_pid()")));
  const auto is = [&](const StoreIdentity& known) {
    return found.id == known.id && found.secret == known.secret;
  };
  if (!identity_.id.empty() && !is(identity_) && !(adopting_ && is(*adopting_))) {
    throw StateLost("state: the database holds another store than before");
  }
  identity_ = found;
  latest_ms_ = std::max(latest_ms_, session[0].integer(0, 0));
  const std::int64_t backend = session[1].integer(0, 0);
  backend_ = backend == link->login_pid() ? link->login_pid() : 0;
  link_ = std::move(link);
  adopting_.reset();
  take_locks_again();
}

void PostgresStore::take_locks_again() {
  for (auto at = held_.begin(); at != held_.end();) {
    const Holder holder = at->second.holder();
    PostgresTransaction transaction(*link_, Kind::writing);
    PostgresCatalogue catalogue(transaction);
    std::optional<PostgresShard> shard = catalogue.shard(holder, true);
    const bool ours = shard && shard->of == holder.of && shard->epoch == holder.epoch &&
                      shard->lease_until_ms != 0;
    if (!ours) {
      at = held_.erase(at);
      continue;
    }
    // As after a failover to a server that had not got everything yet.
    if (shard->last_seq < at->second.last_seq) {
      throw StateLost(
          "state: the server has lost commits that it had acknowledged (journal ends "
          "with seq " +
          std::to_string(shard->last_seq) + ", was at " + std::to_string(at->second.last_seq) +
          ")");
    }
    shard->lock_key = take_lock(transaction, holder);
    catalogue.write(*shard);
    transaction.commit();
    at->second = std::move(*shard);
    ++at;
  }
}

void PostgresStore::with_link(const std::function<void(PostgresLink&)>& work, const bool* shown) {
  check_process();
  if (depth_ > 0) return work(*link_);
  const Depth inside(depth_);
  for (int attempt = 1;; ++attempt) {
    bool connected = false;
    try {
      if (link_ && link_->lost()) link_.reset();
      if (!link_) open();
      connected = true;
      return work(*link_);
    } catch (const PostgresFault& fault) {
      const bool lost = !link_ || link_->lost();
      if (lost) link_.reset();
      const bool seen = shown != nullptr && *shown;
      if (connected && fault.passing() && !seen && attempt < kAttempts) continue;
      if (connected && fault.sqlstate == kMissingRights) explain_rights();
      throw_as_store_error(fault);
    }
  }
}

/// Looks anew at what the role may do: throws std::invalid_argument with the GRANT that is missing.
void PostgresStore::explain_rights() {
  link_.reset();
  try {
    open();
  } catch (const PostgresFault& fault) {
    throw_as_store_error(fault);
  }
}

PostgresStatement PostgresStore::reading_clock() const {
  return PostgresStatement(clock_sql_.c_str(), latest_ms_);
}

std::int64_t PostgresStore::clock_in(PostgresTransaction& transaction) {
  latest_ms_ = transaction.run(reading_clock()).integer(0, 0);
  return latest_ms_;
}

std::int64_t PostgresStore::now_ms() {
  with_link([&](PostgresLink& link) {
    PostgresTransaction transaction(link, Kind::reading);
    latest_ms_ = transaction.commit(batch(reading_clock()))[0].integer(0, 0);
  });
  return latest_ms_;
}

std::int64_t PostgresStore::lock_key_for(const Holder& holder) const {
  BlobWriter bytes(BlobKind::sum);
  bytes.text(identity_.id);
  bytes.u64(static_cast<std::uint64_t>(holder.sync_id));
  bytes.u32(static_cast<std::uint32_t>(holder.shard));
  bytes.u32(static_cast<std::uint32_t>(holder.of));
  bytes.u64(static_cast<std::uint64_t>(holder.epoch));
  // Of this session: the server may still hold that of a connection that broke, and until the row
  // names the new key, whoever asks for the old one learns the truth.
  bytes.u32(static_cast<std::uint32_t>(backend_));
  return static_cast<std::int64_t>(bytes.sum() | 1U);
}

std::int64_t PostgresStore::take_lock(PostgresTransaction& transaction, const Holder& holder) {
  if (backend_ == 0) return 0;
  const std::int64_t key = lock_key_for(holder);
  const PostgresResult taken =
      transaction.run(PostgresStatement("SELECT pg_catalog.pg_try_advisory_lock($1)", key));
  return taken.flag(0, 0) ? key : 0;
}

PostgresShard PostgresStore::shard_of_epoch(PostgresTransaction& transaction, const Holder& holder,
                                            bool lock) {
  std::optional<PostgresShard> shard = PostgresCatalogue(transaction).shard(holder, lock);
  if (shard && shard->of == holder.of && shard->epoch == holder.epoch) return std::move(*shard);
  held_.erase({holder.sync_id, holder.shard});
  fail_without_shard(transaction, holder);
}

PostgresShard PostgresStore::held(PostgresTransaction& transaction, const Holder& holder) {
  PostgresShard shard = shard_of_epoch(transaction, holder, true);
  if (shard.lease_until_ms == 0) fail_fenced(holder);
  shard.latest_ms = std::max(shard.latest_ms, latest_ms_);
  return shard;
}

void PostgresStore::renew(const Holder& holder, std::int64_t lease_ms) {
  const std::string sql =
      "UPDATE tailrace.sync_shard SET lease_until = " + now_sql_ +
      " + $6, latest_at = greatest(latest_at, " + now_sql_ +
      ") WHERE sync_id = $2 AND shard = $3 AND of = $4 AND epoch = $5 AND lease_until <> 0 "
      "RETURNING latest_at";
  with_link([&](PostgresLink& link) {
    PostgresTransaction transaction(link, Kind::writing);
    const std::vector<PostgresResult> renewed = transaction.commit(batch(PostgresStatement(
        sql.c_str(), latest_ms_, holder.sync_id, holder.shard, holder.of, holder.epoch, lease_ms)));
    if (renewed[0].rows() == 1) {
      latest_ms_ = std::max(latest_ms_, renewed[0].integer(0, 0));
      return;
    }
    PostgresTransaction asking(link, Kind::reading);
    static_cast<void>(shard_of_epoch(asking, holder));
    fail_fenced(holder);
  });
}

void PostgresStore::read(const Holder& holder, const bool* shown,
                         const std::function<void(PostgresTransaction&, PostgresShard&)>& work) {
  with_link(
      [&](PostgresLink& link) {
        PostgresTransaction transaction(link, Kind::reading, kPostgresLong);
        PostgresShard shard = shard_of_epoch(transaction, holder);
        work(transaction, shard);
        transaction.commit();
      },
      shown);
}

void PostgresStore::read_snapshot(const Holder& holder, bool with_keys,
                                  const BucketVisitor& visit) {
  bool shown = false;
  read(holder, &shown, [&](PostgresTransaction& transaction, PostgresShard& shard) {
    PostgresContent(transaction, shard).read_snapshot(with_keys, [&](const auto& bucket) {
      shown = true;
      visit(bucket);
    });
  });
}

SnapshotBucket PostgresStore::read_bucket(const Holder& holder, std::uint32_t bucket) {
  SnapshotBucket found;
  read(holder, nullptr, [&](PostgresTransaction& transaction, PostgresShard& shard) {
    found = PostgresContent(transaction, shard).read_bucket(bucket);
  });
  return found;
}

void PostgresStore::read_journal(const Holder& holder, const JournalVisitor& visit) {
  bool shown = false;
  read(holder, &shown, [&](PostgresTransaction& transaction, PostgresShard& shard) {
    PostgresContent(transaction, shard).read_journal([&](const auto& row) {
      shown = true;
      visit(row);
    });
  });
}

std::vector<RejectedRow> PostgresStore::read_rejected(const Holder& holder) {
  std::vector<RejectedRow> rows;
  read(holder, nullptr, [&](PostgresTransaction& transaction, PostgresShard& shard) {
    rows = PostgresContent(transaction, shard).read_rejected();
  });
  return rows;
}

bool PostgresStore::append_at_once(PostgresLink& link, const Holder& holder, const Commit& commit) {
  const bool journal_alone = !commit.journal.empty() && commit.rejected.empty() &&
                             commit.no_longer_rejected.empty() && commit.log.empty() &&
                             commit.fields.empty() && commit.fields_forgotten.empty();
  const auto known = held_.find({holder.sync_id, holder.shard});
  if (!journal_alone || known == held_.end() || known->second.epoch != holder.epoch) return false;
  const PostgresShard& before = known->second;
  if (follows(commit.journal, before.last_seq) != Follows::next) return false;
  PostgresShard after = before;
  after.last_seq = commit.journal.back().seq;
  after.latest_ms = latest_ms_;
  PostgresTransaction transaction(link, Kind::writing);
  const std::vector<PostgresResult> appended =
      transaction.commit(batch(append_if_unchanged(before, after, commit.journal)));
  if (appended[0].touched() != static_cast<std::int64_t>(commit.journal.size())) return false;
  known->second = std::move(after);
  return true;
}

void PostgresStore::append_in_steps(PostgresLink& link, const Holder& holder,
                                    const Commit& commit) {
  PostgresTransaction transaction(link, Kind::writing);
  PostgresShard shard = held(transaction, holder);
  PostgresContent content(transaction, shard);
  if (follows(commit.journal, shard.last_seq) == Follows::repeated) {
    if (!content.has_journal_rows(commit.journal)) fail_fenced(holder);
    return;
  }
  content.add_journal(commit.journal);
  content.change_rejected(commit.rejected, commit.no_longer_rejected);
  write_notes(transaction, shard, commit);
  PostgresCatalogue(transaction).write(shard);
  transaction.commit();
  held_[{holder.sync_id, holder.shard}] = std::move(shard);
}

void PostgresStore::append(const Holder& holder, const Commit& commit) {
  check_fields(commit.fields);
  with_link([&](PostgresLink& link) {
    if (!append_at_once(link, holder, commit)) append_in_steps(link, holder, commit);
  });
}

void PostgresStore::fold(PostgresTransaction& transaction, PostgresShard& shard,
                         const Finish& finish) {
  PostgresContent content(transaction, shard);
  if (finish.replace_all_buckets) content.drop_snapshot();
  content.put_buckets(finish.buckets);
  shard.bucket_bits = finish.bucket_bits;
  check_carried(finish.carried, shard.last_seq);
  content.drop_journal(finish.folded_seq);
  content.add_journal(finish.carried);
}

void PostgresStore::finish(const Holder& holder, const Finish& finish) {
  with_link([&](PostgresLink& link) {
    PostgresTransaction transaction(link, Kind::writing, kPostgresLong);
    PostgresRuns table(transaction);
    PostgresShard shard = shard_of_epoch(transaction, holder, true);
    if (shard.lease_until_ms == 0) {
      if (!table.has_ended(holder, finish.run)) fail_fenced(holder);
      return;
    }
    if (finish.fold) fold(transaction, shard, finish);
    PostgresContent(transaction, shard).change_rejected({}, finish.forgotten);
    if (!finish.mapping_fingerprint.empty()) {
      shard.mapping_fingerprint = finish.mapping_fingerprint;
      shard.encoding = finish.encoding;
    }
    const std::int64_t now = clock_in(transaction);
    shard.latest_ms = std::max(shard.latest_ms, now);
    if (finish.resynced) shard.resynced_ms = now;
    PostgresLog(transaction).drop_older(now - kLogKeptMs);
    const std::int64_t lock_key = std::exchange(shard.lock_key, 0);
    shard.lease_until_ms = 0;
    PostgresCatalogue(transaction).write(shard);
    table.end(holder, finish.run);
    table.keep(holder.sync_id, kRunsKept);
    transaction.commit(
        {}, batch(PostgresStatement("SELECT pg_catalog.pg_advisory_unlock($1)", lock_key)));
  });
  held_.erase({holder.sync_id, holder.shard});
}

std::vector<RunRow> PostgresStore::runs(const std::string& sync, std::size_t limit) {
  std::vector<RunRow> rows;
  with_link([&](PostgresLink& link) {
    PostgresTransaction transaction(link, Kind::reading);
    rows = PostgresRuns(transaction).latest(sync, limit);
    transaction.commit();
  });
  return rows;
}

bool is_postgres_url(const std::string& url) {
  return url.starts_with("postgresql://") || url.starts_with("postgres://");
}

}  // namespace tailrace
