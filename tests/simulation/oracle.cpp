#include "oracle.hpp"

#include <algorithm>
#include <utility>

#include "state/journal.hpp"
#include "state/table.hpp"

namespace tailrace::simulation {
namespace {

std::string who(const Process& process) { return "run " + std::to_string(process.number()); }

bool is_write(const Delivery& delivery) { return delivery.ask.op != Ask::Op::find; }

/// True where the sender has seen that nothing of the request was done for what it holds.
bool says_no(const Delivery& delivery) {
  const int status = delivery.reply.status;
  return delivery.reply.failure == wire::Failure::none && status >= 400 && status < 500;
}

}  // namespace

Names::Names(const Hasher::Secret& secret, const std::string& mapping_fingerprint)
    : hasher_(secret, mapping_fingerprint) {
  schema_.columns = {{"id", Type::text}, {"v", Type::text}};
  schema_.field_count = 2;
  schema_.key = {0};
}

const IdentityHash& Names::identity(const std::string& key) {
  const auto [found, fresh] = identities_.try_emplace(key);
  if (fresh) found->second = hasher_.identity(key);
  return found->second;
}

Version Names::version(const std::string& key, const std::string& value) {
  const auto [found, fresh] = versions_.try_emplace({key, value});
  if (fresh) {
    const std::string line = key + "\t" + value;
    found->second = hasher_.version(RowView(line, schema_), scratch_);
  }
  return found->second;
}

std::string Names::key_of(const IdentityHash& identity) const {
  for (const auto& [key, hash] : identities_) {
    if (hash == identity) return key;
  }
  return {};
}

std::string Names::row_of(Version version) const {
  for (const auto& [row, known] : versions_) {
    if (known == version) return row.first + "=" + row.second;
  }
  return "another row";
}

Oracle::Oracle(const Schedule& schedule, const Emulator& tool, std::shared_ptr<MemoryDisk> disk,
               Names& names, std::int64_t store_offset_ms)
    : schedule_(schedule),
      tool_(tool),
      disk_(std::move(disk)),
      names_(names),
      store_offset_ms_(store_offset_ms) {}

void Oracle::fail(std::string rule, std::string text) {
  failures_.push_back({std::move(rule), std::move(text)});
}

std::string Oracle::key_of(const Ask::Row& row) const {
  return row.key.empty() ? tool_.key_of(row.id) : row.key;
}

void Oracle::begins(const Process& process) { ledgers_[process.number()]; }

void Oracle::asks(const Process& process) {
  Ledger& ledger = ledgers_[process.number()];
  ++ledger.asked;
  if (process.now_ms() < ledger.not_before_ms) {
    fail("I10", who(process) + " asks at " + std::to_string(process.now_ms()) +
                    ", and was told not to before " + std::to_string(ledger.not_before_ms));
  }
}

void Oracle::sends(const Process& process, const Delivery& delivery) {
  Ledger& ledger = ledgers_[process.number()];
  ++ledger.sent;
  if (!is_write(delivery)) return;
  check_intent(process, delivery, ledger);
  for (const Ask::Row& row : delivery.ask.rows) {
    const std::string key = key_of(row);
    if (ledger.in_flight.contains(key)) {
      fail("I8", who(process) + " sends " + key + " while a request for it is in flight");
    }
    ledger.in_flight.insert(key);
    if (foreign_.contains(key)) fail("I2", who(process) + " writes " + key + ", not its own");
  }
  if (delivery.ask.op == Ask::Op::remove) check_removal(process, delivery, ledger);
}

/// No send without an intent of its own that is durable, and none after that one's time.
void Oracle::check_intent(const Process& process, const Delivery& delivery, Ledger& ledger) {
  std::vector<std::pair<IdentityHash, Version>> rows;
  const bool removes = delivery.ask.op == Ask::Op::remove;
  for (const Ask::Row& row : delivery.ask.rows) {
    const std::string key = key_of(row);
    rows.emplace_back(names_.identity(key), removes ? 0 : names_.version(key, row.value));
  }
  const auto speaks_for = [&](const Intent& intent) {
    if (intent.used || (intent.op == StateOp::remove) != removes) return false;
    return std::all_of(rows.begin(), rows.end(), [&](const auto& row) {
      return std::find(intent.rows.begin(), intent.rows.end(), row) != intent.rows.end();
    });
  };
  // The latest: those of one batch's requests look alike, and an older one may have run out.
  const auto found = std::find_if(ledger.intents.rbegin(), ledger.intents.rend(), speaks_for);
  if (found == ledger.intents.rend()) {
    fail("I7",
         who(process) + " sends request " + std::to_string(delivery.number) + " without an intent");
    return;
  }
  found->used = true;
  if (delivery.sent_ms >= found->send_by_ms) {
    fail("I7", who(process) + " sends request " + std::to_string(delivery.number) + " at " +
                   std::to_string(delivery.sent_ms) + ", its intent was good until " +
                   std::to_string(found->send_by_ms));
  }
}

void Oracle::check_removal(const Process& process, const Delivery& delivery, Ledger& ledger) {
  for (const Ask::Row& row : delivery.ask.rows) {
    const std::string key = key_of(row);
    ledger.removed.insert(key);
    if (!delivered_.contains(key)) {
      fail("I9", who(process) + " removes " + key + ", which no run has written");
    }
  }
  if (schedule_.mode != SyncMode::mirror) {
    fail("I9", who(process) + " removes, and the sync does not");
  }
  if (process.source_ended && process.valid == 0) {
    fail("I9", who(process) + " removes, and its model was empty");
  }
}

void Oracle::learns(const Process& process, const Delivery& delivery) {
  Ledger& ledger = ledgers_[process.number()];
  const bool waits = delivery.not_before_ms > 0 && delivery.reply.status != 0;
  if (waits) ledger.not_before_ms = std::max(ledger.not_before_ms, delivery.not_before_ms);
  if (!is_write(delivery)) return;
  for (const Ask::Row& row : delivery.ask.rows) {
    const auto found = ledger.in_flight.find(key_of(row));
    if (found != ledger.in_flight.end()) ledger.in_flight.erase(found);
  }
}

void Oracle::commits(const Process& process, const Commit& commit) {
  Ledger& ledger = ledgers_[process.number()];
  for (const JournalRow& row : commit.journal) {
    if (row.kind == JournalKind::intent) read_intents(row, ledger);
    if (row.kind == JournalKind::outcome) read_outcomes(process, row, ledger);
    if (row.kind != JournalKind::void_) continue;
    for (const VoidBatch& batch : unpack_voids(row.entries)) {
      for (Intent& intent : ledger.intents) {
        if (intent.seq == batch.intent_seq && intent.batch == batch.batch) intent.used = true;
      }
    }
  }
}

void Oracle::read_intents(const JournalRow& row, Ledger& ledger) {
  std::uint32_t number = 0;
  for (const IntentBatch& batch : unpack_intents(row.entries)) {
    Intent intent{row.seq, number++, batch.op, row.send_by_ms - store_offset_ms_, {}, false};
    for (const IntentRow& one : batch.rows) {
      intent.rows.emplace_back(one.identity, one.version);
      // From now on it may be there, and a later run may take it away.
      if (batch.op != StateOp::remove) delivered_.insert(one.key);
    }
    ledger.intents.push_back(std::move(intent));
  }
}

void Oracle::read_outcomes(const Process& process, const JournalRow& row, Ledger& ledger) {
  for (const OutcomeBatch& batch : unpack_outcomes(row.entries)) {
    const auto intent = std::find_if(
        ledger.intents.begin(), ledger.intents.end(),
        [&](const Intent& one) { return one.seq == batch.intent_seq && one.batch == batch.batch; });
    if (intent == ledger.intents.end()) continue;  // of an earlier run
    intent->used = true;
    for (std::size_t i = 0; i < intent->rows.size(); ++i) {
      const RowResult& result = batch.rows.size() == 1 ? batch.rows.front() : batch.rows.at(i);
      if (result.outcome == RowOutcome::accepted) ledger.accepted.insert(intent->rows[i].first);
      check_outcome(process, *intent, i, result.outcome);
    }
  }
}

bool Oracle::was_applied(int process, const Intent& intent, std::size_t row) const {
  const auto& [identity, version] = intent.rows[row];
  const bool inserts = schedule_.mode == SyncMode::insert;
  for (const Delivery& delivery : tool_.log()) {
    // What another run inserted and this one found is there, in whatever version.
    if ((delivery.process != process && !inserts) || !delivery.arrived) continue;
    for (std::size_t i = 0; i < delivery.ask.rows.size(); ++i) {
      const Ask::Row& asked = delivery.ask.rows[i];
      const bool removes = delivery.ask.op == Ask::Op::remove;
      const bool gone = delivery.ask.op == Ask::Op::find && intent.op == StateOp::remove &&
                        delivery.rows[i].done == Done::absent;
      if (gone && names_.identity(key_of(asked)) == identity) return true;
      if (removes != (intent.op == StateOp::remove)) continue;
      if (delivery.rows[i].done == Done::applied && delivery.ask.op != Ask::Op::find) {
        const std::string key = key_of(asked);
        const bool same = names_.identity(key) == identity;
        if (same && (removes || inserts || names_.version(key, asked.value) == version))
          return true;
      }
    }
  }
  return false;
}

bool Oracle::was_refused(int process, const Intent& intent, std::size_t row) const {
  const auto& [identity, version] = intent.rows[row];
  for (const Delivery& delivery : tool_.log()) {
    if (delivery.process != process) continue;
    for (std::size_t i = 0; i < delivery.ask.rows.size(); ++i) {
      const Ask::Row& asked = delivery.ask.rows[i];
      const std::string key = key_of(asked);
      if (names_.identity(key) != identity) continue;
      if (delivery.ask.writes() && names_.version(key, asked.value) != version) continue;
      if (says_no(delivery)) return true;
      if (i < delivery.rows.size() && delivery.rows[i].done != Done::applied) return true;
    }
  }
  return false;
}

void Oracle::check_outcome(const Process& process, const Intent& intent, std::size_t row,
                           RowOutcome outcome) {
  const auto& [identity, version] = intent.rows[row];
  const auto what = [&] {
    const std::string key = names_.key_of(identity);
    return intent.op == StateOp::remove ? key + " (removal)" : names_.row_of(version);
  };
  if (outcome == RowOutcome::accepted && !was_applied(process.number(), intent, row)) {
    fail("I6", who(process) + " lists " + what() + " as accepted, and it was not applied");
  }
  if (outcome == RowOutcome::rejected && !was_refused(process.number(), intent, row)) {
    fail("I6", who(process) + " lists " + what() + " as rejected, and it was not refused");
  }
}

void Oracle::ends(const Process& process, bool alone) {
  if (!process.broke.empty()) fail("I11", who(process) + " threw: " + process.broke);
  if (!process.result) return;
  const Report& report = process.result->report;
  const Ledger& ledger = ledgers_[process.number()];
  check_counts(process, report, ledger);
  const bool at_rest = alone && report.status == Status::done && report.in_doubt == 0 &&
                       tool_.under_way().empty() && process.source_ended &&
                       process.valid == model_.size();
  if (at_rest) check_tool_is_model("I1");
}

void Oracle::check_counts(const Process& process, const Report& report, const Ledger& ledger) {
  const auto broken = [&](const std::string& text) {
    fail("I11", who(process) + " ends " + std::string(to_text(report.status)) + " and " + text);
  };
  const OutcomeCounts& rows = report.outcomes;
  const DiffCounts& diff = report.diff;
  if (diff.scanned > 0 && diff.scanned != process.scanned) broken("did not count its rows");
  if (diff.scanned > 0 && diff.invalid != process.scanned - process.valid) {
    broken("counts " + std::to_string(diff.invalid) + " invalid rows, there were " +
           std::to_string(process.scanned - process.valid));
  }
  if (diff.scanned != diff.unchanged + diff.added + diff.changed + diff.invalid) {
    broken("its scanned rows do not add up");
  }
  if (diff.added + diff.changed + diff.removed != rows.total()) {
    broken("its planned rows do not add up");
  }
  const std::uint64_t left = rows.unknown + rows.not_attempted + rows.pending;
  const std::uint64_t refused = rows.rejected + diff.invalid;
  switch (report.status) {
    case Status::done:
      if (left + refused > 0) broken("rows are left over or refused");
      break;
    case Status::rejected:
      if (left > 0 || refused == 0) broken("that is not so");
      break;
    case Status::refused:
    case Status::state_lost:
      if (ledger.asked > 0) broken("requests were made");
      break;
    default: break;
  }
  if (report.status == Status::state_lost) broken("the store was not: " + report.message);
  if (report.http.requests != ledger.asked) {
    broken("counts " + std::to_string(report.http.requests) + " requests, there were " +
           std::to_string(ledger.asked));
  }
  const bool settled = report.status == Status::done || report.status == Status::rejected;
  if (rows.accepted > ledger.accepted.size() ||
      (settled && rows.accepted != ledger.accepted.size())) {
    broken("counts " + std::to_string(rows.accepted) + " accepted rows, on record are " +
           std::to_string(ledger.accepted.size()));
  }
}

std::optional<StateView> Oracle::load(std::int64_t now_ms) const {
  if (disk_->syncs.empty()) return std::nullopt;
  MemoryStore store(disk_, [&] { return now_ms + store_offset_ms_; });
  const std::optional<Claim> claim = store.peek(disk_->syncs.front().address);
  if (!claim) return std::nullopt;
  return load_state(store, *claim, schedule_.quiet_ms);
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
    if (there && version != names_.version(key, record->second.value)) {
      fail("I5",
           key + "=" + record->second.value + " is there, the state has " + names_.row_of(version));
    }
    for (const std::size_t place : tool_.under_way()) {
      const Delivery& delivery = tool_.log()[place];
      for (const Ask::Row& row : delivery.ask.rows) {
        if (delivery.ask.op == Ask::Op::find || key_of(row) != key) continue;
        const bool harmless = delivery.ask.writes()
                                  ? (acknowledged && names_.version(key, row.value) == version) ||
                                        is_poison(row.value)
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

bool Oracle::is_rejected(const std::string& key, Version version) const {
  if (disk_->syncs.empty()) return false;
  const IdentityHash& identity = names_.identity(key);
  for (const MemoryDisk::Shard& shard : disk_->syncs.front().shards) {
    const auto found = shard.rejected.find(identity);
    if (found != shard.rejected.end() && found->second.version == version) return true;
  }
  return false;
}

/// True where the tool refused that row and the state remembers it.
bool Oracle::is_settled_rejection(const std::string& key, const std::string& value) const {
  if (is_poison(value) || is_parked(key)) return true;
  if (!is_rejected(key, names_.version(key, value))) return false;
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
  if (schedule_.mode != SyncMode::insert || disk_->syncs.empty()) return false;
  const IdentityHash& identity = names_.identity(key);
  for (const MemoryDisk::Shard& shard : disk_->syncs.front().shards) {
    const auto found = shard.rejected.find(identity);
    if (found != shard.rejected.end() && found->second.hold == Hold::parked) {
      return delivered_.contains(key);
    }
  }
  return false;
}

/// True where the tool refused to remove the record and the state remembers it.
bool Oracle::is_kept(const std::string& key) const {
  if (!is_rejected(key, 0)) return false;
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
    if (record.made > 1)
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
/// what was sent of a row that left the model and is not to be removed.
void Oracle::check_doubts(const Process& process) {
  const std::optional<StateView> view = load(process.now_ms());
  if (!view) return;
  for (const auto& [identity, doubt] : view->doubts) {
    const std::string key = names_.key_of(identity);
    const auto row = model_.find(key);
    const bool open = row == model_.end() ? schedule_.mode != SyncMode::mirror || is_kept(key)
                                          : is_settled_rejection(key, row->second);
    if (!open) fail("I12", who(process) + " leaves " + key + " in doubt");
  }
}

void Oracle::all_is_over() { check_tool_is_model("I1"); }

}  // namespace tailrace::simulation
