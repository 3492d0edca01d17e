#include "state/transfer.hpp"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "state/protocol.hpp"

namespace tailrace {
namespace {

constexpr std::int64_t kLeaseMs = 600'000;  // renewed before each shard

/// Every shard of a store, held against runs.
class HeldStore {
 public:
  struct Shard {
    SyncAddress address;
    Claim claim;
  };

  explicit HeldStore(StateStore& store) : store_(store) {
    run_.run_id = "copy-" + new_identity().id;
    run_.started_at_ms = store.now_ms();
    for (const SyncAddress& address : store.addresses()) {
      run_.sync = address.sync;
      std::optional<Claim> claim = store.claim(address, run_, kLeaseMs);
      if (!claim) {
        release("interrupted");
        fail_under_way(address);
      }
      shards_.push_back({address, std::move(*claim)});
    }
  }
  ~HeldStore() {
    try {
      release("interrupted");
    } catch (const std::exception&) {
      // The leases run out, or end with the process.
    }
  }
  HeldStore(const HeldStore&) = delete;
  HeldStore& operator=(const HeldStore&) = delete;

  [[nodiscard]] const std::vector<Shard>& shards() const { return shards_; }
  [[nodiscard]] const std::string& run_id() const { return run_.run_id; }

  void renew() {
    for (const Shard& shard : shards_) store_.renew(shard.claim.holder, kLeaseMs);
  }

  void release(const std::string& status) {
    while (!shards_.empty()) {
      const Shard shard = std::move(shards_.back());
      shards_.pop_back();
      Finish finish;
      finish.run = run_;
      finish.run.sync = shard.address.sync;
      finish.run.status = status;
      finish.run.ended_at_ms = store_.now_ms();
      store_.finish(shard.claim.holder, finish);
    }
  }

 private:
  StateStore& store_;
  RunRow run_;
  std::vector<Shard> shards_;
};

ShardImage image_of(StateStore& store, const HeldStore::Shard& shard) {
  ShardImage image;
  image.address = shard.address;
  image.claim = shard.claim;
  const Holder& holder = shard.claim.holder;
  store.read_snapshot(holder, true,
                      [&](const SnapshotBucket& bucket) { image.buckets.push_back(bucket); });
  store.read_journal(holder, [&](const JournalRow& row) { image.journal.push_back(row); });
  image.rejected = store.read_rejected(holder);
  return image;
}

std::vector<RunRow> runs_of(StateStore& store, const std::string& but_of_run) {
  std::vector<RunRow> runs =
      store.runs("", static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()));
  std::erase_if(runs, [&](const RunRow& run) { return run.run_id == but_of_run; });
  std::reverse(runs.begin(), runs.end());
  return runs;
}

}  // namespace

void copy_store(StateStore& from, StateStore& to) {
  if (!to.addresses().empty() || !to.runs("", 1).empty()) fail_not_empty();
  HeldStore held(from);
  to.adopt(from.identity());
  for (const HeldStore::Shard& shard : held.shards()) {
    held.renew();
    to.import_shard(image_of(from, shard));
  }
  to.import_runs(runs_of(from, held.run_id()));
  // The token that the configuration holds may be spent: without these nobody could log in.
  to.import_logins(from.logins());
  held.release("copied");
}

}  // namespace tailrace
