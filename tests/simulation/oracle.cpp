// What runs send, as it happens.
#include "oracle.hpp"

#include <algorithm>
#include <utility>

#include "oracle_words.hpp"
#include "state/journal.hpp"

namespace tailrace::simulation {

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

void Oracle::begins(const Process& process) {
  ledgers_[process.number()].round = round_;
  was_sharded_ = was_sharded_ || process.plan().of > 1;
}

void Oracle::round_begins(Model model, bool named, std::int64_t now_ms) {
  model_ = std::move(model);
  guarded_ = {};
  guarded_.excused = !named && now_ms < counts_until_ms_;
  named_ = named;
  ++round_;
  if (disk_->syncs.empty()) return;
  for (const MemoryDisk::Shard& shard : disk_->syncs.front().shards) {
    guarded_.encodings.insert({shard.encoding, shard.mapping_fingerprint});
  }
}

void Oracle::claims(const Process& process) {
  if (process.guards_pass) return;
  // Where the mapping changes as well, nothing is judged.
  const std::string encoding = encoding_name(process.encoding);
  const auto is_other = [&](const auto& record) {
    return record.second == kMappings.at(static_cast<std::size_t>(process.mapping) - 1) &&
           !record.first.empty() && record.first != encoding;
  };
  const auto& on_record = guarded_.encodings;
  const bool same = on_record.empty() || !std::all_of(on_record.begin(), on_record.end(), is_other);
  if (same && schedule_.max_removed_percent <= 0) return;
  const std::optional<StateView> view = load(process.now_ms());
  if (!view) return;
  Ledger& ledger = ledgers_[process.number()];
  ledger.known = view->known;
  guarded_.known = std::max(guarded_.known, view->known);
  // An insert happens once a key, whatever becomes of its row; a row that comes twice, not at all.
  if (process.model_rows != model_.size()) return;
  if (same || guarded_.encoding_passed || schedule_.mode == SyncMode::insert) return;
  judge_encoding(*view, ledger);
}

/// Whether the new encoding alone would have the run send more than its guard lets pass. Rows that
/// a sibling has counted may have changed since, so that little above the limit nothing is said.
void Oracle::judge_encoding(const StateView& view, Ledger& ledger) const {
  std::size_t differing = 0;
  for (const auto& [key, value] : model_) {
    const StateTable::Slot slot = view.table.find(names_.identity(key));
    if (slot == StateTable::kNone || !view.table.marks(slot).acknowledged) continue;
    if (view.table.marks(slot).absent) continue;  // not among the known ones
    if (!names_.is_of(view.table.version(slot), key, value)) ++differing;
  }
  ledger.must_refuse = 10 * differing > 4 * view.known;
}

void Oracle::asks(const Process& process) {
  Ledger& ledger = ledgers_[process.number()];
  ++ledger.asked;
  check_rate(process);
  if (process.now_ms() < ledger.not_before_ms) {
    fail("I10", who(process) + " asks at " + std::to_string(process.now_ms()) +
                    ", and was told not to before " + std::to_string(ledger.not_before_ms));
  }
}

void Oracle::sends(const Process& process, const Delivery& delivery) {
  Ledger& ledger = ledgers_[process.number()];
  ledger.met_fault = ledger.met_fault || delivery.fault != Fault::none;
  if (!is_write(delivery)) return;
  ++ledger.written;
  check_retries(process, delivery, ledger);
  if (ledger.must_refuse && !(guarded_.excused && process.plan().of > 1)) {
    fail("I9", who(process) + " sends under an encoding that its guard has to refuse");
  }
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
  const bool removes = delivery.ask.op == Ask::Op::remove;
  const auto is_named = [&](const Intent& intent, const Ask::Row& row) {
    const std::string key = key_of(row);
    const IdentityHash& identity = names_.identity(key);
    return std::any_of(intent.rows.begin(), intent.rows.end(), [&](const auto& one) {
      return one.first == identity && (removes || names_.is_of(one.second, key, row.value));
    });
  };
  const auto speaks_for = [&](const Intent& intent) {
    if (intent.used || (intent.op == StateOp::remove) != removes) return false;
    return std::all_of(delivery.ask.rows.begin(), delivery.ask.rows.end(),
                       [&](const Ask::Row& row) { return is_named(intent, row); });
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
    if (process.plan().of > 1) guarded_.removed.insert(key);
    if (!delivered_.contains(key)) {
      fail("I9", who(process) + " removes " + key + ", which no run has written");
    }
  }
  if (schedule_.mode != SyncMode::mirror) {
    fail("I9", who(process) + " removes, and the sync does not");
  }
  if (process.guards_pass || (guarded_.excused && process.plan().of > 1)) return;
  if (process.source_ended && process.model_rows == 0) {
    fail("I9", who(process) + " removes, and its model was empty");
  }
  check_limit(process, ledger);
}

/// What a run removes, with its sibling shards, is no larger a share of the keys that were known
/// than the guard lets pass.
void Oracle::check_limit(const Process& process, const Ledger& ledger) {
  if (schedule_.max_removed_percent <= 0) return;
  const bool shard = process.plan().of > 1;
  const std::size_t known = shard ? guarded_.known : ledger.known;
  const std::size_t removed = (shard ? guarded_.removed : ledger.removed).size();
  const double share = 100.0 * static_cast<double>(removed) / static_cast<double>(known);
  if (share <= schedule_.max_removed_percent) return;
  fail("I9", who(process) + " removes, with its siblings, " + std::to_string(removed) + " of " +
                 std::to_string(known) + " known keys");
}

void Oracle::learns(const Process& process, const Delivery& delivery) {
  Ledger& ledger = ledgers_[process.number()];
  const bool waits = delivery.not_before_ms > 0 && delivery.reply.status != 0;
  if (waits) ledger.not_before_ms = std::max(ledger.not_before_ms, delivery.not_before_ms);
  note_answer(delivery, ledger);
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

}  // namespace tailrace::simulation
