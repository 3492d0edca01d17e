// State, tool and model, while no run is at work and when everything has come to rest.
#include <algorithm>

#include "content.hpp"
#include "oracle.hpp"
#include "oracle_words.hpp"
#include "run/whole_state.hpp"
#include "state/replay.hpp"

namespace tailrace::simulation {

std::optional<StateView> Oracle::load(std::int64_t now_ms) const {
  if (disk_->syncs.empty()) return std::nullopt;
  MemoryStore store(disk_, [&] { return now_ms + store_offset_ms_; });
  const std::vector<Claim> shards = store.shards(disk_->syncs.front().address);
  if (shards.empty()) return std::nullopt;
  return load_whole(store, shards, schedule_.quiet_ms);
}

int Oracle::layout_with_jobs(std::int64_t now_ms) const {
  if (disk_->syncs.empty()) return 0;
  MemoryStore store(disk_, [&] { return now_ms + store_offset_ms_; });
  const std::vector<Claim> shards = store.shards(disk_->syncs.front().address);
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
    // What somebody else made, or what is left of a record that was cleared, is none of ours.
    const bool there = record != tool_.records().end() && record->second.ours;
    if (acknowledged != there) {
      fail("I5", key + (there ? " is there, and the state does not know it"
                              : " is not there, and the state has it"));
      continue;
    }
    const Version version = acknowledged ? view.table.version(slot) : 0;
    if (inserts(schedule_)) continue;  // a row is inserted as it was then, and stays so
    if (there && !names_.is_of(version, key, record->second.value)) {
      fail("I5", key + "=" + shown(record->second.value) + " is there, the state has " +
                     names_.row_of(version));
    }
    for (const std::size_t place : tool_.under_way()) {
      const Delivery& delivery = tool_.log()[place];
      for (const Ask::Row& row : delivery.ask.rows) {
        if (delivery.ask.op == Ask::Op::find || key_of(row) != key) continue;
        const bool harmless =
            delivery.ask.writes()
                ? (acknowledged && names_.is_of(version, key, row)) || is_poison(row.value)
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
  for (const auto& [key, record] : tool_.records()) {
    const bool others = appeared_.contains(key) || foreign_.contains(key);
    if (schedule_.mode == Mode::update && !others) fail("I13", key + " was made by an update");
  }
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
      if (!delivery.ask.writes() || row.key != key || !agrees(row, value)) continue;
      if (says_no(delivery)) return true;
      if (i < delivery.rows.size() && delivery.rows[i].done == Done::clash) return true;
    }
  }
  return false;
}

/// True where the row waits for a person: it was sent, and nobody knows what became of it.
bool Oracle::is_parked(const std::string& key) const {
  const RejectedRow* rejected = rejection_of(key);
  return inserts(schedule_) && rejected != nullptr && rejected->hold == Hold::parked &&
         delivered_.contains(key);
}

/// A row that waits for a person was made or not, once nothing of it can take effect any more.
std::optional<ByHand::Kind> Oracle::by_hand(const std::string& key) const {
  if (!is_parked(key)) return ByHand::Kind::retry;
  // Of an appended row nobody can tell which of its versions a record is.
  if (schedule_.mode == Mode::append) return std::nullopt;
  for (const std::size_t place : tool_.under_way()) {
    const Delivery& delivery = tool_.log()[place];
    const bool is_of_it = std::any_of(delivery.ask.rows.begin(), delivery.ask.rows.end(),
                                      [&](const Ask::Row& row) { return key_of(row) == key; });
    if (is_of_it) return std::nullopt;
  }
  return tool_.records().contains(key) ? ByHand::Kind::delivered : ByHand::Kind::retry;
}

void Oracle::retried() {
  for (const auto& [key, value] : model_) (void)names_.identity(key);  // known by it from here on
  for (const MemoryDisk::Shard& shard : disk_->syncs.front().shards) {
    for (const auto& [identity, row] : shard.rejected) {
      if (row.hold == Hold::released) released_.insert(names_.key_of(identity));
    }
  }
}

/// Whether a run has something to do for the row, by what the tool has acknowledged.
bool Oracle::is_left_to_do(const std::string& key, const StateView& view) const {
  const StateTable::Slot slot = view.table.find(names_.identity(key));
  const bool known = slot != StateTable::kNone && view.table.marks(slot).acknowledged;
  const auto row = model_.find(key);
  if (row == model_.end()) return known && schedule_.on_removed != OnRemoved::ignore;
  if (!known) return true;
  return schedule_.mode != Mode::insert &&
         !names_.is_of(view.table.version(slot), key, row->second);
}

/// What was to be tried again goes with the first run that comes to its end, or there is nothing
/// left of it to try: such a rejection may stay on record where the end could not be recorded.
void Oracle::check_retried(const Process& process) {
  if (!process.result || process.plan().of > 1) return;
  const Status status = process.result->report.status;
  const bool settled = status == Status::done || status == Status::rejected;
  if (!settled || process.model_rows != model_.size()) return;
  const std::optional<StateView> view = load(process.now_ms());
  if (!view) return;
  for (const std::string& key : released_) {
    const RejectedRow* rejected = rejection_of(key);
    if (rejected == nullptr || rejected->hold == Hold::parked) continue;  // a look comes first
    if (!is_left_to_do(key, *view)) continue;
    fail("I18", who(process) + " leaves " + key + ", which a person has had tried again");
  }
  released_.clear();
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

/// True where an update finds nothing that it could write to.
bool Oracle::is_missing(const std::string& key) const {
  return schedule_.mode == Mode::update && !tool_.records().contains(key);
}

/// Whether the tool has what the model's row asks for.
bool Oracle::is_as_the_model(const std::string& key, const std::string& value) const {
  const auto record = tool_.records().find(key);
  if (is_missing(key)) return true;
  if (record == tool_.records().end()) return false;
  if (schedule_.mode == Mode::insert) return true;  // as it was then
  if (schedule_.mode != Mode::append) return record->second.value == value;
  return std::any_of(tool_.log().begin(), tool_.log().end(), [&](const Delivery& delivery) {
    return delivery.arrived &&
           std::any_of(delivery.ask.rows.begin(), delivery.ask.rows.end(),
                       [&](const Ask::Row& row) { return row.key == key && row.value == value; });
  });
}

/// An insert makes one record of a key.
void Oracle::check_made(const std::string& key, const Emulator::Record& record) {
  if (schedule_.mode != Mode::insert || record.made <= 1) return;
  if (schedule_.safety == InsertSafety::duplicate_ok) return;
  fail(schedule_.safety == InsertSafety::park ? "I4" : "I3",
       key + " was made " + std::to_string(record.made) + " times");
}

void Oracle::check_tool_is_model(const std::string& rule) {
  for (const auto& [key, value] : model_) {
    if (is_as_the_model(key, value) || is_settled_rejection(key, value)) continue;
    const auto record = tool_.records().find(key);
    fail(rule, key + " should be " + shown(value) + " and is " +
                   (record == tool_.records().end() ? "not there" : shown(record->second.value)));
  }
  for (const auto& [key, record] : tool_.records()) {
    check_made(key, record);
    if (is_poison(record.value)) fail(rule, key + " has a value that the tool refuses");
    if (model_.contains(key) || !record.ours) continue;
    if (schedule_.on_removed != OnRemoved::ignore && !is_kept(key)) {
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
  if (asked > 0 && !asks_for_missing_alone(process)) {
    fail("I12", who(process) + " has nothing left to send and makes " + std::to_string(asked) +
                    " requests");
  }
  check_doubts(process);
}

/// Whether every row that the run has sent is one to be updated that the tool does not have: those
/// are tried at every run.
bool Oracle::asks_for_missing_alone(const Process& process) const {
  return schedule_.mode == Mode::update &&
         std::all_of(tool_.log().begin(), tool_.log().end(), [&](const Delivery& delivery) {
           return delivery.process != process.number() ||
                  std::all_of(delivery.ask.rows.begin(), delivery.ask.rows.end(),
                              [&](const Ask::Row& row) { return is_missing(key_of(row)); });
         });
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
    const bool stays = schedule_.on_removed == OnRemoved::ignore;
    const bool open = row == model_.end()
                          ? stays || is_kept(key)
                          : is_missing(key) || is_settled_rejection(key, row->second);
    const StateTable::Slot slot = view->table.find(identity);
    const bool made = slot != StateTable::kNone && view->table.marks(slot).acknowledged;
    // A version that is not the model's any more may have been appended, or may not.
    const bool passed = schedule_.mode == Mode::append && made && row != model_.end() &&
                        names_.is_of(view->table.version(slot), key, row->second);
    const bool harmless = inserts(schedule_) && (schedule_.safety == InsertSafety::duplicate_ok ||
                                                 (was_sharded_ && made) || passed);
    if (!open && !harmless) fail("I12", who(process) + " leaves " + key + " in doubt");
  }
}

void Oracle::all_is_over() {
  check_tool_is_model("I1");
  check_listed();
  check_order();
  if (schedule_.mode == Mode::append && schedule_.safety != InsertSafety::duplicate_ok) {
    check_appended();
  }
}

/// Each version that a row comes to is made once: none is made again right behind itself, and none
/// is listed as made more often than it was.
void Oracle::check_appended() {
  std::map<std::string, std::pair<int, std::string>>
      latest;  // mapping and value, as they were sent
  std::map<std::string, std::vector<std::string>> applied;
  std::set<std::string> done_once;  // under a key of idempotency
  for (const Delivery& delivery : tool_.log()) {
    if (!delivery.arrived || !delivery.ask.writes()) continue;
    for (std::size_t i = 0; i < delivery.ask.rows.size(); ++i) {
      if (delivery.rows[i].done != Done::applied) continue;
      const Ask::Row& row = delivery.ask.rows[i];
      const std::pair now{ledgers_[delivery.process].mapping, row.value};
      if (delivery.replayed) {  // not made, but told to be there
        if (done_once.contains(delivery.ask.once)) latest[row.key] = now;
        continue;
      }
      done_once.insert(delivery.ask.once);
      if (!latest.contains(row.key) || latest.at(row.key) != now) {
        latest[row.key] = now;
      } else {
        fail("I14", row.key + "=" + row.value + " was made twice");
      }
      applied[row.key].push_back(row.value);
    }
  }
  for (const auto& [row, listed] : made_) {
    const auto& [key, version] = row;
    const auto& values = applied[key];
    const auto times = std::count_if(values.begin(), values.end(),
                                     [&, &key = key, &version = version](const auto& v) {
                                       return names_.is_of(version, key, v);
                                     });
    if (listed > times) {
      fail("I14", names_.row_of(version) + " is listed as made " + std::to_string(listed) +
                      " times, and was made " + std::to_string(times) + " times");
    }
  }
}

/// Every row of an insert is on record: as made, or as refused or waiting for a person.
void Oracle::check_listed() {
  if (!inserts(schedule_) || failures_.size() > 0) return;
  const std::optional<StateView> view = load(INT64_MAX / 4);
  if (!view) return;
  for (const auto& [key, value] : model_) {
    const StateTable::Slot slot = view->table.find(names_.identity(key));
    const bool once = schedule_.mode == Mode::insert;
    const bool made = slot != StateTable::kNone && view->table.marks(slot).acknowledged &&
                      (once || names_.is_of(view->table.version(slot), key, value));
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
        fail("I8", row.key + " goes back to " + shown(row.value) + " after the quiet time");
      }
      latest = std::max(latest, round);
    }
  }
}

}  // namespace tailrace::simulation
