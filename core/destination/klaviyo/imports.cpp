#include "destination/klaviyo/imports.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "destination/klaviyo/answer.hpp"
#include "destination/klaviyo/facts.hpp"
#include "destination/settle.hpp"
#include "wire/json_reader.hpp"

namespace tailrace::klaviyo {
namespace {

using nlohmann::json;

// Steps of an import.
enum ImportTag : int { kQueue = -20, kReadErrors };

[[nodiscard]] wire::RowForm row_form() {
  wire::RowForm form;
  form.numbers = wire::NumberForm::number;
  form.clear = wire::RowForm::Clear::json_null;
  form.nested = true;
  return form;
}

[[nodiscard]] Step in_job(const Memo& memo) {
  Step step;
  step.in_job = true;
  step.memo = memo;
  return step;
}

[[nodiscard]] Step all_unknown(const std::vector<RowIndex>& rows, std::string_view code,
                               std::string_view message) {
  Step step;
  give_all(step, rows, Outcome::unknown, reason_of(code, message));
  return step;
}

[[nodiscard]] Sent sent_of(const Batch& batch, const Memo& memo) {
  return from_memo(memo, batch.rows.size()).value_or(Sent{{}, all_rows(batch)});
}

/// A profile that cannot be one fails the whole request, and none is written: those that the
/// errors point at are rejected, and the others go again. nullopt: no error points at a row.
[[nodiscard]] std::optional<Step> without_bad_rows(const Batch& batch, const Sent& sent,
                                                   const wire::Reply& reply) {
  Evidence evidence(batch.rows.size());
  bool any = false;
  for (const Problem& problem : problems_in(reply)) {
    if (!problem.row || *problem.row >= sent.rows.size()) continue;
    any = true;
    evidence.add({sent.rows[*problem.row],
                  Outcome::rejected,
                  reason_of(problem.code, problem.detail, problem.field),
                  {}});
  }
  if (!any) return std::nullopt;
  Step step;
  Regroup others{{}, batch.operation};
  for (const RowIndex row : sent.rows) {
    if (!evidence.has(row)) others.rows.push_back(row);
  }
  for (Verdict& verdict : std::move(evidence).verdicts({})) {
    if (verdict.outcome == Outcome::rejected) step.verdicts.push_back(std::move(verdict));
  }
  if (!others.rows.empty()) step.regroup.push_back(std::move(others));
  return step;
}

[[nodiscard]] Step read_queued(const Batch& batch, Sent sent, const wire::Reply& reply) {
  const Refusal refusal = judge(reply);
  if (refusal.judgement.means == AnswerClass::terminal && reply.status == 400) {
    if (auto step = without_bad_rows(batch, sent, reply)) return *step;
  }
  if (refusal.judgement.means != AnswerClass::ok) {
    return settle_refusal(refusal, sent.rows, batch.operation);
  }
  const auto body = wire::read_json(reply);
  sent.job = body ? wire::text_at(*body, "data.id") : std::string();
  if (reply.status != 202 || !is_plain_id(sent.job)) {
    Step step;
    give_all(step, sent.rows, Outcome::unknown, unreadable_answer());
    return step;
  }
  return in_job(to_memo(sent, batch.rows.size()));
}

[[nodiscard]] std::optional<std::size_t> count_at(const json& job, std::string_view name) {
  const json* count = wire::at_path(job, name);
  if (count == nullptr || !count->is_number_unsigned()) return std::nullopt;
  return count->get<std::size_t>();
}

/// Where both of a job's counts say that nothing failed, its errors need not be asked for.
[[nodiscard]] Step read_complete(const JobBatch& one, Sent sent, const json& attributes) {
  const std::size_t rows = sent.rows.size();
  if (count_at(attributes, "total_count") != rows) {
    return all_unknown(sent.rows, "contradictory", "the import is of another number of profiles");
  }
  const auto failed = count_at(attributes, "failed_count");
  auto errors = std::make_shared<ImportErrors>(std::move(sent), one.batch, failed);
  if (failed == std::size_t{0} && count_at(attributes, "completed_count") == rows) {
    return std::move(*errors).take();
  }
  Step step;
  step.calls.push_back(ask_for_errors(std::move(errors), {}));
  step.calls.back().tag = kReadErrors;
  return step;
}

[[nodiscard]] Step read_job(const JobBatch& one, Sent sent, const json& job) {
  const json* attributes = wire::member(job, "attributes");
  const std::string status =
      attributes == nullptr ? std::string() : wire::text_at(*attributes, "status");
  if (std::find(kUnderWay.begin(), kUnderWay.end(), status) != kUnderWay.end()) {
    return in_job(*one.memo);
  }
  if (status == kComplete) return read_complete(one, std::move(sent), *attributes);
  if (status == kCancelled) {
    return all_unknown(sent.rows, "job_cancelled", "Klaviyo has cancelled the import");
  }
  return all_unknown(sent.rows, "unreadable_answer", "an import in a state that is not Klaviyo's");
}

/// A page that is not read whole is asked for again, from the job on: what was written is written,
/// whatever becomes of this question.
[[nodiscard]] Step read_errors(const Batch& batch, const Memo& memo, const Call& call,
                               const wire::Reply& reply) {
  auto* page = dynamic_cast<ErrorPage*>(call.request.sink.get());
  const bool received = reply.failure == wire::Failure::none && reply.consumed && page != nullptr;
  const auto cursor = received ? page->finish() : std::nullopt;
  // Some errors of each row; a list that never ends is none.
  constexpr std::size_t kErrorsPerRow = 20;
  const bool endless =
      page != nullptr && page->errors()->size() > (batch.rows.size() + 1) * kErrorsPerRow;
  if (!cursor || endless) {
    Step step = in_job(memo);
    step.pause = judge(reply).judgement.pause;
    return step;
  }
  if (cursor->empty()) return std::move(*page->errors()).take();
  Step step;
  step.calls.push_back(ask_for_errors(page->errors(), *cursor));
  step.calls.back().tag = kReadErrors;
  return step;
}

}  // namespace

Imports::Imports(const Target& target, const Schema& schema)
    : target_(target),
      records_(in_document(schema), clearable(in_document(schema), is_kept), row_form()) {}

void Imports::item(std::string& out, const Batch& batch, RowIndex row,
                   wire::RowScratch& scratch) const {
  const std::size_t start = out.size();
  records_.write(out, batch, row, "\"type\":\"profile\",", scratch);
  // Of a row that is known by its id alone nothing else may be sent.
  constexpr std::string_view kMember = "\"attributes\":{";
  if (target_.by_id && out.find(kMember, start) == std::string::npos) {
    out.insert(start + 1, std::string(kMember) + "},");
  }
}

std::size_t Imports::bound(std::string_view line) const {
  // Behind the row's own: "type":"profile","attributes":{}, and commas.
  constexpr std::size_t kEnvelope = 48;
  constexpr std::size_t kEnough = kMaxBytes / kMaxRows / 2;
  return kEnvelope + records_.bound(line, kEnough);
}

void Imports::queue(Step& step, const Batch& batch, Sent sent) const {
  Call call = document_of(kImport, wire::Method::post, std::string(kJobs));
  call.tag = kQueue;
  std::string& body = call.request.body;
  std::size_t room = 256;
  for (const BatchRow& row : batch.rows) room += row.line.size() + 128;
  body.reserve(room);
  body.append(R"({"data":{"type":"profile-bulk-import-job","attributes":{"profiles":{"data":[)");
  wire::RowScratch scratch;
  bool first = true;
  for (const RowIndex row : sent.rows) {
    if (!std::exchange(first, false)) body += ',';
    item(body, batch, row, scratch);
  }
  body += "]}}";
  if (!target_.list.empty() && batch.operation != Operation::clear) {
    body.append(R"(,"relationships":{"lists":{"data":[{"type":"list","id":")");
    body.append(target_.list).append(R"("}]}})");
  }
  body += "}}";
  step.memo = to_memo(sent, batch.rows.size());
  step.calls.push_back(std::move(call));
}

bool Imports::is_ours(const Call& call) { return call.tag == kQueue || call.tag == kReadErrors; }

Step Imports::reply(const Batch& batch, const Memo& memo, const Call& call,
                    const wire::Reply& reply) const {
  if (call.tag == kReadErrors) return read_errors(batch, memo, call, reply);
  return read_queued(batch, sent_of(batch, memo), reply);
}

Step Imports::resume(const Batch& batch, const Memo& memo) {
  const auto sent = resumed(memo, batch.rows.size());
  if (sent) return in_job(to_memo(*sent, batch.rows.size()));
  return all_unknown(all_rows(batch), "interrupted", "the run ended before the answer was read");
}

Call Imports::poll(std::span<const JobBatch> batches) {
  std::string path(kJobs);
  const JobBatch& one = batches.front();
  path.append("/").append(sent_of(one.batch, *one.memo).job);
  return call_of(kJob, wire::Method::get, std::move(path));
}

Polled Imports::polled(std::span<const JobBatch> batches, const wire::Reply& reply) {
  Polled said;
  const Refusal refusal = judge(reply);
  const bool gone = reply.failure == wire::Failure::none && reply.status == 404 &&
                    refusal.reason.code == kNotFound;
  std::optional<json> body;
  if (refusal.judgement.means == AnswerClass::ok) body = wire::read_json(reply);
  if (!body && !gone) said.common = settle_refusal(refusal, {}, Operation::update);
  said.common.regroup.clear();
  said.common.hint = hint_of(reply);
  for (const JobBatch& one : batches) {
    std::optional<Sent> sent = from_memo(*one.memo, one.batch.rows.size());
    const json* job = body ? wire::member(*body, "data") : nullptr;
    if (!sent) {
      said.steps.push_back(
          all_unknown(all_rows(one.batch), "interrupted", "what was sent is not known any more"));
    } else if (gone) {
      said.steps.push_back(all_unknown(sent->rows, "job_gone", "Klaviyo has no such import"));
    } else if (job != nullptr && wire::text_at(*job, "id") == sent->job) {
      said.steps.push_back(read_job(one, std::move(*sent), *job));
    } else {
      said.steps.push_back(in_job(*one.memo));
    }
  }
  return said;
}

}  // namespace tailrace::klaviyo
