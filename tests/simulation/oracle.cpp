// What runs send, as it happens.
#include "oracle.hpp"

#include <algorithm>
#include <utility>

#include "content.hpp"
#include "oracle_words.hpp"
#include "run/field_choice.hpp"
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
  ledgers_[process.number()].mapping = process.mapping;
  was_sharded_ = was_sharded_ || process.plan().of > 1;
}

void Oracle::round_begins(Model model) {
  model_ = std::move(model);
  if (schedule_.changed_fields) {
    for (const auto& [key, value] : model_) (void)names_.version(key, value);
  }
  guarded_ = {};
  ++round_;
  if (disk_->syncs.empty()) return;
  for (const MemoryDisk::Shard& shard : disk_->syncs.front().shards) {
    guarded_.encodings.insert({shard.encoding, shard.mapping_fingerprint});
  }
}

void Oracle::claims(const Process& process) {
  if (schedule_.changed_fields && !process.whole_rows)
    note_fields(process, ledgers_[process.number()]);
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
  if (same || guarded_.encoding_passed || schedule_.mode == Mode::insert) return;
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
  if (ledger.must_refuse) {
    fail("I9", who(process) + " sends under an encoding that its guard has to refuse");
  }
  check_intent(process, delivery, ledger);
  for (const Ask::Row& row : delivery.ask.rows) {
    const std::string key = key_of(row);
    released_.erase(key);
    if (ledger.in_flight.contains(key)) {
      fail("I8", who(process) + " sends " + key + " while a request for it is in flight");
    }
    ledger.in_flight.insert(key);
    if (foreign_.contains(key)) fail("I2", who(process) + " writes " + key + ", not its own");
  }
  if (delivery.ask.removes()) check_removal(process, delivery, ledger);
  if (schedule_.changed_fields) check_fields(process, delivery, ledger);
  if (schedule_.face == Face::jobs) check_jobs(process, delivery);
}

/// No send without an intent of its own that is durable, and none after that one's time.
void Oracle::check_intent(const Process& process, const Delivery& delivery, Ledger& ledger) {
  const bool removes = delivery.ask.removes();
  const auto is_named = [&](const Intent& intent, const Ask::Row& row) {
    const std::string key = key_of(row);
    const IdentityHash& identity = names_.identity(key);
    return std::any_of(intent.rows.begin(), intent.rows.end(), [&](const auto& one) {
      return one.first == identity && (removes || names_.is_of(one.second, key, row));
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
    if (model_.contains(key) && process.model_rows > 0) {
      fail("I15", who(process) + " removes " + key + ", which is in the model");
    }
  }
  if (schedule_.on_removed == OnRemoved::ignore) {
    fail("I9", who(process) + " removes, and the sync does not");
  } else if (delivery.ask.op != removal()) {
    fail("I15", who(process) + " takes records away by " + std::string(to_text(delivery.ask.op)) +
                    ", the sync by " + std::string(to_text(schedule_.on_removed)));
  }
  if (process.guards_pass) return;
  if (process.source_ended && process.model_rows == 0) {
    fail("I9", who(process) + " removes, and its model was empty");
  }
  check_limit(process, ledger);
}

/// What the tool calls the sync's way with rows that leave the model.
Ask::Op Oracle::removal() const {
  if (schedule_.on_removed == OnRemoved::clear) return Ask::Op::clear;
  const bool archives =
      schedule_.on_removed == OnRemoved::archive && schedule_.face != Face::hubspot;
  return archives ? Ask::Op::archive : Ask::Op::remove;
}

/// What is known for certain of each row when the run begins.
void Oracle::note_fields(const Process& process, Ledger& ledger) {
  const std::optional<StateView> view = load(process.now_ms());
  if (!view) return;
  const auto& hashes = disk_->syncs.front().field_hashes;
  for (const auto& [key, value] : model_) {
    const IdentityHash& identity = names_.identity(key);
    const StateTable::Slot slot = view->table.find(identity);
    const auto kept = hashes.find(identity);
    if (slot == StateTable::kNone || kept == hashes.end()) continue;
    const StateTable::Marks& marks = view->table.marks(slot);
    if (!marks.acknowledged || marks.in_doubt) continue;
    if (fields_at(view->table.version(slot), kept->second).empty()) continue;
    const std::string* known = names_.value_of(view->table.version(slot), key);
    if (known != nullptr) ledger.acknowledged[key] = *known;
  }
}

/// A field that the tool has already is left alone: somebody may have edited it there.
void Oracle::check_fields(const Process& process, const Delivery& delivery, Ledger& ledger) {
  if (!delivery.ask.writes()) return;
  for (const Ask::Row& row : delivery.ask.rows) {
    const auto known = ledger.acknowledged.find(row.key);
    if (known == ledger.acknowledged.end() || agrees(row, known->second)) continue;
    for (std::size_t n = 0; n < cells_in(row.value); ++n) {
      if (!names_cell(row, n) || cell_of(row.value, n) != cell_of(known->second, n)) continue;
      fail("I16", who(process) + " sends field " + std::to_string(n + 1) + " of " + row.key +
                      ", which has not changed");
    }
  }
}

/// A job that is not named once in an answer may be given up.
void Oracle::note_jobs(const Delivery& delivery) {
  const std::string& body = delivery.reply.body;
  for (const std::string& job : delivery.ask.jobs) {
    const std::string name = "\"id\":\"" + job + "\"";
    const std::size_t first = body.find(name);
    const bool once = first != std::string::npos && body.find(name, first + 1) == std::string::npos;
    if (!once) unsure_jobs_.insert(job);
  }
}

/// Of the jobs that a run was told of, and of the requests for one that are on their way, no more
/// are open than the tool takes. One whose making was not answered is nobody's to know.
void Oracle::check_jobs(const Process& process, const Delivery& delivery) {
  const std::int64_t now = process.now_ms();
  const auto is_open = [&](const Delivery& one) {
    if (one.process != process.number() || !is_write(one)) return false;
    if (one.answers_ms > now) return true;
    if (now - one.answers_ms >= job_patience_ms(schedule_.face)) return false;  // left to the next
    const bool told = one.reply.status == 202 && one.reply.body.ends_with("\"}");
    return told && !one.job.empty() && one.done_ms > now && !unsure_jobs_.contains(one.job);
  };
  const std::deque<Delivery>& log = tool_.log();
  const auto open = static_cast<std::size_t>(std::count_if(log.begin(), log.end(), is_open));
  if (open <= schedule_.max_jobs) return;
  fail("I17", who(process) + " has " + std::to_string(open) + " jobs open with request " +
                  std::to_string(delivery.number) + ", the tool takes " +
                  std::to_string(schedule_.max_jobs));
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
  if (!delivery.ask.jobs.empty()) note_jobs(delivery);
  if (!is_write(delivery)) return;
  for (const Ask::Row& row : delivery.ask.rows) {
    const auto found = ledger.in_flight.find(key_of(row));
    if (found != ledger.in_flight.end()) ledger.in_flight.erase(found);
  }
}

void Oracle::commits(const Process& process, const Commit& commit) {
  Ledger& ledger = ledgers_[process.number()];
  const std::int64_t first_seq = commit.journal.empty() ? 0 : commit.journal.front().seq;
  for (const JournalRow& row : commit.journal) {
    if (row.kind == JournalKind::intent) read_intents(row, ledger);
    if (row.kind == JournalKind::outcome) read_outcomes(process, row, first_seq, ledger);
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
