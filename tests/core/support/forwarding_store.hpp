#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "state/store.hpp"

namespace tailrace::test {

/// A store around another. A test overrides the calls that it watches or makes fail.
class ForwardingStore : public StateStore {
 public:
  explicit ForwardingStore(std::unique_ptr<StateStore> inner) : inner_(std::move(inner)) {}

  const StoreIdentity& identity() const override { return inner_->identity(); }
  std::int64_t now_ms() override { return inner_->now_ms(); }
  std::optional<Claim> claim(const SyncAddress& address, const RunRow& run,
                             std::int64_t lease_ms) override {
    return inner_->claim(address, run, lease_ms);
  }
  std::vector<Claim> shards(const SyncAddress& address) override { return inner_->shards(address); }
  void renew(const Holder& holder, std::int64_t lease_ms) override {
    inner_->renew(holder, lease_ms);
  }
  void read_snapshot(const Holder& holder, bool with_keys, const BucketVisitor& visit) override {
    inner_->read_snapshot(holder, with_keys, visit);
  }
  SnapshotBucket read_bucket(const Holder& holder, std::uint32_t bucket) override {
    return inner_->read_bucket(holder, bucket);
  }
  void read_journal(const Holder& holder, const JournalVisitor& visit) override {
    inner_->read_journal(holder, visit);
  }
  std::vector<RejectedRow> read_rejected(const Holder& holder) override {
    return inner_->read_rejected(holder);
  }
  void append(const Holder& holder, const Commit& commit) override {
    inner_->append(holder, commit);
  }
  void finish(const Holder& holder, const Finish& finish) override {
    inner_->finish(holder, finish);
  }
  std::vector<RunRow> runs(const std::string& sync, std::size_t limit) override {
    return inner_->runs(sync, limit);
  }
  std::vector<RejectedRow> rejected_of(const SyncAddress& address) override {
    return inner_->rejected_of(address);
  }
  void reset(const SyncAddress& address) override { inner_->reset(address); }
  void note_fields(const SyncAddress& address, const std::string& fingerprint) override {
    inner_->note_fields(address, fingerprint);
  }
  std::vector<std::string> read_fields(const Holder& holder,
                                       std::span<const IdentityHash> identities) override {
    return inner_->read_fields(holder, identities);
  }
  std::vector<LogEntry> log_of(const std::string& sync, const std::string& key,
                               std::size_t limit) override {
    return inner_->log_of(sync, key, limit);
  }
  RateGrant draw(const RateAsk& ask) override { return inner_->draw(ask); }
  LoginLease take_login(const std::string& login, std::int64_t lease_ms) override {
    return inner_->take_login(login, lease_ms);
  }
  bool end_login(const std::string& login, std::int64_t number,
                 const std::optional<std::string>& sealed) override {
    return inner_->end_login(login, number, sealed);
  }
  std::vector<LoginRow> logins() override { return inner_->logins(); }
  void put_shard_count(const Holder& holder, const std::string& round,
                       const std::string& counts) override {
    inner_->put_shard_count(holder, round, counts);
  }
  std::vector<ShardCount> shard_counts(const Holder& holder, const std::string& round) override {
    return inner_->shard_counts(holder, round);
  }
  bool rename(const SyncAddress& from, const SyncAddress& to) override {
    return inner_->rename(from, to);
  }
  std::vector<SyncAddress> addresses() override { return inner_->addresses(); }
  void adopt(const StoreIdentity& identity) override { inner_->adopt(identity); }
  void import_shard(const ShardImage& image) override { inner_->import_shard(image); }
  void import_runs(std::span<const RunRow> runs) override { inner_->import_runs(runs); }
  void import_logins(std::span<const LoginRow> rows) override { inner_->import_logins(rows); }

 protected:
  StateStore& inner() { return *inner_; }

 private:
  std::unique_ptr<StateStore> inner_;
};

}  // namespace tailrace::test
