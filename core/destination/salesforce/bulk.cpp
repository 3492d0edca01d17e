#include "destination/salesforce/bulk.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

#include "destination/loading.hpp"
#include "destination/salesforce/answer.hpp"
#include "destination/salesforce/facts.hpp"
#include "destination/settle.hpp"
#include "row/ascii.hpp"
#include "wire/body.hpp"
#include "wire/json_reader.hpp"
#include "wire/json_writer.hpp"
#include "wire/rate_headers.hpp"

namespace tailrace::salesforce {
namespace {

using nlohmann::json;

// Steps of a job. kAbort: all was said of the rows already.
enum JobTag : int { kOpen = -10, kUpload, kClose, kGiveUp, kAbort, kResults };
constexpr int kFirstTag = kOpen;
constexpr int kLastTag = kResults;

constexpr std::string_view kMemo = "job ";

[[nodiscard]] Memo to_memo(const std::string& job) { return std::string(kMemo) + job; }

/// Empty: not a memo of a job.
[[nodiscard]] std::string job_of(std::string_view memo) {
  if (!memo.starts_with(kMemo)) return {};
  return whole_id(memo.substr(kMemo.size())).value_or(std::string());
}

[[nodiscard]] wire::CsvForm csv_form() {
  wire::CsvForm form;
  form.null = kCsvNull;
  form.empty_text = wire::CsvForm::EmptyText::as_null;
  return form;
}

/// A job that cannot be opened or closed can be so for no batch.
[[nodiscard]] Refusal judge_job(const wire::Reply& reply) {
  Refusal refusal = judge(reply);
  AnswerClass& means = refusal.judgement.means;
  if (means == AnswerClass::record) means = AnswerClass::terminal;
  return refusal;
}

[[nodiscard]] Step in_job(const Memo& memo) {
  Step step;
  step.in_job = true;
  step.memo = memo;
  return step;
}

[[nodiscard]] Step all_rows_are(const Batch& batch, Outcome outcome, const Reason& reason) {
  Step step;
  give_all(step, all_rows(batch), outcome, reason);
  return step;
}

[[nodiscard]] std::uint64_t count_at(const json& job, std::string_view name) {
  const json* count = wire::member(job, name);
  const bool said = count != nullptr && count->is_number_unsigned();
  return said ? count->get<std::uint64_t>() : 0;
}

/// A file that is small enough for memory.
[[nodiscard]] std::shared_ptr<const wire::BodySource> text_source(std::string text) {
  return std::make_shared<wire::TextSource>(std::move(text));
}

}  // namespace

Bulk::Bulk(const Target& target, const Schema& schema, bool hard_delete)
    : target_(target),
      hard_delete_(hard_delete),
      writer_(std::make_shared<wire::CsvRowWriter>(schema, csv_form())) {}

bool Bulk::can(Operation operation) const {
  switch (operation) {
    case Operation::upsert:
    case Operation::insert: return !target_.by_id;
    case Operation::update: return target_.by_id;
    case Operation::delete_:
    case Operation::archive: return true;
    case Operation::clear: return false;
  }
  return false;
}

std::vector<RowIndex> Bulk::unfit(const Batch& batch) const {
  std::vector<RowIndex> rows;
  if (removes(batch.operation)) {
    for (RowIndex row = 0; row < batch.rows.size(); ++row) {
      const BatchRow& one = batch.rows[row];
      if (!whole_id(target_.by_id ? one.match : one.destination_id)) rows.push_back(row);
    }
    return rows;
  }
  wire::CsvScratch scratch;
  std::unordered_set<std::string> names;
  const bool inserts = batch.operation == Operation::insert;
  each_line(batch, [&](RowIndex row, std::string_view line, std::string_view /*send*/) {
    const bool twice = inserts && !names.insert(target_.compared(batch.rows[row].match)).second;
    if (twice || writer_->misread(line, scratch)) rows.push_back(row);
  });
  return rows;
}

std::size_t Bulk::bound(std::string_view line) const {
  // A cell may get quotes, a value a few letters more, and NULL is #N/A.
  constexpr std::size_t kCell = 8;
  const auto cells = static_cast<std::size_t>(std::count(line.begin(), line.end(), '\t')) + 1;
  return 2 * line.size() + kCell * cells + 2;
}

std::string_view Bulk::verb(Operation operation) const {
  switch (operation) {
    case Operation::insert: return "insert";
    case Operation::update: return "update";
    case Operation::delete_:
    case Operation::archive: return hard_delete_ ? "hardDelete" : "delete";
    case Operation::upsert:
    case Operation::clear: break;
  }
  return "upsert";
}

std::string Bulk::job_path(std::string_view job, std::string_view rest) const {
  return target_.path("jobs/ingest/").append(job).append(rest);
}

// --- from opening to closing -----------------------------------------------------------------

/// An open job without a file does nothing, and is forgotten in a week.
Step Bulk::begin(const Batch& batch) const {
  Step step;
  Call& call = step.calls.emplace_back();
  call.effect = Effect::none;
  call.tag = kOpen;
  call.request.path = target_.path("jobs/ingest");
  call.request.content_type = "application/json";
  wire::JsonWriter out(call.request.body);
  const auto member = [&out](std::string_view name, std::string_view value) {
    out.key(name);
    out.string(value);
  };
  out.begin_object();
  member("object", target_.object);
  member("operation", verb(batch.operation));
  if (batch.operation == Operation::upsert) member("externalIdFieldName", target_.match);
  member("contentType", "CSV");
  member("lineEnding", "LF");
  out.end_object();
  return step;
}

bool Bulk::is_ours(const Call& call) { return call.tag >= kFirstTag && call.tag <= kLastTag; }

Step Bulk::reply(const Batch& batch, const Memo& memo, const Call& call,
                 const wire::Reply& reply) const {
  switch (call.tag) {
    case kOpen: return read_opened(batch, reply);
    case kUpload: return read_uploaded(batch, memo, reply);
    case kClose: return read_closed(batch, memo, reply);
    case kGiveUp: return read_aborted(batch, memo, reply);
    case kResults: return read_results(memo, call, reply);
    default: return {};
  }
}

Step Bulk::read_opened(const Batch& batch, const wire::Reply& reply) const {
  Refusal refusal = judge_job(reply);
  if (refusal.judgement.means == AnswerClass::ok) {
    const auto body = wire::read_json(reply);
    const auto job = whole_id(body ? wire::text_at(*body, "id") : std::string());
    if (job) {
      Step step;
      step.memo = to_memo(*job);
      upload(step, batch, *job);
      return step;
    }
    refusal.reason = unreadable_answer();
  }
  return settle_asked(std::move(refusal), all_rows(batch), batch.operation);
}

/// The file is written while it is sent. Nothing happens to its rows before the job is closed.
void Bulk::upload(Step& step, const Batch& batch, const std::string& job) const {
  Call& call = step.calls.emplace_back();
  call.effect = Effect::none;
  call.tag = kUpload;
  call.request.method = wire::Method::put;
  call.request.path = job_path(job, "/batches");
  call.request.content_type = "text/csv";
  call.request.patience = kFilePatience;
  if (removes(batch.operation)) {
    std::string file(std::string(kId) + "\n");
    for (const BatchRow& row : batch.rows) {
      const auto id =
          whole_id(target_.by_id ? target_.compared(row.match) : std::string(row.destination_id));
      file.append(id.value_or(std::string())).append("\n");
    }
    call.request.source = text_source(std::move(file));
  } else if (batch.lines) {
    const std::uint64_t bytes = wire::csv_bytes(*writer_, batch.lines);
    call.request.source = std::make_shared<wire::CsvSource>(writer_, batch.lines, bytes);
  } else {
    std::string file;
    writer_->header(file);
    wire::CsvScratch scratch;
    for (const BatchRow& row : batch.rows) writer_->write(file, row.line, scratch, row.send);
    call.request.source = text_source(std::move(file));
  }
}

Call Bulk::set_state(const std::string& job, std::string_view state) const {
  Call call;
  call.effect = Effect::none;
  call.request.method = wire::Method::patch;
  call.request.path = job_path(job);
  call.request.content_type = "application/json";
  call.request.body.append("{\"state\":\"").append(state).append("\"}");
  return call;
}

/// For a job whose rows go elsewhere.
void Bulk::give_up(Step& step, const std::string& job) const {
  if (step.reauthenticate || step.stop || job.empty()) return;
  step.calls.push_back(set_state(job, "Aborted"));
  step.calls.back().tag = kAbort;
}

Step Bulk::read_uploaded(const Batch& batch, const Memo& memo, const wire::Reply& reply) const {
  Refusal refusal = judge_job(reply);
  const std::string job = job_of(memo);
  if (refusal.judgement.means == AnswerClass::ok && reply.status == 201 && !job.empty()) {
    Step step;
    step.calls.push_back(set_state(job, "UploadComplete"));
    step.calls.back().tag = kClose;
    step.calls.back().effect =
        batch.operation == Operation::insert ? Effect::unkeyed_write : Effect::keyed_write;
    return step;
  }
  if (refusal.judgement.means == AnswerClass::ok) refusal.reason = unreadable_answer();
  // Whether the file has arrived or not: the job is not closed, and never will be.
  Step step = settle_asked(std::move(refusal), all_rows(batch), batch.operation);
  give_up(step, job);
  return step;
}

Step Bulk::read_closed(const Batch& batch, const Memo& memo, const wire::Reply& reply) const {
  const Refusal refusal = judge_job(reply);
  const bool state_is_another = refusal.reason.code == kWrongState;
  switch (refusal.judgement.means) {
    case AnswerClass::ok:
    case AnswerClass::unknown:
      // Without an answer too: the job itself tells what has become of it.
      return in_job(memo);
    case AnswerClass::terminal:
      if (state_is_another) return in_job(memo);
      [[fallthrough]];
    default: break;
  }
  Step step = settle(refusal, all_rows(batch), batch.operation);
  give_up(step, job_of(memo));
  return step;
}

/// The job was open still: what was to close it has not arrived, and changes nothing any more once
/// the job is given up. Until that is certain the job itself is asked.
Step Bulk::read_aborted(const Batch& batch, const Memo& memo, const wire::Reply& reply) const {
  const auto body =
      judge(reply).judgement.means == AnswerClass::ok ? wire::read_json(reply) : std::nullopt;
  if (!body || wire::text_at(*body, "state") != kAborted) return in_job(memo);
  return all_rows_are(batch, Outcome::retryable,
                      reason_of("not_closed", "the job was not closed, and is given up"));
}

// --- the job and its results -----------------------------------------------------------------

Step Bulk::resume(const Batch& batch, const Memo& memo) const {
  if (!job_of(memo).empty()) return in_job(memo);
  return all_rows_are(batch, Outcome::unknown,
                      reason_of("interrupted", "the run ended before the answer was read"));
}

Call Bulk::poll(std::span<const JobBatch> batches) const {
  Call call;
  call.effect = Effect::none;
  call.request.method = wire::Method::get;
  call.request.path = job_path(batches.empty() ? "" : job_of(*batches.front().memo));
  return call;
}

Polled Bulk::polled(std::span<const JobBatch> batches, const wire::Reply& reply) const {
  Polled said;
  const Refusal refusal = judge(reply);
  const bool gone = reply.failure == wire::Failure::none && reply.status == 404 &&
                    refusal.reason.code == kNotFound;
  std::optional<json> body;
  if (refusal.judgement.means == AnswerClass::ok) body = wire::read_json(reply);
  if (!body && !gone) said.common = settle(refusal, {}, Operation::update);
  said.common.regroup.clear();
  said.common.hint = wire::read_rate_headers(reply);
  for (const JobBatch& one : batches) {
    if (gone) {
      said.steps.push_back(all_rows_are(one.batch, Outcome::unknown,
                                        reason_of("job_gone", "Salesforce has no such job")));
    } else if (body && wire::text_at(*body, "id") == job_of(*one.memo)) {
      said.steps.push_back(read_job(one, *body));
    } else {
      said.steps.push_back(in_job(*one.memo));
    }
  }
  return said;
}

Step Bulk::read_job(const JobBatch& one, const json& job) const {
  const std::string state = wire::text_at(job, "state");
  const std::string name = job_of(*one.memo);
  Step step;
  if (state == kOpenState) {
    step.calls.push_back(set_state(name, "Aborted"));
    step.calls.back().tag = kGiveUp;
    return step;
  }
  if (!is_one_of(state, kEnded)) return in_job(*one.memo);
  const std::string message = wire::text_at(job, "errorMessage");
  if (state == kFailed && count_at(job, "numberRecordsProcessed") == 0) {
    const auto begins = [&](std::string_view word) { return message.starts_with(word); };
    if (std::any_of(kBadFile.begin(), kBadFile.end(), begins)) {
      const Reason reason = reason_of("JOB_FAILED", message);
      step = all_rows_are(one.batch, Outcome::retryable, reason);
      step.stop = stop_for(Stop::Kind::configuration, reason,
                           "Correct the sync's fields, or give the login the right to them.");
      return step;
    }
  }
  auto results = std::make_shared<Results>(target_, one.batch);
  if (message.starts_with(kQuotaSpent)) {
    results->stop = stop_for(Stop::Kind::quota, reason_of("JOB_FAILED", message), {});
    results->stop->retry_after = kQuotaWindow;
  }
  const std::uint64_t processed = count_at(job, "numberRecordsProcessed");
  const std::uint64_t failed = count_at(job, "numberRecordsFailed");
  const bool all = state == kComplete && processed == one.batch.rows.size() && failed <= processed;
  if (!all) results->to_read.push_back(ResultSet::unprocessed);
  if (!all || failed > 0) results->to_read.push_back(ResultSet::failed);
  if (!all || failed < processed) results->to_read.push_back(ResultSet::successful);
  return next_results(name, std::move(results));
}

/// Asks for the next result set, or gives what is known once all are read.
Step Bulk::next_results(const std::string& job, std::shared_ptr<Results> results) const {
  static constexpr std::array<std::string_view, 3> kPaths{"/successfulResults", "/failedResults",
                                                          "/unprocessedrecords"};
  if (results->to_read.empty()) return results->take();
  const ResultSet set = results->to_read.back();
  results->to_read.pop_back();
  Step step;
  Call& call = step.calls.emplace_back();
  call.effect = Effect::none;
  call.tag = kResults;
  call.request.method = wire::Method::get;
  call.request.path = job_path(job, kPaths[static_cast<std::size_t>(set)]);
  call.request.patience = kFilePatience;
  call.request.sink = std::make_shared<ResultSink>(std::move(results), set);
  return step;
}

/// A set that is not read whole is asked for again, from the job on: what was written is written,
/// whatever becomes of this question.
Step Bulk::read_results(const Memo& memo, const Call& call, const wire::Reply& reply) const {
  auto* sink = dynamic_cast<ResultSink*>(call.request.sink.get());
  const bool read =
      reply.failure == wire::Failure::none && reply.consumed && sink != nullptr && sink->finish();
  if (read) return next_results(job_of(memo), sink->results());
  Step step = in_job(memo);
  step.pause = judge(reply).judgement.pause;
  return step;
}

}  // namespace tailrace::salesforce
