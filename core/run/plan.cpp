#include "run/plan.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "diff/differ.hpp"
#include "row/row_view.hpp"

namespace tailrace {
namespace {

using nlohmann::json;

constexpr std::size_t kSampleRows = 5;
constexpr std::array<const char*, 3> kChanges = {"added", "changed", "removed"};

json sample_of(const ChangeRow& change, const Schema& schema) {
  if (change.change == Change::removed) {
    const EntryKeys& keys = change.keys;
    return {{"key", keys.key},
            {"match", keys.match.empty() ? keys.key : keys.match},
            {"fields", json::object()}};
  }
  const RowView row(change.line, schema);
  std::string scratch;
  std::string key;
  key_text(row, key);
  json fields = json::object();
  CellCursor cells(change.line);
  for (std::size_t i = 0; i < schema.field_count; ++i) {
    const std::optional<Cell> cell = cells.next();
    if (!cell) break;
    const bool null = cell->is_null();
    fields[schema.columns[i].name] = null ? json(nullptr) : json(cell->text(scratch));
  }
  const std::string match(row.cell(schema.match).text(scratch));
  return {{"key", key}, {"match", match}, {"fields", std::move(fields)}};
}

/// Requests of one class, which have limits of their own.
struct Load {
  wire::RateClass rate_class = 0;
  std::uint64_t requests = 0;
};

/// The slowest rule decides; what fits into one window of it costs no waiting.
double minutes_for(const Load& load, const std::vector<wire::RateRule>& rules) {
  double minutes = 0;
  for (const wire::RateRule& rule : rules) {
    if (rule.rate_class != load.rate_class) continue;
    if (rule.requests <= 0 || rule.window.count() <= 0) continue;
    const double over = static_cast<double>(load.requests) - rule.requests;
    const double window_minutes = static_cast<double>(rule.window.count()) / 60'000;
    minutes = std::max(minutes, over / rule.requests * window_minutes);
  }
  return minutes;
}

/// Requests of different classes do not wait for each other.
double minutes_of(Load written, const Load& removed, const std::vector<wire::RateRule>& rules) {
  if (written.rate_class == removed.rate_class) {
    written.requests += removed.requests;
    return minutes_for(written, rules);
  }
  return std::max(minutes_for(written, rules), minutes_for(removed, rules));
}

json daily_share(std::uint64_t requests, const std::vector<wire::RateRule>& rules) {
  for (const wire::RateRule& rule : rules) {
    if (rule.window >= std::chrono::hours(24) && rule.requests > 0) {
      return static_cast<double>(requests) / rule.requests;
    }
  }
  return nullptr;
}

/// Why more rows go than have changed.
json reasons_of(const PlanAsk& ask) {
  json reasons = json::array();
  if (ask.mapping_changed) {
    reasons.push_back(
        "the mapping has changed since the last run: every row is sent in its new form");
  }
  if (ask.encoding_changed) {
    reasons.push_back("the source writes values in another form than at the last run");
  }
  if (ask.report.diff.refreshed > 0) {
    reasons.push_back(
        std::to_string(ask.report.diff.refreshed) +
        " unchanged rows are sent again: a full refresh was asked for, or a resync is due");
  }
  if (ask.takes_as_delivered) {
    reasons.push_back(
        "backfill: skip: the first run takes the model as delivered and sends nothing");
  }
  for (const std::string& note : ask.report.notes) reasons.push_back(note);
  return reasons;
}

}  // namespace

json make_plan(const PlanAsk& ask, Changeset& changes, const std::function<void()>& row) {
  json samples = {{"added", json::array()}, {"changed", json::array()}, {"removed", json::array()}};
  std::array<std::uint64_t, 2> rows{};  // written, taken away: never in one batch
  ChangeRow change;
  changes.rewind();
  while (changes.next(change)) {
    if (ask.is_duplicate(change.identity)) continue;
    row();
    ++rows[change.change == Change::removed ? 1 : 0];
    json& list = samples[kChanges[static_cast<std::size_t>(change.change)]];
    if (list.size() < kSampleRows) list.push_back(sample_of(change, ask.schema));
  }
  const auto load = [&](Operation operation, std::uint64_t count) {
    if (count == 0 || ask.takes_as_delivered) return Load{};
    return Load{ask.destination.rate_class_of(operation),
                ask.destination.requests_for(operation, count)};
  };
  const Load written = load(ask.write, rows[0]);
  const Load removed = load(ask.removal, rows[1]);
  const std::uint64_t requests = written.requests + removed.requests;
  json report = ask.report.to_json();
  return {{"counts", report["counts"]},
          {"known", ask.known},
          {"breaches", report["breaches"]},
          {"mapping_changed", ask.mapping_changed},
          {"encoding_changed", ask.encoding_changed},
          {"reasons", reasons_of(ask)},
          {"samples", std::move(samples)},
          {"requests", requests},
          {"minutes", minutes_of(written, removed, ask.rates)},
          {"daily_share", daily_share(requests, ask.rates)},
          {"plan_fingerprint", ask.fingerprint}};
}

}  // namespace tailrace
