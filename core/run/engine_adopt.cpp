// The model is taken as delivered: its rows become the baseline and nothing is sent.
#include <utility>

#include "run/engine_session.hpp"
#include "run/field_choice.hpp"

namespace tailrace {
namespace {

constexpr std::size_t kRowsAPiece = 1000;
constexpr std::chrono::milliseconds kStoreWait{500};

}  // namespace

void Engine::adopt(Session& session) {
  session.rows_counted = true;
  progress_.phase.store(Phase::settle);
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
    session.report.outcomes.skipped += rows;
    if (cancelled_.load()) throw Ended(Status::cancelled, "cancelled");
  };
  std::string scratch;
  ChangeRow row;
  session.changes->rewind();
  while (session.changes->next(row)) {
    if (session.is_duplicate(row.identity)) continue;
    if (row.change == Change::removed) {
      ++session.report.outcomes.skipped;  // stays known: a later run takes it away
      continue;
    }
    const RowView view(row.line, spec_.schema);
    IntentRow taken{row.identity, row.version, {}, {}};
    key_text(view, taken.key);
    const std::string_view match = view.cell(spec_.schema.match).text(scratch);
    if (match != taken.key) taken.match = match;
    if (session.state.rejected.contains(row.identity)) {
      piece.no_longer_rejected.push_back(row.identity);
    }
    if (spec_.changed_fields) {
      piece.fields.push_back({row.identity, {}});
      fields.hashes_of(view, piece.fields.back().hashes);
    }
    batch.rows.rows.push_back(std::move(taken));
    if (batch.rows.rows.size() == kRowsAPiece) submit();
  }
  submit();
  session.adopted = true;
}

}  // namespace tailrace
