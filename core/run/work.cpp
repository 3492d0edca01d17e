#include "run/work.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "destination/linking.hpp"
#include "diff/differ.hpp"
#include "row/mutant.hpp"
#include "wire/body.hpp"

namespace tailrace {
namespace {

// A permanent rejection is tried again after a day: the tool's own rules may have changed.
constexpr std::int64_t kHeldBackMs = 24LL * 3600 * 1000;
// Rows of which the lines are in memory at once, where a batch does not hold them.
constexpr std::size_t kFreshRows = 512;

BatchRow view_of(const WorkRow& row) {
  return BatchRow{row.line, row.key, row.match, row.destination_id, row.send};
}

/// Those of the rows, with the marks of fields to be sent where any row has them.
std::shared_ptr<const StoredLines> stored_lines(std::shared_ptr<const LineStore> store,
                                                const std::vector<WorkRow>& rows) {
  auto lines = std::make_shared<StoredLines>();
  lines->store = std::move(store);
  lines->places.reserve(rows.size());
  for (const WorkRow& row : rows) {
    lines->places.push_back(row.place);
    lines->fields = std::max(lines->fields, row.send.size());
  }
  if (lines->fields == 0) return lines;
  for (const WorkRow& row : rows) {
    lines->send += row.send.empty() ? std::string(lines->fields, '\1') : row.send;
  }
  return lines;
}

}  // namespace

StateOp Work::state_op() const {
  if (operation == Operation::insert) return StateOp::insert;
  const bool removes = std::all_of(
      rows.begin(), rows.end(), [](const WorkRow& row) { return row.change == Change::removed; });
  return removes ? StateOp::remove : StateOp::write;
}

void Work::refresh_views(const std::shared_ptr<const LineStore>& store) {
  views.clear();
  views.reserve(rows.size());
  for (const WorkRow& row : rows) views.push_back(view_of(row));
  lines = store ? stored_lines(store, rows) : nullptr;
}

Batcher::Batcher(Changeset& changes, const Schema& schema, const Destination& destination,
                 const StateView& state, BatchPolicy policy, Hooks hooks)
    : changes_(changes),
      schema_(schema),
      destination_(destination),
      state_(state),
      policy_(policy),
      hooks_(std::move(hooks)) {
  const Capabilities& can = destination.capabilities();
  if (can.streams) {
    lines_ = changes.lines();
  } else if (can.max_bytes > wire::kMostInMemory) {
    throw std::logic_error("a destination with requests of more than 8 MiB has to stream them");
  }
}

Operation Batcher::operation_of(const WorkRow& row) const {
  return row.change == Change::removed ? policy_.removal : policy_.write;
}

/// Rejected rows are tried again as their hold says; what the user or the tool has changed since
/// ends every hold but that of an insert which may have happened.
bool Batcher::held_back(const RejectedRow& before, const WorkRow& row) const {
  if (before.hold == Hold::released) return mutant(33);
  if (mutant(19)) return true;
  if (before.hold == Hold::parked) return policy_.inserts_once || before.version == row.version;
  if (policy_.asked_for || before.version != row.version) return false;
  if (before.last_at_ms < policy_.fields_changed_at_ms) return false;
  if (before.code == kParentMissing) return false;
  if (before.attempts >= policy_.rejected.max_attempts) return true;
  if (before.hold == Hold::transient) return false;
  return policy_.now_ms - before.last_at_ms < kHeldBackMs;
}

bool Batcher::withhold(WorkRow& row) const {
  const auto found = state_.rejected.find(row.identity);
  if (found == state_.rejected.end()) return false;
  row.was_rejected = true;
  const RejectedRow& before = found->second;
  if (!held_back(before, row)) return false;
  Reason reason{before.code, before.message, before.field};
  hooks_.withheld({std::move(row), std::move(reason), before.hold, true});
  return true;
}

/// True where sending the row might create a second record of it.
bool Batcher::is_doubtful(const WorkRow& row) const {
  if (policy_.write != Operation::insert || policy_.may_duplicate) return false;
  const auto found = state_.doubts.find(row.identity);
  if (found == state_.doubts.end()) return false;
  const Doubt& doubt = found->second;
  return policy_.inserts_once || doubt.mixed || doubt.version == row.version;
}

void Batcher::take_change(WorkRow& row) {
  row.change = change_.change;
  row.identity = change_.identity;
  row.version = change_.version;
  if (row.change == Change::removed) {
    row.key = change_.keys.key;
    row.match = change_.keys.match.empty() ? change_.keys.key : change_.keys.match;
    // A write in doubt may have made the record anew, under another id: it is looked up then.
    const bool in_doubt = state_.doubts.contains(row.identity);
    if (!in_doubt) row.destination_id = change_.keys.destination_id;
    return;
  }
  row.line = change_.line;
  row.place = change_.place;
  const RowView view(row.line, schema_);
  key_text(view, row.key);
  row.match = view.cell(schema_.match).text(scratch_);
}

bool Batcher::read_row() {
  while (!ahead_) {
    if (!changes_.next(change_)) return false;
    if (hooks_.is_duplicate(change_.identity)) continue;
    WorkRow row;
    take_change(row);
    if (withhold(row)) continue;
    if (is_doubtful(row)) {
      if (lines_) std::string().swap(row.line);
      hooks_.doubtful(std::move(row));
      continue;
    }
    ahead_ = std::move(row);
  }
  return true;
}

void Batcher::refuse_too_large(std::size_t limit_bytes) {
  Reason reason{
      "row_too_large",
      "the row alone is larger than a request may be (" + std::to_string(limit_bytes) + " bytes)",
      {}};
  hooks_.withheld({std::move(*ahead_), std::move(reason), Hold::permanent, false});
  ahead_.reset();
}

/// Adds rows to a batch; their lines are let go where the batch does not hold them.
void Batcher::let_go(std::vector<WorkRow>& fresh, std::vector<WorkRow>& rows) const {
  if (hooks_.choose_fields) hooks_.choose_fields(fresh);
  if (!lines_) return rows.swap(fresh);
  for (WorkRow& row : fresh) {
    std::string().swap(row.line);  // clear() would keep the room
    rows.push_back(std::move(row));
  }
  fresh.clear();
}

std::optional<Work> Batcher::next() {
  const Capabilities& can = destination_.capabilities();
  Work work;
  std::vector<WorkRow> fresh;
  std::size_t count = 0;
  std::size_t bytes = 0;
  while (read_row()) {
    const Operation operation = operation_of(*ahead_);
    if (count >= can.rows_of(operation)) break;
    if (count > 0 && operation != work.operation) break;
    const std::size_t row_bytes = destination_.row_bytes(view_of(*ahead_));
    if (count == 0 && row_bytes > can.max_bytes) {
      refuse_too_large(can.max_bytes);
      continue;
    }
    if (count > 0 && bytes + row_bytes > can.max_bytes) break;
    bytes += row_bytes;
    ++count;
    work.operation = operation;
    fresh.push_back(std::move(*ahead_));
    ahead_.reset();
    if (lines_ && fresh.size() == kFreshRows) let_go(fresh, work.rows);
  }
  if (count == 0) return std::nullopt;
  let_go(fresh, work.rows);
  work.refresh_views(lines_);
  return work;
}

void Batcher::drain(const std::function<void()>& row) {
  while (read_row()) {
    ahead_.reset();
    row();
  }
}

}  // namespace tailrace
