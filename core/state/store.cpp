#include "state/store.hpp"

#include <stdexcept>

namespace tailrace {
namespace {

// Until each kind of store has them all.
[[noreturn]] void fail_lacking(const char* what) {
  throw std::logic_error(std::string("state: this kind of store has no ") + what);
}

}  // namespace

void StateStore::note_fields(const SyncAddress&, const std::string&) { fail_lacking("fields"); }
std::vector<std::string> StateStore::read_fields(const Holder&, std::span<const IdentityHash>) {
  fail_lacking("field hashes");
}
std::vector<LogEntry> StateStore::log_of(const std::string&, const std::string&, std::size_t) {
  fail_lacking("log");
}
RateGrant StateStore::draw(const RateAsk&) { fail_lacking("budgets"); }
void StateStore::put_shard_count(const Holder&, const std::string&, const std::string&) {
  fail_lacking("counts");
}
std::vector<ShardCount> StateStore::shard_counts(const Holder&, const std::string&) {
  fail_lacking("counts");
}
bool StateStore::rename(const SyncAddress&, const SyncAddress&) { fail_lacking("renaming"); }
std::vector<SyncAddress> StateStore::addresses() { fail_lacking("copying"); }
void StateStore::adopt(const StoreIdentity&) { fail_lacking("copying"); }
void StateStore::import_shard(const ShardImage&) { fail_lacking("copying"); }
void StateStore::import_runs(std::span<const RunRow>) { fail_lacking("copying"); }

}  // namespace tailrace
