#pragma once

#include <memory>
#include <optional>
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
  std::optional<Claim> peek(const SyncAddress& address) override { return inner_->peek(address); }
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

 protected:
  StateStore& inner() { return *inner_; }

 private:
  std::unique_ptr<StateStore> inner_;
};

}  // namespace tailrace::test
