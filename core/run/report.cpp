#include "run/report.hpp"

#include <sys/resource.h>

#include <ctime>
#include <stdexcept>

namespace tailrace {
namespace {

using nlohmann::json;

json optional_number(const std::optional<double>& value) {
  return value ? json(*value) : json(nullptr);
}

json optional_time(const std::optional<std::int64_t>& value) {
  return value ? json(format_time(*value)) : json(nullptr);
}

template <typename Row>
json sample(const std::vector<Row>& rows) {
  json list = json::array();
  for (const Row& row : rows) {
    if (list.size() == Report::kSampleRows) break;
    list.push_back(
        {{"key", row.key}, {"code", row.code}, {"message", row.message}, {"field", row.field}});
  }
  return list;
}

}  // namespace

std::string_view to_text(Status status) {
  switch (status) {
    case Status::done: return "done";
    case Status::planned: return "planned";
    case Status::rejected: return "rejected";
    case Status::unfinished: return "unfinished";
    case Status::quota: return "quota";
    case Status::cancelled: return "cancelled";
    case Status::busy: return "busy";
    case Status::refused: return "refused";
    case Status::config: return "config";
    case Status::state_lost: return "state_lost";
  }
  throw std::logic_error("status without a name");
}

json to_json(const Breach& breach) {
  return {{"guard", breach.guard},
          {"value", breach.value},
          {"limit", {{"value", breach.limit.value}, {"percent", breach.limit.percent}}},
          {"message", breach.message}};
}

void Report::assert_counts(bool diff_finished) const {
  if (!diff_finished) return;
  if (diff.scanned != diff.unchanged + diff.added + diff.changed + diff.invalid) {
    throw std::logic_error("counts: scanned is not unchanged + added + changed + invalid");
  }
  if (diff.added + diff.changed + diff.removed != outcomes.total()) {
    throw std::logic_error("counts: planned is not the sum of its outcomes");
  }
}

std::optional<NullCounts> nulls_of(const std::string& report, const std::string& account,
                                   const std::string& object) {
  const json document = json::parse(report, nullptr, false);
  const auto found = document.find("nulls");
  if (!document.is_object() || found == document.end() || !found->is_object()) return std::nullopt;
  if (found->value("account", "") != account || found->value("object", "") != object) {
    return std::nullopt;
  }
  NullCounts counts;
  counts.rows = found->value("rows", std::uint64_t{0});
  counts.nulls = found->value("fields", counts.nulls);
  return counts;
}

json Report::to_json() const {
  json breached = json::array();
  for (const Breach& breach : breaches) breached.push_back(tailrace::to_json(breach));
  json counted = nullptr;
  if (nulls) {
    counted = {
        {"account", account}, {"object", object}, {"rows", nulls->rows}, {"fields", nulls->nulls}};
  }
  return {
      {"format", kFormat},
      {"login", login ? tailrace::to_json(*login, account, object) : json(nullptr)},
      {"run_id", run_id},
      {"sync", sync},
      {"status", to_text(status)},
      {"message", message},
      {"started_at", format_time(started_at_ms)},
      {"ended_at", format_time(ended_at_ms)},
      {"counts",
       {{"scanned", diff.scanned},
        {"unchanged", diff.unchanged},
        {"added", diff.added},
        {"changed", diff.changed},
        {"removed", diff.removed},
        {"invalid", diff.invalid},
        {"accepted", outcomes.accepted},
        {"rejected", outcomes.rejected},
        {"skipped", outcomes.skipped},
        {"pending", outcomes.pending},
        {"unknown", outcomes.unknown},
        {"not_attempted", outcomes.not_attempted}}},
      {"resumed",
       {{"accepted", resumed.accepted},
        {"rejected", resumed.rejected},
        {"skipped", resumed.skipped},
        {"pending", resumed.pending},
        {"unknown", resumed.unknown}}},
      {"http",
       {{"requests", http.requests},
        {"retries", http.retries},
        {"rate_limited", http.rate_limited},
        {"bytes_sent", http.bytes_sent},
        {"calls_left", optional_number(http.calls_left)}}},
      {"seconds",
       {{"read", seconds.read},
        {"diff", seconds.diff},
        {"send", seconds.send},
        {"settle", seconds.settle}}},
      {"peak_rss_bytes", peak_rss_bytes()},
      {"not_before", optional_time(not_before_ms)},
      {"rejected_sample", sample(rejected_sample)},
      {"invalid_sample", sample(invalid_sample)},
      {"breaches", std::move(breached)},
      {"notes", notes},
      {"nulls", std::move(counted)},
      {"state",
       {{"store_id", store_id}, {"epoch", epoch}, {"last_seq", last_seq}, {"in_doubt", in_doubt}}}};
}

std::string format_time(std::int64_t unix_ms) {
  const std::time_t whole = unix_ms / 1000;
  std::tm parts{};
  gmtime_r(&whole, &parts);
  char day_and_time[32];
  std::strftime(day_and_time, sizeof day_and_time, "%Y-%m-%dT%H:%M:%S", &parts);
  char out[48];
  std::snprintf(out, sizeof out, "%s.%03dZ", day_and_time, static_cast<int>(unix_ms % 1000));
  return out;
}

Status judge_end(const Report& report, const Limit& tolerate) {
  const OutcomeCounts& outcomes = report.outcomes;
  if (outcomes.pending + outcomes.unknown + outcomes.not_attempted > 0) return Status::unfinished;
  const double refused = static_cast<double>(outcomes.rejected + report.diff.invalid);
  const double base = static_cast<double>(outcomes.total() + report.diff.invalid);
  const double allowed = tolerate.percent ? tolerate.value / 100 * base : tolerate.value;
  return refused > allowed ? Status::rejected : Status::done;
}

std::uint64_t peak_rss_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace tailrace
