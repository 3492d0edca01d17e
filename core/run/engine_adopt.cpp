// The model is taken as delivered: its rows become the baseline and nothing is sent.
#include <utility>

#include "run/engine_session.hpp"
#include "run/field_choice.hpp"

namespace tailrace {
namespace {

constexpr std::size_t kRowsAPiece = 1000;
constexpr std::chrono::milliseconds kStoreWait{500};

IntentRow intent_row_of(const ChangeRow& row, const Schema& schema) {
  const RowView view(row.line, schema);
  IntentRow intent{row.identity, row.version, {}, {}};
  key_text(view, intent.key);
  std::string scratch;
  const std::string_view match = view.cell(schema.match).text(scratch);
  if (match != intent.key) intent.match = match;
  return intent;
}

}  // namespace

void Engine::adopt(Session& session) {
  session.rows_counted = true;
  progress_.phase.store(Phase::settle);
  OutcomeCounts& outcomes = session.report.outcomes;
  std::uint64_t taken = 0;
  const auto count = [&] {
    outcomes.skipped += taken;
    ChangeRow row;
    std::uint64_t rows = 0;
    session.changes->rewind();
    while (session.changes->next(row)) {
      if (!session.is_duplicate(row.identity) && ++rows > taken) ++outcomes.not_attempted;
    }
  };
  try {
    take_rows(session, *session.changes, taken);
  } catch (const std::exception&) {
    count();
    throw;
  }
  count();
  session.adopted = true;
}

/// Rows of which the destination has every field already, acknowledged under the mapping that was:
/// they get their new versions.
void Engine::restate(Session& session) {
  if (!session.restated || session.restated->rows() == 0) return;
  std::uint64_t rows = 0;
  take_rows(session, *session.restated, rows);
  session.report.notes.push_back("the mapping has changed; " + std::to_string(rows) +
                                 " rows have the same fields as before and were not sent");
}

/// Has the rows recorded as accepted, counting those that are; rows to be taken away stay known,
/// for a later run.
void Engine::take_rows(Session& session, Changeset& changes, std::uint64_t& taken) {
  FieldChoice fields(spec_.schema, *session.hasher);
  Piece piece;
  TakenBatch batch;
  const bool inserts = write_operation(spec_.mode) == Operation::insert;
  const StateOp op = inserts ? StateOp::insert : StateOp::write;
  const auto submit = [&] {
    if (batch.rows.rows.empty()) return;
    const std::size_t rows = batch.rows.rows.size();
    batch.rows.op = op;
    piece.taken.push_back(std::exchange(batch, {}));
    session.committer->submit(std::exchange(piece, {}));
    while (!session.committer->flush(kStoreWait)) static_cast<void>(session.committer->take_acks());
    taken += rows;
    if (cancelled_.load()) throw Ended(Status::cancelled, "cancelled");
  };
  ChangeRow row;
  changes.rewind();
  while (changes.next(row)) {
    if (session.is_duplicate(row.identity)) continue;
    if (row.change == Change::removed) {
      ++taken;
      continue;
    }
    if (session.state.rejected.contains(row.identity)) {
      piece.no_longer_rejected.push_back(row.identity);
    }
    if (spec_.changed_fields) {
      std::string hashes;
      fields.hashes_of(RowView(row.line, spec_.schema), hashes);
      piece.fields.push_back({row.identity, fields_of_version(row.version, hashes)});
    }
    batch.rows.rows.push_back(intent_row_of(row, spec_.schema));
    if (batch.rows.rows.size() == kRowsAPiece) submit();
  }
  submit();
}

}  // namespace tailrace
