#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "job_destination.hpp"
#include "language.hpp"

namespace tailrace::simulation {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr std::string_view kSent = "sent";
// A job that a tool has just made may not be in its list yet.
constexpr int kMostMisses = 3;

/// "J7 2": the job, and how many answers did not know it. nullopt: there is none yet.
struct Job {
  std::string id;
  int misses = 0;

  [[nodiscard]] Memo memo() const { return id + " " + std::to_string(misses); }
};

std::optional<Job> job_in(const Memo& memo) {
  const std::size_t space = memo.find(' ');
  if (memo == kSent || space == Memo::npos) return std::nullopt;
  return Job{memo.substr(0, space), std::stoi(memo.substr(space + 1))};
}

std::optional<json> object_in(const wire::Reply& reply) {
  if (reply.failure != wire::Failure::none || reply.status / 100 != 2) return std::nullopt;
  json body = json::parse(reply.body, nullptr, false);
  return body.is_object() ? std::optional(std::move(body)) : std::nullopt;
}

void end_rows(const Batch& batch, Outcome outcome, Step& step) {
  for (RowIndex row = 0; row < batch.rows.size(); ++row) {
    step.verdicts.push_back({row, outcome, {}, {}});
  }
}

Step still_at_work(const Job& job) {
  Step step;
  step.in_job = true;
  step.memo = job.memo();
  return step;
}

Verdict verdict_of(RowIndex row, int status, Operation operation) {
  Verdict verdict{row, Outcome::accepted, {}, {}};
  if (status == 404) {
    const bool seeks = operation == Operation::update;
    verdict.outcome = seeks ? Outcome::skipped : Outcome::accepted;
    if (seeks) verdict.reason = {std::string(kMissing), "there is no such record", {}};
  } else if (status == 429) {
    verdict.outcome = Outcome::retryable;
    verdict.reason = {"not_executed", "not this time", {}, true};
  } else if (status / 100 == 4) {
    verdict.outcome = Outcome::rejected;
    verdict.reason = {"refused", "not this one", {}};
  }
  return verdict;
}

class JobsDestination final : public Destination {
 public:
  JobsDestination(const json& object, std::size_t fields) : fields_(fields) {
    can_.operations = {Operation::upsert, Operation::update, Operation::insert, Operation::delete_,
                       Operation::clear};
    can_.max_rows = object.at("batch_rows").get<std::size_t>();
    can_.max_jobs = object.at("max_jobs").get<std::size_t>();
    can_.poll_jobs = kJobsInPoll;
  }

  [[nodiscard]] const Capabilities& capabilities() const override { return can_; }
  [[nodiscard]] bool identity_into(std::string_view match, std::string& out) const override {
    out.assign(match);
    return true;
  }
  [[nodiscard]] std::size_t row_bytes(const BatchRow& /*row*/) const override { return 64; }

  [[nodiscard]] Step begin(const Batch& batch) const override {
    json rows = json::array();
    for (const BatchRow& row : batch.rows) rows.push_back(fields_of(batch, row));
    Step step;
    step.memo = kSent;
    Call& call = step.calls.emplace_back();
    call.request.path = "/jobs";
    call.request.body = json{{"op", to_text(batch.operation)}, {"rows", std::move(rows)}}.dump();
    call.effect =
        batch.operation == Operation::insert ? Effect::unkeyed_write : Effect::keyed_write;
    return step;
  }

  [[nodiscard]] Step reply(const Batch& batch, const Memo& /*memo*/, const Call& /*call*/,
                           const wire::Reply& reply) const override {
    const std::optional<json> body = object_in(reply);
    if (body && body->contains("job")) return still_at_work({body->at("job").get<std::string>()});
    Step step;
    step.pause = reply.retry_after.value_or(milliseconds(0));
    const bool answered = reply.failure == wire::Failure::none;
    if (reply.failure == wire::Failure::not_sent || (answered && reply.status == 429)) {
      end_rows(batch, Outcome::retryable, step);
      step.jobs_full = reply.body.find("jobs_full") != std::string::npos;
    } else if (answered && reply.status == 401) {
      step.reauthenticate = true;
    } else if (answered && reply.status / 100 == 4) {
      end_rows(batch, Outcome::rejected, step);
    } else {
      end_rows(batch, Outcome::unknown, step);
    }
    return step;
  }

  [[nodiscard]] Step resume(const Batch& batch, const Memo& memo) const override {
    if (const std::optional<Job> job = job_in(memo)) return still_at_work({job->id});
    return Destination::resume(batch, memo);
  }

  [[nodiscard]] Call poll(std::span<const JobBatch> batches) const override {
    Call call;
    call.effect = Effect::none;
    call.request.method = wire::Method::get;
    call.request.path = "/jobs";
    call.request.query = "ids=";
    for (const JobBatch& one : batches) {
      if (!call.request.query.ends_with('=')) call.request.query += ',';
      call.request.query += job_in(*one.memo).value().id;
    }
    return call;
  }

  [[nodiscard]] Polled polled(std::span<const JobBatch> batches,
                              const wire::Reply& reply) const override {
    Polled said;
    said.common.pause = reply.retry_after.value_or(milliseconds(0));
    said.common.reauthenticate = reply.failure == wire::Failure::none && reply.status == 401;
    const std::optional<json> body = object_in(reply);
    const bool told = body && body->contains("job_statuses");
    for (const JobBatch& one : batches) {
      const Job job = job_in(*one.memo).value();
      said.steps.push_back(told ? read_job(one.batch, job, body->at("job_statuses"))
                                : still_at_work(job));
    }
    return said;
  }

 private:
  [[nodiscard]] json fields_of(const Batch& batch, const BatchRow& row) const {
    json out{{"id", row.match}};
    if (row.line.empty()) return out;
    std::string scratch;
    const RowView view(row.line, *batch.schema);
    for (std::size_t n = 1; n < fields_; ++n) {
      const bool named = row.send.empty() || row.send[n] != '\0';
      if (named) out[batch.schema->columns[n].name] = view.cell(n).text(scratch);
    }
    return out;
  }

  /// Of a job that is told of twice nothing is known.
  [[nodiscard]] static Step read_job(const Batch& batch, Job job, const json& statuses) {
    const json* found = nullptr;
    Step step;
    for (const json& status : statuses) {
      if (status.at("id") != job.id) continue;
      if (found != nullptr) {
        end_rows(batch, Outcome::unknown, step);
        return step;
      }
      found = &status;
    }
    const std::string state = found == nullptr ? "" : found->value("status", "");
    if (found == nullptr && ++job.misses >= kMostMisses) {
      end_rows(batch, Outcome::unknown, step);
    } else if (state == "failed") {
      end_rows(batch, Outcome::retryable, step);
    } else if (state == "completed") {
      read_results(batch, found->at("results"), step);
    } else {
      if (found != nullptr) job.misses = 0;
      return still_at_work(job);
    }
    return step;
  }

  /// By key, and only what is said once; rows that are not named end unknown.
  static void read_results(const Batch& batch, const json& results, Step& step) {
    std::map<std::string, std::vector<int>> told;
    for (const json& entry : results) {
      told[entry.value("id", "")].push_back(entry.value("status", 0));
    }
    for (RowIndex row = 0; row < batch.rows.size(); ++row) {
      const auto found = told.find(std::string(batch.rows[row].match));
      if (found == told.end() || found->second.size() != 1) continue;
      step.verdicts.push_back(verdict_of(row, found->second.front(), batch.operation));
    }
  }

  std::size_t fields_;
  Capabilities can_;
};

}  // namespace

std::unique_ptr<Destination> make_jobs_destination(const json& object, const Schema& schema) {
  return std::make_unique<JobsDestination>(object, schema.field_count);
}

}  // namespace tailrace::simulation
