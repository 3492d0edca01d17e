// What runs put on record and what they report, against what the tool did.
#include <algorithm>

#include "oracle.hpp"
#include "oracle_words.hpp"
#include "state/journal.hpp"

namespace tailrace::simulation {

/// `first_seq`: of the commit. An intent that comes in one commit with its outcome had no request:
/// under changed_fields the tool was found to have the row already.
void Oracle::read_outcomes(const Process& process, const JournalRow& row, std::int64_t first_seq,
                           Ledger& ledger) {
  for (const OutcomeBatch& batch : unpack_outcomes(row.entries)) {
    const auto intent = std::find_if(
        ledger.intents.begin(), ledger.intents.end(),
        [&](const Intent& one) { return one.seq == batch.intent_seq && one.batch == batch.batch; });
    if (intent == ledger.intents.end()) continue;  // of an earlier run
    intent->used = true;
    for (std::size_t i = 0; i < intent->rows.size(); ++i) {
      const RowResult& result = batch.rows.size() == 1 ? batch.rows.front() : batch.rows.at(i);
      const bool found =
          schedule_.changed_fields && intent->op == StateOp::write && batch.intent_seq >= first_seq;
      if (result.outcome == RowOutcome::accepted && !found) {
        ledger.accepted.insert(intent->rows[i].first);
        if (schedule_.mode == Mode::append) {
          ++made_[{names_.key_of(intent->rows[i].first), intent->rows[i].second}];
        }
      }
      check_outcome(process, *intent, i, result.outcome);
    }
  }
}

bool Oracle::was_applied(int process, const Intent& intent, std::size_t row) const {
  const auto& [identity, version] = intent.rows[row];
  const bool inserts = schedule_.mode == Mode::insert;
  for (const Delivery& delivery : tool_.log()) {
    // What another run inserted and this one found is there, in whatever version.
    if ((delivery.process != process && !inserts) || !delivery.arrived) continue;
    for (std::size_t i = 0; i < delivery.ask.rows.size(); ++i) {
      const Ask::Row& asked = delivery.ask.rows[i];
      const bool removes = delivery.ask.removes();
      const bool gone = (removes || delivery.ask.op == Ask::Op::find) &&
                        intent.op == StateOp::remove && delivery.rows[i].done == Done::absent;
      if (gone && names_.identity(key_of(asked)) == identity) return true;
      if (removes != (intent.op == StateOp::remove)) continue;
      if (delivery.rows[i].done == Done::applied && delivery.ask.op != Ask::Op::find) {
        const std::string key = key_of(asked);
        const bool same = names_.identity(key) == identity;
        if (same && (removes || inserts || names_.is_of(version, key, asked))) return true;
      }
    }
  }
  if (!schedule_.changed_fields || intent.op != StateOp::write) return false;
  // Another mapping names the same fields, and the tool has them.
  const std::string key = names_.key_of(identity);
  const auto record = tool_.records().find(key);
  return record != tool_.records().end() && names_.is_of(version, key, record->second.value);
}

bool Oracle::was_refused(int process, const Intent& intent, std::size_t row) const {
  const auto& [identity, version] = intent.rows[row];
  for (const Delivery& delivery : tool_.log()) {
    if (delivery.process != process) continue;
    for (std::size_t i = 0; i < delivery.ask.rows.size(); ++i) {
      const Ask::Row& asked = delivery.ask.rows[i];
      const std::string key = key_of(asked);
      if (names_.identity(key) != identity) continue;
      if (delivery.ask.writes() && !names_.is_of(version, key, asked)) continue;
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
  check_liveness(process, report, ledger);
  const bool own_end = report.status == Status::done || report.status == Status::rejected ||
                       (report.status == Status::unfinished && ledger.asked > 0);
  guarded_.encoding_passed = guarded_.encoding_passed || own_end;
  const bool at_rest = alone && report.status == Status::done && report.in_doubt == 0 &&
                       tool_.under_way().empty() && process.source_ended &&
                       process.plan().of == 1 && process.model_rows == model_.size();
  if (at_rest) check_tool_is_model("I1");
  if (alone) check_retried(process);
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
      if (ledger.written > 0) broken("records were written");
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

}  // namespace tailrace::simulation
