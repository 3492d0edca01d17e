// State, tool and model, while no run is at work and when everything has come to rest.
#include <algorithm>

#include "oracle.hpp"
#include "oracle_words.hpp"
#include "run/whole_state.hpp"
#include "state/replay.hpp"

namespace tailrace::simulation {

std::optional<StateView> Oracle::load(std::int64_t now_ms) const {
  if (disk_->syncs.empty()) return std::nullopt;
  MemoryStore store(disk_, [&] { return now_ms + store_offset_ms_; });
  const std::vector<Claim> shards = shards_of(store, disk_->syncs.front().address);
  if (shards.empty()) return std::nullopt;
  return load_whole(store, shards, schedule_.quiet_ms);
}

int Oracle::layout_with_jobs(std::int64_t now_ms) const {
  if (disk_->syncs.empty()) return 0;
  MemoryStore store(disk_, [&] { return now_ms + store_offset_ms_; });
  const std::vector<Claim> shards = shards_of(store, disk_->syncs.front().address);
  const auto has_job = [&](const Claim& shard) {
    const auto ignored = [](StateOp, const IntentRow&, const std::string&) {};
    const Replayed replayed = replay_journal(store, shard, schedule_.quiet_ms, ignored);
    return std::any_of(replayed.open.begin(), replayed.open.end(),
                       [](const OpenBatch& batch) { return batch.in_job(); });
  };
  const bool some = std::any_of(shards.begin(), shards.end(), has_job);
  return some ? static_cast<int>(shards.size()) : 0;
}

/// What the state says of a key that is not in doubt is what the tool has, now and later.
void Oracle::check_state(std::int64_t now_ms) {
  const std::optional<StateView> loaded = load(now_ms);
  if (!loaded) return;
  const StateView& view = *loaded;
  std::set<std::string> keys;
  for (const auto& [key, record] : tool_.records()) keys.insert(key);
  keys.insert(delivered_.begin(), delivered_.end());
  for (const std::string& key : keys) {
    if (foreign_.contains(key)) continue;
    const StateTable::Slot slot = view.table.find(names_.identity(key));
    const bool known = slot != StateTable::kNone;
    if (known && view.table.marks(slot).in_doubt) continue;
    if (is_parked(key)) continue;
    const bool acknowledged = known && view.table.marks(slot).acknowledged;
    const auto record = tool_.records().find(key);
    const bool there = record != tool_.records().end();
    if (acknowledged != there) {
      fail("I5", key + (there ? " is there, and the state does not know it"
                              : " is not there, and the state has it"));
      continue;
    }
    const Version version = acknowledged ? view.table.version(slot) : 0;
    if (schedule_.mode == SyncMode::insert) continue;  // a row is inserted once, as it was then
    if (there && !names_.is_of(version, key, record->second.value)) {
      fail("I5",
           key + "=" + record->second.value + " is there, the state has " + names_.row_of(version));
    }
    for (const std::size_t place : tool_.under_way()) {
      const Delivery& delivery = tool_.log()[place];
      for (const Ask::Row& row : delivery.ask.rows) {
        if (delivery.ask.op == Ask::Op::find || key_of(row) != key) continue;
        const bool harmless =
            delivery.ask.writes()
                ? (acknowledged && names_.is_of(version, key, row.value)) || is_poison(row.value)
                : !acknowledged;
        if (!harmless) {
          fail("I5", key + " has a request under way (number " + std::to_string(delivery.number) +
                         "), and is not in doubt");
        }
      }
    }
  }
}

void Oracle::round_is_over(std::int64_t now_ms) {
  for (auto& [number, ledger] : ledgers_) ledger.in_flight.clear();
  check_state(now_ms);
  for (const auto& [key, value] : foreign_) {
    const auto record = tool_.records().find(key);
    if (record == tool_.records().end() || record->second.value != value) {
      fail("I2", key + " is another's record and was changed");
    }
  }
}

const RejectedRow* Oracle::rejection_of(const std::string& key) const {
  if (disk_->syncs.empty()) return nullptr;
  const IdentityHash& identity = names_.identity(key);
  for (const MemoryDisk::Shard& shard : disk_->syncs.front().shards) {
    const auto found = shard.rejected.find(identity);
    if (found != shard.rejected.end()) return &found->second;
  }
  return nullptr;
}

/// True where the tool refused that row and the state remembers it.
bool Oracle::is_settled_rejection(const std::string& key, const std::string& value) const {
  if (is_poison(value) || is_parked(key)) return true;
  const RejectedRow* rejected = rejection_of(key);
  if (rejected == nullptr || !names_.is_of(rejected->version, key, value)) return false;
  for (const Delivery& delivery : tool_.log()) {
    for (std::size_t i = 0; i < delivery.ask.rows.size(); ++i) {
      const Ask::Row& row = delivery.ask.rows[i];
      if (!delivery.ask.writes() || row.key != key || row.value != value) continue;
      if (says_no(delivery)) return true;
      if (i < delivery.rows.size() && delivery.rows[i].done == Done::clash) return true;
    }
  }
  return false;
}

/// True where the row waits for a person: it was sent, and nobody knows what became of it.
bool Oracle::is_parked(const std::string& key) const {
  const RejectedRow* rejected = rejection_of(key);
  return schedule_.mode == SyncMode::insert && rejected != nullptr &&
         rejected->hold == Hold::parked && delivered_.contains(key);
}

/// True where the tool refused to remove the record and the state remembers it.
bool Oracle::is_kept(const std::string& key) const {
  const RejectedRow* rejected = rejection_of(key);
  if (rejected == nullptr || rejected->version != 0) return false;
  return std::any_of(tool_.log().begin(), tool_.log().end(), [&](const Delivery& delivery) {
    return !delivery.ask.writes() && says_no(delivery) &&
           std::any_of(delivery.ask.rows.begin(), delivery.ask.rows.end(),
                       [&](const Ask::Row& row) { return key_of(row) == key; });
  });
}

void Oracle::check_tool_is_model(const std::string& rule) {
  for (const auto& [key, value] : model_) {
    const auto record = tool_.records().find(key);
    const bool once = schedule_.mode == SyncMode::insert;
    const bool same = record != tool_.records().end() && (once || record->second.value == value);
    if (same || is_settled_rejection(key, value)) continue;
    fail(rule, key + " should be " + value + " and is " +
                   (record == tool_.records().end() ? "not there" : record->second.value));
  }
  for (const auto& [key, record] : tool_.records()) {
    if (record.made > 1 && schedule_.safety != Safety::duplicate_ok)
      fail(schedule_.safety == Safety::park ? "I4" : "I3",
           key + " was made " + std::to_string(record.made) + " times");
    if (is_poison(record.value)) fail(rule, key + " has a value that the tool refuses");
    if (model_.contains(key) || foreign_.contains(key)) continue;
    if (schedule_.mode == SyncMode::mirror && !is_kept(key)) {
      fail(rule, key + " is not in the model any more and is there");
    }
  }
}

void Oracle::quiet_run_ended(const Process& process, bool second) {
  if (!process.result) {
    fail("I1", who(process) + " met no fault and did not end");
    return;
  }
  const Report& report = process.result->report;
  const bool well = report.status == Status::done || report.status == Status::rejected;
  if (!well) {
    fail("I1", who(process) + " met no fault and ends " + std::string(to_text(report.status)) +
                   ": " + report.message);
  }
  if (!second) return;
  const std::size_t asked = ledgers_[process.number()].asked;
  if (asked > 0) {
    fail("I12", who(process) + " has nothing left to send and makes " + std::to_string(asked) +
                    " requests");
  }
  check_doubts(process);
}

/// What a rejected row's lost requests did stays open until the row is accepted or removed; so does
/// what was sent of a row that left the model and is not to be removed, and an insert that was
/// allowed to come twice. Another number of shards forgets when an insert was accepted, but not
/// that it was: an older one of another version stays in doubt then, and nothing comes of it.
void Oracle::check_doubts(const Process& process) {
  const std::optional<StateView> view = load(process.now_ms());
  if (!view) return;
  for (const auto& [identity, doubt] : view->doubts) {
    const std::string key = names_.key_of(identity);
    const auto row = model_.find(key);
    const bool open = row == model_.end() ? schedule_.mode != SyncMode::mirror || is_kept(key)
                                          : is_settled_rejection(key, row->second);
    const StateTable::Slot slot = view->table.find(identity);
    const bool made = slot != StateTable::kNone && view->table.marks(slot).acknowledged;
    const bool harmless = schedule_.mode == SyncMode::insert &&
                          (schedule_.safety == Safety::duplicate_ok || (was_sharded_ && made));
    if (!open && !harmless) fail("I12", who(process) + " leaves " + key + " in doubt");
  }
}

void Oracle::all_is_over() {
  check_tool_is_model("I1");
  check_listed();
  check_order();
}

/// Every row of an insert is on record: as made, or as refused or waiting for a person.
void Oracle::check_listed() {
  if (schedule_.mode != SyncMode::insert || failures_.size() > 0) return;
  const std::optional<StateView> view = load(INT64_MAX / 4);
  if (!view) return;
  for (const auto& [key, value] : model_) {
    const StateTable::Slot slot = view->table.find(names_.identity(key));
    const bool made = slot != StateTable::kNone && view->table.marks(slot).acknowledged;
    if (!made && rejection_of(key) == nullptr) fail("I4", key + " is on no list");
  }
}

/// An older value that takes effect after a newer one was sent no longer ago than the quiet time.
void Oracle::check_order() {
  std::map<std::string, int> newest;
  std::vector<const Delivery*> arrived;
  for (const Delivery& delivery : tool_.log()) {
    if (delivery.arrived && delivery.ask.writes()) arrived.push_back(&delivery);
  }
  std::stable_sort(arrived.begin(), arrived.end(), [](const Delivery* a, const Delivery* b) {
    return a->arrives_ms < b->arrives_ms;
  });
  for (const Delivery* delivery : arrived) {
    const int round = ledgers_[delivery->process].round;
    for (const Ask::Row& row : delivery->ask.rows) {
      int& latest = newest[row.key];
      if (round < latest && delivery->arrives_ms - delivery->sent_ms > schedule_.quiet_ms) {
        fail("I8", row.key + " goes back to " + row.value + " after the quiet time");
      }
      latest = std::max(latest, round);
    }
  }
}

}  // namespace tailrace::simulation
