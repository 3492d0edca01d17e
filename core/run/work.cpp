#include "run/work.hpp"

#include "diff/differ.hpp"

namespace tailrace {
namespace {

// A permanent rejection is tried again after a day: the tool's own rules may have changed.
constexpr std::int64_t kHeldBackMs = 24LL * 3600 * 1000;

BatchRow view_of(const WorkRow& row) {
  return BatchRow{row.line, row.key, row.match, row.destination_id};
}

}  // namespace

void Work::refresh_views() {
  views.clear();
  views.reserve(rows.size());
  for (const WorkRow& row : rows) views.push_back(view_of(row));
}

Batcher::Batcher(Changeset& changes, const Schema& schema, const Destination& destination,
                 const StateView& state, Operation removal, Hooks hooks)
    : changes_(changes),
      schema_(schema),
      destination_(destination),
      state_(state),
      removal_(removal),
      hooks_(std::move(hooks)) {}

Operation Batcher::operation_of(const WorkRow& row) const {
  return row.change == Change::removed ? removal_ : Operation::upsert;
}

bool Batcher::withhold(const WorkRow& row) const {
  const auto found = state_.rejected.find(row.identity);
  if (found == state_.rejected.end()) return false;
  const RejectedRow& before = found->second;
  if (before.version != row.version || before.hold == Hold::transient) return false;
  if (hooks_.now_ms - before.last_at_ms >= kHeldBackMs) return false;
  hooks_.withheld({row.change, row.identity, row.version, row.key, true, before.code,
                   before.message, before.field});
  return true;
}

bool Batcher::read_row() {
  while (!ahead_) {
    if (!changes_.next(change_)) return false;
    if (hooks_.is_duplicate(change_.identity)) continue;
    WorkRow row;
    row.change = change_.change;
    row.identity = change_.identity;
    row.version = change_.version;
    if (row.change == Change::removed) {
      row.key = change_.keys.key;
      row.match = change_.keys.match.empty() ? change_.keys.key : change_.keys.match;
      row.destination_id = change_.keys.destination_id;
    } else {
      row.line = change_.line;
      const RowView view(row.line, schema_);
      key_text(view, row.key);
      row.match = view.cell(schema_.match).text(scratch_);
    }
    row.was_rejected = state_.rejected.contains(row.identity);
    if (withhold(row)) continue;
    ahead_ = std::move(row);
  }
  return true;
}

std::optional<Work> Batcher::next() {
  const Capabilities& can = destination_.capabilities();
  Work work;
  std::size_t bytes = 0;
  while (work.rows.size() < can.max_rows && read_row()) {
    const Operation operation = operation_of(*ahead_);
    if (!work.rows.empty() && operation != work.operation) break;
    const std::size_t row_bytes = destination_.row_bytes(view_of(*ahead_));
    if (work.rows.empty() && row_bytes > can.max_bytes) {
      hooks_.withheld({ahead_->change,
                       ahead_->identity,
                       ahead_->version,
                       ahead_->key,
                       false,
                       "row_too_large",
                       "the row alone is larger than a request may be (" +
                           std::to_string(can.max_bytes) + " bytes)",
                       {}});
      ahead_.reset();
      continue;
    }
    if (!work.rows.empty() && bytes + row_bytes > can.max_bytes) break;
    bytes += row_bytes;
    work.operation = operation;
    work.rows.push_back(std::move(*ahead_));
    ahead_.reset();
  }
  if (work.rows.empty()) return std::nullopt;
  work.refresh_views();
  return work;
}

void Batcher::drain(const std::function<void()>& row) {
  while (read_row()) {
    ahead_.reset();
    row();
  }
}

}  // namespace tailrace
