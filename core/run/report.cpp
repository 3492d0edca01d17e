#include "run/report.hpp"

#include <sys/resource.h>

#include <ctime>
#include <initializer_list>
#include <stdexcept>
#include <utility>

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

/// An object of numbers. A run of a few rows ends with one of these after the other: in braces of
/// the library's own each pair would be an array first.
json numbers(std::initializer_list<std::pair<const char*, std::uint64_t>> members) {
  json out = json::object();
  for (const auto& [name, number] : members) out.emplace(name, number);
  return out;
}

json counts_json(const DiffCounts& diff, const OutcomeCounts& outcomes) {
  return numbers({{"scanned", diff.scanned},
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
                  {"not_attempted", outcomes.not_attempted}});
}

json resumed_json(const OutcomeCounts& resumed) {
  return numbers({{"accepted", resumed.accepted},
                  {"rejected", resumed.rejected},
                  {"skipped", resumed.skipped},
                  {"pending", resumed.pending},
                  {"unknown", resumed.unknown}});
}

json http_json(const HttpCounts& http) {
  json out = numbers({{"requests", http.requests},
                      {"retries", http.retries},
                      {"rate_limited", http.rate_limited},
                      {"bytes_sent", http.bytes_sent}});
  out.emplace("calls_left", optional_number(http.calls_left));
  return out;
}

json seconds_json(const PhaseSeconds& seconds) {
  json out = json::object();
  out.emplace("read", seconds.read);
  out.emplace("diff", seconds.diff);
  out.emplace("send", seconds.send);
  out.emplace("settle", seconds.settle);
  return out;
}

json state_json(const Report& report) {
  json out = json::object();
  out.emplace("store_id", report.store_id);
  out.emplace("epoch", report.epoch);
  out.emplace("last_seq", report.last_seq);
  out.emplace("in_doubt", report.in_doubt);
  return out;
}

json nulls_json(const Report& report) {
  return {{"account", report.account},
          {"object", report.object},
          {"rows", report.nulls->rows},
          {"fields", report.nulls->nulls}};
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
  json told = json::object();
  const auto say = [&told](const char* name, json value) { told.emplace(name, std::move(value)); };
  say("format", kFormat);
  say("login", login ? tailrace::to_json(*login, account, object) : json(nullptr));
  say("run_id", run_id);
  say("sync", sync);
  say("status", to_text(status));
  say("message", message);
  say("started_at", format_time(started_at_ms));
  say("ended_at", format_time(ended_at_ms));
  say("counts", counts_json(diff, outcomes));
  say("resumed", resumed_json(resumed));
  say("http", http_json(http));
  say("seconds", seconds_json(seconds));
  say("peak_rss_bytes", peak_rss_bytes());
  say("not_before", optional_time(not_before_ms));
  say("rejected_sample", sample(rejected_sample));
  say("invalid_sample", sample(invalid_sample));
  say("breaches", std::move(breached));
  say("notes", notes);
  say("nulls", nulls ? nulls_json(*this) : json(nullptr));
  say("state", state_json(*this));
  return told;
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

bool within(const Limit& limit, double rows, double base) {
  return rows <= (limit.percent ? limit.value / 100 * base : limit.value);
}

Status judge_end(const Report& report, const Limit& tolerate) {
  const OutcomeCounts& outcomes = report.outcomes;
  if (outcomes.pending + outcomes.unknown + outcomes.not_attempted > 0) return Status::unfinished;
  const double refused = static_cast<double>(outcomes.rejected + report.diff.invalid);
  const double base = static_cast<double>(outcomes.total() + report.diff.invalid);
  return within(tolerate, refused, base) ? Status::done : Status::rejected;
}

std::uint64_t peak_rss_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace tailrace
